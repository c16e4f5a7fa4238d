// Taking over what a worker has prepared: whole layers and blobs first, names last.
import BerthLinux
import BerthModel

extension ImageStore {
    /// Moves what a worker has prepared into the store. A crash in between leaves unnamed content, never half an image.
    package func commit(_ images: [IngestedImage], from ingest: String) throws {
        let names = try images.map { try $0.references.map(ImageStore.canonical) }
        try exclusively {
            let wasCollected = !hasUncollected
            try markUncollected()
            try move("\(ingest)/blobs", .regular) { layout.blob($0) }
            try move("\(ingest)/layers", .directory) { layout.layer(chainID: $0) }
            try FileIO.syncParent(of: "\(layout.blobs)/x")
            try FileIO.syncParent(of: "\(layout.layers)/x")
            for image in images { try check(image) }
            // Built layers came here one by one, and nobody has waited for the disk.
            try syncLayers()
            for (image, names) in zip(images, names) {
                for name in names { try point(name, at: image.manifest) }
                if try !book.references().values.contains(image.manifest) {
                    try book.set(ImageStore.unnamedPrefix + "\(image.manifest)", image.manifest)
                }
            }
            // What failed in between stays marked.
            if wasCollected { try Directory.remove(layout.uncollected) }
        }
    }

    /// Takes blobs over that nothing names yet. Hold `keepingAll` as long as they are needed.
    package func takeBlobs(from ingest: String) throws {
        try exclusively {
            try markUncollected()
            try move("\(ingest)/blobs", .regular) { layout.blob($0) }
        }
    }

    /// Takes one layer over before its image is done, so that what was built once is there for the next build.
    ///
    /// - Parameters:
    ///   - place: a directory whose `diff` is the layer.
    ///   - packedBytes: the size of its tar, which can be made again at any time.
    /// - Returns: false where the store has it already.
    package func keepLayer(_ place: String, packedBytes: Int64, as chainID: Digest) throws -> Bool {
        guard try FileStatus.of("\(place)/diff", following: false).kind == .directory else {
            throw BerthError(.corrupt, "keeping layer \(chainID.short)", cause: "the worker has not prepared it")
        }
        let text = Array("\(packedBytes)".utf8)
        return try exclusively {
            let kept = layout.layer(chainID: chainID)
            try markUncollected()
            if hasLayer(chainID) {
                // One that came as a blob, which may go: equal DiffIDs are of equal tars, and so of equal trees.
                if (try? FileStatus.of("\(kept)/packed")) == nil { try FileIO.replace("\(kept)/packed", text) }
                return false
            }
            for name in ["size", "packed"] { try FileIO.replace("\(place)/\(name)", text, durable: false) }
            try FileMove.intoPlace(place, kept)
            return true
        }
    }

    func syncLayers() throws {
        let layers = try Directory.open(layout.layers, flags: FileFlags.directory)
        NewEntry.syncFileSystem(layers.number)
    }

    /// The worker has read hostile bytes: only what is plainly content by digest is taken.
    private func move(_ directory: String, _ kind: FileKind, _ place: (Digest) -> String) throws {
        for name in try Directory.names(directory) {
            guard let digest = Digest(hex: name),
                try FileStatus.of("\(directory)/\(name)", following: false).kind == kind
            else { continue }
            try FileMove.intoPlace("\(directory)/\(name)", place(digest))
        }
    }

    /// What the worker says of an image is what lies in the store, complete.
    private func check(_ ingested: IngestedImage) throws {
        let image = try image(ingested.manifest, [:])
        guard image.id == ingested.config else {
            throw ImageStore.damaged(ingested.manifest, "it names another config")
        }
        let chainIDs = ContentHash.chainIDs(of: image.config.rootfs.diff_ids)
        for (layer, chainID) in zip(image.manifest.layers, chainIDs)
        where (try? FileStatus.of(layout.blob(layer.digest))) == nil && !isPacked(chainID, as: layer) {
            throw ImageStore.damaged(ingested.manifest, "its layer \(layer.digest.short) is missing")
        }
        for chainID in chainIDs
        where (try? FileStatus.of("\(layout.layer(chainID: chainID))/diff"))?.kind != .directory {
            throw ImageStore.damaged(ingested.manifest, "its layer \(chainID.short) is not unpacked")
        }
    }
}
