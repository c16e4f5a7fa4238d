// What registries and connections say when they fail, in words that help.
import AsyncHTTPClient
import BerthLinux
import BerthModel
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension RegistryClient {
    private static let errorBytesMax = 64 << 10

    private struct ErrorBody: Decodable {
        struct Item: Decodable { var code: String?; var message: String? }
        var errors: [Item]?
    }

    func failure(_ response: HTTPClientResponse, _ what: String) async throws -> BerthError {
        var said: ErrorBody.Item?
        if let body = try? await response.body.collect(upTo: RegistryClient.errorBytesMax) {
            said = (try? JSONDecoder().decode(ErrorBody.self, from: Data(body.readableBytesView)))?.errors?.first
        }
        let text = [said?.code?.lowercased(), said?.message].compactMap { $0 }.joined(separator: ": ")
        switch response.status.code {
        case 401, 403: return denied(what, response.status.code, text)
        case 404:
            return BerthError(
                .notFound, "\(verb) \(what)", subject: what,
                cause: text.isEmpty ? "the registry does not have it" : text,
                hint: "is the name right? a private image needs berth login \(name)")
        case 429:
            let limit = response.headers.first(name: "ratelimit-limit").map { " (its limit: \($0))" } ?? ""
            return BerthError(
                .unavailable, "\(verb) \(what)", subject: what,
                cause: "\(name) answers too many requests\(limit)" + (text.isEmpty ? "" : ": \(text)"),
                hint: "wait, or log in for a higher limit: berth login \(name)")
        default:
            return BerthError(
                .unavailable, "\(verb) \(what)", subject: what,
                cause: "\(name) answered \(response.status.code)" + (text.isEmpty ? "" : ": \(text)"))
        }
    }

    func denied(_ what: String, _ status: UInt, _ text: String?) -> BerthError {
        let said = text.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
        return BerthError(
            .denied, "\(verb) \(what)", subject: what, cause: "\(name) refuses access (\(status))\(said)",
            hint: "the repository does not exist, or needs berth login \(name)")
    }

    func disagrees(_ what: String, _ cause: String) -> BerthError {
        BerthError(.corrupt, "\(verb) \(what)", subject: what, cause: cause)
    }

    func unreachable(_ what: String, _ error: any Error) -> BerthError {
        BerthError(
            .unavailable, "\(verb) \(what)", subject: what, cause: "\(origin): \(RegistryClient.words(error))",
            hint: !RegistryClient.isTrust(error)
                ? "is the name right, and the registry reachable? images of your own are imported or loaded"
                : "its authority goes into /etc/berth/certs.d/NAME/ca.crt; plain HTTP is allowed in registries.json")
    }

    static func words(_ error: any Error) -> String {
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

    /// What no repetition mends: the two ends do not trust each other.
    static func isTrust(_ error: any Error) -> Bool {
        error is NIOSSLExtraError || error is NIOSSLError || error is BoringSSLError
    }
}
