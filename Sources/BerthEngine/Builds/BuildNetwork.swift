// The network of build steps: there while a build has need of it, apart from every stack's.
import BerthLinux
import BerthModel

/// Makes and gives up the one network that build steps share, and their addresses on it.
actor BuildNetwork {
    static let name = "berth_build"
    private var record: NetworkRecord?
    private var taken: Set<IPv4Address> = []
    private var opening: Task<NetworkRecord, any Error>?

    /// An address for one step, with its network.
    func join(_ parts: EngineParts) async throws -> (NetworkRecord, IPv4Address) {
        let network = try await open(parts)
        let address = try parts.network.chooseAddress(network, wanted: nil, taken: taken)
        taken.insert(address)
        return (network, address)
    }

    private func open(_ parts: EngineParts) async throws -> NetworkRecord {
        if let opening { return try await opening.value }
        let task = Task {
            let definition = NetworkDefinition(key: "build", name: BuildNetwork.name)
            let (subnet, gateway) = try parts.network.chooseSubnet(definition, existing: try parts.store.networks())
            let record = NetworkRecord(
                id: Hex.encode(randomBytes(32)), name: BuildNetwork.name, stack: nil, definition: definition,
                subnet: subnet, gateway: gateway, labels: [:],
                created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
            try parts.store.insert(record)
            try await parts.network.open(record)
            return record
        }
        opening = task
        do { record = try await task.value } catch {
            opening = nil
            throw error
        }
        return try await task.value
    }

    /// Gives an address back; with the last one the network goes.
    func leave(_ address: IPv4Address, _ parts: EngineParts) async {
        taken.remove(address)
        if !taken.isEmpty || opening == nil { return }
        opening = nil
        record = nil
        await parts.network.close(BuildNetwork.name)
        // Ignored: a row that stays goes with the next step or the agent's next start.
        try? parts.store.removeNetwork(BuildNetwork.name)
    }
}
