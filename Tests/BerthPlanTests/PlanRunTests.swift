// Walking plans: order, failure, tolerance, cancellation.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Running a plan")
struct PlanRunTests {
    /// Operations `#1…` whose edges are given as numbers; negative ones are mere order.
    static func plan(_ edges: [[Int]], optional: Set<Int> = []) -> Plan {
        var plan = Plan()
        for (index, edges) in edges.enumerated() {
            plan.add(
                .createNetwork(NetworkDefinition(key: "n", name: "n\(index + 1)")),
                on: Subject(.network, "n\(index + 1)"), cause: "test",
                dependsOn: edges.filter { $0 > 0 }.map { OperationID($0) },
                after: edges.filter { $0 < 0 }.map { OperationID(-$0) }, isOptional: optional.contains(index + 1))
        }
        return plan
    }

    static let error = BerthError(.conflict, "it broke")

    func numbers(_ operations: [Operation]) -> [Int] { operations.map(\.id.number) }

    @Test("an operation starts when all its edges are met, and only once")
    func order() {
        var run = PlanRun(Self.plan([[], [], [1, 2], [-3]]))
        #expect(numbers(run.start()) == [1, 2])
        #expect(numbers(run.start()) == [])
        run.finish(OperationID(2), .success())
        #expect(numbers(run.start()) == [])
        run.finish(OperationID(1), .success())
        #expect(numbers(run.start()) == [3])
        run.finish(OperationID(3), .success())
        #expect(numbers(run.start()) == [4])
        #expect(!run.isFinished)
        run.finish(OperationID(4), .success())
        #expect(run.isFinished && run.summary.isSuccess)
        #expect(run.summary.succeeded == 4)
    }

    @Test("a failure skips what needs it, names the culprit, and lets the rest finish")
    func failure() {
        var run = PlanRun(Self.plan([[], [1], [2], [], [4], [-3]]))
        #expect(numbers(run.start()) == [1, 4])
        run.finish(OperationID(1), .failure(Self.error))
        #expect(run.state(of: OperationID(2)) == .skipped(because: OperationID(1)))
        #expect(run.state(of: OperationID(3)) == .skipped(because: OperationID(1)))
        // Mere order goes on.
        #expect(numbers(run.start()) == [6])
        run.finish(OperationID(4), .success())
        #expect(numbers(run.start()) == [5])
        run.finish(OperationID(5), .success())
        run.finish(OperationID(6), .success())
        #expect(run.isFinished)
        #expect(!run.summary.isSuccess)
        #expect(run.summary.firstError == Self.error)
        #expect(run.summary.skipped == [OperationID(2), OperationID(3)])
    }

    @Test("an optional operation that fails, or is skipped, holds nobody up")
    func tolerance() {
        var failed = PlanRun(Self.plan([[], [1]], optional: [1]))
        _ = failed.start()
        failed.finish(OperationID(1), .failure(Self.error))
        #expect(numbers(failed.start()) == [2])
        failed.finish(OperationID(2), .success())
        #expect(failed.summary.isSuccess)
        #expect(failed.summary.tolerated.map(\.error) == [Self.error])

        var skipped = PlanRun(Self.plan([[], [1], [2]], optional: [2]))
        _ = skipped.start()
        skipped.finish(OperationID(1), .failure(Self.error))
        #expect(skipped.state(of: OperationID(2)) == .skipped(because: OperationID(1)))
        #expect(numbers(skipped.start()) == [3])
    }

    @Test("cancelling starts nothing more and still takes outcomes")
    func cancellation() {
        var run = PlanRun(Self.plan([[], [1], []]))
        #expect(numbers(run.start(limit: 1)) == [1])
        run.cancel()
        #expect(numbers(run.start()) == [])
        #expect(run.state(of: OperationID(2)) == .cancelled)
        #expect(!run.isFinished)
        run.finish(OperationID(1), .success())
        #expect(run.isFinished)
        #expect(!run.summary.isSuccess)
        #expect(run.summary.cancelled == [OperationID(2), OperationID(3)])
    }

    @Test("at most the limit runs at a time")
    func limit() {
        var run = PlanRun(Self.plan([[], [], []]))
        #expect(numbers(run.start(limit: 2)) == [1, 2])
        #expect(numbers(run.start(limit: 2)) == [])
        run.finish(OperationID(2), .success())
        #expect(numbers(run.start(limit: 2)) == [3])
    }

    @Test("outcomes of what does not run are ignored")
    func strangers() {
        var run = PlanRun(Self.plan([[]]))
        run.finish(OperationID(1), .success())
        run.finish(OperationID(7), .success())
        #expect(!run.isFinished)
        _ = run.start()
        run.finish(OperationID(1), .success())
        run.finish(OperationID(1), .failure(Self.error))
        #expect(run.summary.isSuccess)
    }

    @Test("a target leads to the container that was created")
    func targets() throws {
        let id = ContainerID(randomBytes: Array(repeating: 1, count: 32))
        var run = PlanRun(Self.plan([[]]))
        #expect(run.container(.existing(id)) == id)
        #expect(run.container(.created(by: OperationID(1))) == nil)
        _ = run.start()
        run.finish(OperationID(1), .success(container: id))
        #expect(run.container(.created(by: OperationID(1))) == id)
    }

    @Test("an empty plan is finished at once")
    func empty() {
        let run = PlanRun(Plan())
        #expect(run.isFinished && run.summary.isSuccess)
        #expect(Plan().description == "")
    }

    @Test("edges that follow from others are left out, but not through optional operations")
    func reduction() {
        #expect(Self.plan([[], [1], [1, 2]]).operations[2].dependsOn == [OperationID(2)])
        #expect(
            Self.plan([[], [1], [1, 2]], optional: [2]).operations[2].dependsOn == [OperationID(1), OperationID(2)])
        #expect(Self.plan([[], [1], [-1, 2]]).operations[2].after == [])
    }

    @Test("durations print as short as they can")
    func durations() {
        #expect(Duration.seconds(10).secondsText == "10s")
        #expect(Duration.milliseconds(1500).secondsText == "1.5s")
        #expect(Duration.milliseconds(50).secondsText == "0.05s")
        #expect(Duration.zero.secondsText == "0s")
        #expect(Duration.milliseconds(-1500).secondsText == "-1.5s")
    }
}
