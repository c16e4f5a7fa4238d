// Gives networks their subnets, one at a time: two that are made at the same moment never get the same.
import BerthLinux
import BerthModel

final class NetworkBook: Sendable {
    static let shared = NetworkBook()
    private let lock = StoreLock()

    /// Nil: a network of this name exists already.
    func create(_ definition: NetworkDefinition, stack: String?, _ parts: EngineParts) throws -> NetworkRecord? {
        try lock.locked {
            let existing = try parts.store.networks()
            if existing.contains(where: { $0.name == definition.name }) { return nil }
            let (subnet, gateway) = try parts.network.chooseSubnet(definition, existing: existing)
            let record = NetworkRecord(
                id: Hex.encode(randomBytes(32)), name: definition.name, stack: stack, definition: definition,
                subnet: subnet, gateway: gateway, labels: definition.labels,
                created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
            try parts.store.insert(record)
            return record
        }
    }
}
