// Walks a plan as widely as its edges allow. One operation is one call; nothing is decided here.
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime
import BerthStore
import Logging

struct PlanExecutor: Sendable {
    let parts: EngineParts
    let hands: RuntimeHands
    let stack: String
    /// `run` with a client: this service's start waits for it.
    let heldService: String?
    let report: ProgressReport
    /// More containers than this are not started at the same time.
    private static let concurrencyMax = 64

    init(parts: EngineParts, hands: RuntimeHands, stack: String, heldService: String?, report: @escaping ProgressReport)
    {
        self.parts = parts
        self.hands = hands
        self.stack = stack
        self.heldService = heldService
        self.report = report
    }

    func run(_ plan: Plan) async -> PlanRun {
        var run = PlanRun(plan)
        let limits = plan.operations.compactMap {
            if case .awaitReady(_, let timeout?) = $0.action { timeout } else { nil }
        }
        // `--wait-timeout` bounds the gates in front of the wait as well.
        let deadline = limits.min().map { Deadline(at: parts.clock.monotonic + $0, length: $0) }
        await withTaskGroup(of: (OperationID, PlanRun.Outcome).self) { group in
            func startReady() {
                for operation in run.start(limit: PlanExecutor.concurrencyMax) {
                    let snapshot = run
                    group.addTask { (operation.id, await outcome(of: operation, snapshot, deadline)) }
                }
            }
            startReady()
            while let (id, outcome) = await group.next() {
                run.finish(id, outcome)
                if Task.isCancelled { run.cancel() }
                startReady()
            }
        }
        return run
    }

    /// When waiting ends, and how long that was.
    struct Deadline: Sendable {
        var at: Duration
        var length: Duration
    }

    private func outcome(of operation: Operation, _ run: PlanRun, _ deadline: Deadline?) async -> PlanRun.Outcome {
        let begin = parts.clock.monotonic
        let (during, after) = PlanExecutor.words(operation.action)
        tell(operation, during, nil)
        do {
            let created = try await perform(operation, run, deadline)
            tell(operation, after, parts.clock.monotonic - begin)
            return .success(container: created)
        } catch {
            let failure = error as? BerthError ?? BerthError(.internal, "\(operation.subject)", cause: "\(error)")
            tell(operation, .error, parts.clock.monotonic - begin, detail: failure.description)
            parts.logger.info("operation failed", metadata: ["operation": "\(operation)", "error": "\(failure)"])
            return .failure(failure)
        }
    }

    private func tell(_ operation: Operation, _ status: Event.Status?, _ elapsed: Duration?, detail: String = "") {
        guard let status else { return }
        let kind: Event.Kind =
            switch operation.subject.kind {
            case .network: .network
            case .volume: .volume
            case .container: .container
            case .service: .service
            case .stack: .stack
            }
        report(
            .event(
                Event(
                    time: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()), kind: kind,
                    name: operation.subject.name,
                    status: status, stack: stack, service: operation.subject.service, detail: detail,
                    elapsedMilliseconds: elapsed.map(PlanExecutor.milliseconds))))
    }

    static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }

    /// What progress says during and after an operation.
    private static func words(_ action: Action) -> (Event.Status?, Event.Status?) {
        switch action {
        case .createNetwork, .createVolume, .createContainer: (.creating, .created)
        case .removeNetwork, .removeVolume, .removeContainer: (.removing, .removed)
        case .startContainer: (.starting, .started)
        case .stopContainer: (.stopping, .stopped)
        case .killContainer: (.killing, .killed)
        case .pauseContainer: (.pausing, .paused)
        case .unpauseContainer: (.unpausing, .unpaused)
        case .renameContainer, .takeOver: (nil, nil)
        case .awaitCondition, .awaitReady, .awaitSteady: (nil, nil)
        }
    }

    private func perform(_ operation: Operation, _ run: PlanRun, _ deadline: Deadline?) async throws -> ContainerID? {
        func container(_ target: ContainerTarget) throws -> ContainerID {
            guard let id = run.container(target) else {
                throw BerthError(.internal, "\(operation.subject)", cause: "its container was never made")
            }
            return id
        }
        func driver(_ target: ContainerTarget) throws -> ContainerDriver {
            let id = try container(target)
            guard let found = parts.registry.driver(id) else {
                throw BerthError(.notFound, "\(operation.subject)", cause: "no such container: \(id.short)")
            }
            return found
        }
        switch operation.action {
        case .createNetwork(let definition): try createNetwork(definition)
        case .removeNetwork(let name):
            try await removeNetwork(name)
        case .createVolume(let definition):
            try parts.store.insert(
                VolumeRecord(
                    name: definition.name, stack: stack, isAnonymous: false, driverOptions: definition.driverOptions,
                    labels: definition.labels, created: now))
        case .removeVolume(let name): try removeVolume(name)
        case .createContainer(let intent):
            let id = try createContainer(intent, run)
            if let record = parts.registry.record(id) { await publish(.created, of: record) }
            return id
        case .startContainer(let target):
            let driver = try driver(target)
            let held = await driver.record.slot.oneOff != nil && heldService != nil
            try await driver.start(held: held)
            try await hooks("post_start", of: driver) { $0.postStart }
        case .stopContainer(let target, let timeout):
            let driver = try driver(target)
            if await driver.status.state == .running { try await hooks("pre_stop", of: driver) { $0.preStop } }
            await driver.stop(grace: timeout)
        case .killContainer(let target, let name):
            await (try driver(target)).kill(signal: Signal.number(name) ?? Signal.kill)
        case .pauseContainer(let target): try await driver(target).setPaused(true)
        case .unpauseContainer(let target): try await driver(target).setPaused(false)
        case .removeContainer(let target, let volumes):
            try await removeContainer(try container(target), removeAnonymousVolumes: volumes)
        case .renameContainer(let target, let name):
            let id = try container(target)
            try parts.store.rename(id, to: name)
            parts.registry.rename(id, to: name)
            await parts.registry.driver(id)?.rename(to: name)
        case .takeOver(let target, let old, let name):
            try await takeOver(try container(target), from: try old.map(container), name)
        case .awaitCondition(let condition, let members): try await awaitCondition(condition, members, run, deadline)
        case .awaitReady(let members, _): try await awaitReady(members, run, deadline)
        case .awaitSteady(let members, let monitor, let delay):
            try await awaitReady(members, run, deadline)
            try await awaitSteady(members, run, monitor)
            try await parts.clock.sleep(until: parts.clock.monotonic + delay)
        }
        return nil
    }

    /// Only a service's own containers have hooks, and only a command runs them: a restart policy does not.
    private func hooks(_ name: String, of driver: ContainerDriver, _ list: (Service) -> [Hook]) async throws {
        let record = await driver.record
        if record.slot.oneOff != nil { return }
        try await hands.run(list(record.service), name, of: record)
    }

    var now: Timestamp { Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()) }

    // MARK: Removal

    func removeContainer(_ id: ContainerID, removeAnonymousVolumes: Bool) async throws {
        guard let record = parts.registry.record(id) else { return }
        if let driver = parts.registry.driver(id) { await driver.retire() }
        parts.runtime.cleanup(id)
        try parts.store.remove(id)
        parts.registry.remove(id)
        parts.live.remove(id)
        let slotIsFree = !parts.registry.all(stack: record.stack).contains { $0.record.slot == record.slot }
        if slotIsFree { parts.ports.release(record.stack, record.slot) }
        if slotIsFree && record.slot.oneOff != nil {
            try parts.store.removeLeases(stack: record.stack, slot: "\(record.slot)")
        }
        if !slotIsFree { try removeSpareLeases(of: record) }
        try parts.snapshotter.remove(id.text)
        // Ignored: a log directory that stays is removed when the agent next starts.
        try? Directory.remove(parts.layout.logDirectory(id))
        if removeAnonymousVolumes {
            for mount in record.mounts {
                if case .volume(let name, true, _, _) = mount.source, !isUsed(volume: name) { try removeVolume(name) }
            }
        }
        parts.statusChanged()
        await publish(.removed, of: record)
    }

    /// For `berth events`; what happens between the two is told by the container's driver.
    private func publish(_ status: Event.Status, of record: ContainerRecord) async {
        await parts.bus.publish(
            Event(
                time: now, kind: .container, name: record.name, status: status, stack: record.stack,
                service: record.slot.service, containerID: record.id, image: record.imageReference))
    }

    private func isUsed(volume name: String) -> Bool {
        parts.registry.all().contains { $0.record.mountsVolume(name) }
    }

    private func removeVolume(_ name: String) throws {
        if isUsed(volume: name) {
            throw BerthError(.conflict, "removing volume \(name)", subject: name, cause: "a container uses it")
        }
        // The row first: a directory without a row is swept up, a row without its data would be a lie.
        try parts.store.removeVolume(name)
        do { try Directory.remove(parts.layout.volume(name)) } catch {
            throw BerthError(.internal, "removing volume \(name)", subject: name, cause: "\(error)")
        }
    }

    private func removeNetwork(_ name: String) async throws {
        // Another stack may have joined the host's bridge since the plan was made.
        let isUsed = parts.registry.all().contains { $0.record.endpoints.contains { $0.network == name } }
        if name == NetworkDefinition.hostBridge.name && isUsed { return }
        await parts.network.close(name)
        try parts.store.removeNetwork(name)
    }

    func createNetwork(_ definition: NetworkDefinition) throws {
        let stack = definition.isHostBridge ? nil : stack
        _ = try NetworkBook.shared.create(definition, stack: stack, parts)
    }
}
