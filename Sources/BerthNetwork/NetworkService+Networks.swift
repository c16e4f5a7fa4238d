// A network as a namespace: a bridge, an uplink to the host, and nothing that has to be undone one by one.
import BerthLinux
import BerthModel
import Synchronization

extension NetworkService {
    /// Makes a network live; nothing happens when it is.
    package func open(_ network: NetworkRecord) async throws {
        try await turns.run {
            if self.state.withLock({ $0.networks[network.name] != nil }) { return }
            do {
                let live = try self.make(network)
                self.state.withLock { $0.networks[network.name] = live }
                try self.applyRules()
            } catch let error as SystemError {
                throw BerthError(.internal, "opening network \(network.name)", subject: network.name, cause: "\(error)")
            }
        }
    }

    private func make(_ network: NetworkRecord) throws(SystemError) -> LiveNetwork {
        let hasUplink = !network.definition.isInternal
        let gateway = network.gateway.bytes
        let made = try NetworkNamespace.create { () throws(SystemError) -> (RouteSocket, UInt32) in
            KernelSettings.quietIPv6()
            KernelSettings.set("net/ipv4/ip_forward", "1")
            // A container must not speak with an address of elsewhere.
            KernelSettings.set("net/ipv4/conf/default/rp_filter", "1")
            let routes = try RouteSocket()
            try routes.setUp(KernelSettings.loopbackIndex)
            try routes.addBridge(NetworkService.bridgeName, address: HardwareAddress.bridge(network.gateway))
            let bridge = try routes.existing(NetworkService.bridgeName)
            if hasUplink {
                try NetworkService.lendGateway(gateway, network.subnet, bridge, routes)
            } else {
                try routes.addAddress(bridge, gateway, prefixLength: network.subnet.length)
            }
            return (routes, bridge)
        }
        if hasUplink { try makeUplink(network, made.namespace, made.result.0) }
        return LiveNetwork(
            record: network, namespace: made.namespace, routes: made.result.0, bridgeIndex: made.result.1)
    }

    /// The gateway's address belongs to the host, as under Docker: services of the host can be reached by it and bound
    /// to it. The bridge carries it only to ask neighbours in its name, answers for it, and forwards what comes.
    private static func lendGateway(
        _ gateway: [UInt8], _ subnet: IPv4Prefix, _ bridge: UInt32, _ routes: RouteSocket
    ) throws(SystemError) {
        // The kernel would delay such answers by up to 0.8 s.
        KernelSettings.set("net/ipv4/neigh/\(bridgeName)/proxy_delay", "0")
        try routes.addAddress(bridge, gateway, prefixLength: 32)
        try routes.removeLocalRoute(gateway, index: bridge)
        try routes.addProxy(bridge, gateway)
        try routes.addRoute(.init(subnet.network.bytes, prefixLength: subnet.length, index: bridge))
    }

    /// A pair between host and network. Both ends know each other's hardware address: no questions, whatever the
    /// host's filters think of link-local senders.
    private func makeUplink(
        _ network: NetworkRecord, _ namespace: SharedDescriptor, _ inner: RouteSocket
    ) throws(SystemError) {
        let name = uplinkName(network)
        let gateway = network.gateway.bytes
        let inside = NetworkService.insideAddress.bytes
        let outer = try RouteSocket.inside(host.namespace)
        // Of a namespace that is just dying, or was left by an agent that died between this and its record.
        if let stale = try outer.index(name) { do { try outer.remove(stale) } catch  where error.isAbsent {} }
        let (hostEnd, networkEnd) = (
            HardwareAddress.hostEnd(network.gateway), HardwareAddress.networkEnd(network.gateway)
        )
        let mtu = network.mtuBytes
        try outer.addPair(
            .init(name: name, address: hostEnd, mtuBytes: mtu),
            peer: .init(name: NetworkService.uplinkName, address: networkEnd, mtuBytes: mtu), in: namespace.number)
        let outside = try outer.existing(name)
        let up = try inner.existing(NetworkService.uplinkName)
        try inner.addAddress(up, inside, prefixLength: 32)
        try inner.setUp(up)
        try inner.addRoute(.init(gateway, prefixLength: 32, index: up))
        try inner.addNeighbour(up, gateway, hardware: hostEnd)
        try inner.addRoute(.init([0, 0, 0, 0], prefixLength: 0, index: up, gateway: gateway))
        host.change {
            KernelSettings.set("net/ipv6/conf/\(name)/disable_ipv6", "1")
            KernelSettings.set("net/ipv6/conf/\(name)/accept_ra", "0")
            // Published ports answer on the host's loopback too: only on this link may such packets travel.
            KernelSettings.set("net/ipv4/conf/\(name)/route_localnet", "1")
        }
        try outer.addAddress(outside, gateway, prefixLength: 32)
        try outer.addNeighbour(outside, inside, hardware: networkEnd)
        forwarding.turnOn()
        try outer.addRoute(
            .init(
                network.subnet.network.bytes, prefixLength: network.subnet.length, index: outside, gateway: inside,
                source: gateway))
    }

    /// Our descriptors go; with the last of them, the namespace and its links.
    package func close(_ name: String) async {
        try? await turns.run {
            _ = self.state.withLock { $0.networks.removeValue(forKey: name) }
            try self.applyRules()
        }
    }
}

extension NetworkRecord {
    /// `com.docker.network.driver.mtu`; nil: the kernel's 1500.
    var mtuBytes: UInt32? {
        definition.driverOptions["com.docker.network.driver.mtu"].flatMap { UInt32($0) }.flatMap {
            (68...65535).contains($0) ? $0 : nil
        }
    }
}

/// Locally administered hardware addresses, made from a network's gateway so that they never change.
enum HardwareAddress {
    /// What containers see as their gateway.
    static func bridge(_ gateway: IPv4Address) -> [UInt8] { [0x02, 0x42] + gateway.bytes }
    static func hostEnd(_ gateway: IPv4Address) -> [UInt8] { [0x06, 0x62] + gateway.bytes }
    static func networkEnd(_ gateway: IPv4Address) -> [UInt8] { [0x0A, 0x62] + gateway.bytes }

    /// `02:42:ac:12:00:02`; nil: that is none.
    static func parse(_ text: String) -> [UInt8]? {
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "-" })
        let bytes = parts.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
        return bytes.count == 6 && parts.count == 6 ? bytes : nil
    }
}
