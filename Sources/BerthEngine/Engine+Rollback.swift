// `failure_action: rollback`: an update that failed is undone, and `up` still fails, with both told.
import BerthModel
import BerthPlan

extension Engine {
    /// Brings back what the services whose update failed had before.
    ///
    /// - Returns: the error that `up` ends with.
    func undone(
        _ run: PlanRun, _ stack: Stack, _ error: BerthError, _ report: @escaping ProgressReport
    ) async -> BerthError {
        var error = error
        for service in stack.sortedServices where service.update?.failureAction == .rollback {
            let made = created(run, service.name)
            if made.isEmpty || Task.isCancelled { continue }
            do {
                report(.warning("service \(service.name): the update failed, the containers before come back"))
                try await revert(service, made, in: stack, report)
                error.hint = Engine.joined("\(service.name) is back to what ran before this update", error.hint)
            } catch let second {
                let text = "going back to what ran before failed as well: \(second)"
                error.hint = Engine.joined(text, error.hint)
            }
        }
        return error
    }

    private static func joined(_ first: String, _ second: String?) -> String {
        second.map { "\(first)\n\($0)" } ?? first
    }

    /// The containers that this run made for a service whose update did not come to its end; empty: it did, or nothing
    /// was there before it.
    private func created(_ run: PlanRun, _ service: String) -> Set<ContainerID> {
        var made: Set<ContainerID> = []
        var isComplete = true
        var isUpdate = false
        for operation in run.plan.operations where operation.subject.service == service {
            let state = run.state(of: operation.id)
            if case .createContainer(let intent) = operation.action, intent.predecessor != nil { isUpdate = true }
            if case .createContainer = operation.action, let id = run.container(.created(by: operation.id)) {
                made.insert(id)
            }
            switch state {
            case .succeeded, .tolerated: continue
            default: isComplete = false
            }
        }
        return isUpdate && !isComplete ? made : []
    }

    private func revert(
        _ service: Service, _ made: Set<ContainerID>, in stack: Stack, _ report: @escaping ProgressReport
    ) async throws {
        var options = UpOptions()
        options.services = [service.name]
        options.includeDependencies = false
        options.ignoreOrphans = true
        options.reverting = made
        let observed = try await observe(stack.name, stack)
        let plan = try reconciler.up(stack, observed, options)
        let run = try await walk(plan, stack.name, dryRun: false, report)
        if let error = run.summary.firstError { throw error }
    }
}
