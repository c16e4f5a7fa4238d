// Walking a plan, without doing anything: which operations may start, what a failure or a cancellation means for the
// rest.
package import BerthModel

/// The execution state of one plan. The executor asks `start`, performs, and tells `finish`.
///
/// A failure skips what depends on it and lets every other branch finish; behind an optional operation all goes on.
/// Cancelling starts nothing new; what is running is the executor's to interrupt, and its outcomes are still taken.
package struct PlanRun: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// The id of the container that a `createContainer` made; nil for everything else.
        case success(container: ContainerID? = nil)
        case failure(BerthError)
    }

    package enum State: Sendable, Equatable {
        case waiting
        case running
        case succeeded
        /// An optional operation that failed: a warning.
        case tolerated(BerthError)
        case failed(BerthError)
        /// Not tried, because this operation (the first cause, not the last link) failed.
        case skipped(because: OperationID)
        /// Not tried, because the run was cancelled.
        case cancelled

        package var isEnded: Bool { self != .waiting && self != .running }
    }

    package let plan: Plan
    package private(set) var isCancelled = false
    private var states: [State]
    private var created: [OperationID: ContainerID] = [:]
    /// Edges that still hold an operation back, and the operations that an operation holds back, by index.
    private var blockers: [Int]
    private var dependants: [[Int]]
    /// Indices whose edges are all met, ascending.
    private var ready: [Int] = []
    private var runningCount = 0
    private var endedCount = 0

    package init(_ plan: Plan) {
        self.plan = plan
        let count = plan.operations.count
        states = Array(repeating: .waiting, count: count)
        blockers = Array(repeating: 0, count: count)
        dependants = Array(repeating: [], count: count)
        for (index, operation) in plan.operations.enumerated() {
            for edge in operation.dependsOn + operation.after {
                dependants[edge.number - 1].append(index)
                blockers[index] += 1
            }
            if blockers[index] == 0 { ready.append(index) }
        }
    }

    package func state(of id: OperationID) -> State { states[id.number - 1] }

    /// True when every operation has ended, one way or another.
    package var isFinished: Bool { endedCount == states.count }
    package var running: [Operation] { plan.operations.filter { state(of: $0.id) == .running } }

    /// The operations to perform now, marked as running; at most `limit` are running at a time.
    package mutating func start(limit: Int = .max) -> [Operation] {
        guard !isCancelled else { return [] }
        let count = min(ready.count, max(0, limit - runningCount))
        let starting = ready.prefix(count)
        ready.removeFirst(count)
        for index in starting { states[index] = .running }
        runningCount += count
        return starting.map { plan.operations[$0] }
    }

    /// Takes the outcome of a running operation; anything said about one that is not running is ignored.
    package mutating func finish(_ id: OperationID, _ outcome: Outcome) {
        let index = id.number - 1
        guard states.indices.contains(index), states[index] == .running else { return }
        runningCount -= 1
        switch outcome {
        case .success(let container):
            created[id] = container
            end(index, as: .succeeded)
        case .failure(let error):
            end(index, as: plan.operations[index].isOptional ? .tolerated(error) : .failed(error))
        }
    }

    /// Starts nothing more. What never started becomes `cancelled` at once.
    package mutating func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        ready = []
        for index in states.indices where states[index] == .waiting {
            states[index] = .cancelled
            endedCount += 1
        }
    }

    /// The id behind a target; nil while the operation that creates it has not succeeded.
    package func container(_ target: ContainerTarget) -> ContainerID? {
        switch target {
        case .existing(let id): id
        case .created(let operation): created[operation]
        }
    }

    private mutating func end(_ index: Int, as state: State) {
        var ending: [(index: Int, state: State)] = [(index, state)]
        while let (index, state) = ending.popLast() {
            states[index] = state
            endedCount += 1
            for next in dependants[index] where states[next] == .waiting {
                blockers[next] -= 1
                guard blockers[next] == 0 else { continue }
                if let culprit = culprit(of: plan.operations[next]) {
                    ending.append((next, .skipped(because: culprit)))
                } else {
                    makeReady(next)
                }
            }
        }
    }

    /// The first failure among what the operation needs; mere order does not count, nor what is optional, tried or not.
    private func culprit(of operation: Operation) -> OperationID? {
        for id in operation.dependsOn where !plan[id].isOptional {
            switch state(of: id) {
            case .failed: return id
            case .skipped(let because): return because
            default: continue
            }
        }
        return nil
    }

    private mutating func makeReady(_ index: Int) {
        let place = ready.firstIndex { $0 > index } ?? ready.endIndex
        ready.insert(index, at: place)
    }
}

extension PlanRun {
    /// How the run ended.
    package struct Summary: Sendable, Equatable {
        package var succeeded = 0
        package var failures: [OperationFailure] = []
        package var tolerated: [OperationFailure] = []
        package var skipped: [OperationID] = []
        package var cancelled: [OperationID] = []

        package var isSuccess: Bool { failures.isEmpty && skipped.isEmpty && cancelled.isEmpty }
        /// The error of the first failed operation in plan order.
        package var firstError: BerthError? { failures.first?.error }
    }

    package struct OperationFailure: Sendable, Equatable {
        package var operation: OperationID
        package var error: BerthError
    }

    package var summary: Summary {
        var summary = Summary()
        for operation in plan.operations {
            let id = operation.id
            switch state(of: id) {
            case .succeeded: summary.succeeded += 1
            case .tolerated(let error): summary.tolerated.append(OperationFailure(operation: id, error: error))
            case .failed(let error): summary.failures.append(OperationFailure(operation: id, error: error))
            case .skipped: summary.skipped.append(id)
            case .cancelled: summary.cancelled.append(id)
            case .waiting, .running: break
            }
        }
        return summary
    }
}
