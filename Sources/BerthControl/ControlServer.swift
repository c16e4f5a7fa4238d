// The server end: HTTP/1.1 on a unix socket, one request a connection, answers as JSON lines.
import BerthModel
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves an `AgentService` on a listening socket.
package final class ControlServer: Sendable {
    private let service: any AgentService
    private let group: MultiThreadedEventLoopGroup
    private let channel: Mutex<(any Channel)?> = Mutex(nil)
    private let active = Mutex(0)
    /// Called whenever the number of requests under way falls to none.
    private let idle: @Sendable () -> Void

    package init(service: any AgentService, idle: @escaping @Sendable () -> Void) {
        self.service = service
        self.idle = idle
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    /// Open connections and requests under way: whoever is there needs us.
    package var activeClients: Int { active.withLock { $0 } }

    private func opened(_ channel: any Channel) {
        active.withLock { $0 += 1 }
        channel.closeFuture.whenComplete { [weak self] _ in self?.closed() }
    }

    private func closed() {
        let left = active.withLock { count in
            count -= 1
            return count
        }
        if left == 0 { idle() }
    }

    /// Takes over a bound, listening, non-blocking unix socket.
    package func start(listening socket: Int32) async throws {
        let bootstrap = ServerBootstrap(group: group)
            .childChannelInitializer { [weak self] channel in
                self?.opened(channel)
                return channel.eventLoop.makeCompletedFuture {
                    // Without assistance for pipelining, which reads nothing while an answer is under way: a client
                    // that leaves must be noticed then.
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(
                        RequestChannelHandler { [weak self] head, body, channel in self?.begin(head, body, channel) })
                }
            }
        let bound = try await bootstrap.withBoundSocket(socket).get()
        channel.withLock { $0 = bound }
    }

    package func stop() async {
        let open = channel.withLock { $0 }
        // Ignored: a channel that is closed already is closed.
        try? await open?.close()
        try? await group.shutdownGracefully()
    }

    private func begin(_ head: HTTPRequestHead, _ body: ByteBuffer, _ channel: any Channel) {
        active.withLock { $0 += 1 }
        let task = Task {
            await serve(head, body, AnswerWriter(channel))
            closed()
        }
        if Route(path: head.uri)?.endsWithClient == true { channel.closeFuture.whenComplete { _ in task.cancel() } }
    }

    private func serve(_ head: HTTPRequestHead, _ body: ByteBuffer, _ answer: AnswerWriter) async {
        do {
            guard head.method == .POST, let route = Route(path: head.uri) else {
                throw BerthError(.notFound, "serving \(head.method) \(head.uri)", cause: "there is no such route")
            }
            try await dispatch(route, Data(body.readableBytesView), answer)
        } catch let error as BerthError {
            await answer.fail(error)
        } catch {
            await answer.fail(BerthError(.internal, "serving \(head.uri)", cause: "\(error)"))
        }
    }

    private func decode<Document: Decodable>(_ body: Data) throws -> Document {
        do { return try JSONDecoder().decode(Document.self, from: body) } catch {
            throw BerthError(.invalid, "reading a request", cause: "\(error)")
        }
    }

    private func dispatch(_ route: Route, _ body: Data, _ answer: AnswerWriter) async throws {
        switch route {
        case .resume: try await answer.one(try await service.resume())
        case .suspend:
            try await service.suspend()
            try await answer.one(Nothing())
        case .version: try await answer.one(try await service.version())
        case .up: try await answer.stream(service.up(try decode(body)))
        case .down: try await answer.stream(service.down(try decode(body)))
        case .change: try await answer.stream(service.change(try decode(body)))
        case .run: try await answer.stream(service.run(try decode(body)))
        case .pull: try await answer.stream(service.pull(try decode(body)))
        case .push: try await answer.stream(service.push(try decode(body)))
        case .resolve: try await answer.one(try await service.resolve(try decode(body)))
        case .checkLogin:
            try await service.checkLogin(try decode(body))
            try await answer.one(Nothing())
        case .build: try await answer.stream(service.build(try decode(body)))
        case .pruneBuilds:
            try await answer.one(try await service.pruneBuilds(all: (try decode(body) as StackRequest).all))
        case .importImage: try await answer.stream(service.importImage(try decode(body)))
        case .loadImages: try await answer.stream(service.loadImages(try decode(body)))
        case .saveImages: try await answer.stream(service.saveImages(try decode(body)))
        case .commit: try await answer.stream(service.commit(try decode(body)))
        case .exportContainer: try await answer.stream(service.exportContainer(try decode(body)))
        case .events: try await answer.stream(service.events(stack: (try decode(body) as StackRequest).stack))
        case .stacks: try await answer.one(try await service.stacks(all: (try decode(body) as StackRequest).all))
        case .containers: try await answer.one(try await service.containers(try decode(body)))
        case .exec: try await answer.one(try await service.exec(try decode(body)))
        case .attach:
            try await answer.one(try await service.attach(container: (try decode(body) as ContainerRequest).container))
        case .copyIn:
            try await service.copyIn(try decode(body))
            try await answer.one(Nothing())
        case .wait:
            try await answer.one(try await service.wait(container: (try decode(body) as ContainerRequest).container))
        case .top:
            try await answer.one(try await service.top(container: (try decode(body) as ContainerRequest).container))
        case .images: try await answer.one(try await service.images())
        case .inspectImage: try await answer.one(try await service.inspectImage((try decode(body) as NameRequest).name))
        case .tagImage:
            let request: NameRequest = try decode(body)
            try await service.tagImage(source: request.name, target: request.target ?? "")
            try await answer.one(Nothing())
        case .removeImage:
            let request: NameRequest = try decode(body)
            try await answer.one(try await service.removeImage(request.name, force: request.force))
        case .pruneImages:
            try await answer.one(try await service.pruneImages(try decode(body)))
        case .diskReport: try await answer.one(try await service.diskReport())
        case .checkStore:
            try await answer.one(try await service.checkStore(repairs: (try decode(body) as StackRequest).all))
        case .networks:
            try await answer.one(try await service.networks(stack: (try decode(body) as StackRequest).stack))
        case .root:
            try await answer.stream(service.root(container: (try decode(body) as ContainerRequest).container))
        case .usage: try await answer.one(try await service.usage(try decode(body)))
        case .changeNetworks: try await answer.one(try await service.changeNetworks(try decode(body)))
        case .adoptVolume: try await answer.one(try await service.adoptVolume(try decode(body)))
        case .changeVolumes: try await answer.one(try await service.changeVolumes(try decode(body)))
        case .sharedNames, .packShared, .takeShared, .removeShared: try await dispatchSharing(route, body, answer)
        case .volumes: try await answer.one(try await service.volumes(stack: (try decode(body) as StackRequest).stack))
        }
    }
}

extension ControlServer {
    private func dispatchSharing(_ route: Route, _ body: Data, _ answer: AnswerWriter) async throws {
        switch route {
        case .packShared:
            try await answer.one(try await service.packShared((try decode(body) as NameRequest).name))
        case .takeShared:
            try await service.takeShared(try decode(body))
            try await answer.one(Nothing())
        case .removeShared:
            try await service.removeShared((try decode(body) as NameRequest).name)
            try await answer.one(Nothing())
        default: try await answer.one(try await service.sharedNames())
        }
    }
}

/// Collects one request, bounded, and hands it over.
private final class RequestChannelHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private let begin: (HTTPRequestHead, ByteBuffer, any Channel) -> Void

    init(_ begin: @escaping (HTTPRequestHead, ByteBuffer, any Channel) -> Void) { self.begin = begin }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(var part):
            body.writeBuffer(&part)
            if body.readableBytes > Route.bodyBytesMax { context.close(promise: nil) }
        case .end:
            guard let head else { return }
            begin(head, body, context.channel)
        }
    }
}

/// Writes one answer: a head, JSON lines, an end. A client that is gone is not written to.
final class AnswerWriter: Sendable {
    private let channel: any Channel
    private let begun = Mutex(false)

    init(_ channel: any Channel) { self.channel = channel }

    func one(_ value: some Codable & Sendable) async throws {
        try await write(AnswerLine.item(value))
        await end()
    }

    func stream<Item: Codable & Sendable>(_ items: AsyncThrowingStream<Item, any Error>) async throws {
        await head(.ok)
        for try await item in items where channel.isActive { try await write(AnswerLine.item(item)) }
        try await write(AnswerLine<Nothing>.ended)
        await end()
    }

    func fail(_ error: BerthError) async {
        // Ignored: a client that is gone reads no errors.
        try? await write(AnswerLine<Nothing>.failed(error))
        await end()
    }

    private func head(_ status: HTTPResponseStatus) async {
        let first = begun.withLock { begun in
            defer { begun = true }
            return !begun
        }
        guard first else { return }
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "Content-Type", value: "application/json")
        head.headers.add(name: "Connection", value: "close")
        try? await channel.writeAndFlush(HTTPServerResponsePart.head(head))
    }

    private func write(_ line: some Encodable) async throws {
        await head(.ok)
        var bytes = Array(try JSONEncoder().encode(line))
        bytes.append(0x0A)
        // Ignored: the work goes on without its observer.
        try? await channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    }

    private func end() async {
        try? await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        try? await channel.close()
    }
}
