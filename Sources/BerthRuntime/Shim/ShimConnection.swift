// The agent's end of one shim's socket: messages out at once, messages in from the poller's thread.
import BerthLinux
import BerthModel
import Synchronization

/// What a shim said, with the descriptors beside it; nil: it is gone.
package typealias ShimReceiver = @Sendable (ShimMessage?, [SharedDescriptor]) -> Void

package final class ShimConnection: Sendable {
    private let socket: SharedDescriptor
    private let poller: Poller
    private let isClosed = Mutex(false)

    package init(socket: SharedDescriptor, poller: Poller, receiver: @escaping ShimReceiver) {
        self.socket = socket
        self.poller = poller
        poller.add(socket.number) { [weak self] in self?.receive(receiver) }
    }

    package func send(_ message: ShimMessage, descriptors: [Int32] = []) throws(SystemError) {
        try PacketSocket.send(socket.number, message.encoded, descriptors: descriptors)
    }

    package func close() {
        let first = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        if first { poller.remove(socket.number) }
    }

    private func receive(_ receiver: ShimReceiver) {
        do {
            let packet = try PacketSocket.receive(socket.number, wait: false)
            if packet.payload.isEmpty && packet.descriptors.isEmpty {
                close()
                return receiver(nil, [])
            }
            receiver(try ShimMessage(decoding: packet.payload), packet.descriptors)
        } catch let error as SystemError where error.isWouldBlock {
            return
        } catch {
            close()
            receiver(nil, [])
        }
    }
}

extension SystemError {
    var isWouldBlock: Bool { errno == 11 }
}
