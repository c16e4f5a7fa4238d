// Collecting what nothing needs any more.
import BerthLinux
import BerthModel

extension ImageStore {
    /// Removes blobs and layers that no reference and no container needs. Returns the bytes of layers freed.
    ///
    /// An image that cannot be read may need anything: then nothing goes.
    ///
    /// - Parameter leased: manifests that are kept without a name.
    @discardableResult
    package func collect(keepingLayers used: Set<Digest>, leased: Set<Digest> = []) throws -> Int64 {
        try exclusively {
            try markUncollected()
            guard mayCollect else { return 0 }
            var blobs: Set<Digest> = []
            var layers = used
            let kept = leased.filter { (try? FileStatus.of(layout.blob($0))) != nil }
            for manifest in Set(try book.references().values).union(kept) {
                guard let image = try? image(manifest, [:]) else { return 0 }
                blobs.formUnion([image.manifestDigest, image.id])
                blobs.formUnion(image.manifest.layers.map(\.digest))
                layers.formUnion(ContentHash.chainIDs(of: image.config.rootfs.diff_ids))
            }
            try dropOutdatedDocuments()
            for document in try book.documents().values { blobs.formUnion(documentBlobs(document.manifest)) }
            for name in try Directory.names(layout.blobs) where Digest(hex: name).map({ !blobs.contains($0) }) ?? true {
                try Directory.remove("\(layout.blobs)/\(name)")
            }
            var freed: Int64 = 0
            for name in try Directory.names(layout.layers) {
                guard let chainID = Digest(hex: name), !layers.contains(chainID) else { continue }
                freed += layerSize(chainID)
                // Out of sight first: a half-removed layer must never be found under its name.
                let doomed = "\(layout.ingest)/doomed-\(name)"
                try Directory.remove(doomed)
                try FileMove.rename("\(layout.layers)/\(name)", doomed)
                try Directory.remove(doomed)
            }
            try Directory.remove(layout.uncollected)
            return freed
        }
    }

    /// Before content loses its name: who dies on the way to collecting it tells the next one.
    func markUncollected() throws {
        if hasUncollected { return }
        try FileIO.replace(layout.uncollected, [], durable: false)
    }

    /// A collection was begun and did not end, or had to wait.
    package var hasUncollected: Bool { (try? FileStatus.of(layout.uncollected)) != nil }
}
