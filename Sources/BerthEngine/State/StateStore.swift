// What must survive the agent: an interface for the engine, and its rows.
import BerthModel
import BerthStore

/// A container's row: its record, and what was last known of it.
package struct ContainerRow: Sendable, Equatable {
    package var record: ContainerRecord
    package var status: ContainerStatus
    package init(record: ContainerRecord, status: ContainerStatus) {
        self.record = record
        self.status = status
    }
}

/// An address that belongs to a replica slot on a network.
package struct AddressLease: Codable, Sendable, Equatable {
    package var network: String
    package var stack: String
    package var slot: String
    package var address: IPv4Address
    package init(network: String, stack: String, slot: String, address: IPv4Address) {
        self.network = network
        self.stack = stack
        self.slot = slot
        self.address = address
    }
}

/// A row of the build cache.
package struct CachedStepRow: Codable, Sendable, Equatable {
    package var step: CachedStep
    /// ChainID of its layer; nil: it has none.
    package var chainID: Digest?
    package var created: Timestamp
    package var used: Timestamp
    package init(step: CachedStep, chainID: Digest?, created: Timestamp, used: Timestamp) {
        self.step = step
        self.chainID = chainID
        self.created = created
        self.used = used
    }
}

/// Durable state. Calls are short and synchronous; whoever calls has decided.
package protocol StateStore: ReferenceBook {
    func containers() throws -> [ContainerRow]
    func insert(_ row: ContainerRow) throws
    func update(_ id: ContainerID, status: ContainerStatus) throws
    func rename(_ id: ContainerID, to name: String) throws
    /// All of them or none; one that is not there any more is not made again.
    func update(_ records: [ContainerRecord]) throws
    func remove(_ id: ContainerID) throws

    func networks() throws -> [NetworkRecord]
    func insert(_ network: NetworkRecord) throws
    func removeNetwork(_ name: String) throws

    func volumes() throws -> [VolumeRecord]
    func insert(_ volume: VolumeRecord) throws
    func removeVolume(_ name: String) throws

    func leases() throws -> [AddressLease]
    func insert(_ lease: AddressLease) throws
    func remove(_ lease: AddressLease) throws
    func removeLeases(stack: String, slot: String?) throws

    /// The resolved stack, stored before anything is done for it.
    func insertRevision(stack: String, document: [UInt8], time: Timestamp) throws
    func removeRevisions(stack: String) throws
    /// Manifests that the stack's newest revision runs: kept as long as it is.
    func leaseImages(_ manifests: Set<Digest>, stack: String) throws
    func removeImageLeases(stack: String) throws
    func leasedImages() throws -> Set<Digest>
    /// When a reference was last pulled; nil: never.
    func pulled(_ reference: String) throws -> Timestamp?
    func setPulled(_ reference: String, _ time: Timestamp) throws
    // MARK: Build cache
    /// A step by its key.
    func cachedStep(_ key: Digest) throws -> CachedStepRow?
    /// What was used longest ago goes first.
    func markUsed(_ keys: [Digest], now: Timestamp) throws
    func insert(_ row: CachedStepRow) throws
    /// The sizes of all layers of the cache, packed.
    func cachedBytes() throws -> Int64
    /// All rows, those used longest ago first.
    func cachedSteps() throws -> [CachedStepRow]
    func removeCachedStep(_ key: Digest) throws
    /// The boot in which the state was last written.
    func bootID() throws -> String?
    func setBootID(_ id: String) throws
}
