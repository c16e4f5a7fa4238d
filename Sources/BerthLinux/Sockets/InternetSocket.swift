// IPv4 sockets: bound for a reservation, bound for a server.
import CLinux

package enum InternetSocket {
    /// Bound, not listening. Without address reuse: whoever else wants the port is told that it is taken.
    package static func bind(_ address: [UInt8], port: UInt16, datagram: Bool, reuse: Bool = false) throws(SystemError)
        -> SharedDescriptor
    {
        let kind =
            Int32((datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: try systemCall("socket") { CLinux.socket(AF_INET, kind, 0) })
        let number = socket.number
        if reuse {
            var one: Int32 = 1
            setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.enumerated().reduce(UInt32(0)) {
            $0 | UInt32($1.element) << UInt32(8 * $1.offset)
        }
        let text = address.map { String($0) }.joined(separator: ".")
        try systemCall("bind", "\(text):\(port)") {
            clinux_bind(number, &name, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        return SharedDescriptor(socket)
    }

    package static func listen(_ socket: Int32) throws(SystemError) {
        try systemCall("listen") { CLinux.listen(socket, 128) }
    }

    /// The port that the kernel chose.
    package static func port(_ socket: Int32) -> UInt16 {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = clinux_getsockname(socket, &name, &length)
        return UInt16(bigEndian: name.sin_port)
    }
}

extension SystemError {
    package var isAddressInUse: Bool { errno == EADDRINUSE }
    package var isAddressMissing: Bool { errno == EADDRNOTAVAIL }
}
