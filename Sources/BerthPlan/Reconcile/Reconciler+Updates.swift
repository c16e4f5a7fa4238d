// `update_config` and `rollback_config`: containers replaced a few at a time, each batch ready before the next; the old
// ones serve until then, or are kept to come back, where that is asked for.
internal import BerthModel

extension UpBuilder {
    /// What governs the replacements of a service; nil: all at once.
    func policy(of service: Service) -> UpdatePolicy? {
        if options.reverting.isEmpty { return service.update }
        var policy = service.rollback ?? UpdatePolicy()
        // What undoes is not undone in turn.
        if policy.failureAction == .rollback { policy.failureAction = .pause }
        return policy
    }

    /// Whether a step replaces something: the others need no turn.
    func isRolled(_ step: SlotStep) -> Bool {
        if step.replaced != nil || step.kept?.record.isStandby == true { return true }
        if case .keep = step.kind { return step.displaced.contains { $0.status.needsStop } }
        return !step.displaced.isEmpty
    }

    /// Whether the slot's name, DNS names and ports pass by an operation of their own, while both containers exist.
    func takesOver(_ step: SlotStep) -> Bool { step.kept?.record.isStandby ?? standbys.contains(step.slot) }

    /// Whether a container that is to be created begins beside the one before it.
    func beginsOnStandby(_ step: SlotStep) -> Bool {
        guard options.start, let old = step.replaced, removals[old.record.id] == nil,
            let service = stack.services[step.slot.service], let policy = policy(of: service),
            policy.order == .startFirst || policy.failureAction == .rollback
        else { return false }
        // A name that another slot holds is free later than that.
        return holders[step.finalName].map { $0.record.stack == stack.name && $0.record.slot == step.slot } ?? true
    }

    private func leaving(_ step: SlotStep) -> [ObservedContainer] {
        [step.replaced].compactMap { $0 } + step.displaced
    }

    /// Whom the slot is taken over from; or, after an interruption, who had it before.
    private func outgoing(_ step: SlotStep) -> ObservedContainer? {
        let there = leaving(step).filter { removals[$0.record.id] == nil }
        return there.first { !$0.record.isStandby } ?? (takesOver(step) ? nil : there.first)
    }

    private func startsFirst(_ step: SlotStep, _ policy: UpdatePolicy) -> Bool {
        guard policy.order == .startFirst, takesOver(step), let outgoing = outgoing(step) else { return false }
        return outgoing.status.state == .running && earlyStops[outgoing.record.id] == nil
    }

    /// Batch after batch. What never becomes ready ends the update there, or is a warning, as the policy says.
    ///
    /// - Returns: what has succeeded when the whole update has.
    mutating func emitUpdate(_ rolled: [SlotStep], of service: Service, _ policy: UpdatePolicy) -> [OperationID] {
        let size = policy.parallelism == 0 ? max(1, rolled.count) : policy.parallelism
        let undoes = policy.failureAction == .rollback
        var held = Held()
        for first in stride(from: 0, to: rolled.count, by: size) {
            let batch = Array(rolled[first..<min(first + size, rolled.count)])
            let isLast = first + size >= rolled.count
            let overlapping = batch.filter { startsFirst($0, policy) }
            let started = starts[service.name]?.count ?? 0
            for step in batch {
                if undoes || startsFirst(step, policy) {
                    emitTurn(step, of: service, policy, held)
                } else {
                    emitReplacement(step, of: service, after: held.needs)
                }
            }
            if isLast && policy.monitor == .zero && !undoes && overlapping.isEmpty { break }
            let goesOn = policy.failureAction == .continue
            let gate = emitGate(
                batch, of: service, policy, delay: isLast || !overlapping.isEmpty ? .zero : policy.delay,
                needs: held.needs + (starts[service.name] ?? []).dropFirst(started),
                isOptional: goesOn && overlapping.isEmpty)
            var ended = [gate]
            for step in overlapping { ended += emitHandOver(step, policy, gate) }
            if !isLast, !overlapping.isEmpty, policy.delay > .zero {
                ended = [emitGate(batch, of: service, policy, delay: policy.delay, needs: ended, isOptional: goesOn)]
            }
            // A batch that failed leaves its old containers where they are; the next is tried all the same.
            held = goesOn && !overlapping.isEmpty ? Held(after: ended) : Held(needs: ended)
        }
        if undoes { emitFarewells(rolled, after: held.needs) }
        return held.needs
    }

    /// What the next batch waits for.
    struct Held {
        var needs: [OperationID] = []
        var after: [OperationID] = []
    }

    private mutating func emitGate(
        _ batch: [SlotStep], of service: Service, _ policy: UpdatePolicy, delay: Duration, needs: [OperationID],
        isOptional: Bool
    ) -> OperationID {
        let names = Set(batch.map(\.finalName))
        let size = policy.parallelism == 0 ? "all" : "\(policy.parallelism)"
        return plan.add(
            .awaitSteady(
                members(of: service.name).filter { names.contains($0.name) }, monitor: policy.monitor, delay: delay),
            on: Subject(.service, service.name, service: service.name),
            cause: "\(options.reverting.isEmpty ? "update_config" : "rollback_config"): \(size) at a time",
            dependsOn: needs, isOptional: isOptional)
    }

    /// One slot's turn, up to the start of its new container; the old one is stopped before, or serves on.
    private mutating func emitTurn(_ step: SlotStep, of service: Service, _ policy: UpdatePolicy, _ held: Held) {
        guard let target = target(of: step) else { return }
        let outgoing = outgoing(step)
        let created = creations[step.slot].map { [$0] } ?? []
        var needs = created + held.needs
        for container in leaving(step) where container.record.id != outgoing?.record.id {
            let removal = removals[container.record.id]
            needs.append(removal ?? emitRemoval(container, cause: "left behind", dependsOn: created))
        }
        if !startsFirst(step, policy) {
            if let outgoing, let stop = emitStop(outgoing, of: service, needs: needs, after: held.after) {
                needs.append(stop)
            }
            if takesOver(step) { needs.append(emitTakeOver(step, target, from: outgoing, needs: needs)) }
        }
        emitStart(step, target, needs: needs, service, after: held.after)
    }

    private mutating func emitTakeOver(
        _ step: SlotStep, _ target: ContainerTarget, from outgoing: ObservedContainer?, needs: [OperationID]
    ) -> OperationID {
        plan.add(
            .takeOver(target, from: outgoing.map { .existing($0.record.id) }, name: step.finalName), on: subject(step),
            cause: outgoing == nil ? "nothing else is in its slot" : "its turn", dependsOn: needs)
    }

    /// The new container is ready: it takes over, and the old one ends, which may take its time over what it still
    /// serves.
    private mutating func emitHandOver(_ step: SlotStep, _ policy: UpdatePolicy, _ gate: OperationID) -> [OperationID] {
        guard let target = target(of: step), let outgoing = outgoing(step),
            let service = stack.services[step.slot.service]
        else { return [] }
        let taken = emitTakeOver(step, target, from: outgoing, needs: [gate])
        let stop = emitStop(outgoing, named: steppedBack(outgoing, step), of: service, needs: [taken], after: [])
        if policy.failureAction != .rollback {
            return [
                emitRemoval(outgoing, named: steppedBack(outgoing, step), cause: "replaced", dependsOn: [taken])
            ]
        }
        return [stop ?? taken]
    }

    /// The name that a container has once another has taken the slot over from it.
    private func steppedBack(_ container: ObservedContainer, _ step: SlotStep) -> String {
        let record = container.record
        return takesOver(step) && record.name == step.finalName ? record.id.steppedBack(from: record.name) : record.name
    }

    /// Its removal knows of it.
    private mutating func emitStop(
        _ container: ObservedContainer, named name: String? = nil, of service: Service, needs: [OperationID],
        after: [OperationID]
    ) -> OperationID? {
        let id = container.record.id
        if let early = earlyStops[id] { return early }
        guard container.status.needsStop else { return nil }
        let gates = gateEdges(of: service)
        let dependants = graph.dependants(of: service.name).flatMap { stops(of: $0) }
        let stop = plan.add(
            .stopContainer(.existing(id), timeout: options.stopTimeout),
            on: Subject(.container, name ?? container.record.name, service: service.name), cause: "replaced",
            dependsOn: needs + gates.needs, after: after + gates.after + dependants)
        earlyStops[id] = stop
        return stop
    }

    /// The whole update is good: nobody comes back.
    private mutating func emitFarewells(_ rolled: [SlotStep], after needs: [OperationID]) {
        for step in rolled {
            for container in leaving(step) where removals[container.record.id] == nil {
                emitRemoval(container, named: steppedBack(container, step), cause: "replaced", dependsOn: needs)
            }
        }
    }
}
