// Bringing services to what was decided, dependencies first: gates, replacement, start, and the wait at the end.
internal import BerthModel

extension UpBuilder {
    /// `restart: true` stops the dependant before its dependency is replaced; dependants of dependants first.
    mutating func emitEarlyStops() {
        guard options.start else { return }
        for service in orderedSelection.reversed() {
            let triggers = restartTriggers(of: service)
            guard !triggers.isEmpty else { continue }
            // If a new dependency cannot even be created, nothing needs to stop.
            let created = triggers.flatMap { name in (steps[name] ?? []).compactMap { creations[$0.slot] } }
            let after = graph.dependants(of: service.name).flatMap { name in stops(of: name) }
            for step in steps[service.name] ?? [] {
                guard let container = step.replaced ?? restarted(step), container.status.needsStop else { continue }
                let id = container.record.id
                guard removals[id] == nil else { continue }
                earlyStops[id] = plan.add(
                    .stopContainer(.existing(id), timeout: options.stopTimeout),
                    on: Subject(.container, container.record.name, service: service.name),
                    cause: "dependency \(triggers.joined(separator: ", ")) is recreated",
                    dependsOn: created + (creations[step.slot].map { [$0] } ?? []), after: after)
            }
        }
    }

    private func restarted(_ step: SlotStep) -> ObservedContainer? {
        if case .restart(let container, _) = step.kind { container } else { nil }
    }

    private func stops(of service: String) -> [OperationID] {
        (steps[service] ?? []).compactMap { ($0.replaced ?? restarted($0)).flatMap { earlyStops[$0.record.id] } }
    }

    mutating func emitConvergence(_ service: Service) {
        for departure in departures[service.name] ?? [] where removals[departure.container.record.id] == nil {
            emitRemoval(departure.container, cause: departure.cause)
        }
        let all = steps[service.name] ?? []
        guard let update = service.update, options.start else {
            for step in all { emitReplacement(step, of: service, after: nil) }
            return
        }
        let isReplaced = { (step: SlotStep) in step.replaced != nil || !step.displaced.isEmpty }
        for step in all where !isReplaced(step) { emitReplacement(step, of: service, after: nil) }
        emitUpdate(all.filter(isReplaced), of: service, update)
    }

    /// A batch is replaced when the batch before it is ready, and has been so for a while. What never becomes ready
    /// ends the update there, or is a warning, as the policy says.
    private mutating func emitUpdate(_ rolled: [SlotStep], of service: Service, _ update: UpdatePolicy) {
        let size = update.parallelism == 0 ? max(1, rolled.count) : update.parallelism
        var gate: OperationID?
        for first in stride(from: 0, to: rolled.count, by: size) {
            let batch = rolled[first..<min(first + size, rolled.count)]
            let started = starts[service.name]?.count ?? 0
            for step in batch { emitReplacement(step, of: service, after: gate) }
            let isLast = first + size >= rolled.count
            if isLast && update.monitor == .zero { return }
            let slots = Set(batch.map(\.finalName))
            gate = plan.add(
                .awaitSteady(
                    members(of: service.name).filter { slots.contains($0.name) }, monitor: update.monitor,
                    delay: isLast ? .zero : update.delay),
                on: Subject(.service, service.name, service: service.name),
                cause: "update_config: \(size) at a time",
                dependsOn: Array((starts[service.name] ?? []).dropFirst(started)),
                isOptional: update.failureAction == .continue)
        }
    }

    /// Stop old, remove old, rename new, start new. The new container was created before: when that fails, the old
    /// one runs on untouched. It cannot be started before the old one is stopped, because both are in one replica
    /// slot, which owns the address and the host ports. The old one runs until the gates of its successor are open.
    private mutating func emitReplacement(_ step: SlotStep, of service: Service, after gate: OperationID?) {
        let creation = creations[step.slot]
        let target: ContainerTarget
        if let creation {
            target = .created(by: creation)
        } else if let kept = step.kept {
            target = .existing(kept.record.id)
        } else {
            return
        }
        var needs = (creation.map { [$0] } ?? []) + (gate.map { [$0] } ?? [])
        let leaving = [step.replaced].compactMap { $0 } + step.displaced
        for container in leaving where removals[container.record.id] == nil {
            let cause = step.displaced.contains { $0.record.id == container.record.id } ? "left behind" : "replaced"
            emitDeparture(of: container, cause: cause, needs: needs, service)
        }
        needs += leaving.compactMap { removals[$0.record.id] }
        if let rename = emitRename(step, target, needs: needs) { needs = needs + [rename] }
        guard options.start else { return }
        emitStart(step, target, needs: needs, service)
    }

    private mutating func emitDeparture(
        of container: ObservedContainer, cause: String, needs: [OperationID], _ service: Service
    ) {
        let stopsEarly = earlyStops[container.record.id] != nil
        let mustWait = options.start && container.status.needsStop && !stopsEarly
        let gates = mustWait ? gateEdges(of: service) : (needs: [], after: [])
        // Dependants that restart with this service are down before it goes.
        let dependantStops = graph.dependants(of: service.name).flatMap { stops(of: $0) }
        emitRemoval(
            container, cause: cause, dependsOn: needs + gates.needs, after: gates.after + dependantStops)
    }

    private mutating func emitRename(
        _ step: SlotStep, _ target: ContainerTarget, needs: [OperationID]
    ) -> OperationID? {
        if let kept = step.kept {
            guard kept.record.name != step.finalName else { return nil }
        } else {
            guard let creation = creations[step.slot], case .createContainer(let intent) = plan[creation].action,
                intent.name != step.finalName
            else { return nil }
        }
        var needs = needs
        if let holder = holders[step.finalName], holder.record.id != step.kept?.record.id {
            guard let removal = removals[holder.record.id] else {
                deferredRenames.append((target, step, creations[step.slot]))
                return nil
            }
            needs.append(removal)
        }
        return plan.add(
            .renameContainer(target, to: step.finalName), on: subject(step), cause: "its name is free", dependsOn: needs
        )
    }

    /// Names that are freed by a service later in the order, such as two swapped `container_name`s.
    mutating func emitDeferredRenames() {
        for (target, step, created) in deferredRenames {
            guard let holder = holders[step.finalName], let removal = removals[holder.record.id] else { continue }
            plan.add(
                .renameContainer(target, to: step.finalName), on: subject(step), cause: "its name is free",
                dependsOn: [removal] + (created.map { [$0] } ?? []))
        }
    }

    private mutating func emitStart(
        _ step: SlotStep, _ target: ContainerTarget, needs: [OperationID], _ service: Service
    ) {
        let action: Action
        var cause: String
        var needs = needs
        switch step.kind {
        case .keep: return
        case .create, .recreate: (action, cause) = (.startContainer(target), "created")
        case .start(_, let reason): (action, cause) = (.startContainer(target), reason)
        case .unpause: (action, cause) = (.unpauseContainer(target), "paused")
        case .restart(let container, let reason):
            (action, cause) = (.startContainer(target), reason)
            if let stop = earlyStops[container.record.id] { needs.append(stop) }
        }
        let gates = gateEdges(of: service)
        let id = plan.add(
            action, on: subject(step), cause: cause, dependsOn: needs + gates.needs, after: gates.after + orphanRemovals
        )
        starts[service.name, default: []].append(id)
    }

    private func subject(_ step: SlotStep) -> Subject {
        Subject(.container, step.finalName, service: step.slot.service)
    }

    /// What a start of this service waits for. Gates are made on first use: a service that does nothing waits for
    /// nothing.
    mutating func gateEdges(of service: Service) -> (needs: [OperationID], after: [OperationID]) {
        var needs: [OperationID] = []
        var after: [OperationID] = []
        for name in graph.dependencies(of: service.name) where selection.contains(name) {
            guard let dependency = graph.edges[service.name]?[name] else { continue }
            if dependency.condition == .started {
                if dependency.required { needs += starts[name] ?? [] } else { after += starts[name] ?? [] }
                continue
            }
            let members = self.members(of: name)
            if members.isEmpty { continue }
            let gate = Gate(service: name, condition: dependency.condition, required: dependency.required)
            if gates[gate] == nil {
                let opened = starts[name] ?? []
                gates[gate] = plan.add(
                    .awaitCondition(dependency.condition, members), on: Subject(.service, name, service: name),
                    cause: "needed by \(dependantsInPlan(of: gate).joined(separator: ", "))", dependsOn: opened,
                    isOptional: !dependency.required)
            }
            if let operation = gates[gate] { needs.append(operation) }
        }
        return (needs, after)
    }

    private func dependantsInPlan(of gate: Gate) -> [String] {
        graph.dependants(of: gate.service).filter { name in
            guard selection.contains(name), let dependency = graph.edges[name]?[gate.service] else { return false }
            return dependency.condition == gate.condition && dependency.required == gate.required
        }
    }

    /// `--wait`: everything selected, running or healthy; a one-shot that a dependant waits for may complete.
    mutating func emitWait() {
        guard options.wait, options.start else { return }
        let members = orderedSelection.flatMap { service in
            self.members(of: service.name).map { member in
                var member = member
                member.mayComplete = graph.dependants(of: service.name).contains {
                    graph.edges[$0]?[service.name]?.condition == .completedSuccessfully
                }
                return member
            }
        }
        if members.isEmpty { return }
        plan.add(
            .awaitReady(members, timeout: options.waitTimeout), on: Subject(.stack, stack.name), cause: "--wait",
            dependsOn: starts.values.flatMap { $0 })
    }
}
