// Connections to log daemons: unix sockets of either kind, UDP and TCP.
import CLinux

package enum LogSocket {
    /// How long a first connection may take. A later one is not waited for.
    private static let patienceSeconds = 5

    /// The first path that somebody listens at. Not blocking.
    package static func connect(paths: [String], isStream: Bool?) throws(SystemError) -> (SharedDescriptor, Bool) {
        var failure = SystemError(call: "connect", errno: ENOENT)
        for path in paths {
            for stream in isStream.map({ [$0] }) ?? [false, true] {
                do throws(SystemError) {
                    return (try PacketSocket.connect(path, kind: stream ? .stream : .datagram), stream)
                } catch {
                    failure = error
                }
            }
        }
        throw failure
    }

    /// - Parameter waits: until the connection stands; otherwise the first failing send tells.
    package static func connect(
        host: String, port: UInt16, isStream: Bool, waits: Bool
    ) throws(SystemError) -> SharedDescriptor {
        var failure = SystemError(call: "connect", errno: EHOSTUNREACH, subject: host)
        for address in addresses(host) {
            do throws(SystemError) {
                return try InternetSocket.connect(
                    to: address, port: port, datagram: !isStream, patienceSeconds: waits ? patienceSeconds : nil)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Of a name as the host resolves it.
    private static func addresses(_ host: String) -> [[UInt8]] {
        if let address = InternetSocket.address(host) { return [address] }
        var wish = addrinfo()
        wish.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &wish, &found) == 0 else { return [] }
        defer { freeaddrinfo(found) }
        var result: [[UInt8]] = []
        var next = found
        while let entry = next {
            next = entry.pointee.ai_next
            guard let name = entry.pointee.ai_addr else { continue }
            let bytes = UnsafeRawBufferPointer(start: name, count: Int(entry.pointee.ai_addrlen))
            if entry.pointee.ai_family == AF_INET, bytes.count >= 8 { result.append(Array(bytes[4..<8])) }
            if entry.pointee.ai_family == AF_INET6, bytes.count >= 24 { result.append(Array(bytes[8..<24])) }
        }
        return result
    }

    /// What became of a send.
    package enum Outcome: Equatable {
        /// So many bytes went; a datagram goes whole.
        case sent(Int)
        case full
        /// The daemon is gone.
        case broken
        /// This one cannot be sent at all.
        case refused
    }

    package static func send(_ socket: Int32, _ bytes: ArraySlice<UInt8>) -> Outcome {
        while true {
            let count = bytes.withUnsafeBytes {
                CLinux.send(
                    socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count >= 0 { return .sent(count) }
            switch lastErrno {
            case EINTR: continue
            case EAGAIN: return .full
            case EMSGSIZE, ENOBUFS: return .refused
            default: return .broken
            }
        }
    }
}
