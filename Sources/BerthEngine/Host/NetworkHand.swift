// What the engine needs of networks, whoever gives it.
import BerthLinux
import BerthModel

/// A container's network namespace with what must stay open for it.
package struct SandboxPlace: Sendable {
    package var namespace: SharedDescriptor
    /// Descriptors that the shim keeps for the next agent, by label.
    package var keepsakes: [(label: String, descriptor: SharedDescriptor)]
    package init(namespace: SharedDescriptor, keepsakes: [(label: String, descriptor: SharedDescriptor)]) {
        self.namespace = namespace
        self.keepsakes = keepsakes
    }
}

/// A host port that is held by a bound socket.
package struct PortReservation: Sendable {
    package var port: PublishedPort
    package var socket: SharedDescriptor
    package init(port: PublishedPort, socket: SharedDescriptor) {
        self.port = port
        self.socket = socket
    }
}

/// Networks of one world: made, joined, named, published, and found again.
package protocol NetworkHand: Sendable {
    /// A free subnet and its gateway, by the definition or from the pools.
    func chooseSubnet(_ definition: NetworkDefinition, existing: [NetworkRecord]) throws -> (
        subnet: IPv4Prefix, gateway: IPv4Address
    )
    /// An address on a network: the wanted one, or the next that is free.
    func chooseAddress(_ network: NetworkRecord, wanted: String?, taken: Set<IPv4Address>) throws -> IPv4Address

    /// Makes the network live; nothing happens when it is.
    func open(_ network: NetworkRecord) async throws
    func close(_ name: String) async
    /// A namespace with these endpoints; none: only loopback. Opens the networks.
    func makeSandbox(_ record: ContainerRecord, networks: [NetworkRecord]) async throws -> SandboxPlace
    func dropSandbox(_ id: ContainerID) async
    /// Takes over what a shim kept for a container.
    func adopt(
        _ record: ContainerRecord, networks: [NetworkRecord], keepsakes: [(label: String, descriptor: SharedDescriptor)]
    ) async throws

    /// Binds host ports; a conflict names its holder.
    func reserve(_ mappings: [PortMapping], owner: String) throws -> [PortReservation]
    /// The published ports that exist from now on, with where they lead.
    func publish(_ ports: [(port: PublishedPort, address: IPv4Address, network: String)]) async throws
    /// What the networks' DNS answers from now on.
    func setNames(_ endpoints: [(network: String, names: [String], address: IPv4Address, container: String)]) async
    /// What on this host keeps packets from containers, a sentence each.
    func obstacles() -> [String]
    /// TCP ports that something in the namespace listens on, on other than loopback addresses.
    func listeningPorts(_ namespace: SharedDescriptor) -> Set<UInt16>

    func hostsFile(_ record: ContainerRecord, hostname: String, networks: [NetworkRecord]) -> String
    func resolvFile(_ record: ContainerRecord) -> String
}
