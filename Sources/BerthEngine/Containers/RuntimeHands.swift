// The real hands of a container: snapshot, sandbox, ports, runtime; and what becomes of them when it ends.
import BerthLinux
import BerthLog
import BerthModel
import BerthPlan
import BerthRuntime
import BerthStore
import Logging
import Synchronization

final class RuntimeHands: ContainerHands {
    private let engine: EngineParts
    private let logger: Logger

    init(_ engine: EngineParts, logger: Logger) {
        self.engine = engine
        self.logger = logger
    }

    // MARK: Start

    func launch(_ record: ContainerRecord, held: Bool) async throws -> Int32 {
        try holdVolumes(record)
        let root = try engine.snapshotter.mount(record.id.text, layers: record.layers)
        var request: StartRequest
        let networks = try engine.networkRecords(of: record)
        switch try await place(record, networks) {
        case .host: request = StartRequest(record: record, root: root, network: .host)
        case .shared(let namespace):
            request = StartRequest(record: record, root: root, network: .namespace(namespace))
            request.ownsNetwork = false
        case .own(let sandbox):
            request = StartRequest(record: record, root: root, network: .namespace(sandbox.namespace))
            request.keepsakes = sandbox.keepsakes + engine.ports.keepsakes(record)
            engine.live.set(record.id, sandbox.namespace)
        }
        request.hosts = engine.network.hostsFile(
            record, hostname: record.service.hostname ?? record.id.short, networks: networks)
        request.resolv = engine.network.resolvFile(record)
        request.joined = try joinedNamespaces(record)
        request.holdUntilAttached = held
        request.trees += try imageTrees(record)
        try await engine.runtime.start(request)
        // It may have got its slot while it was launched.
        engine.live.insert(engine.registry.record(record.id) ?? record)
        try await engine.publishNetwork()
        if held {
            // The program runs once the client is there; until then the container counts as started.
            return 0
        }
        return engine.runtime.processID(record.id) ?? 0
    }

    private func holdVolumes(_ record: ContainerRecord) throws {
        let names = record.namedVolumes
        if names.isEmpty { return }
        try engine.volumeMounts.hold(engine.store.volumes().filter { names.contains($0.name) }, by: record.id)
    }

    private func imageTrees(_ record: ContainerRecord) throws -> [TreeMount] {
        try record.mounts.compactMap { mount in
            guard case .image(_, let layers, let subpath) = mount.source else { return nil }
            let (tree, isDirectory) = try engine.snapshotter.view(layers: layers, subpath: subpath)
            return TreeMount(mount: tree, target: mount.target, isDirectory: isDirectory, readOnly: true)
        }
    }

    private enum Place { case host, shared(SharedDescriptor), own(SandboxPlace) }

    private func place(_ record: ContainerRecord, _ networks: [NetworkRecord]) async throws -> Place {
        switch record.service.networkMode {
        case .host: return .host
        case .service, .container:
            guard let owner = engine.sharing(record).network else {
                throw BerthError(
                    .conflict, "starting container \(record.name)",
                    cause: "the container whose network it shares is gone")
            }
            guard let namespace = engine.live.namespace(owner) else {
                throw BerthError(
                    .conflict, "starting container \(record.name)",
                    cause: "the container whose network it shares is not running")
            }
            return .shared(namespace)
        default:
            for network in networks { try await engine.network.open(network) }
            return .own(try await engine.network.makeSandbox(record, networks: networks))
        }
    }

    private func joinedNamespaces(_ record: ContainerRecord) throws -> [String: SharedDescriptor] {
        var joined: [String: SharedDescriptor] = [:]
        let sharing = engine.sharing(record)
        if let owner = sharing.processes { joined["pid"] = try engine.runtime.namespace(owner, "pid") }
        if let owner = sharing.ipc { joined["ipc"] = try engine.runtime.namespace(owner, "ipc") }
        return joined
    }

    // MARK: Life

    func signal(_ id: ContainerID, _ number: Int32) throws { try engine.runtime.signal(id, number) }
    func kill(_ id: ContainerID) { engine.runtime.kill(id) }
    func setPaused(_ id: ContainerID, _ paused: Bool) throws { try engine.runtime.setPaused(id, paused) }

    func sample(_ id: ContainerID) -> SignalSample? {
        engine.runtime.signalMasks(id).map {
            SignalSample(caught: $0.caught, blocked: $0.blocked, waitsForSignals: $0.isWaitingForSignals)
        }
    }

    func probe(_ record: ContainerRecord, timeout: Duration) async -> (ProbeResult, witnessed: Bool) {
        let begin = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        var spec = ExecSpec(command: [])
        switch ContainerDriver.healthcheck(record)?.test {
        case .command(let words): spec.command = words
        case .shell(let text): spec.command = (record.imageExecution.Shell ?? ["/bin/sh", "-c"]) + [text]
        default: break
        }
        let outcome = await engine.runtime.probe(record, spec, timeout: timeout)
        let end = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        return (
            ProbeResult(start: begin, end: end, exitCode: outcome.exitCode, output: outcome.output), witness(record)
        )
    }

    /// Where the container says that it serves TCP ports, something must listen; true where it says nothing, or where
    /// its namespace is not its own.
    private func witness(_ record: ContainerRecord) -> Bool { record.servedPorts.isEmpty || hasListener(record) }

    func hasListener(_ record: ContainerRecord) -> Bool {
        guard let namespace = engine.live.namespace(record.id) else { return true }
        return !engine.network.listeningPorts(namespace).isEmpty
    }

    /// Commands of `post_start` and `pre_stop`, one after the other, inside the running container.
    func run(_ hooks: [Hook], _ name: String, of record: ContainerRecord) async throws {
        for hook in hooks {
            var spec = ExecSpec(command: hook.command)
            spec.user = hook.user
            spec.privileged = hook.privileged
            spec.workingDirectory = hook.workingDirectory
            spec.environment = hook.environment.sorted { $0.key < $1.key }.map { key, value in
                value.map { "\(key)=\($0)" } ?? key
            }
            let outcome = await engine.runtime.probe(record, spec, timeout: nil)
            if outcome.exitCode == 0 { continue }
            let output = outcome.output.split(separator: "\n").suffix(10).map { "  | \($0)" }.joined(separator: "\n")
            throw BerthError(
                .invalid, "container \(record.name)", subject: record.service.name,
                cause: "\(name) hook \"\(hook.command.joined(separator: " "))\" exited with status \(outcome.exitCode)",
                hint: output.isEmpty ? nil : "it said:\n\(output)")
        }
    }

    // MARK: End

    func release(_ record: ContainerRecord) async {
        engine.runtime.cleanup(record.id)
        engine.volumeMounts.drop(record.id)
        engine.live.remove(record.id)
        await engine.network.dropSandbox(record.id)
        do { try await engine.publishNetwork() } catch {
            logger.warning("withdrawing ports failed", metadata: ["container": "\(record.name)", "error": "\(error)"])
        }
    }

    func store(_ id: ContainerID, _ status: ContainerStatus) {
        do { try engine.store.update(id, status: status) } catch {
            logger.error("status not stored", metadata: ["container": "\(id.short)", "error": "\(error)"])
        }
        engine.statusChanged()
    }

    func publish(_ event: Event) async { await engine.bus.publish(event) }
}

/// What runs now: namespaces by container, and whose names and ports count.
final class LiveContainers: Sendable {
    private struct State {
        var namespaces: [ContainerID: SharedDescriptor] = [:]
        var records: [ContainerID: ContainerRecord] = [:]
    }
    private let state = Mutex(State())

    func set(_ id: ContainerID, _ namespace: SharedDescriptor) { state.withLock { $0.namespaces[id] = namespace } }
    /// Nothing happens when it does not run.
    func update(_ record: ContainerRecord) {
        state.withLock { state in if state.records[record.id] != nil { state.records[record.id] = record } }
    }
    func insert(_ record: ContainerRecord) { state.withLock { $0.records[record.id] = record } }
    func remove(_ id: ContainerID) {
        state.withLock { state in
            state.namespaces[id] = nil
            state.records[id] = nil
        }
    }
    func namespace(_ id: ContainerID) -> SharedDescriptor? { state.withLock { $0.namespaces[id] } }
    var records: [ContainerRecord] { state.withLock { $0.records.values.sorted { $0.name < $1.name } } }
    var isEmpty: Bool { state.withLock { $0.records.isEmpty } }
}

/// Host ports that are held for replica slots, by their bound sockets.
final class PortBook: Sendable {
    private let held = Mutex<[String: [PortReservation]]>([:])

    private static func key(_ stack: String, _ slot: ReplicaSlot) -> String { "\(stack)/\(slot)" }

    func reservations(_ stack: String, _ slot: ReplicaSlot) -> [PortReservation] {
        held.withLock { $0[PortBook.key(stack, slot)] ?? [] }
    }
    func hold(_ reservations: [PortReservation], _ stack: String, _ slot: ReplicaSlot) {
        held.withLock { $0[PortBook.key(stack, slot)] = reservations }
    }
    func release(_ stack: String, _ slot: ReplicaSlot) { held.withLock { $0[PortBook.key(stack, slot)] = nil } }

    func keepsakes(_ record: ContainerRecord) -> [(label: String, descriptor: SharedDescriptor)] {
        reservations(record.stack, record.slot).map {
            (
                "port \($0.port.hostAddress) \($0.port.hostPort) \($0.port.transport.rawValue) \($0.port.containerPort)",
                $0.socket
            )
        }
    }

    /// Takes back what a shim kept.
    func adopt(_ record: ContainerRecord, _ keepsakes: [(label: String, descriptor: SharedDescriptor)]) {
        let found = keepsakes.compactMap { label, descriptor -> PortReservation? in
            let parts = label.split(separator: " ").map(String.init)
            guard parts.count == 5, parts[0] == "port", let address = IPv4Address(parts[1]),
                let host = UInt16(parts[2]),
                let transport = TransportProtocol(rawValue: parts[3]), let inner = UInt16(parts[4])
            else { return nil }
            return PortReservation(
                port: PublishedPort(hostAddress: address, hostPort: host, containerPort: inner, transport: transport),
                socket: descriptor)
        }
        if !found.isEmpty { hold(found, record.stack, record.slot) }
    }
}
