// Starting a container: everything is prepared, compiled and handed to a new shim; any failure undoes what was done.
import BerthLinux
import BerthModel
import Synchronization

extension ContainerRuntime {
    /// Returns when the program runs (or, with `holdUntilAttached`, when the shim waits for its client).
    package func start(_ request: StartRequest) async throws {
        let record = request.record
        do {
            let prepared = try prepare(request)
            let container = RunningContainer(
                id: record.id, spec: prepared.spec, processID: 0, isHeld: request.holdUntilAttached)
            try spawnShim(request, prepared, container)
            running.withLock { $0[record.id] = container }
            if request.holdUntilAttached {
                try await awaitSocket(container, record)
            } else {
                try await awaitStart(container, record)
            }
        } catch {
            cleanup(record.id)
            throw error
        }
    }

    /// The shim of a held start says when clients can reach it.
    private func awaitSocket(_ container: RunningContainer, _ record: ContainerRecord) async throws {
        if case .status = await container.reply().message { return }
        throw BerthError(
            .internal, "starting container \(record.name)", subject: record.service.name,
            cause: "its shim ended without a word",
            hint: "see \(layout.agentLog)")
    }

    private func awaitStart(_ container: RunningContainer, _ record: ContainerRecord) async throws {
        let reply = await container.reply()
        switch reply.message {
        case .started(let processID, _):
            container.started.withLock { $0 = processID }
        case .failed(let stage, let errno, let executing):
            throw ContainerRuntime.startFailure(record, stage, errno, executing)
        default:
            throw BerthError(
                .internal, "starting container \(record.name)", subject: record.service.name,
                cause: "its shim ended without a word", hint: "see \(layout.agentLog)")
        }
    }

    static func startFailure(_ record: ContainerRecord, _ stage: String, _ errno: Int32, _ executing: Bool)
        -> BerthError
    {
        let reason = SystemError(call: stage, errno: errno).reason
        guard executing else {
            return BerthError(
                .internal, "starting container \(record.name)", subject: record.service.name,
                cause: "\(stage): \(reason)")
        }
        let program = stage.hasPrefix("executing ") ? String(stage.dropFirst(10)) : stage
        let missing = errno == 2
        return BerthError(
            missing ? .notFound : .denied, "starting container \(record.name)", subject: record.service.name,
            cause: missing ? "exec: \"\(program)\": executable file not found" : "exec: \"\(program)\": \(reason)",
            hint: missing
                ? "is the program in the image, and its interpreter and libraries too?"
                : "is the file executable for the container's user?")
    }

    struct Prepared {
        var spec: RuntimeSpec
        var program: LaunchProgram
        var slots: [SharedDescriptor]
        var cgroup: SharedDescriptor
    }

    private func prepare(_ request: StartRequest) throws -> Prepared {
        let record = request.record
        let service = record.service
        try ResourceCheck.check(service.resources, service: service.name)
        let directory = layout.container(record.id)
        try Directory.make("\(directory)/rootfs")
        try Directory.make(layout.logDirectory(record.id))
        // Ignored: absent in every start but the first.
        try? Directory.remove(layout.exitRecord(record.id))
        let user = try UserLookup.resolve(
            service.user ?? record.imageExecution.User ?? "", additionalGroups: service.additionalGroups,
            root: request.root.number, service: service.name)
        var binds = try generatedFiles(request)
        var trees = request.trees
        binds += try MountSources.resolve(record, layout: layout, root: request.root, trees: &trees)
        binds += try privateFiles(request)
        var (joined, hosts, slots) = namespacePlaces(request)
        for tree in trees {
            slots.append(tree.mount)
            let mount = RuntimeSpec.Mount(
                tree.target, type: "bind", source: "\(LaunchCompiler.slotSource)\(slots.count - 1)",
                options: ["rprivate", tree.readOnly ? "ro" : "rw"] + (tree.isDirectory ? ["directory"] : []))
            // What is mounted inside it comes after it.
            let inner = binds.firstIndex { $0.destination.hasPrefix("\(tree.target)/") }
            binds.insert(mount, at: inner ?? binds.endIndex)
        }
        var input = SpecInput(
            record: record, user: user, binds: binds, cgroupMounts: cgroups.mounts(readOnly: !service.privileged),
            availableCapabilities: Privileges.boundingSet,
            ownsNetwork: request.ownsNetwork && !hosts.contains("network"), joined: joined, hostNamespaces: hosts)
        input.thermalPaths = ThermalPaths.found
        let spec = try SpecBuilder.build(input)
        let devices = ContainerRuntime.deviceRules(service, spec)
        let groups = try makeGroup(record, devices)
        let set = spec.process.capabilities.compactMap { UInt64($0) }.reduce(UInt64(0)) { $0 | 1 << $1 }
        let filter = spec.linux.usesDefaultSeccomp ? try seccomp.filter(boundingSet: set) : nil
        let launch = LaunchInput(
            spec: spec, staging: "\(directory)/rootfs", joinFiles: groups.joinFiles(record.id.text),
            seccompFilter: filter,
            usesInit: service.initProcess, leavesRootAlone: request.leavesRootAlone)
        return Prepared(
            spec: spec, program: LaunchCompiler.compile(launch), slots: slots,
            cgroup: SharedDescriptor(try groups.open(record.id.text)))
    }

    /// Slot 0 is the root; then the namespaces that are joined.
    private func namespacePlaces(_ request: StartRequest) -> ([String: String], Set<String>, [SharedDescriptor]) {
        let service = request.record.service
        var joined: [String: String] = [:]
        var hosts: Set<String> = []
        var slots = [request.root]
        switch request.network {
        case .host: hosts.insert("network")
        case .namespace(let descriptor):
            joined["network"] = "\(slots.count)"
            slots.append(descriptor)
        }
        for type in request.joined.keys.sorted() {
            guard let descriptor = request.joined[type] else { continue }
            joined[type] = "\(slots.count)"
            slots.append(descriptor)
        }
        let modes = [
            ("pid", service.pidMode), ("ipc", service.ipcMode), ("uts", service.utsMode),
            ("cgroup", service.cgroupMode),
        ]
        for (type, mode) in modes where mode == "host" { hosts.insert(type) }
        return (joined, hosts, slots)
    }

    private func generatedFiles(_ request: StartRequest) throws -> [RuntimeSpec.Mount] {
        let record = request.record
        var files: [(String, String, String)] = [("/etc/hostname", "hostname", SpecBuilder.hostname(record) + "\n")]
        if let hosts = request.hosts { files.append(("/etc/hosts", "hosts", hosts)) }
        if let resolv = request.resolv { files.append(("/etc/resolv.conf", "resolv.conf", resolv)) }
        let given = Set(record.mounts.map(\.target))
        return try files.filter { !given.contains($0.0) }.map { target, name, content in
            let path = layout.generatedFile(record.id, name)
            try FileIO.replace(path, Array(content.utf8), mode: 0o644, durable: false)
            return RuntimeSpec.Mount(
                target, type: "bind", source: path,
                options: ["rbind", "rprivate", record.service.readOnlyRoot ? "ro" : "rw"])
        }
    }

    private func privateFiles(_ request: StartRequest) throws -> [RuntimeSpec.Mount] {
        try request.files.enumerated().map { index, file in
            let path = layout.generatedFile(request.record.id, "private-\(index)")
            do {
                try FileIO.replace(path, file.content, mode: 0o600, durable: false)
                try FileOwner.set(path, userID: file.userID, groupID: file.groupID, mode: file.mode)
            } catch {
                throw BerthError(.internal, "writing the file for \(file.target)", cause: "\(error)")
            }
            return RuntimeSpec.Mount(file.target, type: "bind", source: path, options: ["rbind", "ro"])
        }
    }

    static func deviceRules(_ service: Service, _ spec: RuntimeSpec) -> DeviceRules {
        if service.privileged { return DeviceRules(allowsEverything: true, allowed: []) }
        var rules = DeviceRules.defaults
        for (mapping, device) in zip(service.devices, spec.linux.devices.suffix(service.devices.count)) {
            rules.allowed.append("\(device.type) \(device.major):\(device.minor) \(mapping.permissions)")
        }
        rules.allowed += service.deviceCgroupRules
        return rules
    }

    private func spawnShim(_ request: StartRequest, _ prepared: Prepared, _ container: RunningContainer) throws {
        let record = request.record
        var start = ShimStart(
            containerID: record.id.text, runDirectory: layout.container(record.id), logFile: layout.logFile(record.id),
            program: prepared.program)
        let plan = try LogPlan(record)
        start.logBytesMax = plan.bytesMax
        start.logFilesMax = plan.filesMax
        start.logAttributes = plan.attributes
        start.logForward = plan.forward
        if plan.isOff { start.logFile = "" }
        start.tty = record.service.tty
        start.standardInputOpen = record.service.standardInputOpen
        start.holdUntilAttached = request.holdUntilAttached
        let groups = groups(of: record.id)
        start.oomFile = groups.oomFile(record.id.text)
        start.killFile = groups.killFile(record.id.text)
        start.agent = agentCommand
        start.agentLock = layout.agentLock
        start.keepsakes = request.keepsakes.map(\.label)
        start.slotCount = prepared.slots.count
        start.hasCgroupDescriptor = true
        let (ours, theirs) = try PacketSocket.pair()
        let memory = try FileIO.sealedMemory("berth-start", start.encoded())
        let null = try Directory.open("/dev/null", flags: FileFlags.readWrite)
        let log = try Directory.open(layout.agentLog, flags: FileFlags.append, mode: 0o600)
        // Descriptor 4 is the program itself; the shim closes it.
        _ = try Process.spawn(
            "/proc/self/fd/4", ["berth-shim", record.id.short, layout.runRoot],
            descriptors: [null.number, null.number, log.number, theirs.number, shimImage.number], newSession: true)
        let connection = connect(ours, to: container)
        let descriptors = prepared.slots + request.keepsakes.map(\.descriptor) + [prepared.cgroup]
        try connection.send(.start, descriptors: [memory.number] + descriptors.map(\.number))
        container.connection.withLock { $0 = connection }
    }

    func connect(_ socket: SharedDescriptor, to container: RunningContainer) -> ShimConnection {
        ShimConnection(socket: socket, poller: poller) { [weak self, weak container] message, descriptors in
            guard let self, let container else { return }
            self.receive(message, descriptors, container)
        }
    }
}
