// Restarting: who, when, how often. Tables over Docker's rules.
import BerthModel
import BerthPlan
import Testing

@Suite("Restart back-off")
struct RestartBackoffTests {
    struct Case: Sendable {
        var policy: RestartPolicy
        var exitCode: Int32
        var stoppedByUser = false
        var restarts: Bool
    }

    @Test(
        "who is restarted",
        arguments: [
            Case(policy: .no, exitCode: 0, restarts: false),
            Case(policy: .no, exitCode: 1, restarts: false),
            Case(policy: .always, exitCode: 0, restarts: true),
            Case(policy: .always, exitCode: 1, restarts: true),
            Case(policy: .always, exitCode: 1, stoppedByUser: true, restarts: false),
            Case(policy: .unlessStopped, exitCode: 0, restarts: true),
            Case(policy: .unlessStopped, exitCode: 0, stoppedByUser: true, restarts: false),
            Case(policy: .onFailure(maximumRetries: nil), exitCode: 0, restarts: false),
            Case(policy: .onFailure(maximumRetries: nil), exitCode: 137, restarts: true),
            Case(policy: .onFailure(maximumRetries: 0), exitCode: 1, restarts: true),
            Case(policy: .onFailure(maximumRetries: 2), exitCode: 1, stoppedByUser: true, restarts: false),
        ])
    func who(_ c: Case) {
        var backoff = RestartBackoff(c.policy)
        let decision = backoff.ended(exitCode: c.exitCode, ranFor: .seconds(1), stoppedByUser: c.stoppedByUser)
        #expect(decision == (c.restarts ? .restart(after: .milliseconds(100)) : .stayDown))
    }

    @Test("the wait doubles up to a minute")
    func doubling() {
        var backoff = RestartBackoff(.always)
        var waits: [Duration] = []
        for _ in 0..<13 {
            if case .restart(let wait) = backoff.ended(exitCode: 1, ranFor: .seconds(1), stoppedByUser: false) {
                waits.append(wait)
            }
        }
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000, 60_000]
        #expect(waits == expected.map { .milliseconds($0) })
        #expect(backoff.restartCount == 13)
    }

    @Test("a run of ten seconds forgives, but does not forget")
    func forgiveness() {
        var backoff = RestartBackoff(.onFailure(maximumRetries: 3))
        for (ranFor, wait) in [(Duration.seconds(1), 100), (.milliseconds(9999), 200), (.seconds(10), 100)] {
            #expect(
                backoff.ended(exitCode: 1, ranFor: ranFor, stoppedByUser: false) == .restart(after: .milliseconds(wait))
            )
        }
        #expect(backoff.ended(exitCode: 1, ranFor: .seconds(10), stoppedByUser: false) == .stayDown)
    }

    @Test("on-failure:2 means three runs")
    func runs() {
        var backoff = RestartBackoff(.onFailure(maximumRetries: 2))
        var runs = 1
        while case .restart = backoff.ended(exitCode: 1, ranFor: .zero, stoppedByUser: false) { runs += 1 }
        #expect(runs == 3)
    }

    @Test("a count from an earlier agent goes on")
    func continued() {
        var backoff = RestartBackoff(.onFailure(maximumRetries: 2), restartCount: 2)
        #expect(backoff.ended(exitCode: 1, ranFor: .zero, stoppedByUser: false) == .stayDown)
    }

    @Test("only `always` comes back with the agent after it was stopped by hand")
    func agentStart() {
        func starts(_ policy: RestartPolicy, exitCode: Int32 = 1, stoppedByUser: Bool) -> Bool {
            RestartBackoff.startsWithAgent(policy, exitCode: exitCode, wasRunning: true, stoppedByUser: stoppedByUser)
        }
        #expect(starts(.always, stoppedByUser: true))
        #expect(!starts(.unlessStopped, stoppedByUser: true))
        #expect(starts(.unlessStopped, stoppedByUser: false))
        #expect(!starts(.no, stoppedByUser: false))
        #expect(starts(.onFailure(maximumRetries: nil), stoppedByUser: false))
        #expect(!starts(.onFailure(maximumRetries: nil), exitCode: 0, stoppedByUser: false))
    }
}
