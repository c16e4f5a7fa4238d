// The parts that all drivers share: hands, state, clocks, buses. Wired once, in the agent.
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime
import BerthStore
import Logging
import Synchronization

package final class EngineParts: Sendable {
    package let layout: StateLayout
    package let store: any StateStore
    package let images: ImageStore
    package let snapshotter: Snapshotter
    package let worker: WorkerClient
    package let runtime: ContainerRuntime
    package let network: any NetworkHand
    package let bus = EventBus()
    package let clock = EngineClock()
    package let logger: Logger
    let live = LiveContainers()
    let volumeMounts: VolumeMounts
    let ports = PortBook()
    let registry = ContainerRegistry()
    let pulling = SharedRuns()
    let steps = StepBook()
    let cacheMounts = CacheMountBook()
    let buildNetwork = BuildNetwork()
    let resumption = Mutex(Resumption())
    private let publishing = AsyncGate()
    private let onStatus = Mutex<(@Sendable () -> Void)?>(nil)

    package init(
        layout: StateLayout, store: any StateStore, runtime: ContainerRuntime, network: any NetworkHand,
        workerProgram: String,
        logger: Logger
    ) throws {
        self.layout = layout
        self.store = store
        self.runtime = runtime
        self.network = network
        self.logger = logger
        images = try ImageStore(layout: layout, book: store)
        snapshotter = Snapshotter(layout: layout)
        volumeMounts = VolumeMounts(layout: layout)
        worker = WorkerClient(program: workerProgram, layout: layout)
    }

    /// Called whenever a container's status changed: the agent looks whether it is still needed.
    package func whenStatusChanges(_ body: @escaping @Sendable () -> Void) { onStatus.withLock { $0 = body } }
    func statusChanged() { onStatus.withLock { $0 }?() }

    func networkRecords(of record: ContainerRecord) throws -> [NetworkRecord] {
        if record.endpoints.isEmpty { return [] }
        let all = try store.networks()
        return try record.endpoints.map { endpoint in
            guard let found = all.first(where: { $0.name == endpoint.network }) else {
                throw BerthError(
                    .notFound, "starting container \(record.name)", subject: endpoint.network,
                    cause: "network \(endpoint.network) is gone",
                    hint: "berth up makes it again")
            }
            return found
        }
    }

    /// The containers whose namespaces a record shares.
    func sharing(_ record: ContainerRecord) -> (network: ContainerID?, processes: ContainerID?, ipc: ContainerID?) {
        func owner(_ mode: String?) -> ContainerID? {
            guard let mode else { return nil }
            if mode.hasPrefix("service:") {
                return registry.running(service: String(mode.dropFirst(8)), stack: record.stack)
            }
            if mode.hasPrefix("container:") { return registry.named(String(mode.dropFirst(10))) }
            return nil
        }
        var network: ContainerID?
        switch record.service.networkMode {
        case .service(let name): network = registry.running(service: name, stack: record.stack)
        case .container(let name): network = registry.named(name)
        default: break
        }
        return (network, owner(record.service.pidMode), owner(record.service.ipcMode))
    }

    /// What DNS answers while these run.
    static func names(
        of records: [ContainerRecord]
    ) -> [(network: String, names: [String], address: IPv4Address, container: String)] {
        records.flatMap { record in
            record.endpoints.map { endpoint in
                let known = record.isStandby ? [record.id.short] : endpoint.names
                return (endpoint.network, known, endpoint.address, record.name)
            }
        }
    }

    /// Tells the network what runs now: published ports and names. One call at a time; the last state wins.
    func publishNetwork() async throws {
        try await publishing.run {
            let records = self.live.records
            var ports: [(port: PublishedPort, address: IPv4Address, network: String)] = []
            for record in records {
                guard !record.isStandby, let first = record.gatewayEndpoint else { continue }
                for port in record.ports { ports.append((port, first.address, first.network)) }
            }
            await self.network.setNames(EngineParts.names(of: records))
            try await self.network.publish(ports)
        }
    }
}

/// Runs bodies one after the other; bodies that wait behind a running one are folded into a single run.
actor AsyncGate {
    private var isRunning = false
    private var waiting: [CheckedContinuation<Void, any Error>] = []

    func run(_ body: @Sendable () async throws -> Void) async throws {
        if isRunning {
            // Somebody runs now with an older state: the next run, after it, has ours.
            return try await withCheckedThrowingContinuation { waiting.append($0) }
        }
        isRunning = true
        defer { isRunning = false }
        try await body()
        while !waiting.isEmpty {
            let batch = waiting
            waiting = []
            do {
                try await body()
                for continuation in batch { continuation.resume() }
            } catch {
                for continuation in batch { continuation.resume(throwing: error) }
            }
        }
    }
}

/// All containers that exist, by id and by name.
final class ContainerRegistry: Sendable {
    private struct Entry { var driver: ContainerDriver; var record: ContainerRecord }
    private let entries = Mutex<[ContainerID: Entry]>([:])

    func insert(_ driver: ContainerDriver, _ record: ContainerRecord) {
        entries.withLock { $0[record.id] = Entry(driver: driver, record: record) }
    }
    func rename(_ id: ContainerID, to name: String) { entries.withLock { $0[id]?.record.name = name } }
    func update(_ record: ContainerRecord) { entries.withLock { $0[record.id]?.record = record } }
    func remove(_ id: ContainerID) { entries.withLock { _ = $0.removeValue(forKey: id) } }
    func driver(_ id: ContainerID) -> ContainerDriver? { entries.withLock { $0[id]?.driver } }
    func record(_ id: ContainerID) -> ContainerRecord? { entries.withLock { $0[id]?.record } }
    func named(_ name: String) -> ContainerID? {
        entries.withLock {
            $0.values.first { $0.record.name == name || $0.record.id.text == name || $0.record.id.short == name }?
                .record.id
        }
    }
    func running(service: String, stack: String) -> ContainerID? {
        entries.withLock { entries in
            entries.values.filter {
                $0.record.stack == stack && $0.record.slot.service == service && $0.record.slot.oneOff == nil
                    && !$0.record.isStandby
            }
            .map(\.record).min { $0.slot < $1.slot }?.id
        }
    }
    func all(stack: String? = nil) -> [(driver: ContainerDriver, record: ContainerRecord)] {
        entries.withLock { entries in
            entries.values.filter { stack == nil || $0.record.stack == stack }.map { ($0.driver, $0.record) }
                .sorted { ($0.1.name, $0.1.id) < ($1.1.name, $1.1.id) }
        }
    }
}
