// Tokens (distribution's token authentication): asked for once for each service and scope, kept until they end.
import AsyncHTTPClient
import BerthModel
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Answers challenges of one registry.
actor RegistryTokens {
    private static let answerBytesMax = 1 << 20

    private let transport: RegistryTransport
    private let login: RegistryAccess.Login?
    private let own: RegistryURL.Origin
    private let name: String
    private var tokens: [String: (value: String, expires: ContinuousClock.Instant)] = [:]

    init(_ transport: RegistryTransport, login: RegistryAccess.Login?, own: RegistryURL.Origin, name: String) {
        self.transport = transport
        self.login = login
        self.own = own
        self.name = name
    }

    /// The value of `Authorization` that answers one of the challenges; nil: none can be answered.
    ///
    /// - Parameter stale: the value that was just refused.
    func answer(_ challenges: [Challenge], scope: String, stale: String?) async throws -> String? {
        if let bearer = challenges.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
            let scopes = bearer.parameters["scope"] ?? scope
            let key = [bearer.parameters["realm"], bearer.parameters["service"], scopes].map { $0 ?? "" }
                .joined(separator: "\n")
            if let known = tokens[key], known.expires > .now, known.value != stale { return known.value }
            let made = try await token(bearer.parameters, scopes)
            tokens[key] = made
            return made.value == stale ? nil : made.value
        }
        if challenges.contains(where: { $0.scheme == "basic" }), case .password(let user, let secret)? = login {
            let value = RegistryTokens.basic(user, secret)
            return value == stale ? nil : value
        }
        return nil
    }

    static func basic(_ user: String, _ secret: String) -> String {
        "Basic " + Data("\(user):\(secret)".utf8).base64EncodedString()
    }

    private struct Answer: Decodable {
        var token: String?
        var access_token: String?
        var expires_in: Double?
    }

    private func token(
        _ parameters: [String: String], _ scope: String
    ) async throws -> (value: String, expires: ContinuousClock.Instant) {
        if case .registryToken(let token)? = login { return ("Bearer \(token)", .now + .seconds(3600)) }
        let realm = parameters["realm"] ?? ""
        guard let url = RegistryURL(realm) else {
            throw refused("its token service \(realm.prefix(200)) is no web address")
        }
        // A login goes to no place that others can read along, unless the registry itself is such a place.
        guard url.origin.isSecure || (!own.isSecure && url.origin.host == own.host) else {
            throw refused("it sends us to \(url.origin) for a token, which is not https")
        }
        let service = parameters["service"]
        let response: HTTPClientResponse
        if case .identityToken(let refresh)? = login {
            let form = [
                ("grant_type", "refresh_token"), ("service", service ?? ""), ("scope", scope),
                ("client_id", "berth"), ("refresh_token", refresh),
            ]
            let body = form.map { "\($0.0)=\(RegistryTokens.escaped($0.1))" }.joined(separator: "&")
            response = try await transport.send(
                .POST, url, own: own, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: .bytes(Array(body.utf8)))
        } else {
            var query = scope.split(separator: " ").map { "scope=\(RegistryTokens.escaped(String($0)))" }
            if let service { query.insert("service=\(RegistryTokens.escaped(service))", at: 0) }
            var target = url
            target.path += (url.path.contains("?") ? "&" : "?") + query.joined(separator: "&")
            var authorization: String?
            if case .password(let user, let secret)? = login { authorization = RegistryTokens.basic(user, secret) }
            response = try await transport.send(.GET, target, own: own, authorization: authorization)
        }
        guard response.status == .ok else {
            let isRefusal = [400, 401, 403].contains(response.status.code)
            try await RegistryTransport.discard(response)
            throw BerthError(
                isRefusal ? .denied : .unavailable, "logging in to \(name)", subject: name,
                cause: "its token service at \(url.origin) answered \(response.status.code)",
                hint: login == nil ? "berth login \(name)" : "is the password right? berth login \(name)")
        }
        let body: ByteBuffer
        do { body = try await response.body.collect(upTo: RegistryTokens.answerBytesMax) } catch is NIOTooManyBytesError
        {
            throw refused("its token is longer than \(RegistryTokens.answerBytesMax) bytes")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)),
            let value = answer.token ?? answer.access_token,
            value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw refused("its token service at \(url.origin) gave no token") }
        let seconds = min(max(answer.expires_in ?? 60, 60), 86400)
        return ("Bearer \(value)", .now + .seconds(seconds - 5))
    }

    private func refused(_ cause: String) -> BerthError {
        BerthError(.denied, "logging in to \(name)", subject: name, cause: cause)
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = NameRules.isAlphanumeric(byte) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }
}
