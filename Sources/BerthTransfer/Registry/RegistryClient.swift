// One registry (OCI distribution-spec 1.1, Docker registry API v2): requests with login, retries, and errors in words.
import AsyncHTTPClient
import BerthModel
import BerthStore
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization

final class RegistryClient: Sendable {
    /// Attempts for one request; a blob that moves on starts counting anew.
    static let attemptsMax = 5
    private static let documentBytesMax = 4 << 20

    /// As references have it.
    let name: String
    let origin: RegistryURL.Origin
    let isMirror: Bool
    /// What is said of a failure: "pulling", "pushing".
    let verb: String
    let transport: RegistryTransport
    let tokens: RegistryTokens
    /// What opened each repository for each kind of access last: the next request begins with it.
    let opened = Mutex<[String: String]>([:])
    let hasEverAnswered = Mutex(false)
    let backoff: @Sendable (Duration) async throws -> Void

    /// - Parameter name: the registry's name in references.
    init(
        name: String, origin: RegistryURL.Origin, access: RegistryAccess, isMirror: Bool = false,
        verb: String = "pulling",
        backoff: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.name = name
        self.origin = origin
        self.isMirror = isMirror
        self.verb = verb
        let host = isMirror ? RegistryAccess.Host() : access.hosts[name] ?? RegistryAccess.Host()
        transport = RegistryTransport(access, host: host)
        tokens = RegistryTokens(transport, login: host.login, own: origin, name: name)
        self.backoff = backoff
    }

    /// Waits before another attempt of whatever failed.
    func pauseBefore(attempt: Int) async throws { try await backoff(RegistryClient.pause(attempt, nil)) }

    /// Whether it has ever said anything, an error included.
    var hasAnswered: Bool { hasEverAnswered.withLock { $0 } }

    func close() async { await transport.close() }

    /// The origins of a registry, in the order in which they are tried.
    static func origins(_ name: String, _ host: RegistryAccess.Host) -> [RegistryURL.Origin] {
        let (base, port) = RegistryURL.split(name == "docker.io" ? "registry-1.docker.io" : name) ?? (name, nil)
        let secure = RegistryURL.Origin(isSecure: true, host: base, port: port ?? 443)
        let plain = RegistryURL.Origin(isSecure: false, host: base, port: port ?? 80)
        return host.isInsecure || secure.isLoopback ? [secure, plain] : [secure]
    }

    struct Document {
        var bytes: [UInt8]
        var mediaType: String
        var digest: Digest
    }

    /// A manifest or an index, by tag or digest.
    func manifest(_ path: String, _ reference: String, accept: [String]) async throws -> Document {
        let what = "\(name)/\(path):\(reference)"
        let response = try await send(
            RegistryRequest(
                "/v2/\(path)/manifests/\(reference)", of: path, what, headers: accept.map { ("Accept", $0) }))
        let bytes = try await collect(response, what)
        let digest = ContentHash.digest(of: bytes)
        if let claimed = response.headers.first(name: "Docker-Content-Digest").flatMap({ Digest($0) }),
            claimed != digest
        {
            throw disagrees(what, "the registry calls it \(claimed.short), it is \(digest.short)")
        }
        if let wanted = Digest(reference), wanted != digest {
            throw disagrees(what, "its content is \(digest.short)")
        }
        let type = response.headers.first(name: "Content-Type") ?? ""
        return Document(
            bytes: bytes, mediaType: type.prefix { $0 != ";" }.split(separator: " ").joined(), digest: digest)
    }

    /// What a tag leads to, without fetching it.
    func digest(_ path: String, _ reference: String, accept: [String]) async throws -> Digest {
        var request = RegistryRequest(
            "/v2/\(path)/manifests/\(reference)", of: path, "\(name)/\(path):\(reference)",
            headers: accept.map { ("Accept", $0) })
        request.method = .HEAD
        let response = try await send(request)
        if let digest = response.headers.first(name: "Docker-Content-Digest").flatMap({ Digest($0) }) { return digest }
        return try await manifest(path, reference, accept: accept).digest
    }

    /// Whether the registry is one, and lets us in.
    func ping() async throws {
        do {
            let response = try await send(RegistryRequest("/v2/", of: "", name))
            try await RegistryTransport.discard(response)
        } catch let error as BerthError {
            let isNone = error.code == .notFound
            throw BerthError(
                error.code, "logging in to \(name)", subject: name,
                cause: isNone ? "there is no registry at \(origin)" : error.cause,
                hint: error.code == .denied ? "are user name and password right?" : isNone ? nil : error.hint)
        }
    }

    /// A small blob, checked.
    func document(_ path: String, _ descriptor: ContentDescriptor) async throws -> [UInt8] {
        let what = "\(descriptor.digest) of \(name)/\(path)"
        guard (0...Int64(RegistryClient.documentBytesMax)).contains(descriptor.size) else {
            throw disagrees(what, "a document of \(descriptor.size) bytes is none")
        }
        let response = try await send(RegistryRequest("/v2/\(path)/blobs/\(descriptor.digest)", of: path, what))
        let bytes = try await collect(response, what)
        guard Int64(bytes.count) == descriptor.size, ContentHash.digest(of: bytes) == descriptor.digest else {
            throw disagrees(what, "content and digest disagree")
        }
        return bytes
    }

    /// The bytes of a blob from an offset on; the status tells whether the offset was honoured (206) or not (200).
    func blob(_ path: String, _ digest: Digest, from offset: Int64) async throws -> HTTPClientResponse {
        try await send(
            RegistryRequest(
                "/v2/\(path)/blobs/\(digest)", of: path, "\(digest) of \(name)/\(path)",
                headers: offset > 0 ? [("Range", "bytes=\(offset)-")] : []))
    }

    private func collect(_ response: HTTPClientResponse, _ what: String) async throws -> [UInt8] {
        do {
            return Array((try await response.body.collect(upTo: RegistryClient.documentBytesMax)).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw disagrees(what, "it is longer than \(RegistryClient.documentBytesMax) bytes")
        } catch {
            throw unreachable(what, error)
        }
    }
}
