// The control API's requests to the engine's verbs, one to one.
import BerthControl
import BerthEngine
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime
import BerthStore
import FoundationEssentials

struct ControlAdapter: AgentService {
    let engine: Engine

    func version() async throws -> AgentVersion {
        AgentVersion(version: BerthVersion.text, protocolNumber: Route.protocolNumber, processID: Process.ownID)
    }

    // MARK: Stacks

    func up(_ request: UpRequest) -> ProgressStream {
        progress(endsWithObserver: true) { report in
            var options = UpOptions()
            options.services = request.services
            options.includeDependencies = request.includeDependencies
            options.start = request.start
            options.recreate = UpOptions.Recreate(rawValue: request.recreate.rawValue) ?? .diverged
            options.alwaysRecreateDependencies = request.alwaysRecreateDependencies
            options.renewAnonymousVolumes = request.renewAnonymousVolumes
            options.removeOrphans = request.removeOrphans
            options.ignoreOrphans = request.ignoreOrphans
            options.scale = request.scale
            options.stopTimeout = request.stopTimeoutSeconds.map { .seconds($0) }
            options.wait = request.wait
            options.waitTimeout = request.waitTimeoutSeconds.map { .seconds($0) }
            var result = RequestResult()
            result.containers = try await engine.up(
                request.stack, materials: request.materials, options,
                pull: try pullOptions(request.pull, request.caller, request.builds), dryRun: request.dryRun,
                report: report)
            return result
        }
    }

    func down(_ request: DownRequest) -> ProgressStream {
        progress { report in
            var options = DownOptions()
            options.services = request.services
            options.removeVolumes = request.removeVolumes
            options.removeOrphans = request.removeOrphans
            options.stopTimeout = request.stopTimeoutSeconds.map { .seconds($0) }
            try await engine.down(
                request.stackName, request.stack, options, removeImages: request.removeImages != nil,
                dryRun: request.dryRun, report: report)
            return RequestResult()
        }
    }

    func change(_ request: ChangeRequest) -> ProgressStream {
        progress { report in
            guard let verb = ChangeOptions.Verb(rawValue: request.verb.rawValue) else {
                throw BerthError(.internal, "reading a request", cause: "unknown verb \(request.verb.rawValue)")
            }
            var options = ChangeOptions(verb)
            options.services = request.services
            options.includeDependencies = request.includeDependencies
            options.stopTimeout = request.stopTimeoutSeconds.map { .seconds($0) }
            if let signal = request.signal { options.signal = signal }
            options.stopFirst = request.stopFirst
            options.removeAnonymousVolumes = request.removeVolumes
            options.wait = request.wait
            options.waitTimeout = request.waitTimeoutSeconds.map { .seconds($0) }
            try await engine.change(request.stackName, request.stack, options, dryRun: request.dryRun, report: report)
            return RequestResult()
        }
    }

    func stacks(all: Bool) async throws -> [StackSummary] {
        var states: [String: [String: Int]] = [:]
        var files: [String: String] = [:]
        for (record, status) in await engine.containers(stack: nil)
        where all || status.isRunning || status.state == .restarting {
            states[record.stack, default: [:]][status.state.rawValue, default: 0] += 1
            files[record.stack] = record.labels[ComposeLabel.configFiles] ?? ""
        }
        return states.keys.sorted().map { name in
            let text = (states[name] ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)(\($0.value))" }.joined(
                separator: ", ")
            return StackSummary(name: name, status: text, configFiles: files[name] ?? "")
        }
    }

    func run(_ request: RunRequest) -> ProgressStream {
        progress { report in
            var options = RunOptions(slug: Hex.encode(randomBytes(6)))
            options.name = request.name
            options.includeDependencies = request.includeDependencies
            options.publishesPorts = request.publishServicePorts
            options.useAliases = request.useAliases
            options.autoRemove = request.autoRemove
            options.removeOrphans = request.removeOrphans
            let id = try await engine.run(
                request.service, in: request.stack, materials: request.materials, options,
                pull: try pullOptions(request.pull, request.caller, request.builds), held: !request.detach,
                report: report)
            var result = RequestResult()
            result.containers = [id]
            result.ticket = ShimTicket(
                container: id, socket: engine.parts.layout.shimSocket(id), exec: nil, tty: request.service.tty)
            return result
        }
    }

    // MARK: Containers

    func containers(_ filter: ContainerFilter) async throws -> [ContainerDocument] {
        await engine.containers(stack: filter.stack).filter { record, status in
            (filter.all || status.isRunning || status.state == .restarting)
                && (filter.includeOneOff || record.slot.oneOff == nil)
        }.map {
            ContainerDocument(record: $0.record, status: $0.status, logFile: engine.parts.layout.logFile($0.record.id))
        }
    }

    func exec(_ request: ExecRequest) async throws -> ShimTicket {
        var spec = ExecSpec(command: request.command)
        spec.environment = request.environment
        spec.user = request.user
        spec.workingDirectory = request.workingDirectory
        spec.tty = request.tty
        spec.privileged = request.privileged
        spec.rows = request.rows
        spec.columns = request.columns
        let name = try await engine.prepareExec(request.container, spec)
        return ShimTicket(
            container: request.container, socket: engine.parts.layout.shimSocket(request.container), exec: name,
            tty: request.tty)
    }

    func attach(container: ContainerID) async throws -> ShimTicket {
        let all = await engine.containers(stack: nil)
        guard let found = all.first(where: { $0.record.id == container }), found.status.isRunning else {
            throw BerthError(.conflict, "attaching to \(container.short)", cause: "the container is not running")
        }
        return ShimTicket(
            container: container, socket: engine.parts.layout.shimSocket(container), exec: nil,
            tty: found.record.service.tty)
    }

    func wait(container: ContainerID) async throws -> ContainerStatus { try await engine.waitForEnd(container) }

    func top(container: ContainerID) async throws -> ProcessTable {
        let rows = try await engine.processes(container)
        return ProcessTable(
            titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
            rows: rows.map { row in
                let seconds = row.cpuTicks / 100
                func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
                return [
                    row.userID == 0 ? "root" : "\(row.userID)", "\(row.processID)", "\(row.parentID)", "0", "?",
                    row.terminal == 0 ? "?" : "pts/0",
                    "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))", row.command,
                ]
            })
    }

    func events(stack: String?) -> AsyncThrowingStream<Event, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                for await event in await engine.events() where stack == nil || event.stack == stack {
                    continuation.yield(event)
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func copyIn(_ request: CopyRequest) async throws {
        let entries = try request.entries.map { entry -> FileChange in
            switch entry.content {
            case .file(let text, let mode):
                guard let data = Data(base64Encoded: text) else {
                    throw BerthError(.invalid, "reading a request", cause: "the content of \(entry.path) is no base64")
                }
                return FileChange(path: entry.path, content: .file(Array(data), mode: mode & 0o777))
            case .link(let target): return FileChange(path: entry.path, content: .link(target))
            case .directory: return FileChange(path: entry.path, content: .directory)
            case .absent: return FileChange(path: entry.path, content: .absent)
            }
        }
        try await engine.change(request.container, files: entries, then: request.command)
    }

    // MARK: Images, networks, volumes

    private func pullOptions(
        _ policy: String?, _ caller: CallerContext, _ builds: StackBuilds
    ) throws -> PullOptions {
        var options = PullOptions(policy: try policy.map(ControlAdapter.policy), access: caller.registries)
        options.builds = builds.targets
        options.buildSecrets = builds.secrets
        options.buildPolicy = BuildPolicy(rawValue: builds.policy.rawValue) ?? .missing
        return options
    }

    private static func policy(_ text: String) throws -> PullPolicy {
        guard let policy = PullPolicy(text) else {
            throw BerthError(.invalid, "reading a request", cause: "\"\(text)\" is no pull policy")
        }
        return policy
    }

    func push(_ request: PullRequestDocument) -> ProgressStream {
        progress { report in
            var result = RequestResult()
            for item in request.items {
                do {
                    let digest = try await engine.push(
                        item.reference, members: item.members, request.caller.registries, report: report)
                    let reference = ImageReference(item.reference)
                    result.lines.append("\(reference?.tag ?? "latest"): digest: \(digest)")
                } catch let error where request.ignoresFailures {
                    report(.warning("\(error)"))
                }
            }
            return result
        }
    }

    func resolve(_ request: ResolveRequest) async throws -> [String: Digest] {
        try await engine.resolve(request.references, request.caller.registries)
    }

    func checkLogin(_ request: ResolveRequest) async throws {
        try await engine.checkLogin(request.references.first ?? "", request.caller.registries)
    }

    func pull(_ request: PullRequestDocument) -> ProgressStream {
        progress { report in
            var result = RequestResult()
            var wanted: [(reference: String, platform: Platform?)] = []
            for item in request.items {
                if try engine.isPullDue(item.reference, try ControlAdapter.policy(item.policy)) {
                    wanted.append((item.reference, item.platform))
                }
            }
            result.lines = try await engine.pull(
                wanted, request.caller.registries, ignoringFailures: request.ignoresFailures, report: report)
            return result
        }
    }

    func build(_ request: BuildRequest) -> ProgressStream {
        progress(endsWithObserver: true) { report in
            var result = RequestResult()
            result.built = try await engine.build(
                request.targets, secrets: request.secrets, request.caller.registries, report: report)
            if request.pushes {
                for tag in result.built.flatMap(\.tags) {
                    _ = try await engine.push(tag, request.caller.registries, report: report)
                }
            }
            return result
        }
    }

    func resume() async throws -> ResumeReport { try await engine.resume() }
    func suspend() async throws { try await engine.suspend() }
    func pruneBuilds(all: Bool) async throws -> PruneResult { try await engine.pruneBuilds(all: all) }

    func importImage(_ request: ImageImportRequest) -> ProgressStream {
        lines {
            try await engine.ingest(
                .importTree, path: request.path, reference: request.reference, changes: request.changes,
                message: request.message,
                report: $0)
        }
    }

    func loadImages(_ request: ImageLoadRequest) -> ProgressStream {
        lines {
            try await engine.ingest(.load, path: request.path, reference: nil, changes: [], message: nil, report: $0)
        }
    }

    func saveImages(_ request: ImageSaveRequest) -> ProgressStream {
        lines { _ in
            try await engine.save(request.references, path: request.path)
            return []
        }
    }

    func commit(_ request: CommitRequest) -> ProgressStream {
        lines { _ in
            var options = CommitOptions()
            options.reference = request.reference
            options.author = request.author
            options.message = request.message
            options.changes = request.changes
            options.pauses = request.pauses
            return ["\(try await engine.commit(request.container, options))"]
        }
    }

    func exportContainer(_ request: ContainerExportRequest) -> ProgressStream {
        lines { _ in
            try await engine.exportContainer(request.container, path: request.path)
            return []
        }
    }

    func images() async throws -> [ImageDocument] { try engine.images().map(document) }
    func inspectImage(_ reference: String) async throws -> ImageDocument { document(try engine.image(reference)) }
    func tagImage(source: String, target: String) async throws { try engine.parts.images.tag(source, target) }
    func removeImage(_ reference: String, force: Bool) async throws -> [String] {
        try await engine.removeImage(reference, force: force)
    }
    func pruneImages(_ filter: PruneFilter) async throws -> PruneResult { try await engine.pruneImages(filter) }
    func diskReport() async throws -> DiskReport { try await engine.diskReport() }
    func checkStore(repairs: Bool) async throws -> [StoreProblem] { try await engine.checkStore(repairs: repairs) }
    func networks(stack: String?) async throws -> [NetworkRecord] { try engine.networks(stack: stack) }
    func volumes(stack: String?) async throws -> [VolumeRecord] { try engine.volumes(stack: stack) }

    func sharedNames() async throws -> [SharedName] { try engine.sharedNames() }
    func packShared(_ reference: String) async throws -> Digest { try await engine.packShared(reference) }
    func takeShared(_ upload: SharedUpload) async throws { try await engine.takeShared(upload) }
    func removeShared(_ reference: String) async throws { try await engine.removeShared(reference) }

    func root(container: ContainerID) -> AsyncThrowingStream<String, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    try await engine.holdRoot(of: container) { continuation.yield($0) }
                    continuation.finish()
                } catch { continuation.finish(throwing: error) }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func usage(_ containers: [ContainerID]) async throws -> [ContainerUsage] {
        await engine.usage(containers)
    }

    func changeNetworks(_ request: ResourceRequest<NetworkDefinition>) async throws -> PruneResult {
        switch request {
        case .create(let definition):
            return PruneResult(lines: [try await engine.createNetwork(definition)], freedBytes: 0)
        case .remove(let name):
            try await engine.removeNetwork(name)
            return PruneResult(lines: [name], freedBytes: 0)
        case .prune: return try await engine.pruneNetworks()
        }
    }

    func changeVolumes(_ request: ResourceRequest<VolumeDefinition>) async throws -> PruneResult {
        switch request {
        case .create(let definition):
            return PruneResult(lines: [try await engine.createVolume(definition)], freedBytes: 0)
        case .remove(let name):
            try await engine.removeVolume(name)
            return PruneResult(lines: [name], freedBytes: 0)
        case .prune(let all): return try await engine.pruneVolumes(all: all)
        }
    }

    func adoptVolume(_ request: AdoptRequest) async throws -> VolumeAdoption {
        try await engine.adoptVolume(
            request.volume, stack: request.stack, dockerRoot: request.dockerRoot, whileUsed: request.whileUsed,
            dryRun: request.dryRun)
    }

    private func document(_ image: StoredImage) -> ImageDocument {
        ImageDocument(
            id: image.id, references: image.references.compactMap { ImageReference($0)?.familiar },
            config: image.config,
            layerSizesBytes: image.layerSizesBytes, created: .never)
    }

    // MARK: Streams

    /// Work that goes on when its observer leaves, unless told otherwise.
    private func progress(
        endsWithObserver: Bool = false,
        _ body: @escaping @Sendable (@escaping ProgressReport) async throws -> RequestResult
    ) -> ProgressStream {
        let (stream, continuation) = ProgressStream.makeStream()
        let task = Task {
            do {
                let result = try await body { item in
                    switch item {
                    case .event(let event): continuation.yield(.event(event))
                    case .warning(let text): continuation.yield(.warning(text))
                    case .plan(let plan): continuation.yield(.plan(plan))
                    case .build(let step): continuation.yield(.build(step))
                    }
                }
                continuation.yield(.result(result))
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        if endsWithObserver {
            continuation.onTermination = { if case .cancelled = $0 { task.cancel() } }
        }
        return stream
    }

    private func lines(_ body: @escaping @Sendable (@escaping ProgressReport) async throws -> [String])
        -> ProgressStream
    {
        progress { report in
            var result = RequestResult()
            result.lines = try await body(report)
            return result
        }
    }
}
