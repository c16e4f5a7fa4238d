// The engine's network hand on this host: the network room, in the engine's words.
import BerthLinux
import BerthModel
import BerthNetwork

package struct LinuxNetwork: NetworkHand {
    private let service: NetworkService

    package init(layout: StateLayout) throws { service = try NetworkService(layout: layout) }

    package func chooseSubnet(_ definition: NetworkDefinition, existing: [NetworkRecord]) throws -> (
        subnet: IPv4Prefix, gateway: IPv4Address
    ) {
        try service.chooseSubnet(definition, existing: existing)
    }
    package func chooseAddress(_ network: NetworkRecord, wanted: String?, taken: Set<IPv4Address>) throws -> IPv4Address
    {
        try service.chooseAddress(network, wanted: wanted, taken: taken)
    }
    package func open(_ network: NetworkRecord) async throws { try await service.open(network) }
    package func close(_ name: String) async { await service.close(name) }

    package func makeSandbox(_ record: ContainerRecord, networks: [NetworkRecord]) async throws -> SandboxPlace {
        let sandbox = try await service.makeSandbox(record, networks: networks)
        return SandboxPlace(namespace: sandbox.namespace, keepsakes: sandbox.keepsakes)
    }
    package func dropSandbox(_ id: ContainerID) async { await service.dropSandbox(id) }
    package func adopt(
        _ record: ContainerRecord, networks: [NetworkRecord], keepsakes: [(label: String, descriptor: SharedDescriptor)]
    ) async throws {
        try await service.adopt(record, networks: networks, keepsakes: keepsakes)
    }

    package func reserve(_ mappings: [PortMapping], owner: String) throws -> [PortReservation] {
        try service.reserve(mappings, owner: owner).map { PortReservation(port: $0.port, socket: $0.socket) }
    }
    package func publish(_ ports: [(port: PublishedPort, address: IPv4Address, network: String)]) async throws {
        try await service.publish(ports)
    }
    package func setNames(_ endpoints: [(network: String, names: [String], address: IPv4Address, container: String)])
        async
    {
        service.setNames(endpoints)
    }
    package func obstacles() -> [String] { service.obstacles() }
    package func listeningPorts(_ namespace: SharedDescriptor) -> Set<UInt16> { service.listeningPorts(namespace) }

    package func hostsFile(_ record: ContainerRecord, hostname: String, networks: [NetworkRecord]) -> String {
        service.hostsFile(record, hostname: hostname)
    }
    package func resolvFile(_ record: ContainerRecord) -> String { service.resolvFile(record) }
}
