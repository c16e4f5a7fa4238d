// rtnetlink in one namespace: addresses, routes and neighbours.
import CLinux

extension RouteSocket {
    private static let put = Int(NLM_F_CREATE) | Int(NLM_F_REPLACE)

    /// - Parameter address: four bytes, network order.
    package func addAddress(_ index: UInt32, _ address: [UInt8], prefixLength: Int) throws(SystemError) {
        try socket.request("adding an address", type: Int(RTM_NEWADDR), flags: RouteSocket.put) { message in
            message.header([UInt8(AF_INET), UInt8(prefixLength), 0, 0] + index.nativeBytes)
            message.attribute(Int(IFA_LOCAL), address)
            message.attribute(Int(IFA_ADDRESS), address)
        }
    }

    /// One IPv4 route. Without a gateway the destination is on the link.
    package struct Route: Sendable, Equatable {
        /// Four bytes; all destinations with a length of 0.
        package var destination: [UInt8]
        package var prefixLength: Int
        package var index: UInt32
        /// Reached on the link whatever other routes say.
        package var gateway: [UInt8]?
        /// The address that the host itself uses as a source on this route.
        package var source: [UInt8]?
        package var table: UInt32 = 254

        package init(
            _ destination: [UInt8], prefixLength: Int, index: UInt32, gateway: [UInt8]? = nil, source: [UInt8]? = nil
        ) {
            self.destination = destination
            self.prefixLength = prefixLength
            self.index = index
            self.gateway = gateway
            self.source = source
        }
    }

    /// - Parameter origin: who made the route; 0 is whoever.
    private static func header(
        _ length: Int, table: UInt8, origin: UInt8 = 0, scope: UInt8, type: UInt8, flags: UInt32 = 0
    ) -> [UInt8] {
        [UInt8(AF_INET), UInt8(length), 0, 0, table, origin, scope, type] + flags.nativeBytes
    }

    package func addRoute(_ route: Route) throws(SystemError) {
        try socket.request("adding a route", type: Int(RTM_NEWROUTE), flags: RouteSocket.put) { message in
            let onLink = route.gateway == nil ? UInt32(0) : UInt32(RTNH_F_ONLINK)
            let scope = route.gateway == nil ? RT_SCOPE_LINK.rawValue : RT_SCOPE_UNIVERSE.rawValue
            message.header(
                RouteSocket.header(
                    route.prefixLength, table: UInt8(RT_TABLE_MAIN.rawValue), origin: UInt8(RTPROT_BOOT),
                    scope: UInt8(scope), type: UInt8(RTN_UNICAST), flags: onLink))
            if route.prefixLength > 0 { message.attribute(Int(RTA_DST.rawValue), route.destination) }
            if let gateway = route.gateway { message.attribute(Int(RTA_GATEWAY.rawValue), gateway) }
            if let source = route.source { message.attribute(Int(RTA_PREFSRC.rawValue), source) }
            message.attribute(Int(RTA_OIF.rawValue), u32: route.index)
        }
    }

    /// Takes away that the namespace regards an address of its own as itself: packets to it are then forwarded.
    package func removeLocalRoute(_ address: [UInt8], index: UInt32) throws(SystemError) {
        try socket.request("removing a local route", type: Int(RTM_DELROUTE)) { message in
            message.header(
                RouteSocket.header(
                    32, table: UInt8(RT_TABLE_LOCAL.rawValue), scope: UInt8(RT_SCOPE_HOST.rawValue),
                    type: UInt8(RTN_LOCAL)))
            message.attribute(Int(RTA_DST.rawValue), address)
            message.attribute(Int(RTA_OIF.rawValue), u32: index)
        }
    }

    /// Unicast IPv4 routes of all tables but the local one.
    package func routes() throws(SystemError) -> [Route] {
        let replies = try socket.dump("listing routes", type: Int(RTM_GETROUTE)) {
            $0.header(RouteSocket.header(0, table: 0, scope: 0, type: 0))
        }
        return replies.compactMap { reply in
            guard reply.type == Int(RTM_NEWROUTE), reply.payload.count >= 12, reply.payload[0] == UInt8(AF_INET) else {
                return nil
            }
            let attributes = reply.attributes(after: 12)
            let table = attributes[Int(RTA_TABLE.rawValue)].map(\.nativeNumber) ?? UInt32(reply.payload[4])
            guard table != UInt32(RT_TABLE_LOCAL.rawValue), reply.payload[7] == UInt8(RTN_UNICAST) else { return nil }
            let destination = attributes[Int(RTA_DST.rawValue)] ?? [0, 0, 0, 0]
            guard destination.count == 4, reply.payload[1] <= 32 else { return nil }
            var route = Route(
                destination, prefixLength: Int(reply.payload[1]),
                index: attributes[Int(RTA_OIF.rawValue)].map(\.nativeNumber) ?? 0,
                gateway: attributes[Int(RTA_GATEWAY.rawValue)], source: attributes[Int(RTA_PREFSRC.rawValue)])
            route.table = table
            return route
        }
    }

    private func addNeighbour(
        _ index: UInt32, _ address: [UInt8], hardware: [UInt8]?, state: UInt16, flags: UInt8
    ) throws(SystemError) {
        try socket.request("adding a neighbour", type: Int(RTM_NEWNEIGH), flags: RouteSocket.put) { message in
            message.header(
                [UInt8(AF_INET), 0, 0, 0] + index.nativeBytes + [UInt8(state & 255), UInt8(state >> 8), flags, 0])
            message.attribute(Int(NDA_DST), address)
            if let hardware { message.attribute(Int(NDA_LLADDR), hardware) }
        }
    }

    /// A neighbour that nobody needs to ask for.
    package func addNeighbour(_ index: UInt32, _ address: [UInt8], hardware: [UInt8]) throws(SystemError) {
        try addNeighbour(index, address, hardware: hardware, state: 0x80, flags: 0)
    }

    /// Answers questions for an address on this link with our own hardware address, and forwards what comes. Permanent:
    /// else the kernel forgets it when the link loses its carrier, as a bridge does without its last port; the news of
    /// a bridge's first moment, when it has none yet, may even come after this.
    package func addProxy(_ index: UInt32, _ address: [UInt8]) throws(SystemError) {
        try addNeighbour(index, address, hardware: nil, state: 0x80, flags: 8)
    }
}
