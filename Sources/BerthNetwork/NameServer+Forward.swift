// Asks upstream what no network of ours knows: one server after the other, from the namespace it is meant for.
import BerthLinux
import BerthModel
import NIOCore
import NIOPosix
import Synchronization

extension NameServer {
    static let port: UInt16 = 53
    static let patienceSeconds = 4

    /// One question on its way through the servers.
    private struct Errand: Sendable {
        var query: [UInt8]
        var question: DNSQuestion
        /// Where the sockets are made; nil: here.
        var namespace: SharedDescriptor?
        var isStream: Bool
        /// Something was said, if only that a server could not help.
        var fallback: [UInt8]?
        var done: @Sendable ([UInt8]?) -> Void
    }

    func forward(
        _ bytes: [UInt8], _ question: DNSQuestion, _ view: View, isStream: Bool,
        _ reply: @escaping @Sendable ([UInt8]) -> Void
    ) {
        guard view.mayForward else { return reply(DNSAnswer.empty(question, code: DNSAnswer.serverFailure)) }
        let servers = view.upstreams.isEmpty ? resolver.servers : view.upstreams
        if servers.isEmpty {
            // Names of one label are ours alone then, and this is none of them.
            let isLocal = !question.name.contains(".")
            return reply(DNSAnswer.empty(question, code: isLocal ? DNSAnswer.noSuchName : DNSAnswer.serverFailure))
        }
        let isAdmitted = state.withLock { state in
            if state.pending >= NameServer.pendingMax { return false }
            state.pending += 1
            return true
        }
        guard isAdmitted else { return reply(DNSAnswer.empty(question, code: DNSAnswer.refused)) }
        let errand = Errand(
            query: bytes, question: question, namespace: view.upstreams.isEmpty ? host : view.namespace,
            isStream: isStream
        ) { [weak self] answer in
            self?.state.withLock { $0.pending -= 1 }
            guard let answer else { return reply(DNSAnswer.empty(question, code: DNSAnswer.serverFailure)) }
            reply(DNSAnswer.relayed(answer, question, limit: isStream ? 65535 : question.sizeMaxBytes))
        }
        ask(servers[...], errand)
    }

    /// Each server on a socket of its own: a random port, a random id, and the kernel drops what others send there.
    private func ask(_ servers: ArraySlice<String>, _ errand: Errand) {
        guard let server = servers.first else { return errand.done(errand.fallback) }
        let rest = servers.dropFirst()
        guard let bytes = InternetSocket.address(server), let remote = try? SocketAddress(ipAddress: server, port: 53),
            let socket = try? NameServer.inside(
                errand.namespace,
                { () throws(SystemError) in
                    try InternetSocket.datagram(to: bytes, port: NameServer.port)
                }), let number = try? socket.duplicate().release()
        else { return ask(rest, errand) }
        let id = UInt16.random(in: 0...UInt16.max)
        var query = errand.query
        query[0] = UInt8(id >> 8)
        query[1] = UInt8(id & 255)
        let sent = query
        let once = Once { [weak self] (outcome: Outcome) in
            self?.settle(outcome, server: bytes, sent: sent, rest, errand)
        }
        DatagramBootstrap(group: group)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65535))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let stage = DatagramChannelHandler(failed: { once.call(.unreachable) }) { answer, _ in
                        guard DNSAnswer.answers(answer, id: id, errand.question) else { return }
                        once.call(.answer(answer))
                    }
                    try channel.pipeline.syncOperations.addHandler(stage)
                }
            }.withBoundSocket(number).whenComplete { result in
                guard case .success(let channel) = result else { return once.call(.unreachable) }
                once.always { channel.close(promise: nil) }
                channel.eventLoop.scheduleTask(in: .seconds(Int64(NameServer.patienceSeconds))) {
                    once.call(.unreachable)
                }
                channel.writeAndFlush(AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: sent)))
                    .whenFailure { _ in once.call(.unreachable) }
            }
    }

    enum Outcome: Sendable {
        case answer([UInt8])
        case unreachable
    }

    private func settle(
        _ outcome: Outcome, server: [UInt8], sent: [UInt8], _ rest: ArraySlice<String>, _ errand: Errand
    ) {
        guard case .answer(let answer) = outcome else { return ask(rest, errand) }
        let code = answer[3] & 15
        if (code == DNSAnswer.serverFailure || code == DNSAnswer.refused) && !rest.isEmpty {
            var next = errand
            next.fallback = answer
            return ask(rest, next)
        }
        let isTruncated = answer[2] & 2 != 0
        guard isTruncated && errand.isStream else { return errand.done(answer) }
        // Rare and slow: a thread of its own, which the cap on questions bounds.
        BackgroundThread.start {
            let whole = try? NameServer.inside(errand.namespace) { () throws(SystemError) in
                try InternetSocket.exchange(
                    sent, with: server, port: NameServer.port, patienceSeconds: NameServer.patienceSeconds)
            }
            let id = UInt16(sent[0]) << 8 | UInt16(sent[1])
            errand.done(whole.flatMap { DNSAnswer.answers($0, id: id, errand.question) ? $0 : nil } ?? answer)
        }
    }

    private static func inside<Result>(
        _ namespace: SharedDescriptor?, _ body: @escaping () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        guard let namespace else { return try body() }
        return try NetworkNamespace.inside(namespace, body)
    }

    // MARK: Watching the host's rules

    /// On the name server's own thread, unless it has ended by then.
    func later(milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        group.next().scheduleTask(in: .milliseconds(milliseconds), body)
    }

    /// Hears every change of nftables on the host, on the name server's own thread. Once.
    func watch(_ host: HostNamespace, _ heard: @escaping @Sendable ([UInt8]) -> Void) {
        let isFirst = state.withLock { state in
            defer { state.isWatching = true }
            return !state.isWatching
        }
        guard isFirst else { return }
        guard let socket = try? host.run({ () throws(SystemError) in try NetlinkMonitor.tables() }),
            let number = try? socket.duplicate().release()
        else { return state.withLock { $0.isWatching = false } }
        NIOPipeBootstrap(group: group)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65536))
            .channelInitializer { channel in
                channel.closeFuture.whenComplete { [weak self] _ in self?.state.withLock { $0.isWatching = false } }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(MonitorChannelHandler(heard))
                }
            }.takingOwnershipOfDescriptor(input: number).whenFailure { [weak self] _ in
                self?.state.withLock { $0.isWatching = false }
            }
    }
}

private final class MonitorChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let heard: ([UInt8]) -> Void
    init(_ heard: @escaping ([UInt8]) -> Void) { self.heard = heard }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard(Array(unwrapInboundIn(data).readableBytesView))
    }
    // Too many changes at once: something is lost, the next change is heard again.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Calls at most once, from whichever side comes first, and then what must follow in every case.
private final class Once<Value: Sendable>: Sendable {
    private struct State { var isTaken = false; var after: [@Sendable () -> Void] = [] }
    private let state = Mutex(State())
    private let body: @Sendable (Value) -> Void
    init(_ body: @escaping @Sendable (Value) -> Void) { self.body = body }

    func call(_ value: Value) {
        let after: [@Sendable () -> Void]? = state.withLock { state in
            if state.isTaken { return nil }
            state.isTaken = true
            return state.after
        }
        guard let after else { return }
        for follow in after { follow() }
        body(value)
    }

    func always(_ follow: @escaping @Sendable () -> Void) {
        let isTaken = state.withLock { state in
            if !state.isTaken { state.after.append(follow) }
            return state.isTaken
        }
        if isTaken { follow() }
    }
}
