// Hybrid hosts: identity, kill and freeze on the v2 tree; limits on v1 hierarchies, joined by the process itself.
import BerthLinux
import BerthModel

package struct CgroupHybrid: CgroupTree {
    private let unified: String
    private let identity: CgroupV2
    private let controllers: [String: String]
    package let parent: String
    /// The hierarchies that a container is put into; the rest stay with the host's root group.
    private static let used = ["memory", "cpu", "pids", "devices", "cpuset"]

    package init(unified: String, controllers: [String: String], parent: String) {
        self.unified = unified
        identity = CgroupV2(root: unified, parent: parent, hasControllers: false)
        self.controllers = controllers
        self.parent = parent
    }

    private func directory(_ controller: String, _ id: String) -> String? {
        controllers[controller].map { "\($0)/\(parent)/\(id)" }
    }

    package func create(_ id: String, limits: Resources, devices: DeviceRules) throws {
        do {
            try identity.create(id, limits: limits, devices: devices)
            for controller in CgroupHybrid.used {
                guard let directory = directory(controller, id) else { continue }
                if controller == "cpuset" {
                    if limits.cpuset == nil { continue }
                    try inheritCpuset(directory)
                } else {
                    if let root = controllers[controller] { try CgroupAncestors.make(root, parent) }
                    try Directory.make(directory, mode: 0o755)
                }
            }
            try apply(limits, devices, id)
        } catch {
            try? remove(id)
            throw error
        }
    }

    /// A v1 cpuset group starts empty and refuses members until it has processors and memory nodes, at every level.
    private func inheritCpuset(_ directory: String) throws {
        guard let root = controllers["cpuset"] else { return }
        var above = root
        func inherit(_ path: String) throws {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let present = try FileIO.readText("\(path)/\(file)").filter { $0 != "\n" }
                if present.isEmpty {
                    try FileIO.writeKernel("\(path)/\(file)", FileIO.readText("\(above)/\(file)").filter { $0 != "\n" })
                }
            }
            above = path
        }
        try CgroupAncestors.make(root, parent, each: inherit)
        try Directory.make(directory, mode: 0o755)
        try inherit(directory)
    }

    private func apply(_ limits: Resources, _ devices: DeviceRules, _ id: String) throws {
        func write(_ controller: String, _ file: String, _ value: String, optional: Bool = false) throws {
            guard let directory = directory(controller, id) else { return }
            do {
                try FileIO.writeKernel("\(directory)/\(file)", value)
            } catch {
                if optional { return }
                throw BerthError(.invalid, "setting \(file) to \(value)", cause: "\(error)")
            }
        }
        if let memory = limits.memoryLimitBytes, memory > 0 {
            try write("memory", "memory.limit_in_bytes", "\(memory)")
            // Absent where swap is not accounted.
            if let both = CgroupValues.memoryAndSwap(limits) {
                try write("memory", "memory.memsw.limit_in_bytes", "\(both)", optional: true)
            }
        }
        if let low = limits.memoryReservationBytes { try write("memory", "memory.soft_limit_in_bytes", "\(low)") }
        if let swappiness = limits.memorySwappiness {
            try write("memory", "memory.swappiness", "\(swappiness)", optional: true)
        }
        if let shares = limits.cpuShares, shares > 0 { try write("cpu", "cpu.shares", "\(shares)") }
        if let (quota, period) = CgroupValues.quota(limits) {
            try write("cpu", "cpu.cfs_period_us", "\(period)")
            try write("cpu", "cpu.cfs_quota_us", "\(quota)")
        }
        if let cpus = limits.cpuset { try write("cpuset", "cpuset.cpus", cpus) }
        if let count = limits.processLimit, count > 0 { try write("pids", "pids.max", "\(count)") }
        if !devices.allowsEverything {
            try write("devices", "devices.deny", "a")
            for line in devices.allowed { try write("devices", "devices.allow", line) }
        }
    }

    package func open(_ id: String) throws -> Descriptor { try identity.open(id) }

    package func joinFiles(_ id: String) -> [String] {
        CgroupHybrid.used.compactMap { directory($0, id) }.filter { (try? FileStatus.of($0)) != nil }.map {
            "\($0)/tasks"
        }
    }

    package func killFile(_ id: String) -> String { identity.killFile(id) }
    package func oomFile(_ id: String) -> String { directory("memory", id).map { "\($0)/memory.oom_control" } ?? "" }
    package func setFrozen(_ id: String, _ frozen: Bool) throws { try identity.setFrozen(id, frozen) }
    package func processes(_ id: String) -> [Int32] { identity.processes(id) }

    package func usage(_ id: String) -> CgroupUsage {
        // The v2 tree counts processor time without any controller.
        var usage = identity.usage(id)
        if let memory = directory("memory", id) {
            let cached = CgroupFile.value("total_inactive_file", in: "\(memory)/memory.stat") ?? 0
            usage.memoryBytes = max(0, (CgroupFile.number("\(memory)/memory.usage_in_bytes") ?? 0) - cached)
            // A number near the end of the range is how v1 says that there is none.
            usage.memoryLimitBytes = CgroupFile.number("\(memory)/memory.limit_in_bytes").flatMap {
                $0 > 1 << 60 ? nil : $0
            }
        }
        if let cpu = directory("cpu", id) {
            usage.quotaPeriods = CgroupFile.value("nr_periods", in: "\(cpu)/cpu.stat") ?? 0
            usage.throttledPeriods = CgroupFile.value("nr_throttled", in: "\(cpu)/cpu.stat") ?? 0
            usage.throttledNanoseconds = CgroupFile.value("throttled_time", in: "\(cpu)/cpu.stat") ?? 0
        }
        if let pids = directory("pids", id) { usage.processCount = CgroupFile.number("\(pids)/pids.current") ?? 0 }
        return usage
    }

    package func remove(_ id: String) throws {
        var failure: SystemError?
        for controller in CgroupHybrid.used {
            guard let directory = directory(controller, id) else { continue }
            do { try CgroupRemoval.remove(directory) } catch { failure = error }
        }
        try identity.remove(id)
        if let failure { throw failure }
    }

    package func list() -> [String] {
        var ids = Set(identity.list())
        for controller in CgroupHybrid.used {
            guard let root = controllers[controller] else { continue }
            for name in (try? Directory.names("\(root)/\(parent)")) ?? [] where name.utf8.count == 64 {
                ids.insert(name)
            }
        }
        return ids.sorted()
    }

    package func removeParent() {
        for controller in CgroupHybrid.used {
            if let root = controllers[controller] { CgroupAncestors.remove(root, parent) }
        }
        identity.removeParent()
    }

    package func below(_ parent: String) -> any CgroupTree {
        CgroupHybrid(unified: unified, controllers: controllers, parent: parent)
    }

    package func mounts(readOnly: Bool) -> [RuntimeSpec.Mount] {
        let access = readOnly ? ["ro"] : ["rw"]
        let options = ["nosuid", "noexec", "nodev"] + access
        var mounts = [
            RuntimeSpec.Mount(
                "/sys/fs/cgroup", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "nodev", "mode=755"])
        ]
        for controller in controllers.keys.sorted() {
            let name = controller.hasPrefix("name=") ? String(controller.dropFirst(5)) : controller
            let data = controller.hasPrefix("name=") ? ["none", controller] : [controller]
            mounts.append(
                RuntimeSpec.Mount("/sys/fs/cgroup/\(name)", type: "cgroup", source: "cgroup", options: options + data))
        }
        mounts.append(RuntimeSpec.Mount("/sys/fs/cgroup/unified", type: "cgroup2", source: "cgroup", options: options))
        if readOnly { mounts.append(RuntimeSpec.Mount("/sys/fs/cgroup", type: "remount", source: "", options: ["ro"])) }
        return mounts
    }
}
