// rtnetlink in one namespace: the links, addresses and routes that berth makes.
import CLinux

package final class RouteSocket {
    private let socket: Descriptor
    private var sequence: UInt32 = 1

    /// In the calling thread's namespace, where the socket then stays.
    package init() throws(SystemError) {
        let number = try systemCall("socket", "NETLINK_ROUTE") {
            CLinux.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
        }
        socket = Descriptor(owning: number)
    }

    private func request(_ call: String, _ type: Int, _ flags: Int, _ build: (inout NetlinkMessage) -> Void)
        throws(SystemError)
    {
        sequence += 1
        var message = NetlinkMessage(type: type, flags: Int(NLM_F_REQUEST) | Int(NLM_F_ACK) | flags, sequence: sequence)
        build(&message)
        let bytes = message.finished()
        let number = socket.number
        try systemCall("send", call) { send(number, bytes, bytes.count, 0) }
        var answer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try systemCall("recv", call) { recv(number, &answer, answer.count, 0) }
            guard count >= 20 else { throw SystemError(call: call, errno: EPROTO) }
            let kind = Int(answer[4]) | Int(answer[5]) << 8
            let answered = (0..<4).reduce(UInt32(0)) { $0 | UInt32(answer[8 + $1]) << UInt32(8 * $1) }
            guard answered == sequence, kind == Int(NLMSG_ERROR) else { continue }
            let code = (0..<4).reduce(UInt32(0)) { $0 | UInt32(answer[16 + $1]) << UInt32(8 * $1) }
            let errno = -Int32(bitPattern: code)
            if errno != 0 { throw SystemError(call: call, errno: errno) }
            return
        }
    }

    private static func linkHeader(index: UInt32 = 0, flags: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + index.nativeBytes + flags.nativeBytes + flags.nativeBytes
    }

    /// The index of a link of this thread's namespace; nil: there is none.
    package static func index(_ name: String) -> UInt32? {
        let index = if_nametoindex(name)
        return index == 0 ? nil : index
    }

    package func addBridge(_ name: String) throws(SystemError) {
        try request("adding bridge \(name)", Int(RTM_NEWLINK), Int(NLM_F_CREATE | NLM_F_EXCL)) { message in
            message.header(RouteSocket.linkHeader(flags: UInt32(IFF_UP)))
            message.attribute(Int(IFLA_IFNAME), text: name)
            message.nested(Int(IFLA_LINKINFO)) { $0.attribute(Int(IFLA_INFO_KIND), text: "bridge") }
        }
    }

    /// A pair in one message: ours up (and in a bridge), the peer born inside another namespace.
    package func addPair(
        _ name: String, master: UInt32?, peer: String, peerNamespace: Int32, peerAddress: [UInt8]?
    ) throws(SystemError) {
        try request("adding link \(name)", Int(RTM_NEWLINK), Int(NLM_F_CREATE | NLM_F_EXCL)) { message in
            message.header(RouteSocket.linkHeader(flags: UInt32(IFF_UP)))
            message.attribute(Int(IFLA_IFNAME), text: name)
            if let master { message.attribute(Int(IFLA_MASTER), u32: master) }
            message.nested(Int(IFLA_LINKINFO)) { info in
                info.attribute(Int(IFLA_INFO_KIND), text: "veth")
                info.nested(Int(IFLA_INFO_DATA)) { data in
                    data.nested(Int(VETH_INFO_PEER)) { inner in
                        inner.header(RouteSocket.linkHeader())
                        inner.attribute(Int(IFLA_IFNAME), text: peer)
                        inner.attribute(Int(IFLA_NET_NS_FD), u32: UInt32(bitPattern: peerNamespace))
                        if let peerAddress { inner.attribute(Int(IFLA_ADDRESS), peerAddress) }
                    }
                }
            }
        }
    }

    package func setUp(_ index: UInt32) throws(SystemError) {
        try request("bringing up link \(index)", Int(RTM_NEWLINK), 0) {
            $0.header(RouteSocket.linkHeader(index: index, flags: UInt32(IFF_UP)))
        }
    }

    package func remove(_ index: UInt32) throws(SystemError) {
        try request("removing link \(index)", Int(RTM_DELLINK), 0) { $0.header(RouteSocket.linkHeader(index: index)) }
    }

    /// - Parameter address: four bytes, network order.
    package func addAddress(_ index: UInt32, _ address: [UInt8], prefixLength: Int) throws(SystemError) {
        try request("adding an address", Int(RTM_NEWADDR), Int(NLM_F_CREATE | NLM_F_REPLACE)) { message in
            message.header([UInt8(AF_INET), UInt8(prefixLength), 0, 0] + index.nativeBytes)
            message.attribute(Int(IFA_LOCAL), address)
            message.attribute(Int(IFA_ADDRESS), address)
        }
    }

    /// A route to a prefix (empty address and length 0: the default) by a gateway that needs no route of its own.
    package func addRoute(_ destination: [UInt8], prefixLength: Int, gateway: [UInt8], index: UInt32)
        throws(SystemError)
    {
        try request("adding a route", Int(RTM_NEWROUTE), Int(NLM_F_CREATE | NLM_F_REPLACE)) { message in
            let onLink = UInt32(RTNH_F_ONLINK)
            message.header(
                [
                    UInt8(AF_INET), UInt8(prefixLength), 0, 0, UInt8(RT_TABLE_MAIN.rawValue), UInt8(RTPROT_BOOT),
                    UInt8(RT_SCOPE_UNIVERSE.rawValue), UInt8(RTN_UNICAST),
                ]
                    + onLink.nativeBytes)
            if prefixLength > 0 { message.attribute(Int(RTA_DST.rawValue), destination) }
            message.attribute(Int(RTA_GATEWAY.rawValue), gateway)
            message.attribute(Int(RTA_OIF.rawValue), u32: index)
        }
    }
}
