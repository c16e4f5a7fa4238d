// A program beside the main process of a bundle's container.
import BerthLinux
import BerthModel

extension BundleRuntime {
    package struct ExecRequest: Sendable {
        package var id: String
        /// Whole: the caller has filled in what was not asked for.
        package var process: BundleSpec.Process
        package var ignoresPause = false
        package var preservedDescriptors = 0
        package var terminalSocket: Int32 = -1
        package init(id: String, process: BundleSpec.Process) { (self.id, self.process) = (id, process) }
    }

    /// The process id of the program, a child of ours.
    package func exec(_ request: ExecRequest) throws -> Int32 {
        let record = try store.read(request.id)
        switch store.status(record) {
        case .running, .created: break
        case .paused where request.ignoresPause: break
        case .paused: throw BerthError(.conflict, "cannot exec in a paused container (use --ignore-paused to override)")
        default: throw BerthError(.conflict, "cannot exec in a stopped container")
        }
        let spec = try store.spec(request.id)
        let process = request.process
        guard !(process.args ?? []).isEmpty else { throw BerthError(.invalid, "process args cannot be empty") }
        let group = try BundleCgroup.detect(path: record.cgroupPath)
        let program = try BundleCompiler.compileExec(
            process, joinFiles: group.joinFiles,
            environment: BundleRuntime.environment(
                process, rootPath: "/proc/\(record.processID)/root", counts: false),
            filter: try spec.linux?.seccomp.map { try SeccompCompiler.compile($0) }.map { ($0.filter, $0.flags) },
            knowsCapability: BundleRuntime.knowsCapability)
        var setting = ProcessLaunch.Setting()
        setting.terminalSocket = request.terminalSocket
        setting.preservedDescriptors = UInt32(request.preservedDescriptors)
        setting.joined = try BundleRuntime.namespaces(of: record.processID, spec)
        // Opened before: what we joined is what the record means.
        guard store.isAlive(record) else { throw BerthError(.conflict, "cannot exec in a stopped container") }
        do throws(LaunchFailure) {
            let launch = try ProcessLaunch(program, setting)
            try launch.finish()
            return launch.processID
        } catch {
            throw BundleFailure.error(error)
        }
    }

    /// A user namespace first: it is what gives the right to join the others; the mounts last: paths end there.
    private static func namespaces(of processID: Int32, _ spec: BundleSpec) throws -> [SharedDescriptor] {
        let types = Set((spec.linux?.namespaces ?? []).map(\.type))
        let order = ["user", "ipc", "uts", "network", "pid", "cgroup", "mount"]
        return try order.filter { types.contains($0) }.map { SharedDescriptor(try NamespaceFlags.open(processID, $0)) }
    }

    package func setFrozen(_ id: String, _ frozen: Bool) throws {
        let record = try store.read(id)
        let status = store.status(record)
        if frozen {
            guard status == .running || status == .created else {
                throw BerthError(.conflict, "container not running")
            }
        } else if status != .paused {
            throw BerthError(.conflict, "container not paused")
        }
        try BundleCgroup.detect(path: record.cgroupPath).setFrozen(frozen)
    }

    package func update(_ id: String, _ resources: BundleResources) throws {
        let record = try store.read(id)
        guard store.isAlive(record) else { throw BerthError(.conflict, "container not running") }
        let group = try BundleCgroup.detect(path: record.cgroupPath)
        try group.apply(resources)
        if let devices = resources.devices { try group.applyDevices(devices) }
    }

    package func group(_ id: String) throws -> BundleCgroup {
        try BundleCgroup.detect(path: try store.read(id).cgroupPath)
    }
}
