// SOCK_SEQPACKET over unix sockets: whole messages, with descriptors beside them.
import CLinux

/// One received message. An empty payload without descriptors means that the other end is gone.
package struct Packet: ~Copyable {
    package var payload: [UInt8]
    package var descriptors: [SharedDescriptor]
}

package enum PacketSocket {
    /// Messages beyond this are refused by the sender; larger content travels in a memory file.
    package static let payloadBytesMax = 128 << 10
    package static let descriptorsMax = 250

    package static func pair() throws(SystemError) -> (SharedDescriptor, SharedDescriptor) {
        var numbers: [Int32] = [-1, -1]
        try systemCall("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &numbers)
        }
        return (SharedDescriptor(Descriptor(owning: numbers[0])), SharedDescriptor(Descriptor(owning: numbers[1])))
    }

    /// Listens on a path; an old socket of that name is replaced.
    package static func listen(_ path: String, stream: Bool = false, mode: UInt32 = 0o600) throws(SystemError)
        -> Descriptor
    {
        let socket = try make(stream: stream, nonBlocking: true)
        unlink(path)
        let previous = umask(0o177 & ~mode)
        defer { umask(previous) }
        try withAddress(path) { address, length throws(SystemError) in
            try systemCall("bind", path) { clinux_bind(socket.number, address, length) }
        }
        try systemCall("listen", path) { CLinux.listen(socket.number, 64) }
        return socket
    }

    package static func connect(_ path: String, stream: Bool = false) throws(SystemError) -> Descriptor {
        let socket = try make(stream: stream, nonBlocking: false)
        try withAddress(path) { address, length throws(SystemError) in
            try systemCall("connect", path) { clinux_connect(socket.number, address, length) }
        }
        return socket
    }

    package enum Kind: Sendable { case stream, datagram }

    /// Somebody else's socket, which does not block us.
    package static func connect(_ path: String, kind: Kind) throws(SystemError) -> SharedDescriptor {
        let type = Int32((kind == .stream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let made = Descriptor(owning: try systemCall("socket") { socket(AF_UNIX, type | flags, 0) })
        try withAddress(path) { address, length throws(SystemError) in
            try systemCall("connect", path) { clinux_connect(made.number, address, length) }
        }
        return SharedDescriptor(made)
    }

    package static func accept(_ listener: Int32) throws(SystemError) -> Descriptor {
        Descriptor(owning: try systemCall("accept4") { clinux_accept(listener, Int32(SOCK_CLOEXEC.rawValue)) })
    }

    /// The user id of the process at the other end.
    package static func peerUserID(_ socket: Int32) throws(SystemError) -> UInt32 {
        var credentials = ucred()
        var length = socklen_t(MemoryLayout<ucred>.size)
        try systemCall("getsockopt") { getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) }
        return credentials.uid
    }

    private static func make(stream: Bool, nonBlocking: Bool) throws(SystemError) -> Descriptor {
        let kind =
            Int32((stream ? SOCK_STREAM : SOCK_SEQPACKET).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        return Descriptor(owning: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
    }

    /// Socket addresses hold 107 bytes; longer paths go through the directory's descriptor.
    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        var text = path
        var directory: SharedDescriptor?
        if path.utf8.count >= capacity, let slash = path.lastIndex(of: "/") {
            let opened = SharedDescriptor(try Directory.open(String(path[..<slash]), flags: O_PATH | O_DIRECTORY))
            text = "/proc/self/fd/\(opened.number)\(path[slash...])"
            directory = opened
        }
        guard text.utf8.count < capacity else { throw SystemError(call: "bind", errno: ENAMETOOLONG, subject: path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: text.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        var failure: SystemError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                do throws(SystemError) { try body(rebound, length) } catch { failure = error }
            }
        }
        withExtendedLifetime(directory) {}
        if let failure { throw failure }
    }

    /// Sends one message; EPIPE when the other end is gone.
    package static func send(_ socket: Int32, _ payload: [UInt8], descriptors: [Int32] = []) throws(SystemError) {
        guard payload.count <= payloadBytesMax, descriptors.count <= descriptorsMax else {
            throw SystemError(call: "sendmsg", errno: EMSGSIZE)
        }
        try systemCall("sendmsg") { clinux_send_packet(socket, payload, payload.count, descriptors, descriptors.count) }
    }

    /// Receives one message; EAGAIN where the socket does not block and nothing is there.
    package static func receive(_ socket: Int32, wait: Bool = true) throws(SystemError) -> Packet {
        var bytes = [UInt8](repeating: 0, count: payloadBytesMax)
        var numbers = [Int32](repeating: -1, count: 253)
        var numberCount = 0
        var truncated: Int32 = 0
        let flags = wait ? 0 : Int32(MSG_DONTWAIT)
        let count = try systemCall("recvmsg") {
            clinux_receive_packet(socket, &bytes, payloadBytesMax, &numbers, &numberCount, flags, &truncated)
        }
        let descriptors = numbers[..<numberCount].map { SharedDescriptor(Descriptor(owning: $0)) }
        if truncated != 0 { throw SystemError(call: "recvmsg", errno: EMSGSIZE) }
        return Packet(payload: Array(bytes[..<count]), descriptors: descriptors)
    }
}
