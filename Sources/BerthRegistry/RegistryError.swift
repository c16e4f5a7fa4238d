// Failures in the words of the distribution protocol.
import BerthModel
import FoundationEssentials
import NIOHTTP1

struct RegistryError: Error {
    var status: HTTPResponseStatus
    var code: String
    var message: String
    var headers: [(String, String)] = []

    init(
        _ status: HTTPResponseStatus, _ code: String, _ message: String, headers: [(String, String)] = []
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    static func notFound(_ path: String) -> RegistryError {
        RegistryError(.notFound, "UNSUPPORTED", "there is nothing at \(path.prefix(255))")
    }
    static func unknownManifest(_ name: String) -> RegistryError {
        RegistryError(.notFound, "MANIFEST_UNKNOWN", "manifest unknown: \(name)")
    }
    static func unknownBlob(_ digest: Digest) -> RegistryError {
        RegistryError(.notFound, "BLOB_UNKNOWN", "blob unknown to this repository: \(digest)")
    }
    static let readOnly = RegistryError(
        .methodNotAllowed, "DENIED", "this registry is read-only: it was started without --writable")
    static let method = RegistryError(.methodNotAllowed, "UNSUPPORTED", "there is no such operation here")

    /// What the agent, or the worker that it asked, has said.
    init(_ error: BerthError) {
        let text = "\(error)"
        switch error.code {
        case .notFound: self.init(.notFound, "MANIFEST_BLOB_UNKNOWN", text)
        case .invalid, .corrupt, .unsupported: self.init(.badRequest, "MANIFEST_INVALID", text)
        case .conflict, .alreadyExists, .denied: self.init(.conflict, "DENIED", text)
        case .exhausted: self.init(.insufficientStorage, "DENIED", text)
        case .unavailable, .timedOut, .cancelled: self.init(.serviceUnavailable, "UNAVAILABLE", text)
        case .internal: self.init(.internalServerError, "UNKNOWN", text)
        }
    }

    private struct Document: Encodable {
        struct Entry: Encodable {
            var code: String
            var message: String
        }
        var errors: [Entry]
    }

    var answer: RegistryAnswer {
        let document = Document(errors: [.init(code: code, message: message)])
        // Ignored: two strings can always be encoded.
        let bytes = (try? JSONEncoder().encode(document)).map { Array($0) } ?? []
        var answer = RegistryAnswer(status, .bytes(bytes), type: "application/json")
        answer.headers += headers
        return answer
    }
}
