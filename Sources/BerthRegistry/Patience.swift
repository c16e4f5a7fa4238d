// Closes connections: after their last answer, and where a client keeps the server waiting.
import NIOCore
import NIOHTTP1

final class PatienceChannelHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A head is there as a whole within it, however slowly its bytes come.
    private static let head = TimeAmount.seconds(60)
    private static let step = TimeAmount.seconds(60)
    private var waiting: Scheduled<Void>?
    private var isLast = false

    func handlerAdded(context: ChannelHandlerContext) { wait(PatienceChannelHandler.head, context) }

    func handlerRemoved(context: ChannelHandlerContext) { waiting?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        waiting?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head, .body: wait(PatienceChannelHandler.step, context)
        // From here on it is the server's turn.
        case .end: waiting?.cancel()
        }
        context.fireChannelRead(data)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { waiting?.cancel() } else { wait(PatienceChannelHandler.step, context) }
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isLast = head.headers.contains(name: "Connection")
        case .body: break
        case .end:
            wait(PatienceChannelHandler.head, context)
            guard isLast else { break }
            // Not before the last byte is on its way: closing throws away what is not.
            let written = promise ?? context.eventLoop.makePromise()
            let loop = NIOLoopBound(context, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in loop.value.close(promise: nil) }
            return context.write(data, promise: written)
        }
        context.write(data, promise: promise)
    }

    private func wait(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        waiting?.cancel()
        waiting = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }
}
