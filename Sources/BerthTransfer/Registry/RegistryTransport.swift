// Requests over HTTP/1.1 and TLS: connections by trust, proxies, redirects that carry no login to strangers.
import AsyncHTTPClient
import BerthModel
import NIOCore
import NIOHTTP1
import NIOSSL

/// Sends single requests. What it trusts, and through which proxy it goes, follows from the origin.
final class RegistryTransport: Sendable {
    private static let redirectsMax = 10

    private let access: RegistryAccess
    /// The name of the registry whose trust applies to `ownOrigins`.
    private let host: RegistryAccess.Host
    private let clients: ClientPool

    init(_ access: RegistryAccess, host: RegistryAccess.Host) {
        self.access = access
        self.host = host
        clients = ClientPool()
    }

    func close() async { await clients.close() }

    /// - Parameters:
    ///   - own: the registry's own origin: its certificates and client key apply there and nowhere else.
    ///   - authorization: goes to the origin of `url`, and is dropped when a redirect leaves it.
    func send(
        _ method: HTTPMethod, _ url: RegistryURL, own: RegistryURL.Origin, authorization: String? = nil,
        headers: [(String, String)] = [], body: HTTPClientRequest.Body? = nil
    ) async throws -> HTTPClientResponse {
        var url = url
        var authorization = authorization
        for _ in 0...RegistryTransport.redirectsMax {
            var request = HTTPClientRequest(url: url.description)
            request.method = method
            request.headers.add(name: "User-Agent", value: "berth/\(BerthVersion.text)")
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            if let authorization { request.headers.add(name: "Authorization", value: authorization) }
            request.body = body
            let client = try await client(for: url.origin, own: own)
            let response = try await client.execute(request, deadline: .distantFuture)
            guard [301, 302, 303, 307, 308].contains(response.status.code),
                let location = response.headers.first(name: "Location")
            else { return response }
            guard let next = url.following(location) else {
                throw BerthError(
                    .denied, "following a redirect of \(url.origin)", subject: "\(url.origin)",
                    cause: "it leads to \(location.prefix(200)), which is no web address")
            }
            if url.origin.isSecure && !next.origin.isSecure {
                throw BerthError(
                    .denied, "following a redirect of \(url.origin)", subject: "\(url.origin)",
                    cause: "it leads from https to plain http at \(next.origin)")
            }
            if next.origin != url.origin { authorization = nil }
            url = next
            try await RegistryTransport.discard(response)
        }
        throw BerthError(
            .unavailable, "asking \(url.origin)", subject: "\(url.origin)",
            cause: "more than \(RegistryTransport.redirectsMax) redirects")
    }

    /// Reads what is left, so that the connection can serve again; gives up on long ones.
    static func discard(_ response: HTTPClientResponse) async throws {
        var left = 64 << 10
        for try await part in response.body {
            left -= part.readableBytes
            if left < 0 { return }
        }
    }

    private func client(for origin: RegistryURL.Origin, own: RegistryURL.Origin) async throws -> HTTPClient {
        let isOwn = origin.host == own.host
        let proxy = proxy(for: origin)
        return try await clients.client(for: "\(isOwn) \(proxy ?? "")") {
            var tls = TLSConfiguration.makeClientConfiguration()
            if isOwn {
                if host.isInsecure || own.isLoopback { tls.certificateVerification = .none }
                tls.additionalTrustRoots = try host.authorities.map {
                    .certificates(try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)))
                }
                if let certificate = host.clientCertificate, let key = host.clientKey {
                    tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
                        .certificate($0)
                    }
                    tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
                }
            }
            var configuration = HTTPClient.Configuration(
                tlsConfiguration: tls, redirectConfiguration: .disallow,
                timeout: .init(connect: .seconds(15), read: .seconds(60)), decompression: .disabled)
            configuration.httpVersion = .http1Only
            // How often to try is decided above, where it is known what failed.
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 8
            configuration.proxy = try proxy.map(RegistryTransport.proxy)
            return configuration
        }
    }

    /// `[scheme://][user[:password]@]host[:port]`, as the variables have it.
    private static func proxy(_ text: String) throws -> HTTPClient.Configuration.Proxy {
        var rest = text[...]
        var scheme = "http://"
        if let mark = text.firstRange(of: "://") {
            scheme = String(text[..<mark.upperBound])
            rest = text[mark.upperBound...]
        }
        var login: HTTPClient.Authorization?
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            login = .basic(username: decoded(parts[0]), password: parts.count == 2 ? decoded(parts[1]) : "")
            rest = rest[rest.index(after: at)...]
        }
        guard let url = RegistryURL("\(scheme)\(rest)") else {
            throw BerthError(
                .invalid, "using the proxy", cause: "HTTP_PROXY or HTTPS_PROXY is no address of an http proxy",
                hint: "write http://HOST:PORT")
        }
        return .server(host: url.origin.host, port: url.origin.port, authorization: login)
    }

    /// Without its percent escapes.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var left = Array(text.utf8)[...]
        while let byte = left.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: left.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                left = left.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func proxy(for origin: RegistryURL.Origin) -> String? {
        let isExcepted =
            origin.isLoopback
            || access.proxies.except.contains { pattern in
                let name = pattern.hasPrefix(".") ? String(pattern.dropFirst()) : pattern
                return pattern == "*" || origin.host == name || "\(origin.host):\(origin.port)" == name
                    || origin.host.hasSuffix("." + name)
            }
        return isExcepted ? nil : origin.isSecure ? access.proxies.https : access.proxies.http
    }
}

/// Clients by what they trust and where they go through.
private actor ClientPool {
    private var clients: [String: HTTPClient] = [:]

    func client(for key: String, _ configuration: @Sendable () throws -> HTTPClient.Configuration) throws -> HTTPClient
    {
        if let client = clients[key] { return client }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try configuration())
        clients[key] = client
        return client
    }

    func close() async {
        for client in clients.values {
            // Ignored: what is closed already is closed.
            try? await client.shutdown()
        }
        clients = [:]
    }
}
