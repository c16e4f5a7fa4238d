// A container's place in its networks: a namespace, a pair per network born in both ends' places, a name server.
import BerthLinux
import BerthModel
import Synchronization

extension NetworkService {
    /// Sockets of a sandbox that live only while it is made.
    private struct Making: Sendable {
        var routes: RouteSocket
        var rules: NftSocket
        var datagram: SharedDescriptor
        var stream: SharedDescriptor
    }

    package func makeSandbox(_ record: ContainerRecord, networks: [NetworkRecord]) async throws -> Sandbox {
        do {
            if record.endpoints.isEmpty {
                let alone = try NetworkNamespace.create { () throws(SystemError) in
                    KernelSettings.quietIPv6()
                    try RouteSocket().setUp(KernelSettings.loopbackIndex)
                }
                return Sandbox(namespace: alone.namespace, keepsakes: [("sandbox", alone.namespace)])
            }
            let (namespace, made) = try NetworkNamespace.create { () throws(SystemError) -> Making in
                KernelSettings.quietIPv6()
                let routes = try RouteSocket()
                try routes.setUp(KernelSettings.loopbackIndex)
                let datagram = try InternetSocket.bind(NameServer.address, port: 0, datagram: true)
                let stream = try InternetSocket.bind(NameServer.address, port: 0, datagram: false)
                try InternetSocket.listen(stream.number)
                return Making(routes: routes, rules: try NftSocket(), datagram: datagram, stream: stream)
            }
            try made.rules.apply(
                SandboxRules.redirect(
                    datagram: InternetSocket.port(made.datagram.number), stream: InternetSocket.port(made.stream.number)
                ))
            var keepsakes: [(label: String, descriptor: SharedDescriptor)] = [("sandbox", namespace)]
            for endpoint in record.endpoints {
                guard let live = state.withLock({ $0.networks[endpoint.network] }) else {
                    throw BerthError(.internal, "joining network \(endpoint.network)", cause: "it is not open")
                }
                let leads = record.gatewayEndpoint?.network == endpoint.network
                try join(live, endpoint, leads: leads, namespace, made.routes)
                keepsakes.append(("network \(endpoint.network)", live.namespace))
            }
            keepsakes += [("dns-udp", made.datagram), ("dns-tcp", made.stream)]
            try await names.serve(
                record.id.text, view(record, networks, namespace), datagram: made.datagram, stream: made.stream)
            return Sandbox(namespace: namespace, keepsakes: keepsakes)
        } catch let error as SystemError {
            throw BerthError(.internal, "making the network of \(record.name)", subject: record.name, cause: "\(error)")
        }
    }

    private func view(
        _ record: ContainerRecord, _ networks: [NetworkRecord], _ namespace: SharedDescriptor
    ) -> NameServer.View {
        var links: [String: String] = [:]
        let isOnBridge = record.endpoints.contains { $0.network == NetworkDefinition.hostBridge.name }
        for link in record.service.links {
            let name =
                isOnBridge ? NetworkDefinition.bridgeName(of: link.service, in: record.stack) : link.service
            links[link.alias.lowercased()] = name.lowercased()
        }
        return NameServer.View(
            networks: record.endpoints.map(\.network), upstreams: record.service.dns, namespace: namespace,
            links: links,
            mayForward: networks.contains { !$0.definition.isInternal })
    }

    /// One end in the network's bridge, the other in the sandbox with address and routes.
    private func join(
        _ live: LiveNetwork, _ endpoint: Endpoint, leads: Bool, _ namespace: SharedDescriptor, _ routes: RouteSocket
    ) throws(SystemError) {
        let mtu = live.record.mtuBytes
        try live.routes.addPair(
            .init(mtuBytes: mtu), master: live.bridgeIndex,
            peer: .init(name: endpoint.interface, address: HardwareAddress.parse(endpoint.macAddress), mtuBytes: mtu),
            in: namespace.number)
        let link = try routes.existing(endpoint.interface)
        try routes.addAddress(link, endpoint.address.bytes, prefixLength: endpoint.prefixLength)
        for address in endpoint.linkLocalAddresses {
            try routes.addAddress(link, address.bytes, prefixLength: 16)
        }
        try routes.setUp(link)
        // Kernels before 5.17 forget the proxy with the bridge's carrier, which it may just have got back.
        if let gateway = endpoint.gateway { try live.routes.addProxy(live.bridgeIndex, gateway.bytes) }
        if leads, let gateway = endpoint.gateway {
            try routes.addRoute(.init([0, 0, 0, 0], prefixLength: 0, index: link, gateway: gateway.bytes))
        }
    }

    package func dropSandbox(_ id: ContainerID) async { names.stop(id.text) }

    /// Takes over what a shim kept: nothing of it changes, packets never notice.
    package func adopt(
        _ record: ContainerRecord, networks: [NetworkRecord],
        keepsakes: [(label: String, descriptor: SharedDescriptor)]
    ) async throws {
        func kept(_ label: String) -> SharedDescriptor? { keepsakes.first { $0.label == label }?.descriptor }
        for network in networks {
            guard let namespace = kept("network \(network.name)") else { continue }
            if state.withLock({ $0.networks[network.name] != nil }) { continue }
            let routes = try RouteSocket.inside(namespace)
            let live = LiveNetwork(
                record: network, namespace: namespace, routes: routes,
                bridgeIndex: try routes.existing(NetworkService.bridgeName))
            state.withLock { state in if state.networks[network.name] == nil { state.networks[network.name] = live } }
        }
        // Until the engine has told what is published, what was published stays.
        if !record.isStandby, let address = record.gatewayEndpoint?.address {
            state.withLock { state in
                state.forwards.removeAll { record.ports.contains($0.port) }
                state.forwards += record.ports.map { HostRuleset.Forward(port: $0, address: address) }
            }
        }
        guard let namespace = kept("sandbox"), let datagram = kept("dns-udp") else { return }
        try await names.serve(
            record.id.text, view(record, networks, namespace), datagram: datagram, stream: kept("dns-tcp"))
    }
}
