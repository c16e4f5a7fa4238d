// Images by reference: what they are, tagging, removing, committing what a worker has prepared.
import BerthLinux
import BerthModel
import FoundationEssentials

/// Where references are kept. The engine's database implements it; canonical reference → manifest digest.
package protocol ReferenceBook: Sendable {
    func references() throws -> [String: Digest]
    func set(_ reference: String, _ manifest: Digest) throws
    func remove(_ reference: String) throws
}

/// An image with everything that its manifest and config say.
package struct StoredImage: Sendable, Equatable {
    package var id: Digest
    package var manifestDigest: Digest
    package var manifest: ImageManifest
    package var config: ImageConfig
    /// Canonical.
    package var references: [String]
    package var sizeBytes: Int64
}

package struct ImageStore: Sendable {
    package let layout: StateLayout
    package let book: any ReferenceBook
    /// A manifest or config larger than this is not one.
    private static let documentBytesMax = 4 << 20

    package init(layout: StateLayout, book: any ReferenceBook) throws {
        self.layout = layout
        self.book = book
        for directory in [layout.blobs, layout.layers, layout.snapshots, layout.ingest, layout.volumes, layout.logs] {
            try Directory.make(directory)
        }
    }

    /// The image that a user's name means now; nil: not in the store.
    package func find(_ name: String) throws -> StoredImage? {
        let book = try book.references()
        if let reference = ImageReference(name), let manifest = book[reference.canonical] {
            return try image(manifest, book)
        }
        // An id, or the first digits of one.
        let digits = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        guard digits.utf8.count >= 4, digits.utf8.allSatisfy({ Hex.isLowerDigit($0) }) else { return nil }
        let matches = try Set(book.values).map { try image($0, book) }.filter { $0.id.hex.hasPrefix(digits) }
        return matches.count == 1 ? matches[0] : nil
    }

    package func list() throws -> [StoredImage] {
        let book = try book.references()
        return try Set(book.values).map { try image($0, book) }.sorted { $0.id < $1.id }
    }

    private func image(_ manifestDigest: Digest, _ book: [String: Digest]) throws -> StoredImage {
        let manifest: ImageManifest = try document(manifestDigest)
        let config: ImageConfig = try document(manifest.config.digest)
        let size = ContentHash.chainIDs(of: config.rootfs.diff_ids).reduce(Int64(0)) { $0 + layerSize($1) }
        return StoredImage(
            id: manifest.config.digest, manifestDigest: manifestDigest, manifest: manifest, config: config,
            references: book.filter { $0.value == manifestDigest }.map(\.key).sorted(), sizeBytes: size)
    }

    private func layerSize(_ chainID: Digest) -> Int64 {
        (try? FileIO.readText("\(layout.layer(chainID: chainID))/size")).flatMap { Int64($0) } ?? 0
    }

    private func document<Document: Decodable>(_ digest: Digest) throws -> Document {
        let bytes: [UInt8]
        do {
            bytes = try FileIO.read(layout.blob(digest), limit: ImageStore.documentBytesMax)
        } catch {
            throw BerthError(
                .corrupt, "reading \(digest.short)", subject: "\(digest)", cause: "\(error)",
                hint: "load the image again")
        }
        guard ContentHash.digest(of: bytes) == digest else {
            throw BerthError(
                .corrupt, "reading \(digest.short)", subject: "\(digest)", cause: "its content has changed on disk")
        }
        return try JSONDecoder().decode(Document.self, from: Data(bytes))
    }

    package func tag(_ source: String, _ target: String) throws {
        guard let image = try find(source) else { throw ImageStore.noSuchImage(source) }
        try book.set(try ImageStore.canonical(target), image.manifestDigest)
    }

    /// Removes a reference, and with the last one the image. Returns Docker's lines.
    ///
    /// - Parameter inUse: image ids that containers are made from.
    package func remove(_ name: String, force: Bool, inUse: Set<Digest>) throws -> [String] {
        guard let image = try find(name) else { throw ImageStore.noSuchImage(name) }
        let named = ImageReference(name).map(\.canonical)
        let references = named.map { image.references.contains($0) } == true ? [named ?? ""] : image.references
        if inUse.contains(image.id) && references.count == image.references.count && !force {
            throw BerthError(
                .conflict, "removing image \(name)", subject: name, cause: "a container is made from it",
                hint: "remove the container first, or use --force")
        }
        var lines: [String] = []
        for reference in references {
            try book.remove(reference)
            lines.append("Untagged: \(ImageReference(reference)?.familiar ?? reference)")
        }
        if references.count == image.references.count { lines.append("Deleted: \(image.id)") }
        return lines
    }

    /// Moves what a worker has prepared into the store: blobs and layers first, references last.
    package func commit(_ images: [IngestedImage], from ingest: String) throws {
        for name in try Directory.names("\(ingest)/blobs") {
            guard let digest = Digest(hex: name) else { continue }
            try FileMove.intoPlace("\(ingest)/blobs/\(name)", layout.blob(digest))
        }
        for name in (try? Directory.names("\(ingest)/layers")) ?? [] {
            guard let chainID = Digest(hex: name) else { continue }
            try FileMove.intoPlace("\(ingest)/layers/\(name)", layout.layer(chainID: chainID))
        }
        try FileIO.syncParent(of: "\(layout.blobs)/x")
        try FileIO.syncParent(of: "\(layout.layers)/x")
        for image in images {
            for reference in image.references { try book.set(try ImageStore.canonical(reference), image.manifest) }
            if image.references.isEmpty { try book.set("<none>@\(image.manifest)", image.manifest) }
        }
    }

    package static func canonical(_ name: String) throws -> String {
        guard let reference = ImageReference(name) else {
            throw BerthError(
                .invalid, "reading the image name \"\(name)\"", subject: name, cause: "invalid reference format",
                hint: "names are lower case: [registry/]path[:tag]")
        }
        return reference.canonical
    }

    package static func noSuchImage(_ name: String) -> BerthError {
        BerthError(
            .notFound, "looking for image \(name)", subject: name, cause: "no such image: \(name)",
            hint:
                "import a root tree with `berth image import FILE \(name)`, or load a saved image with `berth image load`"
        )
    }

    /// Removes blobs, layers and ingests that no reference and no container needs. Returns the bytes of layers freed.
    @discardableResult
    package func collect(keepingLayers used: Set<Digest>) throws -> Int64 {
        var blobs: Set<Digest> = []
        var layers = used
        for image in try list() {
            blobs.formUnion([image.manifestDigest, image.id])
            blobs.formUnion(image.manifest.layers.map(\.digest))
            layers.formUnion(ContentHash.chainIDs(of: image.config.rootfs.diff_ids))
        }
        var freed: Int64 = 0
        for name in try Directory.names(layout.blobs) where Digest(hex: name).map({ !blobs.contains($0) }) ?? true {
            try Directory.remove("\(layout.blobs)/\(name)")
        }
        for name in try Directory.names(layout.layers) {
            guard let chainID = Digest(hex: name), !layers.contains(chainID) else { continue }
            freed += layerSize(chainID)
            // Out of sight first: a half-removed layer must never be found under its name.
            let doomed = "\(layout.ingest)/doomed-\(name)"
            try FileMove.rename("\(layout.layers)/\(name)", doomed)
            try Directory.remove(doomed)
        }
        return freed
    }
}
