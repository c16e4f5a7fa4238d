// Containers of the stack that no service accounts for: reported, or removed when asked.
internal import BerthModel

extension Reconciler {
    /// Containers whose service is not in the file (a profile that is off is no reason), and one-off containers that
    /// ended.
    func orphans(of stack: Stack, among containers: [ObservedContainer]) -> [ObservedContainer] {
        containers.filter { container in
            let slot = container.record.slot
            if slot.oneOff != nil { return container.status.state == .exited || container.status.state == .dead }
            return stack.services[slot.service] == nil && stack.inactiveServices[slot.service] == nil
        }
    }
}

extension UpBuilder {
    /// The same name from another directory is most often a mistake: two checkouts, or two directories called `app`.
    mutating func noteOtherDirectory() {
        let others = Set(
            containers.filter { $0.record.slot.oneOff == nil }.compactMap {
                $0.record.labels[ComposeLabel.workingDirectory]
            }
        ).subtracting([stack.workingDirectory])
        guard let other = others.sorted().first else { return }
        plan.warn(
            "stack \"\(stack.name)\" was started from \(other), and this is \(stack.workingDirectory): its containers are "
                + "changed to what this directory says. Give one of the two another name with -p or name:")
    }

    mutating func findOrphans() {
        orphans = reconciler.orphans(of: stack, among: containers)
        if orphans.isEmpty || options.removeOrphans || options.ignoreOrphans { return }
        let names = orphans.map(\.record.name).sorted().joined(separator: " ")
        plan.warn(
            "Found orphan containers ([\(names)]) for this project. If you removed or renamed this service in your "
                + "compose file, you can run this command with the --remove-orphans flag to clean it up.")
    }

    mutating func emitOrphanRemovals() {
        guard options.removeOrphans else { return }
        for orphan in orphans {
            orphanRemovals.append(emitRemoval(orphan, cause: "orphan"))
        }
    }

    /// The removal that the plan has already, or a new one.
    mutating func removal(of container: ObservedContainer, cause: String) -> OperationID {
        removals[container.record.id] ?? emitRemoval(container, cause: cause)
    }

    /// Stops (if need be) and removes a container; its named and anonymous volumes stay.
    @discardableResult
    mutating func emitRemoval(
        _ container: ObservedContainer, named name: String? = nil, cause: String, dependsOn: [OperationID] = [],
        after: [OperationID] = []
    ) -> OperationID {
        let id = container.record.id
        let subject = Subject(.container, name ?? container.record.name, service: container.record.slot.service)
        var needs = dependsOn
        var order = after
        if let stop = earlyStops[id] {
            needs.append(stop)
        } else if container.status.needsStop {
            let stop = plan.add(
                .stopContainer(.existing(id), timeout: options.stopTimeout), on: subject, cause: cause,
                dependsOn: needs,
                after: order)
            needs = [stop]
            order = []
        }
        let removal = plan.add(
            .removeContainer(.existing(id), removeAnonymousVolumes: false), on: subject, cause: cause, dependsOn: needs,
            after: order)
        removals[id] = removal
        return removal
    }
}

extension ContainerStatus {
    /// Something runs, or will run again by itself.
    var needsStop: Bool { isRunning || state == .restarting }
}
