// The control group of a bundle, at the path that the bundle names, on pure v2 and on v1 with or without a v2 tree.
import BerthLinux
import BerthModel

package struct BundleCgroup: Sendable {
    package struct Hierarchy: Sendable, Equatable {
        /// The last component of its mount point: `cpu,cpuacct`.
        var name: String
        var root: String
        var controllers: [String]
        var directory: String
    }

    package let path: String
    /// The group in the v2 tree; nil where there is none.
    package let unified: String?
    private let unifiedRoot: String?
    package let hierarchies: [Hierarchy]
    package var isHybrid: Bool { !hierarchies.isEmpty }

    package static func detect(path: String) throws -> BundleCgroup {
        BundleCgroup(path: path, mounts: try CgroupMounts.read("/proc/self/mountinfo"))
    }

    init(path: String, mounts: CgroupMounts) {
        // A path with dots would leave the tree that it is joined to.
        let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
        let clean = "/" + parts.joined(separator: "/")
        self.path = clean
        unifiedRoot = mounts.unified
        unified = mounts.unified.map { $0 + clean }
        var byRoot: [String: [String]] = [:]
        for (controller, root) in mounts.controllers { byRoot[root, default: []].append(controller) }
        hierarchies = byRoot.sorted { $0.key < $1.key }.map { root, controllers in
            Hierarchy(
                name: root.split(separator: "/").last.map(String.init) ?? root, root: root,
                controllers: controllers.sorted(), directory: root + clean)
        }
    }

    package func directory(_ controller: String) -> String? {
        hierarchies.first { $0.controllers.contains(controller) }?.directory
    }

    /// What a process writes itself into, before its cgroup namespace is made. The v2 group is last.
    package var joinFiles: [String] {
        hierarchies.map { "\($0.directory)/tasks" } + (unified.map { ["\($0)/cgroup.procs"] } ?? [])
    }

    package func create() throws {
        for hierarchy in hierarchies {
            if hierarchy.controllers.contains("cpuset") {
                try inheritCpuset(hierarchy)
            } else {
                try Directory.make(hierarchy.directory, mode: 0o755)
            }
        }
        guard let unified, let root = unifiedRoot else { return }
        if !isHybrid { enableControllers(root) }
        try Directory.make(unified, mode: 0o755)
    }

    /// A v1 cpuset group starts empty and refuses members until it has processors and memory nodes, at every level.
    private func inheritCpuset(_ hierarchy: Hierarchy) throws {
        var level = hierarchy.root
        for component in path.split(separator: "/") {
            let above = level
            level += "/\(component)"
            try Directory.make(level, mode: 0o755)
            for file in ["cpuset.cpus", "cpuset.mems"] where try text("\(level)/\(file)").isEmpty {
                try FileIO.writeKernel("\(level)/\(file)", text("\(above)/\(file)"))
            }
        }
    }

    private func text(_ path: String) throws -> String { try FileIO.readText(path).filter { $0 != "\n" } }

    private func enableControllers(_ root: String) {
        var level = root
        for component in path.split(separator: "/") {
            let available = (try? FileIO.readText("\(level)/cgroup.controllers")) ?? ""
            for controller in available.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
                // Ignored: a limit that needs it says so when it is set.
                try? FileIO.writeKernel("\(level)/cgroup.subtree_control", "+\(controller)")
            }
            level += "/\(component)"
            try? Directory.make(level, mode: 0o755)
        }
    }

    /// Moves a process in from outside.
    package func add(_ processID: Int32) throws {
        for file in joinFiles {
            let whole = file.hasSuffix("/tasks") ? "\(file.dropLast(6))/cgroup.procs" : file
            try FileIO.writeKernel(whole, "\(processID)")
        }
    }

    package func apply(_ resources: BundleResources) throws {
        for setting in BundleLimits.settings(resources, hybrid: isHybrid) {
            let place = isHybrid && setting.controller != "unified" ? directory(setting.controller) : unified
            guard let place else {
                if setting.isOptional { continue }
                throw BundleRefusal.error("cgroup \(setting.file)", "the host has no \(setting.controller) controller")
            }
            do { try FileIO.writeKernel("\(place)/\(setting.file)", setting.value) } catch {
                if setting.isOptional { continue }
                throw BundleRefusal.error("failed to write \(setting.value)", "\(error)")
            }
        }
    }

    /// A new group's rules, or others in place of those it has: at no moment is more allowed than before or after.
    package func applyDevices(_ rules: [BundleResources.DeviceRule]) throws {
        let policy = try DevicePolicy(rules)
        do {
            if let directory = directory("devices") {
                for write in policy.writes { try FileIO.writeKernel("\(directory)/\(write.file)", write.value) }
            } else if let unified, !isHybrid {
                try DeviceProgram.attach(DeviceProgramCompiler.compile(policy), to: unified)
            }
        } catch {
            throw BundleRefusal.error("failed to set device rules", "\(error)")
        }
    }

    package var isThere: Bool { isDirectory(unified) || hierarchies.contains { isDirectory($0.directory) } }

    private func isDirectory(_ path: String?) -> Bool {
        guard let path, let status = try? FileStatus.of(path) else { return false }
        return status.kind == .directory
    }

    /// Every process in the group and below it.
    package var processes: [Int32] {
        let tree = directory("pids") ?? directory("devices") ?? hierarchies.first?.directory ?? unified ?? ""
        return BundleCgroup.processes(tree).sorted()
    }

    private static func processes(_ directory: String) -> [Int32] {
        var found = ((try? FileIO.readText("\(directory)/cgroup.procs")) ?? "").split(separator: "\n")
            .compactMap { Int32($0) }
        for name in (try? Directory.names(directory)) ?? [] {
            let below = "\(directory)/\(name)"
            if let status = try? FileStatus.of(below, following: false), status.kind == .directory {
                found += processes(below)
            }
        }
        return found
    }

    /// Kills all that is in the group, however fast it forks.
    package func kill() {
        if let unified, (try? FileIO.writeKernel("\(unified)/cgroup.kill", "1")) != nil, !isHybrid { return }
        for _ in 0..<100 {
            // The dead wait for their parents, which may take their time; they hold nothing.
            let left = processes.filter { BundleStore.stat($0).map { $0.state != "Z" } ?? false }
            if left.isEmpty { return }
            for processID in left {
                // Ignored: it has ended meanwhile.
                if let descriptor = try? Process.open(processID) {
                    try? Process.signal(descriptor.number, Signal.kill)
                }
            }
            Pause.milliseconds(10)
        }
    }

    package func setFrozen(_ frozen: Bool) throws {
        if let freezer = directory("freezer") {
            try FileIO.writeKernel("\(freezer)/freezer.state", frozen ? "FROZEN" : "THAWED")
        } else if let unified {
            try FileIO.writeKernel("\(unified)/cgroup.freeze", frozen ? "1" : "0")
        }
    }

    package var isFrozen: Bool {
        if let freezer = directory("freezer") {
            return ((try? FileIO.readText("\(freezer)/freezer.state")) ?? "").hasPrefix("FRO")
        }
        return unified.map { ((try? FileIO.readText("\($0)/cgroup.freeze")) ?? "").hasPrefix("1") } ?? false
    }

    /// What is not there is no error. A group stays busy until its last process is reaped, which takes a moment.
    package func remove() throws {
        var failure: SystemError?
        for directory in hierarchies.map(\.directory) + (unified.map { [$0] } ?? []) where directory.count > 1 {
            for attempt in 0..<50 {
                do throws(SystemError) {
                    try CgroupRemoval.remove(directory)
                    failure = nil
                    break
                } catch {
                    failure = error
                    if !error.isBusy || attempt == 49 { break }
                    Pause.milliseconds(10)
                }
            }
        }
        if let failure { throw failure }
    }
}
