// The server: a listening socket, TLS where asked for, one request after the other on each connection.
import BerthLinux
import BerthModel
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

package enum RegistryServer {
    typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private static let connectionsMax = 512
    /// What is under way when the end is asked for gets so long.
    private static let farewell: Duration = .seconds(5)

    /// Serves until the answers end: then nobody new is let in, and who is served is served to the end, for a while.
    ///
    /// - Parameters:
    ///   - listener: bound and listening.
    ///   - answers: where the starter's answers come from; questions go to descriptor 1.
    package static func run(_ request: ServeRequest, listener: Int32, answers: Int32) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (ends, ending) = AsyncStream<Void>.makeStream()
        let voice = AgentVoice(questions: 1, answers: answers) { ending.finish() }
        let uploads = try request.uploads.map { try Uploads(root: $0) }
        let service = RegistryService(
            shelf: Shelf(blobs: request.blobs, names: RepositoryNames(own: request.name), voice: voice),
            uploads: uploads, voice: voice, passwords: try request.passwords.map { try PasswordFile($0) })
        let tls = try context(request)
        let server = try await ServerBootstrap(group: group).bind(listener) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                var limits = NIOHTTPDecoderLimitConfiguration()
                limits.maxHeaderFieldSize = 16 << 10
                limits.maxHeaderFieldCount = 100
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                    withPipeliningAssistance: false, withServerUpgrade: nil, withErrorHandling: true,
                    withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
                    withDecoderLimitConfiguration: limits)
                try channel.pipeline.syncOperations.addHandler(PatienceChannelHandler())
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await accept(server, service) }
            for await _ in ends {}
            // Ignored: one that is closed already is closed.
            try? await server.channel.close()
            // Whoever ends first: all connections, or patience. Ignored: cancelled, it was the connections.
            tasks.addTask { try? await Task.sleep(for: farewell) }
            await tasks.next()
            tasks.cancelAll()
        }
        await uploads?.removeAll()
    }

    private static func context(_ request: ServeRequest) throws -> NIOSSLContext? {
        guard let certificate = request.certificate, let key = request.key else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(certificate).map { NIOSSLCertificateSource.certificate($0) }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain,
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw BerthError(
                .invalid, "reading the certificate and its key", cause: "\(error)",
                hint: "both are PEM, and belong together")
        }
    }

    private static func accept(_ server: NIOAsyncChannel<Connection, Never>, _ service: RegistryService) async {
        let open = OpenConnections()
        // Ignored: it ends when the listener is closed.
        try? await server.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in inbound {
                    let isRoom = open.enter() <= connectionsMax
                    group.addTask {
                        defer { open.leave() }
                        // Ignored: a connection that fails is over.
                        try? await isRoom ? serve(connection, service) : connection.channel.close()
                    }
                }
            }
        }
    }

    private final class OpenConnections: Sendable {
        private let count = Atomic(0)
        func enter() -> Int { count.add(1, ordering: .relaxed).newValue }
        func leave() { count.subtract(1, ordering: .relaxed) }
    }

    private static func serve(_ connection: Connection, _ service: RegistryService) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            while case .head(let head)? = try await parts.next() {
                let request = RegistryRequest(head, parts) {
                    try await outbound.write(.head(HTTPResponseHead(version: head.version, status: .continue)))
                }
                let answer = await service.answer(request)
                let isClean = await request.drain()
                let keeps = isClean && head.isKeepAlive
                try await write(answer, to: head, keeps: keeps, outbound)
                // Closed by its pipeline once all of the answer is out.
                guard keeps else { return try await connection.channel.closeFuture.get() }
                parts = request.iterator
            }
        }
    }

    private static func write(
        _ answer: RegistryAnswer, to request: HTTPRequestHead, keeps: Bool,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
        if answer.status != .noContent { head.headers.add(name: "Content-Length", value: "\(answer.count)") }
        if !keeps { head.headers.add(name: "Connection", value: "close") }
        guard request.method != .HEAD else { return try await outbound.write(contentsOf: [.head(head), .end(nil)]) }
        switch answer.body {
        case .bytes(let bytes):
            try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: bytes))), .end(nil)])
        case .file(let file, let offset, let count):
            try await outbound.write(.head(head))
            NewEntry.seek(file.number, offset)
            var left = count
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            while left > 0 {
                let got = try FileIO.readSome(file.number, &buffer)
                // Shorter than it was: the connection is cut rather than anything made up.
                guard got > 0 else { throw RegistryError(.internalServerError, "UNKNOWN", "a blob has shrunk") }
                let part = buffer.prefix(Int(min(Int64(got), left)))
                left -= Int64(part.count)
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: part))))
            }
            try await outbound.write(.end(nil))
        }
    }
}
