// Pushing: what the registry has not, blob by blob, and the manifest last (distribution-spec, §Pushing).
import AsyncHTTPClient
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Runs in a process with a network and no rights; it reads blobs of the store, and writes nothing.
package struct ImagePush: Sendable {
    private static let blobsAtOnce = 5
    /// Larger blobs go in parts, so that a broken connection costs one part.
    private static let partBytes: Int64 = 32 << 20

    let request: PullRequest
    /// Several: images of several platforms, and an index of them.
    let manifests: [Digest]
    /// Repositories of the same registry that are known to have a blob, by its digest.
    let sources: [String: String]
    let report: @Sendable (LayerProgress) -> Void

    /// The digest that the registry knows the image by.
    package static func run(_ request: WorkerRequest, report: @escaping @Sendable (LayerProgress) -> Void) async throws
        -> Digest
    {
        guard let pull = request.pull, !request.images.isEmpty, let reference = ImageReference(pull.reference) else {
            throw BerthError(.internal, "pushing an image", cause: "there is no reference")
        }
        let push = ImagePush(
            request: pull, manifests: request.images.map(\.manifest), sources: request.sources, report: report)
        return try await RegistryPlaces(
            access: pull.access, name: reference.domain, usesMirrors: false, verb: "pushing"
        ).ask { try await push.run(reference, $0) }
    }

    private func run(_ reference: ImageReference, _ client: RegistryClient) async throws -> Digest {
        let tag = reference.tag ?? reference.digest.map { "\($0)" } ?? "latest"
        let images = try manifests.map { try PushedImage($0, in: request.blobs) }
        var blobs: [ContentDescriptor] = []
        for image in images {
            for blob in image.manifest.layers + [image.manifest.config]
            where !blobs.contains(where: { $0.digest == blob.digest }) { blobs.append(blob) }
        }
        // The first alone: it logs in for all.
        if let first = blobs.first { try await push(first, reference.path, client) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rest = blobs.dropFirst()
            func startNext() {
                guard let blob = rest.popFirst() else { return }
                group.addTask { try await push(blob, reference.path, client) }
            }
            for _ in 0..<ImagePush.blobsAtOnce { startNext() }
            while try await group.next() != nil { startNext() }
        }
        guard images.count > 1 else {
            try await put(images[0].bytes, images[0].mediaType, tag, reference.path, client)
            return images[0].digest
        }
        for image in images {
            try await put(image.bytes, image.mediaType, "\(image.digest)", reference.path, client)
        }
        let index = try PushedImage.index(of: images)
        try await put(index, MediaType.index, tag, reference.path, client)
        return ContentHash.digest(of: index)
    }

    /// A manifest or an index: the exact bytes, after everything that they name.
    private func put(
        _ bytes: [UInt8], _ mediaType: String, _ name: String, _ path: String, _ client: RegistryClient
    ) async throws {
        var put = RegistryRequest(
            "/v2/\(path)/manifests/\(name)", of: path, "\(client.name)/\(path):\(name)",
            headers: [("Content-Type", mediaType)])
        put.method = .PUT
        put.actions = "pull,push"
        put.accepted = [201]
        put.body = { .bytes(bytes) }
        try await RegistryTransport.discard(try await client.send(put))
    }

    private func push(_ blob: ContentDescriptor, _ path: String, _ client: RegistryClient) async throws {
        let what = "\(blob.digest) to \(client.name)/\(path)"
        func tell(_ phase: LayerProgress.Phase, _ done: Int64) {
            report(LayerProgress(layer: blob.digest, phase: phase, doneBytes: done, totalBytes: blob.size))
        }
        var head = RegistryRequest("/v2/\(path)/blobs/\(blob.digest)", of: path, what)
        head.method = .HEAD
        head.actions = "pull,push"
        head.accepted = [404]
        let found = try await client.send(head)
        try await RegistryTransport.discard(found)
        if found.status == .ok { return tell(.present, blob.size) }
        var attempt = 0
        while true {
            attempt += 1
            do {
                return tell(try await upload(blob, path, what, client) { tell(.pushing, $0) }, blob.size)
            } catch let error as BerthError where error.code == .unavailable && attempt < RegistryClient.attemptsMax {
                // What was half taken is begun anew: registries differ in what they make of a part that comes twice.
                tell(.retrying, 0)
                try await client.pauseBefore(attempt: attempt)
            }
        }
    }

    /// Returns how the blob came to be there.
    private func upload(
        _ blob: ContentDescriptor, _ path: String, _ what: String, _ client: RegistryClient, tell: (Int64) -> Void
    ) async throws -> LayerProgress.Phase {
        tell(0)
        guard var location = try await begin(blob, path, what, client) else { return .mounted }
        let file = "\(request.blobs)/\(blob.digest.hex)"
        var offset: Int64 = 0
        while blob.size - offset > ImagePush.partBytes {
            let size = ImagePush.partBytes
            var part = RegistryRequest(
                location, of: path, what,
                headers: [
                    ("Content-Type", "application/octet-stream"), ("Content-Range", "\(offset)-\(offset + size - 1)"),
                ])
            part.method = .PATCH
            part.actions = "pull,push"
            part.accepted = [202, 204]
            part.isRepeated = false
            part.body = { [offset] in try ImagePush.body(file, offset, size) }
            location = try next(try await client.send(part), after: location, what, client)
            offset += size
            tell(offset)
        }
        let rest = blob.size - offset
        var put = RegistryRequest(
            location + (location.contains("?") ? "&" : "?") + "digest=\(blob.digest)", of: path, what,
            headers: [("Content-Type", "application/octet-stream")]
                + (offset > 0 ? [("Content-Range", "\(offset)-\(blob.size - 1)")] : []))
        put.method = .PUT
        put.actions = "pull,push"
        put.accepted = [201, 204]
        put.isRepeated = false
        put.body = { [offset] in try ImagePush.body(file, offset, rest) }
        try await RegistryTransport.discard(try await client.send(put))
        return .pushed
    }

    /// Where the registry takes the blob; nil: it has taken it from another of its repositories.
    private func begin(
        _ blob: ContentDescriptor, _ path: String, _ what: String, _ client: RegistryClient
    ) async throws -> String? {
        let uploads = "/v2/\(path)/blobs/uploads/"
        let source = sources["\(blob.digest)"].flatMap { $0 == path ? nil : $0 }
        var post = RegistryRequest(
            uploads + (source.map { "?mount=\(blob.digest)&from=\($0)" } ?? ""), of: path, what,
            headers: [("Content-Length", "0")])
        post.method = .POST
        post.actions = "pull,push"
        post.source = source
        post.accepted = source == nil ? [202] : [201, 202]
        let begun = try await client.send(post)
        try await RegistryTransport.discard(begun)
        if begun.status == .created { return nil }
        return try next(begun, after: uploads, what, client)
    }

    private func next(
        _ response: HTTPClientResponse, after location: String, _ what: String, _ client: RegistryClient
    ) throws -> String {
        let here = location.hasPrefix("/") ? RegistryURL(client.origin, location) : RegistryURL(location)
        guard let given = response.headers.first(name: "Location"), let url = here?.following(given) else {
            throw client.disagrees(what, "the registry does not say where the upload goes on")
        }
        if client.origin.isSecure && !url.origin.isSecure {
            throw client.disagrees(what, "the upload would go on over plain http at \(url.origin)")
        }
        return url.origin == client.origin ? url.path : "\(url)"
    }

    /// A part of a file, read as it is sent.
    private static func body(_ path: String, _ offset: Int64, _ size: Int64) throws -> HTTPClientRequest.Body {
        .stream(try FilePart(path, offset, size), length: .known(size))
    }
}

/// A manifest of the store as it is given away.
private struct PushedImage {
    var digest: Digest
    var bytes: [UInt8]
    var manifest: ImageManifest
    /// Of the image's config.
    var platform: Platform
    var mediaType: String { manifest.mediaType ?? MediaType.manifest }

    init(_ digest: Digest, in blobs: String) throws {
        self.digest = digest
        bytes = try FileIO.read("\(blobs)/\(digest.hex)", limit: 4 << 20)
        manifest = try ImageFetch.decode(bytes, "\(digest)")
        let config: ImageConfig = try ImageFetch.decode(
            try FileIO.read("\(blobs)/\(manifest.config.digest.hex)", limit: 4 << 20), "\(manifest.config.digest)")
        platform = config.platform
    }

    /// The same bytes for the same images.
    static func index(of images: [PushedImage]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(
            try encoder.encode(
                ImageIndex(
                    manifests: images.map {
                        ContentDescriptor(
                            mediaType: $0.mediaType, digest: $0.digest, size: Int64($0.bytes.count),
                            platform: $0.platform)
                    })))
    }
}

/// The bytes of a part of a file, in pieces.
private struct FilePart: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    private static let pieceBytes = 256 << 10
    private let file: SharedDescriptor
    private let size: Int64

    init(_ path: String, _ offset: Int64, _ size: Int64) throws {
        file = SharedDescriptor(try Directory.open(path))
        NewEntry.seek(file.number, offset)
        self.size = size
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: SharedDescriptor
        var left: Int64

        mutating func next() async throws -> ByteBuffer? {
            if left == 0 { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(Swift.min(left, Int64(FilePart.pieceBytes))))
            let count = try FileIO.readSome(file.number, &bytes)
            guard count > 0 else { throw BerthError(.corrupt, "reading a blob", cause: "it is shorter than it was") }
            left -= Int64(count)
            return ByteBuffer(bytes: bytes[..<count])
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file, left: size) }
}
