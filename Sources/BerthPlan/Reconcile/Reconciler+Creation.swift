// New containers: their intents, labels and names. Creation needs networks, volumes and image, and waits for no gate.
internal import BerthModel

extension UpBuilder {
    mutating func emitCreations(_ service: Service) throws {
        for step in steps[service.name] ?? [] {
            let cause: String
            switch step.kind {
            case .create(let reason), .recreate(_, let reason): cause = reason
            case .keep, .start, .unpause, .restart: continue
            }
            var needs = operationsNeeded(by: service)
            var intent = try intent(of: service, step)
            needs += intent.sharing.targets.compactMap { target in
                if case .created(let operation) = target { operation } else { nil }
            }
            if let holder = holders[step.finalName] {
                if let removal = removals[holder.record.id] {
                    needs.append(removal)
                } else {
                    // The name is free only later; the holder's id makes the temporary one unique.
                    intent.name = "\(holder.record.id.short)_\(step.finalName)"
                    try checkTemporaryName(intent.name)
                    if let left = holders[intent.name] { needs.append(removal(of: left, cause: "left behind")) }
                }
            }
            if let old = step.replaced, let removal = removals[old.record.id] { needs.append(removal) }
            if beginsOnStandby(step) {
                intent.standsBy = true
                standbys.insert(step.slot)
            }
            let subject = Subject(.container, step.finalName, service: service.name)
            creations[step.slot] = plan.add(.createContainer(intent), on: subject, cause: cause, dependsOn: needs)
        }
    }

    private func checkTemporaryName(_ name: String) throws {
        guard let holder = holders[name], !leavingContainers.contains(holder.record.id) else { return }
        throw BerthError(
            .conflict, "the container name \"\(name)\" is already in use by container \(holder.record.id.short)",
            subject: "container \(name)", hint: "remove that container")
    }

    func operationsNeeded(by service: Service) -> [OperationID] {
        let networks = service.networkMode == nil ? service.networks.keys.compactMap { stack.networks[$0]?.name } : []
        let volumes = service.volumeKeys.compactMap { stack.volumes[$0]?.name }
        return networks.compactMap { networkOperations[$0] } + volumes.compactMap { volumeOperations[$0] }
    }

    private func intent(of service: Service, _ step: SlotStep) throws -> ContainerIntent {
        var intent = try reconciler.intent(
            of: service, in: stack, observed, slot: step.slot, finalName: step.finalName, useAliases: true)
        intent.sharing = try sharing(of: service)
        if let old = step.replaced {
            intent.predecessor = old.record.id
            if !options.renewAnonymousVolumes { intent.inheritedVolumes = old.record.anonymousVolumes(for: service) }
        }
        return intent
    }

    func sharing(of service: Service) throws -> ContainerIntent.Sharing {
        var sharing = ContainerIntent.Sharing()
        for (kind, owner) in service.sharedNamespaces {
            let target = try firstTarget(of: owner, for: service, sharing: "\(kind) namespace")
            switch kind {
            case "network": sharing.network = target
            case "pid": sharing.processes = target
            default: sharing.ipc = target
            }
        }
        for source in service.volumesFrom {
            guard case .service(let owner) = source.source else { continue }
            let target = try firstTarget(of: owner, for: service, sharing: "volumes")
            sharing.volumesFrom.append(ContainerIntent.VolumeSource(container: target, readOnly: source.readOnly))
        }
        return sharing
    }

    /// The container of the lowest number, be it new, kept, or (with `--no-deps`) outside this plan.
    private func firstTarget(of owner: String, for service: Service, sharing what: String) throws -> ContainerTarget {
        if let member = members(of: owner).first { return member.target }
        let outside = containers.first { $0.record.slot.service == owner && $0.record.slot.oneOff == nil }
        if let outside { return .existing(outside.record.id) }
        throw BerthError(
            .notFound,
            "service \"\(service.name)\" cannot share the \(what) of service \"\(owner)\": it has no container",
            subject: "service \(service.name)")
    }

    /// The containers of a service as they will be, lowest number first.
    func members(of service: String) -> [GateMember] {
        (steps[service] ?? []).compactMap { step in
            let target: ContainerTarget
            if let kept = step.kept {
                target = .existing(kept.record.id)
            } else if let creation = creations[step.slot] {
                target = .created(by: creation)
            } else {
                return nil
            }
            return GateMember(name: step.finalName, service: service, target: target)
        }
    }
}

extension Reconciler {
    /// Everything about a new container that does not depend on what else the plan does.
    func intent(
        of service: Service, in stack: Stack, _ observed: ObservedState, slot: ReplicaSlot, finalName: String,
        useAliases: Bool
    ) throws -> ContainerIntent {
        let reference = stack.imageReference(of: service)
        guard let image = observed.images[reference] else {
            throw BerthError(
                .notFound, "image \(reference) of service \"\(service.name)\" is not in the store",
                subject: "image \(reference)", hint: "import, load or pull it first")
        }
        var intent = ContainerIntent(
            stack: stack.name, slot: slot, name: finalName, service: service, imageReference: reference, image: image)
        let materials = stack.materialDigests(of: service)
        intent.configHash = try ConfigHash.hash(service, imageID: image.id, materials: materials, with: hash)
        intent.labels = try labels(of: service, slot, image, in: stack)
        if service.networkMode == nil {
            intent.networks = networks(of: service, in: stack, finalName: finalName, useAliases: useAliases)
        }
        for key in service.volumeKeys { intent.volumeNames[key] = stack.volumes[key]?.name }
        for use in service.secrets { intent.secrets[use.source] = stack.secrets[use.source] }
        for use in service.configs { intent.configs[use.source] = stack.configs[use.source] }
        return intent
    }

    private func networks(
        of service: Service, in stack: Stack, finalName: String, useAliases: Bool
    ) -> [NetworkIntent] {
        let networks = service.networks.compactMap { key, attachment -> NetworkIntent? in
            guard let name = stack.networks[key]?.name else { return nil }
            var names = [finalName] + (useAliases ? [service.name] + attachment.aliases : [])
            if stack.networks[key]?.isHostBridge == true {
                names = [NetworkDefinition.bridgeName(of: service.name, in: stack.name)]
            }
            var unique: [String] = []
            for name in names where !unique.contains(name) { unique.append(name) }
            return NetworkIntent(key: key, name: name, attachment: attachment, names: unique)
        }
        return networks.sorted {
            (-($0.attachment.priority ?? 0), $0.name) < (-($1.attachment.priority ?? 0), $1.name)
        }
    }

    private func labels(
        of service: Service, _ slot: ReplicaSlot, _ image: ObservedImage, in stack: Stack
    ) throws -> [String: String] {
        var labels = service.labels
        labels[ComposeLabel.project] = stack.name
        labels[ComposeLabel.service] = service.name
        labels[ComposeLabel.oneOff] = slot.oneOff == nil ? "False" : "True"
        labels[ComposeLabel.configHash] = try ConfigHash.label(service, with: hash)
        labels[ComposeLabel.workingDirectory] = stack.workingDirectory
        labels[ComposeLabel.configFiles] = stack.files.joined(separator: ",")
        labels[ComposeLabel.image] = image.id.description
        labels[ComposeLabel.version] = version
        labels[ComposeLabel.dependsOn] = service.allDependencies.sorted { $0.key < $1.key }
            .map { "\($0.key):\($0.value.condition.rawValue):\($0.value.restart)" }.joined(separator: ",")
        if !stack.environmentFiles.isEmpty {
            labels[ComposeLabel.environmentFile] = stack.environmentFiles.joined(separator: ",")
        }
        if let slug = slot.oneOff {
            labels[ComposeLabel.slug] = slug
        } else {
            labels[ComposeLabel.containerNumber] = String(slot.number)
        }
        return labels
    }
}

extension ContainerRecord {
    /// The anonymous volumes that a successor takes over, by target. Where the file now says something else for a
    /// target, the file wins.
    func anonymousVolumes(for service: Service) -> [String: String] {
        var volumes: [String: String] = [:]
        for mount in mounts {
            guard case .volume(let name, anonymous: true, _, _) = mount.source else { continue }
            let wanted = service.mounts.first { $0.target == mount.target }
            if let wanted {
                guard case .volume(key: nil, _, _) = wanted.kind else { continue }
            }
            volumes[mount.target] = name
        }
        return volumes
    }
}
