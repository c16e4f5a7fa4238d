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
