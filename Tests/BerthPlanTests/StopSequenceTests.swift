// Stopping: the grace period, the kill, and when waiting is pointless.
import BerthPlan
import Testing

@Suite("Stop sequence")
struct StopSequenceTests {
    static let deaf = SignalSample(caught: 0, blocked: 0, waitsForSignals: false)
    static let term: Int32 = 15

    struct Case: Sendable {
        var name: String
        var first = true
        var ranFor = Duration.seconds(5)
        var samples = [deaf, deaf]
        var isPointless = false
    }

    @Test(
        "when the grace period is cut short",
        arguments: [
            Case(name: "PID 1 without a handler", isPointless: true),
            Case(name: "not the first of its namespace", first: false),
            Case(name: "too young", ranFor: .milliseconds(999)),
            Case(name: "just old enough", ranFor: .seconds(1), isPointless: true),
            Case(name: "one sample proves nothing", samples: [deaf]),
            Case(
                name: "a handler", samples: [deaf, SignalSample(caught: 1 << 14, blocked: 0, waitsForSignals: false)]),
            Case(
                name: "a handler that was removed",
                samples: [SignalSample(caught: 1 << 14, blocked: 0, waitsForSignals: false), deaf]),
            Case(
                name: "blocked, perhaps for a signalfd",
                samples: [deaf, SignalSample(caught: 0, blocked: 1 << 14, waitsForSignals: false)]),
            Case(
                name: "an init in sigtimedwait",
                samples: [deaf, SignalSample(caught: 0, blocked: 0, waitsForSignals: true)]),
            Case(
                name: "handlers for other signals",
                samples: Array(
                    repeating: SignalSample(caught: ~(1 << 14), blocked: ~(1 << 14), waitsForSignals: false), count: 2),
                isPointless: true),
        ])
    func judge(_ c: Case) {
        let verdict = StopJudge.isPointless(
            signal: Self.term, isFirstOfItsNamespace: c.first, ranFor: c.ranFor, samples: c.samples)
        #expect(verdict == c.isPointless, "\(c.name)")
    }

    static func sequence(
        signal: Int32 = term, grace: Duration = .seconds(10), started: Duration = .zero, first: Bool = true
    ) -> StopSequence {
        StopSequence(signal: signal, grace: grace, started: started, isFirstOfItsNamespace: first)
    }

    @Test("signal, grace, kill, and in the end giving up")
    func course() {
        var stop = Self.sequence(first: false)
        #expect(stop.begin(at: .seconds(100)) == [.send(signal: 15), .wake(at: .seconds(110))])
        #expect(stop.begin(at: .seconds(101)) == [])
        #expect(stop.timeReached(.seconds(105)) == [])
        #expect(stop.timeReached(.seconds(110)) == [.kill, .wake(at: .seconds(120))])
        #expect(stop.timeReached(.seconds(120)) == [.giveUp])
        #expect(stop.timeReached(.seconds(121)) == [])
    }

    @Test("an exit ends it")
    func exit() {
        var stop = Self.sequence()
        _ = stop.begin(at: .seconds(100))
        stop.exited()
        #expect(stop.timeReached(.seconds(110)) == [])
        #expect(stop.sampled(Self.deaf, at: .seconds(101)) == [])
    }

    @Test("a deaf PID 1 is killed after the second sample")
    func shortcut() {
        var stop = Self.sequence()
        #expect(
            stop.begin(at: .seconds(100)) == [.send(signal: 15), .wake(at: .seconds(110)), .sample(at: .seconds(100))])
        #expect(stop.sampled(Self.deaf, at: .seconds(100)) == [.sample(at: .milliseconds(100_050))])
        #expect(stop.sampled(Self.deaf, at: .milliseconds(100_050)) == [.kill, .wake(at: .milliseconds(110_050))])
    }

    @Test("a young container is only looked at when it is a second old")
    func youth() {
        var stop = Self.sequence(started: .milliseconds(99_900))
        #expect(stop.begin(at: .seconds(100)).last == .sample(at: .milliseconds(100_900)))
    }

    @Test("who can hear is not sampled again")
    func hearing() {
        var stop = Self.sequence()
        _ = stop.begin(at: .seconds(100))
        let hearing = SignalSample(caught: 1 << 14, blocked: 0, waitsForSignals: false)
        #expect(stop.sampled(hearing, at: .seconds(100)) == [])
        #expect(stop.timeReached(.seconds(110)) == [.kill, .wake(at: .seconds(120))])
    }

    @Test("SIGKILL needs no grace, a negative grace never ends, zero is at once")
    func graces() {
        var kill = Self.sequence(signal: 9)
        #expect(kill.begin(at: .zero) == [.kill, .wake(at: .seconds(10))])
        var patient = Self.sequence(grace: .seconds(-1))
        #expect(patient.begin(at: .zero) == [.send(signal: 15)])
        #expect(patient.timeReached(.seconds(100_000)) == [])
        var hasty = Self.sequence(grace: .zero)
        #expect(hasty.begin(at: .zero) == [.send(signal: 15), .wake(at: .zero)])
        #expect(hasty.timeReached(.zero) == [.kill, .wake(at: .seconds(10))])
    }
}
