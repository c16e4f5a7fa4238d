// The text of a plan: one line an operation. `--dry-run`, logs and tests print the same.
package import BerthModel

extension Plan: CustomStringConvertible {
    /// `#3 [1,2] container demo-web-1: create, no existing container`; warnings first, each after a `!`.
    package var description: String {
        (warnings.map { "! \($0)" } + operations.map(\.description)).joined(separator: "\n")
    }
}

extension Operation: CustomStringConvertible {
    package var description: String { step.description }

    /// As people and programs read it.
    var step: PlanDocument.Step {
        PlanDocument.Step(
            number: id.number, action: action.kind, kind: subject.kind.rawValue, name: subject.name,
            service: subject.service, text: action.description, cause: cause, needs: dependsOn.map(\.number),
            after: after.map(\.number), isOptional: isOptional)
    }
}

extension Plan {
    package var document: PlanDocument { PlanDocument(warnings: warnings, steps: operations.map(\.step)) }
}

extension Action: CustomStringConvertible {
    /// The verb and what it needs, without the subject.
    package var description: String {
        switch self {
        case .createNetwork, .createVolume: "create"
        case .createContainer(let intent):
            intent.name == intent.finalName ? "create" : "create as \(intent.name)"
        case .removeNetwork, .removeVolume: "remove"
        case .removeContainer(_, let volumes): volumes ? "remove with anonymous volumes" : "remove"
        case .startContainer: "start"
        case .stopContainer(_, let timeout): timeout.map { "stop within \($0.secondsText)" } ?? "stop"
        case .killContainer(_, let signal): "kill with \(signal)"
        case .pauseContainer: "pause"
        case .unpauseContainer: "unpause"
        case .renameContainer(_, let name): "rename to \(name)"
        case .takeOver: "take over name and ports"
        case .awaitCondition(let condition, let members): "wait for \(condition.rawValue) of \(Action.list(members))"
        case .awaitReady(let members, let timeout):
            "wait until ready: \(Action.list(members))" + (timeout.map { " within \($0.secondsText)" } ?? "")
        case .awaitSteady(let members, let monitor, let delay):
            "wait until ready: \(Action.list(members))"
                + (monitor > .zero ? " and so for \(monitor.secondsText)" : "")
                + (delay > .zero ? ", then \(delay.secondsText)" : "")
        }
    }

    var kind: PlanDocument.Step.Action {
        switch self {
        case .createNetwork, .createVolume, .createContainer: .create
        case .removeNetwork, .removeVolume, .removeContainer: .remove
        case .startContainer: .start
        case .stopContainer: .stop
        case .killContainer: .kill
        case .pauseContainer: .pause
        case .unpauseContainer: .unpause
        case .renameContainer: .rename
        case .takeOver: .takeOver
        case .awaitCondition, .awaitReady, .awaitSteady: .wait
        }
    }

    static func list(_ members: [GateMember]) -> String { members.map(\.name).joined(separator: ", ") }
}

extension Duration {
    /// `10s`, `1.5s`: seconds with as many decimals as they need.
    package var secondsText: String {
        let (seconds, attoseconds) = components
        guard attoseconds != 0 else { return "\(seconds)s" }
        let negative = seconds < 0 || attoseconds < 0
        var fraction = String(abs(attoseconds) / 1_000_000_000)
        fraction = String(repeating: "0", count: max(0, 9 - fraction.utf8.count)) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(negative ? "-" : "")\(abs(seconds)).\(fraction.isEmpty ? "0" : fraction)s"
    }
}
