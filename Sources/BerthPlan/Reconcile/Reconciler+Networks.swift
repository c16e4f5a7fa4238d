// Networks: created where a selected service needs them, rebuilt where their definition changed, never touched when
// external.
internal import BerthModel

extension UpBuilder {
    /// The definitions that the selected services use, by key, in key order.
    var usedNetworks: [NetworkDefinition] {
        let keys = Set(orderedSelection.filter { $0.networkMode == nil }.flatMap { $0.networks.keys })
        return keys.sorted().compactMap { stack.networks[$0] }
    }

    /// A changed network can only be made anew when nothing stays in it.
    mutating func findRebuiltNetworks() {
        for wanted in usedNetworks where !wanted.isExternal {
            guard let record = observed.networks[wanted.name] else { continue }
            guard record.stack == stack.name else {
                plan.warn(
                    "a network with name \(wanted.name) exists but was not created for project \"\(stack.name)\".\n"
                        + "Set `external: true` to use an existing network")
                continue
            }
            guard record.definition.substance != wanted.substance else { continue }
            if let stays = residents(of: wanted.name).first(where: { !mayLeave($0) }) {
                plan.warn(
                    "network \(wanted.name) changed, but container \(stays.record.name) is in it: it stays as it is"
                )
            } else {
                rebuiltNetworks.insert(wanted.name)
            }
        }
    }

    private func residents(of network: String) -> [ObservedContainer] {
        containers.filter { $0.record.endpoints.contains { $0.network == network } }
    }

    private func mayLeave(_ container: ObservedContainer) -> Bool {
        let slot = container.record.slot
        if options.removeOrphans && orphans.contains(where: { $0.record.id == container.record.id }) { return true }
        return slot.oneOff == nil && selection.contains(slot.service) && options.recreate != .never
    }

    /// Takes everything out of the networks that are made anew, dependants first. Here the old container is gone
    /// before the new one is created: a network cannot be replaced under one.
    mutating func emitNetworkRebuild() {
        guard !rebuiltNetworks.isEmpty else { return }
        let leaving = leavingContainers
        var stops: [String: [OperationID]] = [:]
        for name in graph.order.reversed() {
            for container in containers where container.record.slot.service == name {
                let networks = container.record.endpoints.map(\.network).filter(rebuiltNetworks.contains)
                guard let network = networks.first, leaving.contains(container.record.id) else { continue }
                guard removals[container.record.id] == nil else { continue }
                let after = graph.dependants(of: name).flatMap { stops[$0] ?? [] }
                let removal = emitRemoval(container, cause: "network \(network) changed", after: after)
                stops[name, default: []].append(removal)
            }
        }
    }

    mutating func emitNetworks() throws {
        for wanted in usedNetworks {
            let exists = observed.networks[wanted.name] != nil
            if wanted.isExternal {
                if exists { continue }
                if wanted.isHostBridge {
                    networkOperations[wanted.name] = plan.add(
                        .createNetwork(.hostBridge), on: Subject(.network, wanted.name), cause: "the first to need it")
                    continue
                }
                throw BerthError(
                    .notFound, "network \(wanted.name) declared as external, but could not be found",
                    subject: "network \(wanted.name)", hint: "create it, or remove external: true")
            }
            var definition = wanted
            definition.labels.merge(reconciler.labels(stack, [ComposeLabel.network: wanted.key])) { $1 }
            let subject = Subject(.network, wanted.name)
            if rebuiltNetworks.contains(wanted.name) {
                let out = residents(of: wanted.name).compactMap { removals[$0.record.id] }
                let removal = plan.add(
                    .removeNetwork(name: wanted.name), on: subject, cause: "definition changed", dependsOn: out)
                networkOperations[wanted.name] = plan.add(
                    .createNetwork(definition), on: subject, cause: "definition changed", dependsOn: [removal])
            } else if !exists {
                networkOperations[wanted.name] = plan.add(
                    .createNetwork(definition), on: subject, cause: "no existing network")
            }
        }
    }
}

extension NetworkDefinition {
    /// What cannot change without a new network: everything but the key and the labels that compose adds.
    var substance: NetworkDefinition {
        var substance = self
        substance.key = ""
        substance.labels = labels.filter { !$0.key.hasPrefix("com.docker.compose.") }
        return substance
    }
}

extension Reconciler {
    /// Labels that every object of a stack has.
    func labels(_ stack: Stack, _ own: [String: String]) -> [String: String] {
        [ComposeLabel.project: stack.name, ComposeLabel.version: version].merging(own) { $1 }
    }
}
