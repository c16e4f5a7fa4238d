// Looking at everything that the store should hold, and at everything that it does.
import BerthLinux
import BerthModel

extension ImageStore {
    /// Reads every blob. Layers are looked for, not read: their content is checked when it is unpacked, and that of a
    /// layer without a blob whenever it is packed.
    ///
    /// - Parameters:
    ///   - used: ChainIDs that containers need, image or not.
    ///   - leased: manifests that are kept without a name.
    package func check(usedLayers used: Set<Digest>, leased: Set<Digest> = []) throws -> [StoreProblem] {
        try exclusively {
            var problems: [StoreProblem] = []
            var blobs: Set<Digest> = []
            var layers = used
            for image in leased.compactMap({ try? image($0, [:]) }) {
                let chainIDs = ContentHash.chainIDs(of: image.config.rootfs.diff_ids)
                blobs.formUnion([image.manifestDigest, image.id] + blobDigests(image, chainIDs))
                layers.formUnion(chainIDs)
            }
            for (reference, manifest) in try book.references().sorted(by: { $0.key < $1.key }) {
                blobs.insert(manifest)
                let found: StoredImage
                do { found = try image(manifest, [:]) } catch {
                    let detail = (error as? BerthError)?.cause ?? "\(error)"
                    problems.append(
                        StoreProblem(kind: .altered, object: "image", name: ImageStore.shown(reference), detail: detail)
                    )
                    continue
                }
                let chainIDs = ContentHash.chainIDs(of: found.config.rootfs.diff_ids)
                blobs.formUnion([found.id] + blobDigests(found, chainIDs))
                layers.formUnion(chainIDs)
            }
            for document in try book.documents().values { blobs.formUnion(documentBlobs(document.manifest)) }
            for digest in blobs.sorted() { problems += blobProblem(digest).map { [$0] } ?? [] }
            for chainID in layers.sorted()
            where (try? FileStatus.of("\(layout.layer(chainID: chainID))/diff"))?.kind != .directory {
                problems.append(StoreProblem(kind: .missing, object: "layer", name: chainID.short))
            }
            for name in try Directory.names(layout.blobs).sorted()
            where Digest(hex: name).map({ !blobs.contains($0) }) ?? true {
                problems.append(StoreProblem(kind: .unknown, object: "blob", name: String(name.prefix(12))))
            }
            for name in try Directory.names(layout.layers).sorted() {
                guard let chainID = Digest(hex: name), !layers.contains(chainID) else { continue }
                problems.append(StoreProblem(kind: .unknown, object: "layer", name: chainID.short))
            }
            return problems
        }
    }

    /// Of the layers that need blobs, and of those that have one all the same, as a loaded one has.
    private func blobDigests(_ image: StoredImage, _ chainIDs: [Digest]) -> [Digest] {
        zip(image.manifest.layers, chainIDs).filter { layer, chainID in
            !isPacked(chainID, as: layer) || (try? FileStatus.of(layout.blob(layer.digest))) != nil
        }.map(\.0.digest)
    }

    static func shown(_ reference: String) -> String { ImageReference(reference)?.familiar ?? reference }

    private func blobProblem(_ digest: Digest) -> StoreProblem? {
        guard let file = try? Directory.open(layout.blob(digest)) else {
            return StoreProblem(kind: .missing, object: "blob", name: digest.short)
        }
        var hash = ContentHash()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            guard let count = try? FileIO.readSome(file.number, &buffer) else {
                return StoreProblem(kind: .altered, object: "blob", name: digest.short, detail: "it cannot be read")
            }
            if count == 0 { break }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return hash.finish() == digest
            ? nil : StoreProblem(kind: .altered, object: "blob", name: digest.short, detail: "its content has changed")
    }

    /// Forgets the names of images that are not whole, so that pulling or loading them makes them so again, and with
    /// them the blobs that are wrong. What containers use stays where it is.
    package func forgetDamaged() throws -> [String] {
        try exclusively {
            try markUncollected()
            var lines: [String] = []
            for (reference, manifest) in try book.references().sorted(by: { $0.key < $1.key }) {
                var wrong: [Digest] = []
                var isDamaged = false
                if let found = try? image(manifest, [:]) {
                    let chainIDs = ContentHash.chainIDs(of: found.config.rootfs.diff_ids)
                    let all = [manifest, found.id] + blobDigests(found, chainIDs)
                    wrong = all.filter { blobProblem($0) != nil }
                    isDamaged = ContentHash.chainIDs(of: found.config.rootfs.diff_ids).contains {
                        (try? FileStatus.of("\(layout.layer(chainID: $0))/diff"))?.kind != .directory
                    }
                } else {
                    wrong = [manifest]
                }
                guard isDamaged || !wrong.isEmpty else { continue }
                for digest in wrong { try Directory.remove(layout.blob(digest)) }
                try book.remove(reference)
                lines.append("Untagged: \(ImageStore.shown(reference)): it was damaged")
            }
            for (reference, document) in try book.documents().sorted(by: { $0.key < $1.key }) {
                let wrong = documentBlobs(document.manifest).filter { blobProblem($0) != nil }
                if wrong.isEmpty { continue }
                for digest in wrong { try Directory.remove(layout.blob(digest)) }
                try book.removeDocument(reference)
            }
            return lines
        }
    }

    /// Forgets images without a name; with `all`, every one that no container is made from.
    ///
    /// - Parameters:
    ///   - inUse: image ids that containers are made from.
    ///   - leased: manifests that revisions may go back to.
    package func forgetUnused(
        all: Bool, inUse: Set<Digest>, leased: Set<Digest> = [], isOld: (StoredImage) -> Bool = { _ in true }
    ) throws -> [String] {
        try exclusively {
            try markUncollected()
            var lines: [String] = []
            for found in try list()
            where !inUse.contains(found.id) && !leased.contains(found.manifestDigest)
                && (all || found.references.isEmpty) && isOld(found)
            {
                for (reference, manifest) in try book.references() where manifest == found.manifestDigest {
                    try book.remove(reference)
                    if !reference.hasPrefix(ImageStore.unnamedPrefix) {
                        lines.append("untagged: \(ImageStore.shown(reference))")
                    }
                }
                lines.append("deleted: \(found.id)")
            }
            return lines
        }
    }

    /// Bytes of all blobs and layers.
    package var storedBytes: Int64 { DiskUsage.bytes(of: layout.blobs) + DiskUsage.bytes(of: layout.layers) }

    /// Bytes of what no image in use needs.
    package func reclaimableBytes(inUse: Set<Digest>, usedLayers: Set<Digest>) throws -> Int64 {
        var blobs: Set<Digest> = []
        var layers = usedLayers
        for found in try list() where inUse.contains(found.id) {
            blobs.formUnion([found.manifestDigest, found.id] + found.manifest.layers.map(\.digest))
            layers.formUnion(ContentHash.chainIDs(of: found.config.rootfs.diff_ids))
        }
        let unusedBlobs = try Directory.names(layout.blobs).compactMap { Digest(hex: $0) }.filter {
            !blobs.contains($0)
        }
        let unusedLayers = try Directory.names(layout.layers).compactMap { Digest(hex: $0) }.filter {
            !layers.contains($0)
        }
        return unusedBlobs.reduce(Int64(0)) { $0 + ((try? FileStatus.of(layout.blob($1)))?.sizeBytes ?? 0) }
            + unusedLayers.reduce(Int64(0)) { $0 + DiskUsage.bytes(of: layout.layer(chainID: $1)) }
    }
}
