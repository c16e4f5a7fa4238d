// Creates and starts the containers of bundles. Each command is a process of its own: all it knows is on disk.
import BerthLinux
import BerthModel

package struct BundleRuntime: Sendable {
    package let store: BundleStore
    package init(root: String) { store = BundleStore(root: root) }

    package struct CreateRequest: Sendable {
        package var id: String
        package var bundle: String
        package var pidFile: String?
        package var preservedDescriptors = 0
        package var pivots = true
        /// Where a terminal's master goes; -1: there is none.
        package var terminalSocket: Int32 = -1
        package init(id: String, bundle: String) { (self.id, self.bundle) = (id, bundle) }
    }

    package static let knowsCapability: @Sendable (String) -> Int? = {
        CapabilityNames.number($0).flatMap { $0 <= Privileges.lastCapability ? $0 : nil }
    }

    /// The container's process waits for its start, a child of ours.
    package func create(_ request: CreateRequest) throws -> BundleRecord {
        let bundle = try Directory.realPath(request.bundle)
        let spec = try BundleDocument.decode(BundleSpec.self, "\(bundle)/config.json")
        try BundleCheck.check(spec, hasTerminal: request.terminalSocket >= 0)
        let path = spec.root?.path ?? ""
        let root = try Directory.realPath(path.hasPrefix("/") ? path : "\(bundle)/\(path)")
        let wish = spec.linux?.cgroupsPath ?? ""
        try store.add(request.id)
        var record = BundleRecord(
            id: request.id, bundle: bundle, rootPath: root, createdNanoseconds: wallClockNanoseconds(),
            annotations: spec.annotations ?? [:], cgroupPath: wish.isEmpty ? "/\(request.id)" : wish)
        do {
            try store.write(record)
            try FileIO.replace(
                "\(store.directory(record.id))/config.json", try FileIO.read("\(bundle)/config.json"), durable: false)
            try launch(&record, spec, request)
        } catch {
            try? delete(record.id, force: true, runsHooks: false)
            throw error
        }
        return record
    }

    private func launch(_ record: inout BundleRecord, _ spec: BundleSpec, _ request: CreateRequest) throws {
        let group = try BundleCgroup.detect(path: record.cgroupPath)
        try group.create()
        try group.apply(spec.linux?.resources ?? BundleResources())
        try group.applyDevices(spec.linux?.resources?.devices ?? [])
        let fifo = store.fifo(record.id)
        try Fifo.make(fifo)
        let joined = try BundleRuntime.joined(spec)
        let preserved = request.preservedDescriptors + BundleRuntime.listenDescriptors
        var input = BundleInput(
            spec: spec, bundle: record.bundle, rootPath: record.rootPath, cgroup: group,
            filter: try spec.linux?.seccomp.map { try SeccompCompiler.compile($0) }.map { ($0.filter, $0.flags) },
            isDirectory: { (try? FileStatus.of($0))?.kind == .directory },
            knowsCapability: BundleRuntime.knowsCapability,
            environment: BundleRuntime.environment(spec.process, rootPath: record.rootPath, counts: true))
        input.pivots = request.pivots
        input.joins = !joined.isEmpty
        var setting = ProcessLaunch.Setting()
        setting.slots[BundleCompiler.fifoSlot] = SharedDescriptor(
            try Directory.open(fifo, flags: FileFlags.readWrite))
        setting.terminalSocket = request.terminalSocket
        setting.preservedDescriptors = UInt32(preserved)
        setting.joined = joined
        let program = try BundleCompiler.compile(input)
        do throws(LaunchFailure) {
            try complete(try ProcessLaunch(program, setting), &record, spec, group, request)
        } catch {
            throw BundleFailure.error(error)
        }
    }

    private func complete(
        _ launch: ProcessLaunch, _ record: inout BundleRecord, _ spec: BundleSpec, _ group: BundleCgroup,
        _ request: CreateRequest
    ) throws(LaunchFailure) {
        record.processID = launch.processID
        record.startTicks = BundleStore.stat(launch.processID)?.ticks ?? 0
        do {
            // Known before anything else happens to it, so that whoever cleans up after us finds it.
            try store.write(record)
            if spec.makesNamespace("user") {
                try launch.meet()
                try BundleRuntime.mapIdentities(spec, launch.processID)
                try group.add(launch.processID)
                try launch.release(creating: [], created: [])
            }
            try launch.meet()
            let version = spec.ociVersion ?? "1.2.0"
            let creating = Array(BundleDocument.state(record, version, "creating").utf8)
            let created = Array(BundleDocument.state(record, version, "created").utf8)
            for hook in (spec.hooks?.prestart ?? []) + (spec.hooks?.createRuntime ?? []) {
                try BundleRuntime.run(hook, creating)
            }
            try launch.release(creating: creating, created: created)
            try launch.finish()
            if let path = request.pidFile {
                try FileIO.replace(path, Array("\(launch.processID)".utf8), mode: 0o644, durable: false)
            }
        } catch let failure as LaunchFailure {
            throw failure
        } catch let error as SystemError {
            throw LaunchFailure(stage: "\(error.call) \(error.subject)", errno: error.errno)
        } catch {
            throw LaunchFailure(stage: "\(error)", errno: 0)
        }
    }

    static func run(_ hook: BundleSpec.Hook, _ state: [UInt8]) throws {
        try HookProgram.run(
            hook.path, hook.args ?? [], hook.env ?? [], input: state, timeoutSeconds: hook.timeout ?? 0)
    }

    private static func mapIdentities(_ spec: BundleSpec, _ processID: Int32) throws {
        func lines(_ map: [BundleSpec.IDMapping]?) -> String {
            (map ?? []).map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
        }
        try FileIO.writeKernel("/proc/\(processID)/uid_map", lines(spec.linux?.uidMappings))
        try FileIO.writeKernel("/proc/\(processID)/gid_map", lines(spec.linux?.gidMappings))
        if let score = spec.process?.oomScoreAdj {
            try FileIO.writeKernel("/proc/\(processID)/oom_score_adj", "\(score)")
        }
    }

    /// A user namespace first: it is what gives the right to join the others.
    private static func joined(_ spec: BundleSpec) throws -> [SharedDescriptor] {
        let given = (spec.linux?.namespaces ?? []).filter { !($0.path ?? "").isEmpty }
        return try (given.filter { $0.type == "user" } + given.filter { $0.type != "user" }).map {
            SharedDescriptor(try Directory.open($0.path ?? ""))
        }
    }

    /// Sockets that systemd gave us for the container's main process.
    static var listenDescriptors: Int { EnvironmentVariables.value("LISTEN_FDS").flatMap { Int($0) } ?? 0 }

    /// What the document says, and what every program expects: a home, and the count of the sockets that it is given.
    static func environment(_ process: BundleSpec.Process?, rootPath: String, counts: Bool) -> [String] {
        var all = process?.env ?? []
        if !all.contains(where: { $0.hasPrefix("HOME=") && $0 != "HOME=" }) {
            all.removeAll { $0 == "HOME=" }
            // Ignored: without a list of users nobody has a home but the root.
            let home = try? home(of: process?.user?.uid ?? 0, rootPath)
            all.append("HOME=\(home.flatMap { $0.isEmpty ? nil : $0 } ?? "/")")
        }
        let count = listenDescriptors
        return counts && count > 0 ? all + ["LISTEN_FDS=\(count)", "LISTEN_PID=1"] : all
    }

    private static func home(of userID: UInt32, _ rootPath: String) throws -> String {
        let root = try Directory.open(rootPath, flags: FileFlags.directory)
        return try UserLookup.resolve("\(userID)", additionalGroups: [], root: root.number, service: "").home
    }

    package func start(_ id: String) throws {
        let record = try store.read(id)
        switch store.status(record) {
        case .created: break
        case .stopped: throw BerthError(.conflict, "cannot start a container that has stopped")
        default: throw BerthError(.conflict, "cannot start an already running container")
        }
        let fifo = try Fifo.openWriter(store.fifo(id))
        // Gone first: whoever asks from here on is told that it runs.
        try Directory.removeFile(store.fifo(id))
        try FileIO.write(fifo, [0])
        let spec = try store.spec(id)
        let state = Array(BundleDocument.state(record, spec.ociVersion ?? "1.2.0", "running").utf8)
        for hook in spec.hooks?.poststart ?? [] { try BundleRuntime.run(hook, state) }
    }

    package func kill(_ id: String, _ number: Int32, all: Bool) throws {
        let record = try store.read(id)
        if all, let group = try? BundleCgroup.detect(path: record.cgroupPath) {
            if number == Signal.kill { return group.kill() }
            for processID in group.processes {
                // Ignored: it has ended meanwhile.
                if let descriptor = try? Process.open(processID) { try? Process.signal(descriptor.number, number) }
            }
            return
        }
        try store.signal(record, number)
    }

    /// What a crash left is removed as well: every part may be missing.
    package func delete(_ id: String, force: Bool, runsHooks: Bool = true) throws {
        try BundleStore.check(id)
        guard store.exists(id) else {
            if force { return }
            throw BerthError(.notFound, "container does not exist")
        }
        let record = try? store.read(id)
        if let record {
            let group = try? BundleCgroup.detect(path: record.cgroupPath)
            if store.isAlive(record) {
                guard force || store.status(record) == .created else {
                    throw BerthError(
                        .conflict,
                        "cannot delete container \(id) that is not stopped: \(store.status(record).rawValue)")
                }
                try? group?.setFrozen(false)
                try? store.signal(record, Signal.kill)
            }
            // Without a process namespace of their own, others may have outlived the first.
            group?.kill()
            BundleRuntime.awaitEnd(of: record, store)
            try group?.remove()
        }
        let spec = try? store.spec(id)
        try Directory.remove(store.directory(id))
        guard runsHooks, let record, let spec else { return }
        let state = Array(BundleDocument.state(record, spec.ociVersion ?? "1.2.0", "stopped").utf8)
        for hook in spec.hooks?.poststop ?? [] {
            // The container is gone whatever its hooks say.
            try? BundleRuntime.run(hook, state)
        }
    }

    private static func awaitEnd(of record: BundleRecord, _ store: BundleStore) {
        for _ in 0..<1000 where store.isAlive(record) { Pause.milliseconds(5) }
    }
}
