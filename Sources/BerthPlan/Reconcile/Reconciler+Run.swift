// `run`: a one-off container of a service, after what the service needs is ready.
package import BerthModel

/// What `run` may be asked for. The command line's overrides are already in the service.
package struct RunOptions: Sendable, Equatable {
    /// 12 hex digits that make the container's name unique; chosen by the caller, at random.
    package var slug: String
    /// Nil: `<stack>-<service>-run-<slug>`.
    package var name: String?
    package var includeDependencies = true
    /// The service's ports, or those given with `-p`, are published. Without it, none is.
    package var publishesPorts = false
    package var useAliases = false
    package var autoRemove = false
    package var removeOrphans = false
    package init(slug: String) { self.slug = slug }
}

extension Reconciler {
    /// The last two operations create and start the container; what comes before is `up` for its dependencies.
    package func run(
        _ service: Service, in stack: Stack, _ observed: ObservedState, _ options: RunOptions
    ) throws -> Plan {
        var stack = stack
        stack.services[service.name] = service
        var upOptions = UpOptions()
        upOptions.services = [service.name]
        upOptions.includeDependencies = options.includeDependencies
        upOptions.removeOrphans = options.removeOrphans
        // `run` says nothing about orphans; its own ended one-offs would be the first.
        upOptions.ignoreOrphans = true
        var builder = try UpBuilder(reconciler: self, stack: stack, observed: observed, options: upOptions)
        try builder.buildRun(service, options)
        return builder.plan
    }
}

extension UpBuilder {
    /// As `build`, except that the service itself gets one container of its own instead of its replicas.
    mutating func buildRun(_ service: Service, _ run: RunOptions) throws {
        let dependencies = orderedSelection.filter { $0.name != service.name }
        findOrphans()
        // Networks are used as they are: rebuilding one would take the service's own replicas down.
        for dependency in dependencies { try decide(dependency) }
        decideRestarts()
        try checkNames()
        emitOrphanRemovals()
        emitNetworkRebuild()
        try emitNetworks()
        try emitVolumes()
        for dependency in dependencies { try emitCreations(dependency) }
        emitEarlyStops()
        for dependency in dependencies { emitConvergence(dependency) }
        emitDeferredRenames()
        try emitOneOff(service, run)
    }

    private mutating func emitOneOff(_ service: Service, _ run: RunOptions) throws {
        var service = service
        service.containerName = nil
        service.restart = .no
        if !run.publishesPorts { service.ports = [] }
        let slot = ReplicaSlot(service: service.name, number: 0, oneOff: run.slug)
        let name = run.name ?? "\(stack.name)-\(slot)"
        if let holder = holders[name] {
            throw BerthError(
                .conflict, "the container name \"\(name)\" is already in use by container \(holder.record.id.short)",
                subject: "container \(name)", hint: "remove or rename that container")
        }
        var intent = try reconciler.intent(
            of: service, in: stack, observed, slot: slot, finalName: name, useAliases: run.useAliases)
        intent.sharing = try sharing(of: service)
        intent.publishesPorts = run.publishesPorts
        intent.autoRemove = run.autoRemove
        let subject = Subject(.container, name, service: service.name)
        let needs =
            operationsNeeded(by: service)
            + intent.sharing.targets.compactMap { if case .created(let operation) = $0 { operation } else { nil } }
        let creation = plan.add(.createContainer(intent), on: subject, cause: "run", dependsOn: needs)
        let gates = gateEdges(of: service)
        plan.add(
            .startContainer(.created(by: creation)), on: subject, cause: "run", dependsOn: [creation] + gates.needs,
            after: gates.after + orphanRemovals)
    }
}
