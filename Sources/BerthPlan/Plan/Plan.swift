// A plan: operations as a directed acyclic graph, in an order that is one valid way to walk it.

/// What must be done, and in which order. Made by the reconciler, walked by `PlanRun`, printed by `--dry-run`.
///
/// Invariant: operations are numbered 1… in array order, and every edge leads to a smaller number; so a plan cannot
/// have a cycle, and array order is a valid sequential execution.
package struct Plan: Codable, Sendable, Equatable {
    package private(set) var operations: [Operation] = []
    /// What the user should hear, whether or not anything is done.
    package private(set) var warnings: [String] = []

    package init() {}

    package var isEmpty: Bool { operations.isEmpty }

    package subscript(_ id: OperationID) -> Operation { operations[id.number - 1] }

    /// Appends an operation and returns its id. Edges must lead to operations that are already in the plan.
    @discardableResult
    package mutating func add(
        _ action: Action, on subject: Subject, cause: String, dependsOn: [OperationID] = [], after: [OperationID] = [],
        isOptional: Bool = false
    ) -> OperationID {
        let id = OperationID(operations.count + 1)
        let all = Set(dependsOn).union(after)
        precondition(all.allSatisfy { $0 < id && $0.number > 0 }, "an edge leads backwards in its plan")
        let implied = implied(by: dependsOn)
        operations.append(
            Operation(
                id: id, subject: subject, cause: cause, action: action,
                dependsOn: Set(dependsOn).subtracting(implied).sorted(),
                after: Set(after).subtracting(dependsOn).subtracting(implied).sorted(), isOptional: isOptional))
        return id
    }

    /// What the operations need in turn: edges to those say nothing new. An optional operation implies nothing,
    /// because what depends on it goes on without what it needs.
    private func implied(by needs: [OperationID]) -> Set<OperationID> {
        var implied: Set<OperationID> = []
        var pending = needs
        while let id = pending.popLast() {
            if self[id].isOptional { continue }
            for need in self[id].dependsOn where implied.insert(need).inserted { pending.append(need) }
        }
        return implied
    }

    package mutating func warn(_ message: String) {
        if !warnings.contains(message) { warnings.append(message) }
    }
}
