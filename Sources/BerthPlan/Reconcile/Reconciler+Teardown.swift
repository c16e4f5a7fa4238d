// `down`: dependants before what they need, containers before networks, volumes only when asked.
package import BerthModel

/// What `down` may be asked for.
package struct DownOptions: Sendable, Equatable {
    /// Empty: the whole stack.
    package var services: [String] = []
    /// The named volumes that the file declares, and anonymous ones.
    package var removeVolumes = false
    package var removeOrphans = false
    package var stopTimeout: Duration?
    package init() {}
}

extension Reconciler {
    /// The plan that takes the stack away. Without a file (`stack` nil) the stack is what the containers' labels say:
    /// then there are no orphans, and everything of that name goes.
    ///
    /// Edges between services are mere order: a container that will not die does not keep the rest alive.
    package func down(
        _ name: String, _ stack: Stack?, _ observed: ObservedState, _ options: DownOptions = DownOptions()
    ) throws -> Plan {
        var teardown = Teardown(name: name, stack: stack, observed: observed, options: options)
        if let stack {
            for service in options.services where stack.services[service] == nil {
                throw BerthError(.notFound, "no such service: \(service)", subject: "service \(service)")
            }
            teardown.orphans = Set(orphans(of: stack, among: teardown.own).map(\.record.id))
        }
        teardown.removeContainers()
        teardown.removeNetworks()
        if options.removeVolumes { teardown.removeVolumes() }
        return teardown.plan
    }
}

private struct Teardown {
    let name: String
    let stack: Stack?
    let observed: ObservedState
    let options: DownOptions
    let own: [ObservedContainer]
    var orphans: Set<ContainerID> = []
    var plan = Plan()
    var removals: [ContainerID: OperationID] = [:]

    init(name: String, stack: Stack?, observed: ObservedState, options: DownOptions) {
        self.name = name
        self.stack = stack
        self.observed = observed
        self.options = options
        own = observed.containers.filter { $0.record.stack == name }.sorted {
            ($0.record.slot, $0.record.created, $0.record.id) < ($1.record.slot, $1.record.created, $1.record.id)
        }
    }

    /// With a list of services: only those. Else everything but orphans that were not asked for; one-off containers of
    /// services that exist go too, running or not.
    private func goes(_ container: ObservedContainer) -> Bool {
        let slot = container.record.slot
        guard options.services.isEmpty || options.services.contains(slot.service) else { return false }
        if options.removeOrphans || !orphans.contains(container.record.id) { return true }
        // An ended one-off is an orphan to `up`, but not something to leave behind.
        return slot.oneOff != nil && stack?.services[slot.service] != nil
    }

    mutating func removeContainers() {
        let graph = DependencyGraph(tolerating: serviceEdges)
        var stops: [String: [OperationID]] = [:]
        for service in graph.order.reversed() {
            let after = graph.dependants(of: service).flatMap { stops[$0] ?? [] }
            for container in own where container.record.slot.service == service && goes(container) {
                let id = container.record.id
                let subject = Subject(.container, container.record.name, service: service)
                var needs: [OperationID] = []
                if container.status.needsStop {
                    let stop = plan.add(
                        .stopContainer(.existing(id), timeout: options.stopTimeout), on: subject, cause: "down",
                        after: after)
                    stops[service, default: []].append(stop)
                    needs = [stop]
                }
                removals[id] = plan.add(
                    .removeContainer(.existing(id), removeAnonymousVolumes: options.removeVolumes), on: subject,
                    cause: "down", dependsOn: needs, after: needs.isEmpty ? after : [])
            }
        }
    }

    /// From the file where there is one; else what the containers remember.
    private var serviceEdges: [String: [String: Dependency]] {
        var edges: [String: [String: Dependency]] = [:]
        for container in own { edges[container.record.slot.service] = container.record.service.allDependencies }
        for service in stack?.sortedServices ?? [] { edges[service.name] = service.allDependencies }
        return edges
    }

    /// Networks of the stack that nobody stays in.
    mutating func removeNetworks() {
        for network in observed.networks.keys.sorted() {
            guard let record = observed.networks[network] else { continue }
            let residents = observed.containers.filter { container in
                container.record.endpoints.contains { $0.network == network }
            }
            if record.definition.isHostBridge {
                let isOurs = stack?.networks.values.contains(where: \.isHostBridge) ?? false
                guard residents.allSatisfy({ removals[$0.record.id] != nil }), isOurs || !residents.isEmpty else {
                    continue
                }
            } else if record.stack != name || record.definition.isExternal {
                continue
            }
            if let stays = residents.first(where: { removals[$0.record.id] == nil }) {
                if options.services.isEmpty {
                    plan.warn("network \(network) is still in use by container \(stays.record.name): it stays")
                }
                continue
            }
            plan.add(
                .removeNetwork(name: network), on: Subject(.network, network), cause: "down",
                dependsOn: residents.compactMap { removals[$0.record.id] })
        }
    }

    /// With a file: the volumes that it declares. Without: those labelled as the stack's. External ones never.
    mutating func removeVolumes() {
        for volume in observed.volumes.keys.sorted() {
            guard let record = observed.volumes[volume], record.stack == name, !record.isAnonymous, isDeclared(volume)
            else { continue }
            let users = observed.containers.filter { $0.record.mounts(volume) }
            if let stays = users.first(where: { removals[$0.record.id] == nil }) {
                plan.warn("volume \(volume) is still in use by container \(stays.record.name): it stays")
                continue
            }
            plan.add(
                .removeVolume(name: volume), on: Subject(.volume, volume), cause: "down --volumes",
                dependsOn: users.compactMap { removals[$0.record.id] })
        }
    }

    private func isDeclared(_ volume: String) -> Bool {
        guard let stack else { return options.services.isEmpty }
        let services =
            options.services.isEmpty
            ? stack.sortedServices + stack.inactiveServices.values : options.services.compactMap { stack.services[$0] }
        let used = Set(services.flatMap(\.volumeKeys))
        return stack.volumes.values.contains { definition in
            definition.name == volume && !definition.isExternal
                && (options.services.isEmpty || used.contains(definition.key))
        }
    }
}

extension ContainerRecord {
    func mounts(_ volume: String) -> Bool {
        mounts.contains { if case .volume(volume, _, _, _) = $0.source { true } else { false } }
    }
}
