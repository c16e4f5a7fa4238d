// One registry (OCI distribution-spec 1.1, Docker registry API v2): requests with login, retries, and errors in words.
import AsyncHTTPClient
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

final class RegistryClient: Sendable {
    /// Attempts for one request; a blob that moves on starts counting anew.
    static let attemptsMax = 5
    private static let documentBytesMax = 4 << 20
    private static let errorBytesMax = 64 << 10

    /// As references have it.
    let name: String
    let origin: RegistryURL.Origin
    let isMirror: Bool
    private let transport: RegistryTransport
    private let tokens: RegistryTokens
    /// What opened each repository last: the next request begins with it.
    private let opened = Mutex<[String: String]>([:])
    private let hasEverAnswered = Mutex(false)
    private let backoff: @Sendable (Duration) async throws -> Void

    /// - Parameter name: the registry's name in references.
    init(
        name: String, origin: RegistryURL.Origin, access: RegistryAccess, isMirror: Bool = false,
        backoff: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.name = name
        self.origin = origin
        self.isMirror = isMirror
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
        let response = try await request(
            "/v2/\(path)/manifests/\(reference)", of: path, doing: what, headers: accept.map { ("Accept", $0) })
        let bytes = try await collect(response, what)
        let digest = ContentHash.digest(of: bytes)
        if let claimed = response.headers.first(name: "Docker-Content-Digest").flatMap({ Digest($0) }), claimed != digest {
            throw RegistryClient.disagrees(what, "the registry calls it \(claimed.short), it is \(digest.short)")
        }
        if let wanted = Digest(reference), wanted != digest {
            throw RegistryClient.disagrees(what, "its content is \(digest.short)")
        }
        let type = response.headers.first(name: "Content-Type") ?? ""
        return Document(
            bytes: bytes, mediaType: type.prefix { $0 != ";" }.split(separator: " ").joined(), digest: digest)
    }

    /// A small blob, checked.
    func document(_ path: String, _ descriptor: ContentDescriptor) async throws -> [UInt8] {
        let what = "\(descriptor.digest) of \(name)/\(path)"
        guard (0...Int64(RegistryClient.documentBytesMax)).contains(descriptor.size) else {
            throw RegistryClient.disagrees(what, "a document of \(descriptor.size) bytes is none")
        }
        let response = try await request("/v2/\(path)/blobs/\(descriptor.digest)", of: path, doing: what)
        let bytes = try await collect(response, what)
        guard Int64(bytes.count) == descriptor.size, ContentHash.digest(of: bytes) == descriptor.digest else {
            throw RegistryClient.disagrees(what, "content and digest disagree")
        }
        return bytes
    }

    /// The bytes of a blob from an offset on; the status tells whether the offset was honoured (206) or not (200).
    func blob(_ path: String, _ digest: Digest, from offset: Int64) async throws -> HTTPClientResponse {
        try await request(
            "/v2/\(path)/blobs/\(digest)", of: path, doing: "\(digest) of \(name)/\(path)",
            headers: offset > 0 ? [("Range", "bytes=\(offset)-")] : [])
    }

    private func collect(_ response: HTTPClientResponse, _ what: String) async throws -> [UInt8] {
        do {
            return Array((try await response.body.collect(upTo: RegistryClient.documentBytesMax)).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw RegistryClient.disagrees(what, "it is longer than \(RegistryClient.documentBytesMax) bytes")
        } catch {
            throw RegistryClient.unreachable(origin, what, error)
        }
    }

    /// One request with what it takes to have it answered: login, and patience.
    private func request(
        _ path: String, of repository: String, doing what: String, headers: [(String, String)] = []
    ) async throws -> HTTPClientResponse {
        let url = RegistryURL(origin, path)
        var authorization = opened.withLock { $0[repository] }
        var attempt = 0
        var hasAnswered = false
        while true {
            attempt += 1
            do {
                let response = try await transport.send(
                    .GET, url, own: origin, authorization: authorization, headers: headers)
                hasEverAnswered.withLock { $0 = true }
                switch response.status.code {
                case 200, 206:
                    opened.withLock { $0[repository] = authorization }
                    return response
                case 401 where !hasAnswered:
                    let challenges = Challenge.parse(response.headers["WWW-Authenticate"])
                    try await RegistryTransport.discard(response)
                    let answer = try await tokens.answer(
                        challenges, scope: "repository:\(repository):pull", stale: authorization)
                    guard let answer else { throw denied(what, 401, nil) }
                    authorization = answer
                    hasAnswered = true
                    attempt -= 1
                case 408, 429, 500...599:
                    let error = try await failure(response, what)
                    guard attempt < RegistryClient.attemptsMax else { throw error }
                    try await backoff(RegistryClient.pause(attempt, response.headers.first(name: "Retry-After")))
                default: throw try await failure(response, what)
                }
            } catch let error as BerthError {
                throw error
            } catch is CancellationError {
                throw BerthError(.cancelled, "pulling \(what)")
            } catch {
                // A registry that has never answered is not there: the next place is asked, or the user is told.
                guard attempt < RegistryClient.attemptsMax, hasAnswered,
                    !RegistryClient.isTrust(error)
                else {
                    throw RegistryClient.unreachable(origin, what, error)
                }
                try await backoff(RegistryClient.pause(attempt, nil))
            }
        }
    }

    /// Half a second, doubling, with up to a quarter more; what the registry asks for, up to a minute.
    static func pause(_ attempt: Int, _ retryAfter: String?) -> Duration {
        if let seconds = retryAfter.flatMap({ Int($0) }), seconds >= 0 { return .seconds(min(seconds, 60)) }
        let base = 0.5 * Double(1 << min(attempt - 1, 6))
        return .seconds(base * Double.random(in: 1...1.25))
    }

    static func isTrust(_ error: any Error) -> Bool {
        if error is NIOSSLExtraError || error is NIOSSLError || error is BoringSSLError { return true }
        return false
    }
}

// MARK: Errors in words

extension RegistryClient {
    private struct ErrorBody: Decodable {
        struct Item: Decodable { var code: String?; var message: String? }
        var errors: [Item]?
    }

    private func failure(_ response: HTTPClientResponse, _ what: String) async throws -> BerthError {
        var said: ErrorBody.Item?
        if let body = try? await response.body.collect(upTo: RegistryClient.errorBytesMax) {
            said = (try? JSONDecoder().decode(ErrorBody.self, from: Data(body.readableBytesView)))?.errors?.first
        }
        let text = [said?.code?.lowercased(), said?.message].compactMap { $0 }.joined(separator: ": ")
        switch response.status.code {
        case 401, 403: return denied(what, response.status.code, text)
        case 404:
            return BerthError(
                .notFound, "pulling \(what)", subject: what,
                cause: text.isEmpty ? "the registry does not have it" : text,
                hint: "is the name right? a private image needs berth login \(name)")
        case 429:
            let limit = response.headers.first(name: "ratelimit-limit").map { " (its limit: \($0))" } ?? ""
            return BerthError(
                .unavailable, "pulling \(what)", subject: what,
                cause: "\(name) answers too many requests\(limit)" + (text.isEmpty ? "" : ": \(text)"),
                hint: "wait, or log in for a higher limit: berth login \(name)")
        default:
            return BerthError(
                .unavailable, "pulling \(what)", subject: what,
                cause: "\(name) answered \(response.status.code)" + (text.isEmpty ? "" : ": \(text)"))
        }
    }

    private func denied(_ what: String, _ status: UInt, _ text: String?) -> BerthError {
        let said = text.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
        return BerthError(
            .denied, "pulling \(what)", subject: what, cause: "\(name) refuses access (\(status))\(said)",
            hint: "the repository does not exist, or needs berth login \(name)")
    }

    static func disagrees(_ what: String, _ cause: String) -> BerthError {
        BerthError(.corrupt, "pulling \(what)", subject: what, cause: cause)
    }

    static func unreachable(_ origin: RegistryURL.Origin, _ what: String, _ error: any Error) -> BerthError {
        BerthError(
            .unavailable, "pulling \(what)", subject: what, cause: "\(origin): \(words(error))",
            hint: !isTrust(error)
                ? nil
                : "an authority of its own goes into /etc/berth/certs.d/NAME/ca.crt; plain HTTP is allowed in registries.json"
        )
    }

    private static func words(_ error: any Error) -> String {
        if let error = error as? IOError { return SystemError(call: "connect", errno: error.errnoCode).reason }
        if let error = error as? NIOConnectionError {
            if error.dnsAError != nil || error.dnsAAAAError != nil { return "there is no host \(error.host)" }
            return error.connectionErrors.first.map { words($0.error) } ?? "no connection"
        }
        if let error = error as? HTTPClientError {
            switch error {
            case .connectTimeout: return "no connection within 15 s"
            case .readTimeout: return "nothing came for 60 s"
            case .remoteConnectionClosed: return "the connection was closed"
            default: break
            }
        }
        let text = "\(error)".prefix(400).description
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted" }
        if text.contains("WRONG_VERSION_NUMBER") { return "it does not speak TLS" }
        return text
    }
}
