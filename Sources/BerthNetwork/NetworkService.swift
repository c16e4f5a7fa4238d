// The door: networks made live, joined, named, published, adopted, closed.
import BerthLinux
import BerthModel
import Synchronization

/// A live network: its namespace, and nothing else; links and addresses die with it.
struct LiveNetwork: Sendable {
    var namespace: SharedDescriptor
    var subnet: IPv4Prefix
    var bridgeIndex: UInt32
    var hasUplink: Bool
}

/// A container's network namespace with what must stay open for it.
package struct Sandbox: Sendable {
    package var namespace: SharedDescriptor
    package var keepsakes: [(label: String, descriptor: SharedDescriptor)]
}

package final class NetworkService: Sendable {
    private struct State {
        var networks: [String: LiveNetwork] = [:]
        var script = ""
        var forwards: [HostRuleset.Forward] = []
    }

    let layout: StateLayout
    let names = NameServer()
    private let state = Mutex(State())
    private let turns = NetworkTurns()
    private let forwarding: IPForwarding

    /// The host's address as seen from every network, and the networks' address as seen from the host: link-local, each
    /// pair on a link of its own.
    static let hostAddress = IPv4Address(value: 0xA9FE_4D01)
    static let insideAddress = IPv4Address(value: 0xA9FE_4D02)
    static let bridgeName = "br0"
    static let uplinkName = "up0"

    package init(layout: StateLayout) throws {
        self.layout = layout
        forwarding = IPForwarding(record: "\(layout.runRoot)/ip_forward")
    }

    /// What the names of all our links on the host begin with.
    var uplinkPrefix: String { "bh\(layout.world.prefix(6))" }

    private func uplinkName(_ network: NetworkRecord) -> String { "\(uplinkPrefix)\(network.id.prefix(6))" }

    // MARK: Choice

    package func chooseSubnet(_ definition: NetworkDefinition, existing: [NetworkRecord]) throws -> (
        subnet: IPv4Prefix, gateway: IPv4Address
    ) {
        let table = (try? FileIO.readText("/proc/self/net/route")) ?? ""
        let (subnet, gateway) = try AddressPools.choose(
            definition, existing: existing.map(\.subnet), hostRoutes: AddressPools.hostRoutes(table, own: uplinkPrefix))
        return (subnet, gateway)
    }

    package func chooseAddress(_ network: NetworkRecord, wanted: String?, taken: Set<IPv4Address>) throws -> IPv4Address
    {
        try AddressPools.address(network, wanted: wanted, taken: taken)
    }

    // MARK: Networks

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

    private func make(_ network: NetworkRecord) throws -> LiveNetwork {
        let namespace = try NetworkNamespace.create()
        let hasUplink = !network.definition.isInternal
        let index = try NetworkNamespace.inside(namespace) { () throws(SystemError) -> UInt32 in
            KernelSettings.quietIPv6()
            KernelSettings.set("net/ipv4/ip_forward", "1")
            let route = try RouteSocket()
            if let loopback = RouteSocket.index("lo") { try route.setUp(loopback) }
            try route.addBridge(NetworkService.bridgeName)
            guard let bridge = RouteSocket.index(NetworkService.bridgeName) else {
                throw SystemError(call: "if_nametoindex", errno: 19)
            }
            try route.addAddress(bridge, network.gateway.bytes, prefixLength: network.subnet.length)
            return bridge
        }
        if hasUplink { try makeUplink(network, namespace) }
        return LiveNetwork(namespace: namespace, subnet: network.subnet, bridgeIndex: index, hasUplink: hasUplink)
    }

    private func makeUplink(_ network: NetworkRecord, _ namespace: SharedDescriptor) throws {
        let name = uplinkName(network)
        let route = try RouteSocket()
        // Left by an agent that died between this and its record: its namespace is gone or unreachable.
        if let stale = RouteSocket.index(name) { try? route.remove(stale) }
        try route.addPair(
            name, master: nil, peer: NetworkService.uplinkName, peerNamespace: namespace.number, peerAddress: nil)
        guard let outside = RouteSocket.index(name) else {
            throw SystemError(call: "if_nametoindex", errno: 19, subject: name)
        }
        // Published ports answer on the host's loopback too: only on this link may such packets travel.
        KernelSettings.set("net/ipv4/conf/\(name)/route_localnet", "1")
        try route.addAddress(outside, NetworkService.hostAddress.bytes, prefixLength: 32)
        try NetworkNamespace.inside(namespace) { () throws(SystemError) in
            let inner = try RouteSocket()
            guard let inside = RouteSocket.index(NetworkService.uplinkName) else {
                throw SystemError(call: "if_nametoindex", errno: 19)
            }
            try inner.addAddress(inside, NetworkService.insideAddress.bytes, prefixLength: 32)
            try inner.setUp(inside)
            try inner.addRoute([], prefixLength: 0, gateway: NetworkService.hostAddress.bytes, index: inside)
        }
        try route.addRoute(
            network.subnet.network.bytes, prefixLength: network.subnet.length,
            gateway: NetworkService.insideAddress.bytes, index: outside)
        forwarding.turnOn()
    }

    /// The descriptors go; with the last of them, the namespace and its links.
    package func close(_ name: String) async {
        try? await turns.run {
            let closed = self.state.withLock { $0.networks.removeValue(forKey: name) }
            if closed == nil { return }
            try self.applyRules()
        }
    }

    // MARK: Sandboxes

    package func makeSandbox(_ record: ContainerRecord, networks: [NetworkRecord]) async throws -> Sandbox {
        do {
            let namespace = try NetworkNamespace.create()
            try NetworkNamespace.inside(namespace) { () throws(SystemError) in
                KernelSettings.quietIPv6()
                let route = try RouteSocket()
                if let loopback = RouteSocket.index("lo") { try route.setUp(loopback) }
            }
            var keepsakes: [(label: String, descriptor: SharedDescriptor)] = [("sandbox", namespace)]
            for endpoint in record.endpoints {
                guard let live = state.withLock({ $0.networks[endpoint.network] }) else {
                    throw BerthError(.internal, "joining network \(endpoint.network)", cause: "it is not open")
                }
                try join(live, endpoint, record, namespace)
                keepsakes.append(("network \(endpoint.network)", live.namespace))
            }
            if record.endpoints.isEmpty { return Sandbox(namespace: namespace, keepsakes: keepsakes) }
            let (datagram, stream) = try NetworkNamespace.inside(namespace) { () throws(SystemError) in
                let udp = try InternetSocket.bind([127, 0, 0, 11], port: 53, datagram: true, reuse: true)
                let tcp = try InternetSocket.bind([127, 0, 0, 11], port: 53, datagram: false, reuse: true)
                try InternetSocket.listen(tcp.number)
                return (udp, tcp)
            }
            keepsakes += [("dns-udp", datagram), ("dns-tcp", stream)]
            try await names.serve(record.id.text, view(record, networks), datagram: datagram, stream: stream)
            return Sandbox(namespace: namespace, keepsakes: keepsakes)
        } catch let error as SystemError {
            throw BerthError(.internal, "making the network of \(record.name)", subject: record.name, cause: "\(error)")
        }
    }

    private func view(_ record: ContainerRecord, _ networks: [NetworkRecord]) -> NameServer.View {
        NameServer.View(
            networks: record.endpoints.map(\.network), upstreams: record.service.dns,
            mayForward: networks.contains { !$0.definition.isInternal })
    }

    /// A pair whose one end is born in the sandbox, the other in the network's bridge.
    private func join(
        _ live: LiveNetwork, _ endpoint: Endpoint, _ record: ContainerRecord, _ namespace: SharedDescriptor
    ) throws {
        let hardware = endpoint.macAddress.split(separator: ":").compactMap { UInt8($0, radix: 16) }
        try NetworkNamespace.inside(live.namespace) { () throws(SystemError) in
            let route = try RouteSocket()
            try route.addPair(
                "v\(Hex.encode(randomBytes(6)))", master: live.bridgeIndex, peer: endpoint.interface,
                peerNamespace: namespace.number,
                peerAddress: hardware.count == 6 ? hardware : nil)
        }
        // The default route leads through the first network, in their alphabetical order, that leads anywhere.
        let leads = record.endpoints.first { $0.gateway != nil }?.network == endpoint.network
        try NetworkNamespace.inside(namespace) { () throws(SystemError) in
            let route = try RouteSocket()
            guard let link = RouteSocket.index(endpoint.interface) else {
                throw SystemError(call: "if_nametoindex", errno: 19, subject: endpoint.interface)
            }
            try route.addAddress(link, endpoint.address.bytes, prefixLength: endpoint.prefixLength)
            try route.setUp(link)
            if leads, let gateway = endpoint.gateway {
                try route.addRoute([], prefixLength: 0, gateway: gateway.bytes, index: link)
            }
        }
    }

    package func dropSandbox(_ id: ContainerID) async { names.stop(id.text) }

    /// Takes over what a shim kept: nothing of it changes, packets never notice.
    package func adopt(
        _ record: ContainerRecord, networks: [NetworkRecord], keepsakes: [(label: String, descriptor: SharedDescriptor)]
    ) async throws {
        for network in networks {
            guard let kept = keepsakes.first(where: { $0.label == "network \(network.name)" })?.descriptor else {
                continue
            }
            let isKnown = state.withLock { $0.networks[network.name] != nil }
            if isKnown { continue }
            let index = try NetworkNamespace.inside(kept) { () throws(SystemError) in
                RouteSocket.index(NetworkService.bridgeName) ?? 0
            }
            let live = LiveNetwork(
                namespace: kept, subnet: network.subnet, bridgeIndex: index, hasUplink: !network.definition.isInternal)
            state.withLock { state in if state.networks[network.name] == nil { state.networks[network.name] = live } }
        }
        guard let datagram = keepsakes.first(where: { $0.label == "dns-udp" })?.descriptor else { return }
        let stream = keepsakes.first { $0.label == "dns-tcp" }?.descriptor
        try await names.serve(record.id.text, view(record, networks), datagram: datagram, stream: stream)
    }

    // MARK: Names and ports

    package func setNames(_ endpoints: [(network: String, names: [String], address: IPv4Address, container: String)]) {
        names.setZone(Zone(endpoints))
    }

    package func publish(_ ports: [(port: PublishedPort, address: IPv4Address, network: String)]) async throws {
        let forwards = ports.map { HostRuleset.Forward(port: $0.port, address: $0.address) }
            .sorted {
                ($0.port.hostPort, $0.port.transport, $0.port.hostAddress) < (
                    $1.port.hostPort, $1.port.transport, $1.port.hostAddress
                )
            }
        try await turns.run {
            self.state.withLock { $0.forwards = forwards }
            try self.applyRules()
        }
    }

    /// One `nft` for the whole table, and only when it would say something new.
    private func applyRules() throws {
        let (script, isEmpty, before) = state.withLock { state -> (String, Bool, String) in
            let subnets = state.networks.values.filter(\.hasUplink).map(\.subnet).sorted { $0.first < $1.first }
            let rules = HostRuleset(
                table: layout.nftTable, uplinkPrefix: uplinkPrefix, subnets: subnets, forwards: state.forwards)
            return (rules.script, subnets.isEmpty, state.script)
        }
        if script == before || (isEmpty && before.isEmpty) { return }
        try NftProgram.apply(script)
        if isEmpty { forwarding.restore() }
        state.withLock { $0.script = isEmpty ? "" : script }
    }

    package func listeningPorts(_ namespace: SharedDescriptor) -> Set<UInt16> { ListeningPorts.inside(namespace) }

    // MARK: Files

    package func hostsFile(_ record: ContainerRecord, hostname: String) -> String {
        if record.service.networkMode == .host && record.service.extraHosts.isEmpty {
            return (try? FileIO.readText("/etc/hosts")) ?? ""
        }
        return GeneratedFiles.hosts(record, hostname: hostname, hostGateway: NetworkService.hostAddress)
    }

    package func resolvFile(_ record: ContainerRecord) -> String {
        GeneratedFiles.resolv(record, host: (try? FileIO.readText("/etc/resolv.conf")) ?? "")
    }
}

/// One change of the host's network at a time.
actor NetworkTurns {
    func run(_ body: @Sendable () throws -> Void) throws { try body() }
}
