// What happens to each replica slot of a service: which container stays, which is replaced, which goes, and why.
internal import BerthModel

extension UpBuilder {
    /// Decides for one service. Its dependencies have been decided: shared namespaces follow their owners.
    mutating func decide(_ service: Service) throws {
        let expected = options.scale[service.name] ?? service.replicas
        if expected > 1, let name = service.containerName {
            throw BerthError(
                .invalid,
                "service \"\(service.name)\" cannot have \(expected) replicas: its container_name is \"\(name)\"",
                subject: "service \(service.name)", hint: "remove container_name to scale the service")
        }
        let existing = containers.filter { $0.record.slot.service == service.name && $0.record.slot.oneOff == nil }
        var candidates: [Candidate] = []
        for (_, group) in Dictionary(grouping: existing, by: \.record.slot.number).sorted(by: { $0.key < $1.key }) {
            if group.allSatisfy({ options.reverting.contains($0.record.id) }) {
                departures[service.name, default: []] += group.map { Departure(container: $0, cause: "rolled back") }
            } else {
                candidates.append(try candidate(of: service, among: group))
            }
        }
        // Up-to-date ones stay before obsolete ones, low numbers before high ones.
        candidates.sort { ($0.isStale ? 1 : 0, $0.number) < ($1.isStale ? 1 : 0, $1.number) }

        // How many there were before an update is not asked: all that are left of it stay.
        let kept = options.reverting.isEmpty ? expected : candidates.count
        var steps = candidates.prefix(kept).map { step(for: $0, of: service) }
        for candidate in candidates.dropFirst(kept) {
            let cause = "scaled down to \(expected)"
            departures[service.name, default: []] += ([candidate.keeper] + candidate.displaced).map {
                Departure(container: $0, cause: cause)
            }
        }
        let highest = existing.map(\.record.slot.number).max() ?? 0
        let missing = options.reverting.isEmpty ? max(0, expected - steps.count) : 0
        for number in (highest + 1)..<(highest + 1 + missing) {
            let cause = existing.isEmpty ? "no existing container" : "scaled up to \(expected)"
            let slot = ReplicaSlot(service: service.name, number: number)
            steps.append(
                SlotStep(slot: slot, finalName: name(of: service, number), kind: .create(cause: cause), displaced: []))
        }
        self.steps[service.name] = steps.sorted { $0.slot < $1.slot }
    }

    struct Candidate {
        var number: Int
        var keeper: ObservedContainer
        var displaced: [ObservedContainer]
        /// Nil: it may stay.
        var staleness: String?
        var isStale: Bool { staleness != nil }
    }

    /// Of several containers in one slot (an interrupted recreation leaves two), the up-to-date one stays, then the one
    /// that has the slot's name and ports, then the running one, then the newest.
    private func candidate(of service: Service, among group: [ObservedContainer]) throws -> Candidate {
        var best: (rank: Int, container: ObservedContainer, staleness: String?)?
        for container in group where !options.reverting.contains(container.record.id) {
            let staleness = try staleness(of: container, service)
            let rank =
                (staleness == nil ? 4 : 0) + (container.record.isStandby ? 0 : 2)
                + (container.status.isRunning ? 1 : 0)
            if best.map({ rank >= $0.rank }) ?? true { best = (rank, container, staleness) }
        }
        guard let best else { preconditionFailure("a group of containers has at least one") }
        let others = group.filter { $0.record.id != best.container.record.id }
        return Candidate(
            number: best.container.record.slot.number, keeper: best.container, displaced: others,
            staleness: best.staleness)
    }

    private func step(for candidate: Candidate, of service: Service) -> SlotStep {
        let container = candidate.keeper
        let kind: SlotStep.Kind
        if let cause = candidate.staleness {
            kind = .recreate(container, cause: cause)
        } else {
            switch container.status.state {
            case .running, .restarting: kind = .keep(container)
            case .paused: kind = .unpause(container)
            case .created: kind = .start(container, cause: "created, never started")
            case .exited, .dead, .removing:
                kind = .start(container, cause: "exited (\(container.status.exitCode))")
            }
        }
        return SlotStep(
            slot: container.record.slot, finalName: name(of: service, container.record.slot.number), kind: kind,
            displaced: candidate.displaced)
    }

    /// Why the container cannot stay; nil when it can.
    private func staleness(of container: ObservedContainer, _ service: Service) throws -> String? {
        if !options.reverting.isEmpty { return nil }
        if container.status.state == .dead || container.status.state == .removing { return "container is dead" }
        if let network = container.record.endpoints.map(\.network).first(where: rebuiltNetworks.contains) {
            return "network \(network) changed"
        }
        switch strategy(for: service.name) {
        case .never: return nil
        case .force: return "forced"
        case .diverged: break
        }
        let drift = try reconciler.drift(of: container.record, from: service, in: stack, observed)
        if !drift.isEmpty { return "config changed: \(drift.joined(separator: ", "))" }
        for (kind, owner) in service.sharedNamespaces where firstIsNew(owner) {
            return "shares the \(kind) namespace of \(owner), which is recreated"
        }
        for case .service(let owner) in service.volumesFrom.map(\.source) where firstIsNew(owner) {
            return "uses the volumes of \(owner), which is recreated"
        }
        return nil
    }

    /// What was asked for counts for the services that were asked for; their dependencies have a rule of their own.
    private func strategy(for service: String) -> UpOptions.Recreate {
        if options.recreate == .never { return .never }
        if requested.contains(service) {
            // New anonymous volumes need new containers.
            return options.renewAnonymousVolumes ? .force : options.recreate
        }
        return options.alwaysRecreateDependencies ? .force : .diverged
    }

    /// True when the container whose namespaces others share is a new one.
    private func firstIsNew(_ service: String) -> Bool {
        guard let first = steps[service]?.first else { return false }
        return first.kept == nil
    }

    /// `depends_on` with `restart: true`: what stays is restarted when its dependency is replaced under it.
    mutating func decideRestarts() {
        guard options.start else { return }
        for service in orderedSelection {
            for name in restartTriggers(of: service) {
                for (index, step) in (steps[service.name] ?? []).enumerated() {
                    guard case .keep(let container) = step.kind else { continue }
                    steps[service.name]?[index].kind = .restart(container, cause: "dependency \(name) is recreated")
                }
            }
        }
    }

    /// The dependencies whose replacement stops this service first.
    func restartTriggers(of service: Service) -> [String] {
        service.allDependencies.filter { name, dependency in
            dependency.restart && (steps[name] ?? []).contains { $0.replaced?.status.isRunning ?? false }
        }.keys.sorted()
    }

    func name(of service: Service, _ number: Int) -> String {
        service.containerName ?? "\(stack.name)-\(service.name)-\(number)"
    }

    /// Fails before anything is touched when a name is held by a container that stays.
    mutating func checkNames() throws {
        let leaving = leavingContainers
        var wanted: [String: ReplicaSlot] = [:]
        for step in steps.values.flatMap({ $0 }).sorted(by: { $0.slot < $1.slot }) {
            if let other = wanted[step.finalName] {
                throw BerthError(
                    .conflict,
                    "services \"\(other.service)\" and \"\(step.slot.service)\" want the same container name",
                    subject: "container \(step.finalName)")
            }
            wanted[step.finalName] = step.slot
            guard let holder = holders[step.finalName], holder.record.id != step.kept?.record.id else { continue }
            if !leaving.contains(holder.record.id) {
                throw BerthError(
                    .conflict,
                    "the container name \"\(step.finalName)\" is already in use by container \(holder.record.id.short)",
                    subject: "container \(step.finalName)",
                    cause: holder.record.stack == stack.name ? nil : "it belongs to \"\(holder.record.stack)\"",
                    hint: "remove or rename that container")
            }
        }
    }

    var leavingContainers: Set<ContainerID> {
        var leaving = Set(options.removeOrphans ? orphans.map(\.record.id) : [])
        for step in steps.values.joined() {
            if let old = step.replaced { leaving.insert(old.record.id) }
            leaving.formUnion(step.displaced.map(\.record.id))
        }
        leaving.formUnion(departures.values.joined().map(\.container.record.id))
        return leaving
    }
}
