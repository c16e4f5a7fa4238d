// Pure v2: one directory a container; also the identity half of hybrid hosts.
import BerthLinux
import BerthModel

package struct CgroupV2: CgroupTree {
    private let root: String
    package let parent: String
    /// False on hybrid hosts, whose controllers are elsewhere.
    private let hasControllers: Bool

    package init(root: String, parent: String, hasControllers: Bool = true) {
        self.root = root
        self.parent = parent
        self.hasControllers = hasControllers
    }

    private func directory(_ id: String) -> String { "\(root)/\(parent)/\(id)" }

    package func create(_ id: String, limits: Resources, devices: DeviceRules) throws {
        if hasControllers { enableControllers(root) }
        try CgroupAncestors.make(root, parent) { if hasControllers { enableControllers($0) } }
        try Directory.make(directory(id), mode: 0o755)
        guard hasControllers else { return }
        do {
            try apply(limits, id)
            try apply(devices, id)
        } catch {
            try? remove(id)
            throw error
        }
    }

    /// Each controller by itself: one that is missing must not take the others with it.
    private func enableControllers(_ level: String) {
        let available = (try? FileIO.readText("\(level)/cgroup.controllers")) ?? ""
        let enabled = (try? FileIO.readText("\(level)/cgroup.subtree_control")) ?? ""
        for controller in CgroupV2Limits.missing(available: available, enabled: enabled) {
            // Ignored: a limit that needs it says so when it is set.
            try? FileIO.writeKernel("\(level)/cgroup.subtree_control", "+\(controller)")
        }
    }

    private func apply(_ limits: Resources, _ id: String) throws {
        for setting in CgroupV2Limits.settings(limits) {
            do {
                try FileIO.writeKernel("\(directory(id))/\(setting.file)", setting.value)
            } catch {
                if setting.isOptional { continue }
                throw BerthError(
                    .invalid, "setting \(setting.file) to \(setting.value)", cause: "\(error)",
                    hint: "the controller may not be delegated to berth's group")
            }
        }
    }

    /// Before anybody is in the group. A host that cannot do it runs no container: they may make nodes of disks.
    private func apply(_ devices: DeviceRules, _ id: String) throws {
        if devices.allowsEverything { return }
        let policy = try DevicePolicy(devices)
        do {
            try DeviceProgram.attach(DeviceProgramCompiler.compile(policy), to: directory(id))
        } catch {
            throw BerthError(
                .unsupported, "setting the device rules of \(id.prefix(12))", cause: "\(error)",
                hint: "the kernel needs CONFIG_CGROUP_BPF and berth the right to use it")
        }
    }

    package func open(_ id: String) throws -> Descriptor {
        try Directory.open(directory(id), flags: FileFlags.directory)
    }
    package func joinFiles(_ id: String) -> [String] { [] }
    package func killFile(_ id: String) -> String { "\(directory(id))/cgroup.kill" }
    package func oomFile(_ id: String) -> String { hasControllers ? "\(directory(id))/memory.events" : "" }

    package func setFrozen(_ id: String, _ frozen: Bool) throws {
        try FileIO.writeKernel("\(directory(id))/cgroup.freeze", frozen ? "1" : "0")
    }

    package func processes(_ id: String) -> [Int32] {
        ((try? FileIO.readText("\(directory(id))/cgroup.procs")) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    package func usage(_ id: String) -> CgroupUsage {
        var usage = CgroupUsage()
        let directory = directory(id)
        let cached = CgroupFile.value("inactive_file", in: "\(directory)/memory.stat") ?? 0
        usage.memoryBytes = max(0, (CgroupFile.number("\(directory)/memory.current") ?? 0) - cached)
        usage.memoryLimitBytes = CgroupFile.number("\(directory)/memory.max")
        usage.processCount = CgroupFile.number("\(directory)/pids.current") ?? 0
        usage.cpuNanoseconds = (CgroupFile.value("usage_usec", in: "\(directory)/cpu.stat") ?? 0) * 1000
        usage.quotaPeriods = CgroupFile.value("nr_periods", in: "\(directory)/cpu.stat") ?? 0
        usage.throttledPeriods = CgroupFile.value("nr_throttled", in: "\(directory)/cpu.stat") ?? 0
        usage.throttledNanoseconds = (CgroupFile.value("throttled_usec", in: "\(directory)/cpu.stat") ?? 0) * 1000
        if let blocks = CgroupFile.blocks("\(directory)/io.stat") {
            (usage.readBytes, usage.writtenBytes) = (blocks.read, blocks.written)
        }
        return usage
    }

    package func remove(_ id: String) throws { try CgroupRemoval.remove(directory(id)) }

    package func list() -> [String] {
        ((try? Directory.names("\(root)/\(parent)")) ?? []).filter { $0.utf8.count == 64 }.sorted()
    }

    package func removeParent() { CgroupAncestors.remove(root, parent) }
    package func below(_ parent: String) -> any CgroupTree {
        CgroupV2(root: root, parent: parent, hasControllers: hasControllers)
    }

    package func mounts(readOnly: Bool) -> [RuntimeSpec.Mount] {
        [
            RuntimeSpec.Mount(
                "/sys/fs/cgroup", type: "cgroup2", source: "cgroup",
                options: ["nosuid", "noexec", "nodev", readOnly ? "ro" : "rw"])
        ]
    }
}

enum CgroupRemoval {
    /// rmdir of a group and what the container made below it; a group is busy until its last process is reaped.
    static func remove(_ path: String) throws(SystemError) {
        for name in (try? Directory.names(path)) ?? [] {
            let below = "\(path)/\(name)"
            if let status = try? FileStatus.of(below, following: false), status.kind == .directory { try remove(below) }
        }
        try Directory.removeEmpty(path)
    }
}
