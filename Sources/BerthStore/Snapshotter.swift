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

    /// An image's tree, or what is at a path in it, to be looked at only; detached.
    package func view(layers diffIDs: [Digest], subpath: String?) throws -> (tree: SharedDescriptor, isDirectory: Bool)
    {
        let lowers = ContentHash.chainIDs(of: diffIDs).reversed().map { "\(layout.layer(chainID: $0))/diff" }
        guard let only = lowers.first else {
            throw BerthError(.invalid, "mounting an image", cause: "it has no layers")
        }
        do {
            let tree = SharedDescriptor(
                try lowers.count == 1
                    ? DetachedMount.clone(only, recursive: false) : DetachedMount.overlay(lowers: lowers))
            guard let subpath, !subpath.isEmpty else { return (tree, true) }
            let place = try Directory.open(inRootNumber: tree.number, subpath, flags: FileFlags.pathOnly)
            let isDirectory = try FileStatus.of(place.number).kind == .directory
            return (SharedDescriptor(try DetachedMount.clone(of: place.number, recursive: false)), isDirectory)
        } catch {
            if let missing = lowers.first(where: { (try? FileStatus.of($0)) == nil }) {
                throw BerthError(
                    .corrupt, "mounting an image", subject: missing, cause: "a layer of it is missing",
                    hint: "load or pull the image again")
            }
            throw BerthError(
                .notFound, "mounting \(subpath ?? "/") of an image", subject: subpath, cause: "\(error)",
                hint: "a subpath must exist in the image")
        }
    }

    package func remove(_ id: String) throws {
        do { try Directory.remove(layout.snapshot(id)) } catch {
            throw BerthError(.internal, "removing the root of \(id.prefix(12))", cause: "\(error)")
        }
    }

    package func list() -> [String] { ((try? Directory.names(layout.snapshots)) ?? []).sorted() }
}
