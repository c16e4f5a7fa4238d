// A netlink socket of one namespace and its conversations: one acknowledged request, a batch, a dump.
import CLinux

/// What a conversation goes over; a fake in tests.
package protocol NetlinkTransport: Sendable {
    func send(_ bytes: [UInt8]) throws(SystemError)
    /// One datagram.
    func receive() throws(SystemError) -> [UInt8]
}

package final class NetlinkSocket: Sendable {
    package enum Family: Int32, Sendable {
        case route = 0
        case socketDiagnostics = 4
        case netfilter = 12
    }

    private let transport: any NetlinkTransport
    /// The last sequence number.
    private let sequence = ConversationLock()

    /// In the calling thread's namespace, where the socket then stays.
    package init(_ family: Family) throws(SystemError) { transport = try KernelTransport(family.rawValue, groups: 0) }

    package init(transport: any NetlinkTransport) { self.transport = transport }

    /// Sends one request and waits for its acknowledgement.
    package func request(
        _ call: String, type: Int, flags: Int = 0, _ build: (inout NetlinkMessage) -> Void
    ) throws(SystemError) {
        try sequence.withLock { (last) throws(SystemError) in
            last &+= 1
            var message = NetlinkMessage(type: type, flags: flags | Int(NLM_F_REQUEST) | Int(NLM_F_ACK), sequence: last)
            build(&message)
            try transport.send(message.finished())
            try awaitAnswer(call, first: last, last: last)
        }
    }

    /// Sends messages as one datagram. The last one must ask for an acknowledgement; the first failure is thrown.
    package func batch(_ call: String, _ messages: [(UInt32) -> [UInt8]]) throws(SystemError) {
        try sequence.withLock { (last) throws(SystemError) in
            let first = last &+ 1
            var bytes: [UInt8] = []
            for message in messages {
                last &+= 1
                bytes += message(last)
            }
            try transport.send(bytes)
            try awaitAnswer(call, first: first, last: last)
        }
    }

    /// Everything that the kernel has to say to a dump request.
    package func dump(
        _ call: String, type: Int, _ build: (inout NetlinkMessage) -> Void
    ) throws(SystemError) -> [NetlinkReply] {
        try sequence.withLock { (last) throws(SystemError) in
            last &+= 1
            var message = NetlinkMessage(type: type, flags: Int(NLM_F_REQUEST) | Int(NLM_F_DUMP), sequence: last)
            build(&message)
            try transport.send(message.finished())
            return try collect(call, last, until: Int(NLMSG_DONE))
        }
    }

    /// One answer to one question; nil: there is no such thing.
    package func get(
        _ call: String, type: Int, _ build: (inout NetlinkMessage) -> Void
    ) throws(SystemError) -> NetlinkReply? {
        do throws(SystemError) {
            let replies = try sequence.withLock { (last) throws(SystemError) in
                last &+= 1
                var message = NetlinkMessage(type: type, flags: Int(NLM_F_REQUEST) | Int(NLM_F_ACK), sequence: last)
                build(&message)
                try transport.send(message.finished())
                return try collect(call, last, until: Int(NLMSG_ERROR))
            }
            return replies.first
        } catch {
            if error.isAbsent { return nil }
            throw error
        }
    }

    private func collect(_ call: String, _ sequence: UInt32, until end: Int) throws(SystemError) -> [NetlinkReply] {
        var found: [NetlinkReply] = []
        while true {
            for reply in NetlinkReply.parse(try transport.receive()) where reply.sequence == sequence {
                if reply.type == Int(NLMSG_ERROR), let error = NetlinkSocket.failure(call, reply) { throw error }
                if reply.type == end || reply.type == Int(NLMSG_DONE) { return found }
                found.append(reply)
                guard found.count <= 100_000 else { throw SystemError(call: call, errno: EOVERFLOW) }
            }
        }
    }

    private func awaitAnswer(_ call: String, first: UInt32, last: UInt32) throws(SystemError) {
        while true {
            for reply in NetlinkReply.parse(try transport.receive())
            where reply.type == Int(NLMSG_ERROR) && reply.sequence &- first <= last &- first {
                if let error = NetlinkSocket.failure(call, reply) { throw error }
                // In a batch only its last real message asks for an acknowledgement.
                return
            }
        }
    }

    /// The error of an acknowledgement, in the kernel's own words where it has some; nil: it says "done".
    static func failure(_ call: String, _ reply: NetlinkReply) -> SystemError? {
        guard reply.payload.count >= 4 else { return SystemError(call: call, errno: EPROTO) }
        let code = -Int32(bitPattern: reply.payload[0..<4].nativeNumber)
        if code == 0 { return nil }
        // The refused message's header follows the code (NETLINK_CAP_ACK), then what the kernel adds.
        guard reply.flags & 0x200 != 0, let words = reply.attributes(after: 20)[1] else {
            return SystemError(call: call, errno: code)
        }
        return SystemError(call: call, errno: code, subject: netlinkText(words))
    }
}

/// The kernel's end.
private struct KernelTransport: NetlinkTransport {
    let socket: SharedDescriptor

    init(_ family: Int32, groups: UInt32) throws(SystemError) {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let owned = Descriptor(
            owning: try systemCall("socket", "AF_NETLINK") { CLinux.socket(AF_NETLINK, kind, family) })
        var one: Int32 = 1
        setsockopt(owned.number, SOL_NETLINK, NETLINK_EXT_ACK, &one, 4)
        setsockopt(owned.number, SOL_NETLINK, NETLINK_CAP_ACK, &one, 4)
        // The kernel answers before send returns; this only keeps a bug of ours from waiting for ever.
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(owned.number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        socket = SharedDescriptor(owned)
    }

    func send(_ bytes: [UInt8]) throws(SystemError) {
        let number = socket.number
        try systemCall("send", "netlink") { CLinux.send(number, bytes, bytes.count, 0) }
    }

    func receive() throws(SystemError) -> [UInt8] {
        let number = socket.number
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = try systemCall("recv", "netlink") { recv(number, &buffer, buffer.count, 0) }
        return Array(buffer[..<count])
    }
}

/// Messages that the kernel sends unasked.
package enum NetlinkMonitor {
    /// A non-blocking socket in the calling thread's namespace that hears every change of nftables.
    package static func tables() throws(SystemError) -> SharedDescriptor {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let owned = Descriptor(
            owning: try systemCall("socket", "AF_NETLINK") {
                CLinux.socket(AF_NETLINK, kind, NetlinkSocket.Family.netfilter.rawValue)
            })
        var name = sockaddr_nl()
        name.nl_family = sa_family_t(AF_NETLINK)
        let number = owned.number
        try systemCall("bind", "AF_NETLINK") { clinux_bind(number, &name, socklen_t(MemoryLayout<sockaddr_nl>.size)) }
        var group = Int32(NFNLGRP_NFTABLES.rawValue)
        try systemCall("setsockopt", "NETLINK_ADD_MEMBERSHIP") {
            setsockopt(number, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4)
        }
        return SharedDescriptor(owned)
    }

    /// True if a datagram tells of a chain or a rule of this IPv4 table that came or went.
    package static func changes(_ datagram: [UInt8], table: String) -> Bool {
        let kinds = [NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE, NFT_MSG_DELRULE].map {
            Int(NFNL_SUBSYS_NFTABLES) << 8 | Int($0.rawValue)
        }
        return NetlinkReply.parse(datagram).contains { reply in
            guard kinds.contains(reply.type), reply.payload.first == UInt8(AF_INET) else { return false }
            // Chains and rules name their table by the same number.
            return reply.attributes(after: 4)[Int(NFTA_CHAIN_TABLE.rawValue)].map(netlinkText) == table
        }
    }

    /// The names of IPv4 tables that a datagram says are gone.
    package static func removedTables(_ datagram: [UInt8]) -> [String] {
        let removed = Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(NFT_MSG_DELTABLE.rawValue)
        return NetlinkReply.parse(datagram).compactMap { reply in
            guard reply.type == removed, reply.payload.first == UInt8(AF_INET) else { return nil }
            return reply.attributes(after: 4)[Int(NFTA_TABLE_NAME.rawValue)].map(netlinkText)
        }
    }
}
