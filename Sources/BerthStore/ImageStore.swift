// Images by reference: the door of the store, and finding what is in it.
import BerthLinux
import BerthModel
import FoundationEssentials
import Synchronization

/// Where references are kept. The engine's database implements it; canonical reference → manifest digest.
package protocol ReferenceBook: Sendable {
    func references() throws -> [String: Digest]
    func set(_ reference: String, _ manifest: Digest) throws
    func remove(_ reference: String) throws
    /// What is shared besides images, by canonical reference.
    func documents() throws -> [String: SharedDocument]
    func set(_ reference: String, _ document: SharedDocument) throws
    func removeDocument(_ reference: String) throws
}

/// A manifest or index that the local registry gives under a name, where that is not simply a local image's.
package struct SharedDocument: Sendable, Equatable {
    package var manifest: Digest
    /// The local image that the name led to when this was made; with another one this is outdated. Nil: none, as for
    /// what is no image for this host.
    package var image: Digest?
    package init(manifest: Digest, image: Digest?) {
        self.manifest = manifest
        self.image = image
    }
}

/// An image with everything that its manifest and config say.
package struct StoredImage: Sendable, Equatable {
    package var id: Digest
    package var manifestDigest: Digest
    package var manifest: ImageManifest
    package var config: ImageConfig
    /// Canonical. Empty: nothing names it any more.
    package var references: [String]
    /// Of each layer as it is unpacked, base first.
    package var layerSizesBytes: [Int64]
    package var sizeBytes: Int64 { layerSizesBytes.reduce(0, +) }
}

package struct ImageStore: Sendable {
    package let layout: StateLayout
    package let book: any ReferenceBook
    private let turn = Turn()
    /// A manifest or config larger than this is not one.
    private static let documentBytesMax = 4 << 20
    /// Keeps an image that has lost its last name. No reference grammar admits it.
    static let unnamedPrefix = "<none>@"

    /// Changes of the store happen one after the other: nothing is collected between its commit and its reference.
    private final class Turn: Sendable {
        let mutex = Mutex<Void>(())
    }

    /// Pulls under way: what they found in the store must stay.
    private let pulls = Pulls()
    private final class Pulls: Sendable { let count = Mutex(0) }

    /// While the body runs, nothing is collected.
    package func keepingAll<Result>(_ body: () throws -> Result) rethrows -> Result {
        pulls.count.withLock { $0 += 1 }
        defer { pulls.count.withLock { $0 -= 1 } }
        return try body()
    }

    var mayCollect: Bool { pulls.count.withLock { $0 == 0 } }

    package init(layout: StateLayout, book: any ReferenceBook) throws {
        self.layout = layout
        self.book = book
        for directory in [layout.blobs, layout.layers, layout.snapshots, layout.ingest, layout.volumes, layout.logs] {
            try Directory.make(directory)
        }
        DiskPlacement.spreadDirectories(in: layout.ingest)
    }

    /// Where the content of an image is, for a worker that reads it.
    package func places(of image: StoredImage, _ request: inout WorkerRequest) {
        for digest in [image.manifestDigest, image.id] { request.blobs["\(digest)"] = layout.blob(digest) }
        let chainIDs = ContentHash.chainIDs(of: image.config.rootfs.diff_ids)
        for (layer, chainID) in zip(image.manifest.layers, chainIDs) {
            if isPacked(chainID, as: layer) {
                request.trees["\(layer.digest)"] = "\(layout.layer(chainID: chainID))/diff"
            } else {
                request.blobs["\(layer.digest)"] = layout.blob(layer.digest)
            }
        }
    }

    /// True where a layer is unpacked and whole.
    package func hasLayer(_ chainID: Digest) -> Bool {
        (try? FileStatus.of("\(layout.layer(chainID: chainID))/diff"))?.kind == .directory
    }

    /// True where a layer has no blob because it can be packed at any time to exactly what its descriptor says.
    func isPacked(_ chainID: Digest, as descriptor: ContentDescriptor) -> Bool {
        descriptor.mediaType == MediaType.layer
            && (try? FileIO.readText("\(layout.layer(chainID: chainID))/packed", limit: 64)) == "\(descriptor.size)"
    }

    func exclusively<Result: Sendable>(_ body: () throws -> sending Result) throws -> Result {
        try turn.mutex.withLock { _ in try body() }
    }

    /// The image that a user's name means now; nil: not in the store.
    package func find(_ name: String) throws -> StoredImage? {
        let book = try book.references()
        if let reference = ImageReference(name) {
            if let manifest = book[reference.canonical] { return try image(manifest, book) }
            // A digest says it all; the tag beside it says nothing.
            if let digest = reference.digest {
                let isKnown = book.contains { known, manifest in
                    let other = ImageReference(known)
                    return manifest == digest && other?.domain == reference.domain && other?.path == reference.path
                }
                return isKnown ? try image(digest, book) : nil
            }
        }
        return images(withID: name, book).first
    }

    /// Those whose id is or begins with the digits; none where the digits begin several ids.
    func images(withID name: String, _ book: [String: Digest]) -> [StoredImage] {
        let digits = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        guard digits.utf8.count >= 4, digits.utf8.allSatisfy({ Hex.isLowerDigit($0) }) else { return [] }
        let matches = readable(book).filter { $0.id.hex.hasPrefix(digits) }
        return Set(matches.map(\.id)).count == 1 ? matches : []
    }

    /// What can be read: one damaged image hides no other.
    package func list() throws -> [StoredImage] { readable(try book.references()) }

    private func readable(_ book: [String: Digest]) -> [StoredImage] {
        Set(book.values).compactMap { try? image($0, book) }
            .sorted { ($0.id, $0.manifestDigest) < ($1.id, $1.manifestDigest) }
    }

    func image(_ manifestDigest: Digest, _ book: [String: Digest]) throws -> StoredImage {
        let manifest: ImageManifest = try document(manifestDigest)
        let config: ImageConfig = try document(manifest.config.digest)
        let sizes = ContentHash.chainIDs(of: config.rootfs.diff_ids).map(layerSize)
        let names = book.filter { $0.value == manifestDigest && !$0.key.hasPrefix(ImageStore.unnamedPrefix) }
        return StoredImage(
            id: manifest.config.digest, manifestDigest: manifestDigest, manifest: manifest, config: config,
            references: names.keys.sorted(), layerSizesBytes: sizes)
    }

    func layerSize(_ chainID: Digest) -> Int64 {
        (try? FileIO.readText("\(layout.layer(chainID: chainID))/size", limit: 64)).flatMap { Int64($0) } ?? 0
    }

    func document<Document: Decodable>(_ digest: Digest) throws -> Document {
        do {
            let bytes = try FileIO.read(layout.blob(digest), limit: ImageStore.documentBytesMax)
            guard ContentHash.digest(of: bytes) == digest else {
                throw ImageStore.damaged(digest, "its content has changed on disk")
            }
            return try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch let error as SystemError {
            throw ImageStore.damaged(digest, "\(error)")
        } catch let error as DecodingError {
            throw ImageStore.damaged(digest, "it is no document of an image (\(type(of: error)))")
        }
    }

    static func damaged(_ digest: Digest, _ cause: String) -> BerthError {
        BerthError(
            .corrupt, "reading \(digest.short)", subject: "\(digest)", cause: cause,
            hint: "load or import the image again")
    }

    package static func canonical(_ name: String) throws -> String {
        // 64 hex digits are an id, never a name.
        guard let reference = ImageReference(name), Digest(hex: name) == nil else {
            throw BerthError(
                .invalid, "reading the image name \"\(name)\"", subject: name, cause: "invalid reference format",
                hint: "names are lower case: [registry/]path[:tag]")
        }
        return reference.canonical
    }

    package static func noSuchImage(_ name: String) -> BerthError {
        BerthError(
            .notFound, "looking for image \(name)", subject: name, cause: "no such image: \(name)",
            hint: "`berth image import FILE \(name)` makes one from a root tree, `berth image load` takes a saved one")
    }
}
