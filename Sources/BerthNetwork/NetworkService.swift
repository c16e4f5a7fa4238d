// The door: networks made live, joined, named, published, adopted, closed. One per world, in the agent.
import BerthLinux
import BerthModel
import Synchronization

/// A live network: its namespace and a socket into it; links and addresses die with it.
struct LiveNetwork: Sendable {
    var record: NetworkRecord
    var namespace: SharedDescriptor
    var routes: RouteSocket
    var bridgeIndex: UInt32

    var hasUplink: Bool { !record.definition.isInternal }
}

/// A container's network namespace with what must stay open for it.
package struct Sandbox: Sendable {
    package var namespace: SharedDescriptor
    package var keepsakes: [(label: String, descriptor: SharedDescriptor)]
}

package final class NetworkService: Sendable {
    struct State {
        var networks: [String: LiveNetwork] = [:]
        /// What the host's table says; nil: nothing of ours is there, as far as this agent knows.
        var applied: HostRuleset?
        /// False until this agent has looked whether an earlier one left a table.
        var hasLooked = false
        var forwards: [HostRuleset.Forward] = []
        var rulesSocket: NftSocket?
        /// Changes of tables that others own, counted.
        var foreignChanges = 0
    }

    let layout: StateLayout
    let host: HostNamespace
    let names: NameServer
    let state = Mutex(State())
    let turns = NetworkTurns()
    /// Held while the host's table is compared and changed: by a turn, or by the watch on the table.
    let applying = Mutex(())
    let forwarding: IPForwarding

    /// The networks' end of every uplink; the host's end has the network's gateway address. Link-local: a neighbour of
    /// one link each, never routed to.
    static let insideAddress = IPv4Address(value: 0xA9FE_4D02)
    static let bridgeName = "br0"
    static let uplinkName = "up0"

    /// - Parameters:
    ///   - host: the namespace that plays the host; nil: the agent's own.
    ///   - resolver: where the host's name servers stand.
    package init(layout: StateLayout, host: SharedDescriptor? = nil, resolver: String = "/etc/resolv.conf") throws {
        self.layout = layout
        self.host = HostNamespace(host)
        names = NameServer(resolver: HostResolver(path: resolver), host: host)
        forwarding = IPForwarding(
            host: self.host, record: "\(layout.runRoot)/ip_forward", uplinkPrefix: "bh",
            worldPrefix: "bh\(layout.world.prefix(6))")
    }

    /// What the names of all our links on the host begin with.
    var uplinkPrefix: String { "bh\(layout.world.prefix(6))" }

    func uplinkName(_ network: NetworkRecord) -> String { "\(uplinkPrefix)\(network.id.prefix(6))" }

    /// Ends the name server's threads and the watch on the rules. The networks stay as they are.
    package func shutdown() async { await names.shutdown() }

    // MARK: Choice

    package func chooseSubnet(
        _ definition: NetworkDefinition, existing: [NetworkRecord]
    ) throws -> (subnet: IPv4Prefix, gateway: IPv4Address) {
        let (subnet, gateway) = try AddressPools.choose(
            definition, existing: existing.map(\.subnet), hostRoutes: (try? hostRoutes()) ?? [])
        return (subnet, gateway)
    }

    /// What the host already routes somewhere, without default routes and without our own networks.
    package func hostRoutes() throws -> [IPv4Prefix] {
        let socket = try RouteSocket.inside(host.namespace)
        let own = Set(try socket.links().filter { $0.name.hasPrefix(uplinkPrefix) }.map(\.index))
        return try socket.routes().compactMap { route in
            guard route.prefixLength > 0, !own.contains(route.index) else { return nil }
            return IPv4Prefix(
                IPv4Address(value: route.destination.reduce(0) { $0 << 8 | UInt32($1) }), length: route.prefixLength)
        }
    }

    package func chooseAddress(_ network: NetworkRecord, wanted: String?, taken: Set<IPv4Address>) throws -> IPv4Address
    {
        try AddressPools.address(network, wanted: wanted, taken: taken)
    }

    // MARK: Looking in

    /// TCP ports that something in a namespace listens on, reachable from outside it.
    package func listeningPorts(_ namespace: SharedDescriptor) -> Set<UInt16> {
        let listeners = (try? SocketDiagnostics.listeners(namespace)) ?? []
        return Set(listeners.filter { !$0.isLoopback }.map(\.port))
    }

    // MARK: Files

    package func hostsFile(_ record: ContainerRecord, hostname: String) -> String {
        if record.service.networkMode == .host && record.service.extraHosts.isEmpty {
            return (try? FileIO.readText("/etc/hosts")) ?? ""
        }
        return GeneratedFiles.hosts(record, hostname: hostname)
    }

    package func resolvFile(_ record: ContainerRecord) -> String {
        GeneratedFiles.resolv(record, host: (try? FileIO.readText(names.resolver.path)) ?? "")
    }
}

/// One change of the host's network at a time.
actor NetworkTurns {
    func run(_ body: @Sendable () throws -> Void) throws { try body() }
}
