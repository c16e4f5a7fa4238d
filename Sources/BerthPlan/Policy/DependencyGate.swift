// What a start waits for: a dependency's containers becoming healthy, or completing.
package import BerthModel

/// What a gate is told of a container.
package struct GateObservation: Sendable, Equatable {
    package var state: ContainerStatus.State
    package var health: ContainerStatus.Health
    package var exitCode: Int32
    package var hasHealthcheck: Bool
    package var oomKilled: Bool
    /// Of the last probe, for the explanation.
    package var lastProbe: ProbeResult?

    package init(_ status: ContainerStatus, hasHealthcheck: Bool) {
        state = status.state
        health = status.health
        exitCode = status.exitCode
        oomKilled = status.oomKilled
        lastProbe = status.probes.last
        self.hasHealthcheck = hasHealthcheck
    }
}

/// Waits for one condition on a fixed set of containers. Level-triggered: tell it the present of a container as often
/// as you like.
package struct DependencyGate: Sendable {
    package enum Verdict: Sendable, Equatable {
        case waiting
        case satisfied
        /// It cannot be satisfied any more.
        case failed(BerthError)
    }

    package let condition: Dependency.Condition
    package let members: [GateMember]
    private var observations: [String: GateObservation] = [:]
    private var removed: Set<String> = []

    package init(_ condition: Dependency.Condition, _ members: [GateMember]) {
        self.condition = condition
        self.members = members
    }

    /// The present of a member, by its name.
    package mutating func observe(_ name: String, _ observation: GateObservation) {
        removed.remove(name)
        observations[name] = observation
    }

    package mutating func remove(_ name: String) { removed.insert(name) }

    /// The first failure in member order; satisfied when every member is.
    package var verdict: Verdict {
        var isWaiting = false
        for member in members {
            switch verdict(of: member) {
            case .failed(let error): return .failed(error)
            case .waiting: isWaiting = true
            case .satisfied: break
            }
        }
        return isWaiting ? .waiting : .satisfied
    }

    private func verdict(of member: GateMember) -> Verdict {
        if removed.contains(member.name) { return failure(member, "container \(member.name) was removed") }
        guard let seen = observations[member.name] else { return .waiting }
        switch condition {
        case .started: return started(member, seen)
        case .healthy: return healthy(member, seen)
        case .completedSuccessfully: return completed(member, seen)
        }
    }

    private func started(_ member: GateMember, _ seen: GateObservation) -> Verdict {
        // Started is a fact of the past: a container that has ended since did start.
        seen.state == .created ? .waiting : .satisfied
    }

    private func healthy(_ member: GateMember, _ seen: GateObservation) -> Verdict {
        switch seen.state {
        case .exited, .dead, .removing: return failure(member, ContainerWords.exited(member.name, seen))
        case .created, .restarting: return .waiting
        case .running, .paused: break
        }
        guard seen.hasHealthcheck else {
            return failure(
                member, "container \(member.name) has no healthcheck configured",
                hint: "give service \"\(member.service)\" a healthcheck, or depend on service_started")
        }
        switch seen.health {
        case .healthy: return .satisfied
        case .unhealthy:
            return failure(
                member, "container \(member.name) is unhealthy", hint: ContainerWords.probe(seen.lastProbe))
        case .starting, .none: return .waiting
        }
    }

    private func completed(_ member: GateMember, _ seen: GateObservation) -> Verdict {
        switch seen.state {
        case .created, .running, .paused, .restarting: return .waiting
        case .exited, .dead, .removing: break
        }
        if seen.exitCode == 0 { return .satisfied }
        let reason = "service \"\(member.service)\" didn't complete successfully: exit \(seen.exitCode)"
        return .failed(
            BerthError(
                .conflict, reason, subject: "container \(member.name)",
                hint: "its output: berth logs \(member.service)"))
    }

    private func failure(_ member: GateMember, _ cause: String, hint: String? = nil) -> Verdict {
        .failed(
            BerthError(
                .conflict, "dependency failed to start", subject: "container \(member.name)", cause: cause,
                hint: hint ?? "its output: berth logs \(member.service)"))
    }
}

/// How containers that disappoint are described.
enum ContainerWords {
    static func exited(_ name: String, _ seen: GateObservation) -> String {
        "container \(name) exited (\(seen.exitCode))" + (seen.oomKilled ? ", out of memory" : "")
    }

    /// The last probe in one line; nil without one.
    static func probe(_ probe: ProbeResult?) -> String? {
        guard let probe else { return nil }
        let output = probe.output.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(200)
        let result = probe.exitCode == -1 ? "did not finish" : "exited \(probe.exitCode)"
        return "its last probe \(result)" + (output.isEmpty ? "" : ": \(output)")
    }
}
