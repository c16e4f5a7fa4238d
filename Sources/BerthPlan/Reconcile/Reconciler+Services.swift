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

    func stops(of service: String) -> [OperationID] {
        (steps[service] ?? []).compactMap { ($0.replaced ?? restarted($0)).flatMap { earlyStops[$0.record.id] } }
    }

    mutating func emitConvergence(_ service: Service) {
        let all = steps[service.name] ?? []
        guard options.start, let update = policy(of: service) else {
            emitDepartures(of: service, after: [])
            for step in all { emitReplacement(step, of: service, after: []) }
            return
        }
        let rolled = all.filter(isRolled)
        let undoes = update.failureAction == .rollback && !rolled.isEmpty
        // What is scaled away comes back no more: not before the update is known to be good.
        if !undoes { emitDepartures(of: service, after: []) }
        for step in all where !isRolled(step) { emitReplacement(step, of: service, after: []) }
        let good = emitUpdate(rolled, of: service, update)
        if undoes { emitDepartures(of: service, after: good) }
    }

    private mutating func emitDepartures(of service: Service, after needs: [OperationID]) {
        for departure in departures[service.name] ?? [] where removals[departure.container.record.id] == nil {
            emitRemoval(departure.container, cause: departure.cause, dependsOn: needs)
        }
    }

    /// Stop old, remove old, rename new, start new. The new container was created before: when that fails, the old
    /// one runs on untouched. It cannot be started before the old one is stopped, because both are in one replica
    /// slot, which owns the address and the host ports. The old one runs until the gates of its successor are open.
    mutating func emitReplacement(_ step: SlotStep, of service: Service, after gate: [OperationID]) {
        guard let target = target(of: step) else { return }
        var needs = (creations[step.slot].map { [$0] } ?? []) + gate
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

    /// The container that the slot has when the plan is done; nil: none, its creation was not planned.
    func target(of step: SlotStep) -> ContainerTarget? {
        creations[step.slot].map { .created(by: $0) } ?? step.kept.map { .existing($0.record.id) }
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
            guard kept.record.name != step.finalName || kept.record.isStandby else { return nil }
        } else {
            guard let creation = creations[step.slot], case .createContainer(let intent) = plan[creation].action,
                intent.name != step.finalName || intent.standsBy
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
        if takesOver(step) {
            return plan.add(
                .takeOver(target, from: nil, name: step.finalName), on: subject(step),
                cause: "nothing else is in its slot", dependsOn: needs)
        }
        return plan.add(
            .renameContainer(target, to: step.finalName), on: subject(step), cause: "its name is free", dependsOn: needs
        )
    }

    /// Names that are freed by a service later in the order, such as two swapped `container_name`s.
    mutating func emitDeferredRenames() {
        for (target, step, created) in deferredRenames {
            guard let holder = holders[step.finalName], let removal = removals[holder.record.id] else { continue }
            let action: Action =
                takesOver(step)
                ? .takeOver(target, from: nil, name: step.finalName) : .renameContainer(target, to: step.finalName)
            plan.add(
                action, on: subject(step), cause: "its name is free",
                dependsOn: [removal] + (created.map { [$0] } ?? []))
        }
    }

    mutating func emitStart(
        _ step: SlotStep, _ target: ContainerTarget, needs: [OperationID], _ service: Service,
        after order: [OperationID] = []
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
            action, on: subject(step), cause: cause, dependsOn: needs + gates.needs,
            after: order + gates.after + orphanRemovals
        )
        starts[service.name, default: []].append(id)
    }

    func subject(_ step: SlotStep) -> Subject {
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
