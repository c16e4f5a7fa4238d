// sock_diag: which sockets of a namespace are bound or listen, without reading tables of text.
import CLinux

package enum SocketDiagnostics {
    package struct Entry: Sendable, Equatable {
        /// Four or sixteen bytes.
        package var address: [UInt8]
        package var port: UInt16
        package var inode: UInt32

        /// Reachable from this namespace alone: 127.0.0.0/8, ::1, and 127.0.0.0/8 mapped into IPv6.
        package var isLoopback: Bool {
            if address.count == 4 { return address[0] == 127 }
            if address.dropLast().allSatisfy({ $0 == 0 }) { return address.last == 1 }
            return address[..<10].allSatisfy { $0 == 0 } && address[10] == 0xFF && address[11] == 0xFF
                && address[12] == 127
        }
    }

    /// Sockets that listen (TCP) or are bound and not connected (UDP), IPv4 and IPv6, in the namespace (nil: ours).
    package static func listeners(_ namespace: SharedDescriptor?, datagram: Bool = false) throws(SystemError) -> [Entry]
    {
        let socket: NetlinkSocket
        if let namespace {
            socket = try NetworkNamespace.inside(namespace) { () throws(SystemError) in
                try NetlinkSocket(.socketDiagnostics)
            }
        } else {
            socket = try NetlinkSocket(.socketDiagnostics)
        }
        return try listeners(socket, datagram: datagram)
    }

    static func listeners(_ socket: NetlinkSocket, datagram: Bool) throws(SystemError) -> [Entry] {
        var found: [Entry] = []
        for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
            // TCP_LISTEN is 10; UDP sockets without a peer are in TCP_CLOSE, 7.
            let states = UInt32(1) << (datagram ? 7 : 10)
            let transport = UInt8(datagram ? 17 : 6)
            let replies: [NetlinkReply]
            do throws(SystemError) {
                replies = try socket.dump("listing sockets", type: Int(SOCK_DIAG_BY_FAMILY)) {
                    $0.header([family, transport, 0, 0] + states.nativeBytes + [UInt8](repeating: 0, count: 48))
                }
            } catch {
                // A kernel without IPv6 has no such sockets.
                if error.errno == ENOENT && family == UInt8(AF_INET6) { continue }
                throw error
            }
            found += replies.compactMap(entry)
        }
        return found
    }

    private static func entry(_ reply: NetlinkReply) -> Entry? {
        let bytes = reply.payload
        guard reply.type == Int(SOCK_DIAG_BY_FAMILY), bytes.count >= 72 else { return nil }
        let length = bytes[0] == UInt8(AF_INET6) ? 16 : 4
        return Entry(
            address: Array(bytes[8..<(8 + length)]), port: UInt16(bytes[4]) << 8 | UInt16(bytes[5]),
            inode: bytes[68..<72].nativeNumber)
    }
}
