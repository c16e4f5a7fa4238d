// rtnetlink in one namespace: the links that berth makes and finds.
import CLinux

package final class RouteSocket: Sendable {
    let socket: NetlinkSocket

    /// In the calling thread's namespace, where the socket then stays.
    package init() throws(SystemError) { socket = try NetlinkSocket(.route) }

    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// A socket inside another namespace.
    package static func inside(_ namespace: SharedDescriptor?) throws(SystemError) -> RouteSocket {
        guard let namespace else { return try RouteSocket() }
        return try NetworkNamespace.inside(namespace) { () throws(SystemError) in try RouteSocket() }
    }

    static func linkHeader(index: UInt32 = 0, flags: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + index.nativeBytes + flags.nativeBytes + flags.nativeBytes
    }

    /// A link as far as berth asks.
    package struct LinkRecord: Sendable, Equatable {
        package var index: UInt32
        package var name: String
        package var isUp: Bool
        /// Six bytes on everything like Ethernet.
        package var address: [UInt8]
    }

    private static func link(_ reply: NetlinkReply) -> LinkRecord? {
        guard reply.type == Int(RTM_NEWLINK), reply.payload.count >= 16 else { return nil }
        let attributes = reply.attributes(after: 16)
        guard let name = attributes[Int(IFLA_IFNAME)] else { return nil }
        return LinkRecord(
            index: reply.payload[4..<8].nativeNumber, name: netlinkText(name),
            isUp: reply.payload[8..<12].nativeNumber & 1 != 0, address: attributes[Int(IFLA_ADDRESS)] ?? [])
    }

    package func links() throws(SystemError) -> [LinkRecord] {
        try socket.dump("listing links", type: Int(RTM_GETLINK)) { $0.header(RouteSocket.linkHeader()) }
            .compactMap(RouteSocket.link)
    }

    /// The index of a link; nil: there is none.
    package func index(_ name: String) throws(SystemError) -> UInt32? {
        let reply = try socket.get("finding link \(name)", type: Int(RTM_GETLINK)) { message in
            message.header(RouteSocket.linkHeader())
            message.attribute(Int(IFLA_IFNAME), text: name)
        }
        return reply.flatMap(RouteSocket.link)?.index
    }

    /// The index of a link that must be there.
    package func existing(_ name: String) throws(SystemError) -> UInt32 {
        guard let index = try index(name) else { throw SystemError(call: "finding link", errno: ENODEV, subject: name) }
        return index
    }

    private static let new = Int(NLM_F_CREATE) | Int(NLM_F_EXCL)

    package func addBridge(_ name: String, address: [UInt8]? = nil) throws(SystemError) {
        try socket.request("adding bridge \(name)", type: Int(RTM_NEWLINK), flags: RouteSocket.new) { message in
            message.header(RouteSocket.linkHeader(flags: UInt32(IFF_UP)))
            message.attribute(Int(IFLA_IFNAME), text: name)
            if let address { message.attribute(Int(IFLA_ADDRESS), address) }
            message.nested(Int(IFLA_LINKINFO)) { $0.attribute(Int(IFLA_INFO_KIND), text: "bridge") }
        }
    }

    /// One end of a pair. Without a name the kernel numbers it.
    package struct PairEnd: Sendable {
        package var name: String?
        package var address: [UInt8]?
        package var mtuBytes: UInt32?
        package init(name: String? = nil, address: [UInt8]? = nil, mtuBytes: UInt32? = nil) {
            self.name = name
            self.address = address
            self.mtuBytes = mtuBytes
        }

        fileprivate func write(to message: inout NetlinkMessage) {
            if let name { message.attribute(Int(IFLA_IFNAME), text: name) }
            if let address { message.attribute(Int(IFLA_ADDRESS), address) }
            if let mtuBytes { message.attribute(Int(IFLA_MTU), u32: mtuBytes) }
        }
    }

    /// A pair in one message: ours up (in a bridge), the peer born inside another namespace, to be brought up there.
    /// Moving a link afterwards would cost thirty times as much.
    package func addPair(_ own: PairEnd, master: UInt32? = nil, peer: PairEnd, in namespace: Int32) throws(SystemError)
    {
        let call = "adding link \(peer.name ?? own.name ?? "")"
        try socket.request(call, type: Int(RTM_NEWLINK), flags: RouteSocket.new) { message in
            message.header(RouteSocket.linkHeader(flags: UInt32(IFF_UP)))
            own.write(to: &message)
            if let master { message.attribute(Int(IFLA_MASTER), u32: master) }
            message.nested(Int(IFLA_LINKINFO)) { outer in
                outer.attribute(Int(IFLA_INFO_KIND), text: "veth")
                outer.nested(Int(IFLA_INFO_DATA)) { data in
                    data.nested(Int(VETH_INFO_PEER)) { inner in
                        inner.header(RouteSocket.linkHeader())
                        peer.write(to: &inner)
                        inner.attribute(Int(IFLA_NET_NS_FD), u32: UInt32(bitPattern: namespace))
                    }
                }
            }
        }
    }

    package func setUp(_ index: UInt32) throws(SystemError) {
        try socket.request("bringing up link \(index)", type: Int(RTM_NEWLINK)) {
            $0.header(RouteSocket.linkHeader(index: index, flags: UInt32(IFF_UP)))
        }
    }

    package func remove(_ index: UInt32) throws(SystemError) {
        try socket.request("removing link \(index)", type: Int(RTM_DELLINK)) {
            $0.header(RouteSocket.linkHeader(index: index))
        }
    }
}
