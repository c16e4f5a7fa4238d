// Internet sockets: bound for a reservation, bound for a server, connected for a question.
import CLinux

package enum InternetSocket {
    private static func kind(datagram: Bool, blocking: Bool = false) -> Int32 {
        Int32((datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | (blocking ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    }

    /// Bound to an address of 4 or 16 bytes. With `reuse` a port whose last connections still linger can be had.
    package static func bind(
        _ address: [UInt8], port: UInt16, datagram: Bool, reuse: Bool = false
    ) throws(SystemError) -> SharedDescriptor {
        let socket = Descriptor(
            owning: try systemCall("socket") {
                CLinux.socket(address.count == 4 ? AF_INET : AF_INET6, kind(datagram: datagram), 0)
            })
        let number = socket.number
        if reuse {
            var one: Int32 = 1
            setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        }
        var name = InternetSocket.name(address, port)
        let text = address.map { String($0) }.joined(separator: ".")
        try systemCall("bind", "\(text):\(port)") { clinux_bind(number, &name, socklen_t(name.count)) }
        return SharedDescriptor(socket)
    }

    package static func listen(_ socket: Int32, backlog: Int32 = 128) throws(SystemError) {
        try systemCall("listen") { CLinux.listen(socket, backlog) }
    }

    /// The port that the kernel chose.
    package static func port(_ socket: Int32) -> UInt16 {
        // Both families have the port at the same place; what does not fit is cut off.
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = clinux_getsockname(socket, &name, &length)
        return UInt16(bigEndian: name.sin_port)
    }

    /// The bytes of an IPv4 or IPv6 address in text; nil: it is neither.
    package static func address(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes[..<4]) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    /// A UDP socket, not blocking, from a random port, that hears nobody but this peer (4 or 16 bytes of address).
    package static func datagram(to address: [UInt8], port: UInt16) throws(SystemError) -> SharedDescriptor {
        try connect(address, port, kind(datagram: true), patienceSeconds: nil)
    }

    /// One question and answer over TCP with DNS's framing. Blocks for at most the given time at each step.
    package static func exchange(
        _ message: [UInt8], with address: [UInt8], port: UInt16, patienceSeconds: Int
    ) throws(SystemError) -> [UInt8] {
        let socket = try connect(address, port, kind(datagram: false, blocking: true), patienceSeconds: patienceSeconds)
        try FileIO.write(number: socket.number, [UInt8(message.count >> 8), UInt8(message.count & 255)] + message)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try FileIO.readSome(socket.number, &chunk)
            if count == 0 { throw SystemError(call: "recv", errno: ECONNRESET) }
            answer += chunk[..<count]
            guard answer.count >= 2 else { continue }
            let wanted = Int(answer[0]) << 8 | Int(answer[1])
            if answer.count >= wanted + 2 { return Array(answer[2..<(wanted + 2)]) }
        }
    }

    /// Not blocking afterwards. Nil patience: the connection is begun, and its first use tells whether it stands.
    package static func connect(
        to address: [UInt8], port: UInt16, datagram: Bool, patienceSeconds: Int?
    ) throws(SystemError) -> SharedDescriptor {
        let isBlocking = patienceSeconds != nil
        let socket: SharedDescriptor
        do throws(SystemError) {
            socket = try connect(
                address, port, kind(datagram: datagram, blocking: isBlocking), patienceSeconds: patienceSeconds)
        } catch {
            if error.errno == EINPROGRESS { throw SystemError(call: "connect", errno: ETIMEDOUT) }
            throw error
        }
        let flags = clinux_fcntl(socket.number, F_GETFL, 0)
        _ = clinux_fcntl(socket.number, F_SETFL, Int(flags | O_NONBLOCK))
        return socket
    }

    private static func connect(
        _ address: [UInt8], _ port: UInt16, _ kind: Int32, patienceSeconds: Int?
    ) throws(SystemError) -> SharedDescriptor {
        let family = address.count == 4 ? AF_INET : AF_INET6
        let socket = Descriptor(owning: try systemCall("socket") { CLinux.socket(family, kind, 0) })
        let number = socket.number
        if let patienceSeconds {
            var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
            setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        }
        var name = InternetSocket.name(address, port)
        let isBegun = clinux_connect(number, &name, socklen_t(name.count)) == 0
        if !isBegun && (patienceSeconds != nil || lastErrno != EINPROGRESS) {
            throw SystemError(call: "connect", errno: lastErrno)
        }
        return SharedDescriptor(socket)
    }

    /// A socket address as the kernel lays it out: family, port in network order, then `sockaddr_in` or `_in6`.
    private static func name(_ address: [UInt8], _ port: UInt16) -> [UInt8] {
        let family = UInt16(address.count == 4 ? AF_INET : AF_INET6)
        let head = [UInt8(family & 255), UInt8(family >> 8), UInt8(port >> 8), UInt8(port & 255)]
        if address.count == 4 { return head + address + [UInt8](repeating: 0, count: 8) }
        return head + [0, 0, 0, 0] + address + [0, 0, 0, 0]
    }
}

extension SystemError {
    package var isAddressInUse: Bool { errno == EADDRINUSE }
    package var isAddressMissing: Bool { errno == EADDRNOTAVAIL }
    package var isPermissionMissing: Bool { errno == EACCES || errno == EPERM }
    package var isAbsent: Bool { errno == ENOENT || errno == ENODEV }
}
