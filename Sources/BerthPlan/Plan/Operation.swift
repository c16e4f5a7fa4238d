// One step of a plan: a subject, a cause, and exactly one call to the host.
package import BerthModel

/// The number of an operation in its plan, from 1.
package struct OperationID: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package var description: String { "#\(number)" }
    package static func < (a: OperationID, b: OperationID) -> Bool { a.number < b.number }
}

/// What an operation is about, as users name it.
package struct Subject: Codable, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Codable, Sendable { case network, volume, container, service, stack }

    package var kind: Kind
    /// `demo_default`, `demo-web-1`, `web`. Of a container: the name that it has when the plan is done.
    package var name: String
    /// The service it belongs to, where it belongs to one.
    package var service: String?

    package init(_ kind: Kind, _ name: String, service: String? = nil) {
        self.kind = kind
        self.name = name
        self.service = service
    }

    package var description: String { "\(kind.rawValue) \(name)" }
}

/// A container that may not exist yet when the plan is made.
package enum ContainerTarget: Codable, Sendable, Hashable {
    case existing(ContainerID)
    /// The one that an earlier operation of the same plan creates; `PlanRun.container(_:)` knows its id by then.
    case created(by: OperationID)
}

/// One container that a gate looks at.
package struct GateMember: Codable, Sendable, Hashable {
    package var name: String
    package var service: String
    package var target: ContainerTarget
    /// `--wait` only: its successful end is readiness too, because a dependant waits for just that.
    package var mayComplete = false
    package init(name: String, service: String, target: ContainerTarget) {
        self.name = name
        self.service = service
        self.target = target
    }
}

/// What to do. One case is one call to the host.
package enum Action: Codable, Sendable, Equatable {
    /// The labels are in the definition, compose's own included.
    case createNetwork(NetworkDefinition)
    case removeNetwork(name: String)
    case createVolume(VolumeDefinition)
    case removeVolume(name: String)

    case createContainer(ContainerIntent)
    /// With its `post_start` hooks.
    case startContainer(ContainerTarget)
    /// After its `pre_stop` hooks. Nil: the container's own grace period.
    case stopContainer(ContainerTarget, timeout: Duration?)
    case killContainer(ContainerTarget, signal: String)
    case pauseContainer(ContainerTarget)
    case unpauseContainer(ContainerTarget)
    case removeContainer(ContainerTarget, removeAnonymousVolumes: Bool)
    case renameContainer(ContainerTarget, to: String)
    /// The container gets its slot's name, its names in DNS and its published ports, from the other one or from nobody.
    case takeOver(ContainerTarget, from: ContainerTarget?, name: String)

    /// Returns when every member meets the condition; throws with the explanation when one cannot any more.
    case awaitCondition(Dependency.Condition, [GateMember])
    /// `--wait`: every member running, or healthy where it has a health check.
    case awaitReady([GateMember], timeout: Duration?)
    /// A batch of an update: every member ready, then still so for as long as `monitor`; then `delay` passes.
    case awaitSteady([GateMember], monitor: Duration, delay: Duration)
}

/// A node of a plan.
package struct Operation: Codable, Sendable, Equatable, Identifiable {
    package var id: OperationID
    package var subject: Subject
    /// Why: "no existing container", "config changed: environment.FOO".
    package var cause: String
    package var action: Action
    /// These must have succeeded. Sorted.
    package var dependsOn: [OperationID]
    /// These must have ended, well or not: mere order. Sorted.
    package var after: [OperationID]
    /// True: its failure is a warning, and what depends on it goes on.
    package var isOptional: Bool

    package init(
        id: OperationID, subject: Subject, cause: String, action: Action, dependsOn: [OperationID] = [],
        after: [OperationID] = [], isOptional: Bool = false
    ) {
        self.id = id
        self.subject = subject
        self.cause = cause
        self.action = action
        self.dependsOn = dependsOn
        self.after = after
        self.isOptional = isOptional
    }
}
