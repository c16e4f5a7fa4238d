// Layers while an image is built: trees that can be mounted at once, and digests that are known a little later.
import BerthLinux
import BerthModel
import BerthStore

/// One layer above others. Its digest is computed beside the steps that come after it.
package final class BuildLayer: Sendable {
    /// What an image's documents say of a layer.
    struct Content: Sendable {
        var diffID: Digest
        var descriptor: ContentDescriptor
    }

    let below: BuildLayer?
    /// The directory as the agent knows it; after a move the agent finds it by this name.
    let path: String
    /// The directory itself, wherever it is moved.
    let tree: SharedDescriptor
    let content: Deferred<Content>
    let chainID: Deferred<Digest>

    init(
        above below: BuildLayer?, path: String, tree: SharedDescriptor,
        content: @escaping @Sendable () async throws -> Content
    ) {
        self.below = below
        self.path = path
        self.tree = tree
        let content = Deferred(content)
        self.content = content
        chainID = Deferred {
            let diffID = try await content.value.diffID
            return ContentHash.chain(diffID, above: try await below?.chainID.value)
        }
    }

    /// From this one down.
    var chain: [BuildLayer] {
        var all: [BuildLayer] = []
        var next: BuildLayer? = self
        while let layer = next {
            all.append(layer)
            next = layer.below
        }
        return all
    }
}

extension Optional where Wrapped == BuildLayer {
    /// Directories, the nearest first, for the agent.
    var paths: [String] { self?.chain.map(\.path) ?? [] }
    var descriptors: [SharedDescriptor] { self?.chain.map(\.tree) ?? [] }
}

/// Layers as one tree, mounted nowhere. It goes when its descriptors close.
enum LayerTree {
    /// - Parameter empty: a directory that stands for a tree without layers.
    static func readOnly(_ top: BuildLayer?, empty: String) throws(SystemError) -> SharedDescriptor {
        let trees = top.descriptors
        if trees.count == 1 { return SharedDescriptor(try DetachedMount.clone(of: trees[0].number, recursive: false)) }
        if trees.isEmpty { return SharedDescriptor(try Directory.open(empty, flags: FileFlags.directory)) }
        return SharedDescriptor(try DetachedMount.overlay(lowers: trees.map { "/proc/self/fd/\($0.number)" }))
    }

    /// What is written to it lies in `upper`.
    static func writable(
        _ top: BuildLayer?, upper: String, work: String, empty: String
    ) throws(SystemError) -> SharedDescriptor {
        let trees = top.descriptors
        return SharedDescriptor(
            try DetachedMount.overlay(
                lowers: trees.isEmpty ? [empty] : trees.map { "/proc/self/fd/\($0.number)" }, upper: upper, work: work))
    }
}
