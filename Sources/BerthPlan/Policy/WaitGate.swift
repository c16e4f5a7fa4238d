// `up --wait`: the stack is ready when, at one moment, everything runs, or is healthy where it has a health check.
package import BerthModel

/// Level-triggered like `DependencyGate`, but more patient: a container that ended or is unhealthy does not end the
/// wait while others are still on their way (Docker's observed behaviour), and it may recover meanwhile.
package struct WaitGate: Sendable {
    package typealias Verdict = DependencyGate.Verdict

    package let members: [GateMember]
    private var observations: [String: GateObservation] = [:]
    private var removed: Set<String> = []

    package init(_ members: [GateMember]) { self.members = members }

    package mutating func observe(_ name: String, _ observation: GateObservation) {
        removed.remove(name)
        observations[name] = observation
    }

    package mutating func remove(_ name: String) { removed.insert(name) }

    private enum Standing { case ready, pending(String), failed(String, hint: String?) }

    package var verdict: Verdict {
        var failure: BerthError?
        for member in members {
            switch standing(of: member) {
            case .ready: continue
            case .pending: return .waiting
            case .failed(let message, let hint):
                failure = failure ?? BerthError(.conflict, message, subject: "service \(member.service)", hint: hint)
            }
        }
        return failure.map { .failed($0) } ?? .satisfied
    }

    /// The error once the time is over: who is not ready, and what was last heard of it.
    package func timedOut(after timeout: Duration) -> BerthError {
        var causes: [String] = []
        for member in members {
            switch standing(of: member) {
            case .ready: continue
            case .pending(let text), .failed(let text, hint: nil): causes.append(text)
            case .failed(let text, let hint?): causes.append("\(text), \(hint)")
            }
        }
        return BerthError(
            .timedOut, "application not healthy after \(timeout.secondsText)",
            cause: causes.isEmpty ? nil : causes.joined(separator: "; "))
    }

    private func standing(of member: GateMember) -> Standing {
        if removed.contains(member.name) { return .failed("container \(member.name) was removed", hint: nil) }
        guard let seen = observations[member.name] else { return .pending("container \(member.name) was not seen yet") }
        switch seen.state {
        case .created: return .pending("container \(member.name) is not started")
        case .restarting: return .pending("container \(member.name) is restarting, exit code \(seen.exitCode)")
        case .exited, .dead, .removing:
            if member.mayComplete && seen.exitCode == 0 { return .ready }
            return .failed(ContainerWords.exited(member.name, seen), hint: "its output: berth logs \(member.service)")
        case .running, .paused: break
        }
        // Its dependant waits for its end, and so does this.
        if member.mayComplete { return .pending("container \(member.name) has not completed") }
        guard seen.hasHealthcheck else { return .ready }
        switch seen.health {
        case .healthy: return .ready
        case .unhealthy:
            return .failed("container \(member.name) is unhealthy", hint: ContainerWords.probe(seen.lastProbe))
        case .starting, .none:
            let probe = ContainerWords.probe(seen.lastProbe).map { ", \($0)" } ?? ""
            return .pending("container \(member.name) is starting\(probe)")
        }
    }
}
