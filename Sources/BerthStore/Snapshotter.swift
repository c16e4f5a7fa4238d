// A container's root: its image's layers below, a directory of its own on top, as one detached mount.
import BerthLinux
import BerthModel

package struct Snapshotter: Sendable {
    private let layout: StateLayout

    package init(layout: StateLayout) { self.layout = layout }

    /// The snapshot of an id: made where it is missing, mounted detached. The mount goes when its descriptors close.
    package func mount(_ id: String, layers diffIDs: [Digest]) throws -> SharedDescriptor {
        let lowers = ContentHash.chainIDs(of: diffIDs).reversed().map { "\(layout.layer(chainID: $0))/diff" }
        do {
            try Directory.make(layout.snapshotUpper(id), mode: 0o755)
            try Directory.make(layout.snapshotWork(id), mode: 0o700)
            // An image without layers still needs something below.
            let empty = "\(layout.snapshot(id))/empty"
            if lowers.isEmpty { try Directory.make(empty, mode: 0o755) }
            return SharedDescriptor(
                try DetachedMount.overlay(
                    lowers: lowers.isEmpty ? [empty] : lowers, upper: layout.snapshotUpper(id),
                    work: layout.snapshotWork(id)))
        } catch {
            if let missing = lowers.first(where: { (try? FileStatus.of($0)) == nil }) {
                throw BerthError(
                    .corrupt, "preparing the root of \(id.prefix(12))", subject: missing,
                    cause: "a layer of its image is missing", hint: "load or import the image again")
            }
            throw BerthError(.internal, "preparing the root of \(id.prefix(12))", cause: "\(error)")
        }
    }

    package func remove(_ id: String) throws {
        do { try Directory.remove(layout.snapshot(id)) } catch {
            throw BerthError(.internal, "removing the root of \(id.prefix(12))", cause: "\(error)")
        }
    }

    package func list() -> [String] { ((try? Directory.names(layout.snapshots)) ?? []).sorted() }
}
