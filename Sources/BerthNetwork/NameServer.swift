// Answers the sandboxes' questions on sockets inside their namespaces; asks the host's servers what it does not know.
import BerthLinux
import BerthModel
import NIOCore
import NIOPosix
import Synchronization

package final class NameServer: Sendable {
    /// What one sandbox sees.
    package struct View: Sendable {
        package var networks: [String]
        /// `dns:` of the service; empty: the host's.
        package var upstreams: [String]
        /// False for sandboxes on internal networks only: their questions never leave.
        package var mayForward: Bool
        package init(networks: [String], upstreams: [String], mayForward: Bool) {
            self.networks = networks
            self.upstreams = upstreams
            self.mayForward = mayForward
        }
    }

    private struct State {
        var zone = Zone()
        var channels: [String: [any Channel]] = [:]
        var pending = 0
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let state = Mutex(State())
    private static let pendingMax = 1024
    private static let upstreamTimeout = TimeAmount.seconds(4)

    package init() {}

    package func setZone(_ zone: Zone) { state.withLock { $0.zone = zone } }

    /// Serves a sandbox on its bound sockets.
    package func serve(_ sandbox: String, _ view: View, datagram: SharedDescriptor, stream: SharedDescriptor?)
        async throws
    {
        let own = try datagram.duplicate().release()
        let channel = try await DatagramBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    DatagramChannelHandler { [weak self] bytes, reply in
                        self?.answer(bytes, view, reply)
                    })
            }
        }.withBoundSocket(own).get()
        var channels: [any Channel] = [channel]
        if let stream {
            let listening = try stream.duplicate().release()
            channels.append(
                try await ServerBootstrap(group: group).childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            StreamChannelHandler { [weak self] bytes, reply in
                                self?.answer(bytes, view, reply)
                            })
                    }
                }.withBoundSocket(listening).get())
        }
        let all = channels
        state.withLock { $0.channels[sandbox] = all }
    }

    package func stop(_ sandbox: String) {
        for channel in state.withLock({ $0.channels.removeValue(forKey: sandbox) }) ?? [] {
            channel.close(promise: nil)
        }
    }

    private func answer(_ bytes: [UInt8], _ view: View, _ reply: @escaping @Sendable ([UInt8]) -> Void) {
        guard let question = DNSQuestion(bytes) else { return }
        let finding = state.withLock { $0.zone.find(question, networks: view.networks) }
        switch finding {
        case .addresses(let addresses): reply(DNSAnswer.addresses(question, addresses.shuffled()))
        case .pointer(let name): reply(DNSAnswer.pointer(question, name))
        case .nothing: reply(DNSAnswer.empty(question, code: DNSAnswer.ok))
        case .unknown: forward(bytes, question, view, reply)
        }
    }

    private func forward(
        _ bytes: [UInt8], _ question: DNSQuestion, _ view: View, _ reply: @escaping @Sendable ([UInt8]) -> Void
    ) {
        guard view.mayForward else { return reply(DNSAnswer.empty(question, code: DNSAnswer.noSuchName)) }
        var servers = view.upstreams
        if servers.isEmpty { servers = GeneratedFiles.nameservers((try? FileIO.readText("/etc/resolv.conf")) ?? "") }
        guard !servers.isEmpty else { return reply(DNSAnswer.empty(question, code: DNSAnswer.noSuchName)) }
        let admitted = state.withLock { state in
            if state.pending >= NameServer.pendingMax { return false }
            state.pending += 1
            return true
        }
        guard admitted else { return reply(DNSAnswer.empty(question, code: DNSAnswer.refused)) }
        ask(servers[...], bytes, question) { [weak self] answer in
            self?.state.withLock { $0.pending -= 1 }
            reply(answer ?? DNSAnswer.empty(question, code: DNSAnswer.serverFailure))
        }
    }

    /// One server after the other, each with its own random port and id, until one answers the same question.
    private func ask(
        _ servers: ArraySlice<String>, _ bytes: [UInt8], _ question: DNSQuestion,
        _ done: @escaping @Sendable ([UInt8]?) -> Void
    ) {
        guard let server = servers.first else { return done(nil) }
        let rest = servers.dropFirst()
        guard let address = try? SocketAddress(ipAddress: server, port: 53) else {
            return ask(rest, bytes, question, done)
        }
        let id = UInt16.random(in: 0...UInt16.max)
        var query = bytes
        query[0] = UInt8(id >> 8)
        query[1] = UInt8(id & 255)
        let sent = query
        let once = Once<[UInt8]?>(done)
        DatagramBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    DatagramChannelHandler { answer, _ in
                        guard answer.count >= 12, answer[0] == sent[0], answer[1] == sent[1],
                            answer.dropFirst(12).starts(with: question.raw)
                        else { return }
                        channel.close(promise: nil)
                        var own = answer
                        own[0] = UInt8(question.id >> 8)
                        own[1] = UInt8(question.id & 255)
                        once.call(own)
                    })
            }
        }.bind(host: server.contains(":") ? "::" : "0.0.0.0", port: 0).whenComplete { [weak self] result in
            guard let self, case .success(let channel) = result else { return once.call(nil) }
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: sent)), promise: nil)
            channel.eventLoop.scheduleTask(in: NameServer.upstreamTimeout) {
                channel.close(promise: nil)
                if once.claim() { self.ask(rest, bytes, question, done) }
            }
        }
    }
}

/// Calls at most once, from whichever side comes first.
private final class Once<Value>: Sendable {
    private let taken = Mutex(false)
    private let body: @Sendable (Value) -> Void
    init(_ body: @escaping @Sendable (Value) -> Void) { self.body = body }
    func claim() -> Bool {
        taken.withLock { taken in
            defer { taken = true }
            return !taken
        }
    }
    func call(_ value: Value) { if claim() { body(value) } }
}

private final class DatagramChannelHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let received: ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void
    init(_ received: @escaping ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let channel = context.channel
        let remote = envelope.remoteAddress
        received(Array(envelope.data.readableBytesView)) { bytes in
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: bytes)), promise: nil)
        }
    }
}

/// DNS over TCP: two bytes of length, then the message.
private final class StreamChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var pending = ByteBuffer()
    private let received: ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void
    init(_ received: @escaping ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        if pending.readableBytes > 16384 { context.close(promise: nil); return }
        let channel = context.channel
        while let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self),
            pending.readableBytes >= Int(length) + 2
        {
            pending.moveReaderIndex(forwardBy: 2)
            guard let message = pending.readBytes(length: Int(length)) else { return }
            received(message) { answer in
                var out = ByteBuffer()
                out.writeInteger(UInt16(answer.count))
                out.writeBytes(answer)
                channel.writeAndFlush(out, promise: nil)
            }
        }
    }
}
