// Networks and volumes that a user makes and removes by hand: one request shape for both.
import BerthModel

/// What is done to networks or volumes by name.
package enum ResourceRequest<Definition: Codable & Sendable>: Codable, Sendable {
    /// Answered with the new one's id (a network) or name (a volume).
    case create(Definition)
    case remove(String)
    /// What no container uses; of volumes, without `all`, only the anonymous ones.
    case prune(all: Bool)
}

/// `adopt`: one volume of Docker's for a stack's volume of the same name.
package struct AdoptRequest: Codable, Sendable, Equatable {
    package var stack: String
    package var volume: VolumeDefinition
    /// Docker's data directory; nil: as its settings say.
    package var dockerRoot: String?
    /// Copy although a process has it mounted.
    package var whileUsed = false
    package var dryRun = false

    package init(stack: String, volume: VolumeDefinition) {
        self.stack = stack
        self.volume = volume
    }
}
