// Answers the sandboxes' questions on sockets inside their namespaces.
import BerthLinux
import BerthModel
import NIOCore
import NIOPosix
import Synchronization

package final class NameServer: Sendable {
    /// What one sandbox sees.
    package struct View: Sendable {
        package var networks: [String]
        /// `dns:` of the service, asked from its own namespace; empty: the host's, asked from the host.
        package var upstreams: [String]
        package var namespace: SharedDescriptor?
        /// alias → service.
        package var links: [String: String]
        /// False for sandboxes on internal networks only: their questions never leave.
        package var mayForward: Bool
        package init(
            networks: [String], upstreams: [String], namespace: SharedDescriptor?, links: [String: String] = [:],
            mayForward: Bool
        ) {
            self.networks = networks
            self.upstreams = upstreams
            self.namespace = namespace
            self.links = links
            self.mayForward = mayForward
        }
    }

    struct State {
        var zone = Zone()
        var channels: [String: [any Channel]] = [:]
        /// Questions that wait for a server upstream.
        var pending = 0
        var isWatching = false
    }

    /// Where containers find it.
    static let address: [UInt8] = [127, 0, 0, 11]
    static let pendingMax = 1024
    static let connectionSeconds = TimeAmount.seconds(30)

    let resolver: HostResolver
    let host: SharedDescriptor?
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let state = Mutex(State())

    /// - Parameter host: the namespace from which the host's name servers are asked; nil: ours.
    package init(resolver: HostResolver, host: SharedDescriptor?) {
        self.resolver = resolver
        self.host = host
    }

    package func setZone(_ zone: Zone) { state.withLock { $0.zone = zone } }

    /// Serves a sandbox on its bound sockets.
    package func serve(
        _ sandbox: String, _ view: View, datagram: SharedDescriptor, stream: SharedDescriptor?
    ) async throws {
        stop(sandbox)
        let answer: @Sendable ([UInt8], Bool, @escaping @Sendable ([UInt8]) -> Void) -> Void = {
            [weak self] bytes, isStream, reply in self?.answer(bytes, view, isStream: isStream, reply)
        }
        var channels: [any Channel] = [
            try await DatagramBootstrap(group: group).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramChannelHandler { answer($0, false, $1) })
                }
            }.withBoundSocket(datagram.duplicate().release()).get()
        ]
        if let stream {
            channels.append(
                try await ServerBootstrap(group: group).childChannelInitializer { channel in
                    channel.eventLoop.scheduleTask(in: NameServer.connectionSeconds) { channel.close(promise: nil) }
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(StreamChannelHandler { answer($0, true, $1) })
                    }
                }.withBoundSocket(stream.duplicate().release()).get())
        }
        let all = channels
        state.withLock { $0.channels[sandbox] = all }
    }

    package func stop(_ sandbox: String) {
        for channel in state.withLock({ $0.channels.removeValue(forKey: sandbox) }) ?? [] {
            channel.close(promise: nil)
        }
    }

    package func shutdown() async {
        for sandbox in state.withLock({ Array($0.channels.keys) }) { stop(sandbox) }
        try? await group.shutdownGracefully()
    }

    func answer(
        _ bytes: [UInt8], _ view: View, isStream: Bool, _ reply: @escaping @Sendable ([UInt8]) -> Void
    ) {
        guard let question = DNSQuestion(bytes) else {
            if let refusal = DNSAnswer.refusal(bytes) { reply(refusal) }
            return
        }
        let limit = isStream ? 65535 : question.sizeMaxBytes
        switch state.withLock({ $0.zone.find(question, networks: view.networks, links: view.links) }) {
        case .addresses(let addresses): reply(DNSAnswer.addresses(question, addresses.shuffled(), limit: limit))
        case .pointer(let name): reply(DNSAnswer.pointer(question, name))
        case .nothing: reply(DNSAnswer.empty(question, code: DNSAnswer.ok))
        case .unknown: forward(bytes, question, view, isStream: isStream) { reply($0) }
        }
    }
}

/// Datagrams in, datagrams out to whoever asked.
final class DatagramChannelHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let received: ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void
    private let failed: () -> Void

    init(
        failed: @escaping () -> Void = {},
        _ received: @escaping ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void
    ) {
        self.received = received
        self.failed = failed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let channel = context.channel
        let remote = envelope.remoteAddress
        received(Array(envelope.data.readableBytesView)) { bytes in
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: bytes)), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { failed() }
}

/// DNS over TCP: two bytes of length, then the message.
final class StreamChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private static let pendingMaxBytes = 16384
    private var pending = ByteBuffer()
    private let received: ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void
    init(_ received: @escaping ([UInt8], @escaping @Sendable ([UInt8]) -> Void) -> Void) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        if pending.readableBytes > StreamChannelHandler.pendingMaxBytes {
            context.close(promise: nil)
            return
        }
        let channel = context.channel
        while let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self),
            pending.readableBytes >= Int(length) + 2
        {
            pending.moveReaderIndex(forwardBy: 2)
            guard let message = pending.readBytes(length: Int(length)) else { return }
            received(message) { answer in
                var out = ByteBuffer()
                out.writeInteger(UInt16(truncatingIfNeeded: answer.count))
                out.writeBytes(answer)
                channel.writeAndFlush(out, promise: nil)
            }
        }
        pending.discardReadBytes()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
