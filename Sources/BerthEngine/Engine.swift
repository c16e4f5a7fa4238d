// The engine's door: requests on stacks, serial per stack; recovery; what the agent asks before it leaves.
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime
import BerthStore
import FoundationEssentials
import Logging
import Synchronization

package final class Engine: Sendable {
    package let parts: EngineParts
    let reconciler = Reconciler(hash: { ContentHash.digest(of: $0) })
    let turns = StackTurns()
    private let hands: RuntimeHands

    package init(_ parts: EngineParts) {
        self.parts = parts
        hands = RuntimeHands(parts, logger: parts.logger)
    }

    func run(_ hooks: [Hook], _ name: String, of record: ContainerRecord) async throws {
        try await hands.run(hooks, name, of: record)
    }

    // MARK: Stacks

    package func up(
        _ stack: Stack, materials: [String: [UInt8]], _ options: UpOptions, pull: PullOptions, dryRun: Bool,
        report: @escaping ProgressReport
    ) async throws -> [ContainerID] {
        try await turns.take(stack.name, waits: Engine.tellOfWait(stack.name, report)) {
            try self.prepare(stack, materials, dryRun: dryRun)
            if !dryRun {
                try await self.pullNeeded(
                    stack, services: options.services, withDependencies: options.includeDependencies, pull,
                    report: report)
                try self.leaseImages(stack)
            }
            let observed = try await self.observe(stack.name, stack)
            let plan = try self.reconciler.up(stack, observed, options)
            self.warnOfEmpty(plan, report: report)
            let run = try await self.walk(plan, stack.name, dryRun: dryRun, report)
            if plan.operations.contains(where: { if case .createNetwork = $0.action { true } else { false } }), !dryRun
            {
                for obstacle in self.parts.network.obstacles() { report(.warning(obstacle)) }
            }
            if let error = run.summary.firstError { throw await self.undone(run, stack, error, report) }
            return self.parts.registry.all(stack: stack.name).map(\.record.id)
        }
    }

    private static func tellOfWait(_ stack: String, _ report: @escaping ProgressReport) -> @Sendable () -> Void {
        { report(.warning("another command for stack \(stack) is at work: this one goes on when it has ended")) }
    }

    package func down(
        _ name: String, _ stack: Stack?, _ options: DownOptions, removeImages: Bool, dryRun: Bool,
        report: @escaping ProgressReport
    ) async throws {
        try await turns.take(name, interrupting: !dryRun) {
            let observed = try await self.observe(name, stack)
            let plan = try self.reconciler.down(name, stack, observed, options)
            let images = Set(observed.containers.map(\.record.imageReference))
            try await self.perform(plan, name, dryRun: dryRun, report)
            if dryRun { return }
            if removeImages { for image in images { _ = try? await self.removeImage(image, force: true) } }
            if self.parts.registry.all(stack: name).isEmpty {
                try self.parts.store.removeLeases(stack: name, slot: nil)
                // Nothing runs that one could go back from; its images are as free as docker's are.
                try self.parts.store.removeImageLeases(stack: name)
                if options.removeVolumes { try self.parts.store.removeRevisions(stack: name) }
                self.removeUnusedMaterials()
            }
        }
    }

    package func change(
        _ name: String, _ stack: Stack?, _ options: ChangeOptions, dryRun: Bool, report: @escaping ProgressReport
    ) async throws {
        let interrupts = [.stop, .kill, .remove].contains(options.verb) && !dryRun
        try await turns.take(name, interrupting: interrupts, waits: Engine.tellOfWait(name, report)) {
            let observed = try await self.observe(name, stack)
            let plan = try self.reconciler.change(name, stack, observed, options)
            try await self.perform(plan, name, dryRun: dryRun, report)
        }
    }

    /// Creates and starts a one-off container. Held: its program runs when the client has attached.
    package func run(
        _ service: Service, in stack: Stack, materials: [String: [UInt8]], _ options: RunOptions, pull: PullOptions,
        held: Bool, report: @escaping ProgressReport
    ) async throws -> ContainerID {
        try await turns.take(stack.name, waits: Engine.tellOfWait(stack.name, report)) {
            try self.prepare(stack, materials, dryRun: false)
            try await self.pullNeeded(
                stack, services: [service.name], withDependencies: options.includeDependencies, pull, report: report)
            let observed = try await self.observe(stack.name, stack)
            let plan = try self.reconciler.run(service, in: stack, observed, options)
            let run = try await self.perform(plan, stack.name, dryRun: false, held: held ? service.name : nil, report)
            guard let last = plan.operations.last, case .startContainer(let target) = last.action,
                let id = run.container(target)
            else {
                throw BerthError(.internal, "running \(service.name)", cause: "the plan made no container")
            }
            return id
        }
    }

    /// Stores what was asked for, and the contents of its secrets and configs, before anything is done.
    private func prepare(_ stack: Stack, _ materials: [String: [UInt8]], dryRun: Bool) throws {
        if dryRun { return }
        try Directory.make(parts.layout.secrets)
        for (text, content) in materials {
            guard let digest = Digest(text), ContentHash.digest(of: content) == digest else {
                throw BerthError(.corrupt, "storing a secret or config", cause: "its content and digest disagree")
            }
            if (try? FileStatus.of(parts.layout.secret(digest))) == nil {
                try FileIO.replace(parts.layout.secret(digest), content, mode: 0o600)
            }
        }
        let document = Array(try JSONEncoder().encode(stack))
        try parts.store.insertRevision(
            stack: stack.name, document: document, time: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
    }

    /// What this revision runs stays, whatever happens to names, as long as the revision is kept.
    private func leaseImages(_ stack: Stack) throws {
        let manifests = try stack.services.values.compactMap {
            try parts.images.find(stack.imageReference(of: $0))?.manifestDigest
        }
        try parts.store.leaseImages(Set(manifests), stack: stack.name)
    }

    /// Contents that no container uses.
    private func removeUnusedMaterials() {
        var used: Set<String> = []
        for (_, record) in parts.registry.all() {
            for mount in record.mounts {
                if case .material(let digest, _, _, _) = mount.source { used.insert(digest.hex) }
            }
        }
        for name in (try? Directory.names(parts.layout.secrets)) ?? [] where !used.contains(name) {
            try? Directory.remove("\(parts.layout.secrets)/\(name)")
        }
    }

    // MARK: Observe and perform

    func observe(_ name: String, _ stack: Stack?) async throws -> ObservedState {
        var observed = ObservedState()
        for (driver, _) in parts.registry.all() {
            let record = await driver.record
            observed.containers.append(ObservedContainer(record: record, status: await driver.status))
        }
        for network in try parts.store.networks() { observed.networks[network.name] = network }
        for volume in try parts.store.volumes() { observed.volumes[volume.name] = volume }
        for service in stack?.sortedServices ?? [] {
            guard let stack else { break }
            let reference = stack.imageReference(of: service)
            if let image = try parts.images.find(reference) {
                observed.images[reference] = ObservedImage(
                    id: image.id, execution: image.config.config ?? ImageConfig.Execution(),
                    layers: image.config.rootfs.diff_ids)
            }
        }
        return observed
    }

    @discardableResult
    private func perform(
        _ plan: Plan, _ stack: String, dryRun: Bool, held: String? = nil, _ report: @escaping ProgressReport
    ) async throws -> PlanRun {
        let run = try await walk(plan, stack, dryRun: dryRun, held: held, report)
        if let error = run.summary.firstError { throw error }
        return run
    }

    /// Its failures are in its summary; thrown is only what kept it from beginning.
    func walk(
        _ plan: Plan, _ stack: String, dryRun: Bool, held: String? = nil, _ report: @escaping ProgressReport
    ) async throws -> PlanRun {
        for warning in plan.warnings { report(.warning(warning)) }
        if dryRun {
            report(.plan(plan.document))
            return PlanRun(plan)
        }
        parts.logger.info("plan", metadata: ["stack": "\(stack)", "plan": "\(plan.operations.count) operations"])
        let executor = PlanExecutor(parts: parts, hands: hands, stack: stack, heldService: held, report: report)
        try executor.reservePorts(plan)
        let run = await executor.run(plan)
        for failure in run.summary.tolerated { report(.warning(failure.error.description)) }
        return run
    }

    // MARK: Recovery

    /// Adopts everything that the last agent left, and applies restart policies to what is down.
    package func recover() async throws {
        let (sameBoot, resumes) = try compareBoot()
        var due: [String: Set<String>] = [:]
        let rows = try parts.store.containers()
        let networks = try parts.store.networks()
        var resumed: [ContainerDriver] = []
        // A shim that is there outranks a row that says otherwise: the last agent died between the two.
        let shims = Set(rows.map(\.record.id).filter { (try? FileStatus.of(parts.layout.shimSocket($0))) != nil })
        // The first container that is adopted may ask for the last at once: questions have queued.
        await parts.network.setNames(EngineParts.names(of: rows.map(\.record).filter { shims.contains($0.id) }))
        for row in rows {
            let down = sameBoot ? row : noteDown(row)
            if resumes, Engine.comesBack(row.record, down.status, wasUp: row.status != down.status) {
                due[row.record.stack, default: []].insert(row.record.slot.service)
            }
            if !sameBoot {
                hands.store(row.record.id, down.status)
                parts.registry.insert(
                    ContainerDriver(down, hands: hands, clock: parts.clock, logger: parts.logger), row.record)
                continue
            }
            guard row.status.isRunning || row.status.state == .restarting || shims.contains(row.record.id) else {
                parts.registry.insert(
                    ContainerDriver(row, hands: hands, clock: parts.clock, logger: parts.logger), row.record)
                continue
            }
            if let driver = await adopt(row, networks) { resumed.append(driver) }
        }
        parts.volumeMounts.unmountUnused()
        parts.runtime.removeUnknown(keeping: Set(rows.map(\.record.id)))
        removeUnknownSnapshots(Set(rows.map(\.record.id.text)))
        if parts.images.hasUncollected { collectLater() }
        // A build ends with the agent that served it.
        try parts.store.removeNetwork(BuildNetwork.name)
        do { try await parts.publishNetwork() } catch {
            parts.logger.error("ports not published", metadata: ["error": "\(error)"])
        }
        for driver in resumed { await driver.resume() }
        for row in rows where row.record.autoRemove { await removeIfEnded(row.record.id) }
        Task { await self.watchRuntime() }
        beginResuming(due)
    }

    /// Takes one container over. Returned: its driver, where a restart was pending.
    private func adopt(_ row: ContainerRow, _ networks: [NetworkRecord]) async -> ContainerDriver? {
        let record = row.record
        var row = row
        let adoption = await parts.runtime.adopt(record)
        func driver() -> ContainerDriver {
            let made = ContainerDriver(row, hands: hands, clock: parts.clock, logger: parts.logger)
            parts.registry.insert(made, record)
            return made
        }
        func markRunning(_ processID: Int32?, _ started: Timestamp) {
            if row.status.isRunning { return }
            row.status.state = .running
            row.status.processID = processID
            row.status.started = started
            row.status.health = ContainerDriver.healthcheck(record) == nil ? .none : .starting
            hands.store(record.id, row.status)
        }
        switch adoption {
        case .running(let processID, let started, let keepsakes):
            markRunning(processID, started)
            parts.ports.adopt(record, keepsakes)
            let own = networks.filter { network in record.endpoints.contains { $0.network == network.name } }
            do { try await parts.network.adopt(record, networks: own, keepsakes: keepsakes) } catch {
                parts.logger.error(
                    "network not adopted", metadata: ["container": "\(record.name)", "error": "\(error)"])
            }
            if let namespace = keepsakes.first(where: { $0.label == "sandbox" })?.descriptor {
                parts.live.set(record.id, namespace)
            }
            parts.live.insert(record)
            parts.volumeMounts.adopt(record.namedVolumes, by: record.id)
            await driver().adopt()
        case .exited(let status):
            markRunning(nil, Timestamp(nanosecondsSinceEpoch: status.startedNanoseconds))
            await driver().ended(status)
        case .lost:
            guard row.status.isRunning else { return driver() }
            let now = wallClockNanoseconds()
            await driver().ended(
                ExitStatus(
                    code: 137, oomKilled: false, startedNanoseconds: 0, finishedNanoseconds: now))
        }
        return nil
    }

    /// The last agent died before it had collected what it let go. Nobody waits for it.
    private func collectLater() {
        Task {
            do { try await self.offPool { _ = try self.collectLayers() } } catch {
                parts.logger.error("nothing collected", metadata: ["error": "\(error)"])
            }
        }
    }

    /// What no pull has come back for in a week goes.
    private static let partialSecondsMax: Int64 = 7 * 86_400

    private func removeUnknownSnapshots(_ known: Set<String>) {
        for id in parts.snapshotter.list() where !known.contains(id) { try? parts.snapshotter.remove(id) }
        for id in (try? Directory.names(parts.layout.logs)) ?? [] where !known.contains(id) {
            try? Directory.remove("\(parts.layout.logs)/\(id)")
        }
        let partials = PartialBlobs(parts.layout)
        partials.remove(olderThan: wallClockNanoseconds() / 1_000_000_000 - Engine.partialSecondsMax)
        for name in (try? Directory.names(parts.layout.ingest)) ?? [] {
            partials.salvage(from: "\(parts.layout.ingest)/\(name)")
            try? Directory.remove("\(parts.layout.ingest)/\(name)")
        }
        partials.removeStored(blobs: parts.layout.blobs)
    }

    /// What shims report by themselves.
    private func watchRuntime() async {
        for await event in parts.runtime.events {
            switch event {
            case .exited(let id, let status):
                if parts.steps.ended(id, status.code) { continue }
                Task {
                    await self.parts.registry.driver(id)?.ended(status)
                    await self.removeIfEnded(id)
                }
            case .outOfMemory(let id):
                Task { await self.parts.registry.driver(id)?.ranOutOfMemory() }
            case .shimLost(let id):
                if parts.steps.ended(id, 137) { continue }
                let status = ExitStatus(
                    code: 137, oomKilled: false, startedNanoseconds: 0, finishedNanoseconds: wallClockNanoseconds())
                Task {
                    await self.parts.registry.driver(id)?.ended(status)
                    await self.removeIfEnded(id)
                }
            }
        }
    }

    /// `run --rm`.
    private func removeIfEnded(_ id: ContainerID) async {
        guard let driver = parts.registry.driver(id) else { return }
        let record = await driver.record
        let status = await driver.status
        guard record.autoRemove, !status.isRunning, status.state != .restarting, status.state != .created else {
            return
        }
        let executor = PlanExecutor(parts: parts, hands: hands, stack: record.stack, heldService: nil, report: { _ in })
        try? await executor.removeContainer(id, removeAnonymousVolumes: true)
    }

    /// True while a container runs, is paused, or waits to be started again.
    package var isNeeded: Bool {
        get async {
            if parts.resumption.withLock({ $0.isUnderWay }) { return true }
            for (driver, _) in parts.registry.all() {
                let status = await driver.status
                if status.isRunning || status.state == .restarting { return true }
            }
            return false
        }
    }

    /// The agent leaves on purpose.
    package func retire() async {
        parts.runtime.sayGoodbye()
        for network in (try? parts.store.networks()) ?? [] { await parts.network.close(network.name) }
        if await !isNeeded { parts.runtime.cgroups.removeParent() }
    }
}

/// One request at a time per stack, in the order they came.
actor StackTurns {
    private var tails: [String: Task<Void, Never>] = [:]
    private var cancels: [String: [Int: @Sendable () -> Void]] = [:]
    private var next = 0

    /// - Parameters:
    ///   - interrupting: what runs or waits for this stack gives up first: a `down` does not wait for a gate.
    ///   - waits: called when others come first.
    func take<Result: Sendable>(
        _ stack: String, interrupting: Bool = false, waits: @Sendable () -> Void = {},
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        if interrupting {
            for cancel in (cancels[stack] ?? [:]).values { cancel() }
        } else if !(cancels[stack] ?? [:]).isEmpty {
            waits()
        }
        let before = tails[stack]
        let work = Task {
            await before?.value
            guard !Task.isCancelled else { throw StackTurns.interrupted }
            return try await body()
        }
        tails[stack] = Task { _ = try? await work.value }
        let number = next
        next += 1
        cancels[stack, default: [:]][number] = { work.cancel() }
        defer { cancels[stack]?[number] = nil }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    private static let interrupted = BerthError(
        .cancelled, "waiting for this stack", cause: "another command for it interrupted this one")
}
