// One request as it comes in: its head, and its body piece by piece.
import BerthModel
import NIOCore
import NIOHTTP1

/// Used by the one task that serves its connection.
final class RegistryRequest {
    typealias Parts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    let head: HTTPRequestHead
    let query: RegistryQuery
    private var parts: Parts
    private var isAtEnd = false
    /// Called before the body is first read: where a client waits to be told to send it.
    private let invite: () async throws -> Void
    private var isInvited: Bool

    init(_ head: HTTPRequestHead, _ parts: Parts, invite: @escaping () async throws -> Void) {
        self.head = head
        self.parts = parts
        self.invite = invite
        query = RegistryQuery(head.uri)
        isInvited = head.headers.first(name: "Expect")?.lowercased() != "100-continue"
    }

    /// The next piece of the body; nil at its end.
    func next() async throws -> ByteBuffer? {
        if isAtEnd { return nil }
        if !isInvited {
            isInvited = true
            try await invite()
        }
        switch try await parts.next(isolation: nil) {
        case .body(let buffer): return buffer
        case .end:
            isAtEnd = true
            return nil
        case .head, nil: throw RegistryError(.badRequest, "UNKNOWN", "the connection ended within a request")
        }
    }

    /// All of the body.
    func bytes(limit: Int) async throws -> [UInt8] {
        let tooLarge = RegistryError(.payloadTooLarge, "SIZE_INVALID", "more than \(limit) bytes")
        if let length, length > limit { throw tooLarge }
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
            bytes += part.readableBytesView
        }
        return bytes
    }

    /// What is left of the body is read and thrown away, so that the connection can serve again; false: it is too much.
    func drain() async -> Bool {
        if isAtEnd { return true }
        if !isInvited { return false }
        var left = 16 << 20
        if let length, length > left { return false }
        while let part = try? await next() {
            left -= part.readableBytes
            if left < 0 { return false }
        }
        return isAtEnd
    }

    var iterator: Parts { parts }
    var length: Int? { head.headers.first(name: "Content-Length").flatMap { Int($0) } }
    func header(_ name: String) -> String? { head.headers.first(name: name) }
}
