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
    let manifestDigest: Digest
    let report: @Sendable (LayerProgress) -> Void

    /// The digest that the registry knows the image by.
    package static func run(_ request: WorkerRequest, report: @escaping @Sendable (LayerProgress) -> Void) async throws
        -> Digest
    {
        guard let pull = request.pull, let manifest = request.images.first?.manifest,
            let reference = ImageReference(pull.reference)
        else { throw BerthError(.internal, "pushing an image", cause: "there is no reference") }
        let push = ImagePush(request: pull, manifestDigest: manifest, report: report)
        return try await RegistryPlaces(
            access: pull.access, name: reference.domain, usesMirrors: false, verb: "pushing"
        ).ask { try await push.run(reference, $0) }
    }

    private func run(_ reference: ImageReference, _ client: RegistryClient) async throws -> Digest {
        let bytes = try FileIO.read("\(request.blobs)/\(manifestDigest.hex)", limit: 4 << 20)
        let manifest: ImageManifest = try ImageFetch.decode(bytes, "\(manifestDigest)")
        var blobs: [ContentDescriptor] = []
        for blob in manifest.layers + [manifest.config] where !blobs.contains(where: { $0.digest == blob.digest }) {
            blobs.append(blob)
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
        let tag = reference.tag ?? reference.digest.map { "\($0)" } ?? "latest"
        var put = RegistryRequest(
            "/v2/\(reference.path)/manifests/\(tag)", of: reference.path, "\(client.name)/\(reference.path):\(tag)",
            headers: [("Content-Type", manifest.mediaType ?? MediaType.manifest)])
        put.method = .PUT
        put.actions = "pull,push"
        put.accepted = [201]
        put.body = { .bytes(bytes) }
        try await RegistryTransport.discard(try await client.send(put))
        return manifestDigest
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
        tell(.pushing, 0)
        var location = try await begin(path, what, client)
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
            part.body = { [offset] in try ImagePush.body(file, offset, size) }
            location = try next(try await client.send(part), after: location, what, client)
            offset += size
            tell(.pushing, offset)
        }
        let rest = blob.size - offset
        var put = RegistryRequest(
            location + (location.contains("?") ? "&" : "?") + "digest=\(blob.digest)", of: path, what,
            headers: [("Content-Type", "application/octet-stream")]
                + (offset > 0 ? [("Content-Range", "\(offset)-\(blob.size - 1)")] : []))
        put.method = .PUT
        put.actions = "pull,push"
        put.accepted = [201, 204]
        put.body = { [offset] in try ImagePush.body(file, offset, rest) }
        try await RegistryTransport.discard(try await client.send(put))
        tell(.pushed, blob.size)
    }

    /// Where the registry takes the blob.
    private func begin(_ path: String, _ what: String, _ client: RegistryClient) async throws -> String {
        var post = RegistryRequest("/v2/\(path)/blobs/uploads/", of: path, what, headers: [("Content-Length", "0")])
        post.method = .POST
        post.actions = "pull,push"
        post.accepted = [202]
        let begun = try await client.send(post)
        return try next(begun, after: "/v2/\(path)/blobs/uploads/", what, client)
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
