// Control groups behind one interface: pure v2, and hybrid hosts whose limits live in v1 hierarchies.
import BerthLinux
import BerthModel

/// The groups of one world. A group is named by its container's id; a process joins by being cloned into the group's
/// descriptor, and on v1 by writing itself into `joinFiles`.
package protocol CgroupTree: Sendable {
    /// The group above all containers': directories from the hierarchies' roots.
    var parent: String { get }
    /// Makes the group with its limits; undoes everything on failure.
    func create(_ id: String, limits: Resources, devices: DeviceRules) throws
    /// The v2 directory to clone into.
    func open(_ id: String) throws -> Descriptor
    /// v1 `tasks` files, which the new process writes itself into.
    func joinFiles(_ id: String) -> [String]
    /// `cgroup.kill` of the group.
    func killFile(_ id: String) -> String
    /// A file with an `oom_kill` counter.
    func oomFile(_ id: String) -> String
    func setFrozen(_ id: String, _ frozen: Bool) throws
    func processes(_ id: String) -> [Int32]
    func usage(_ id: String) -> CgroupUsage
    /// Removes the group everywhere; what is not there is no error. Busy: somebody still runs in it.
    func remove(_ id: String) throws
    /// Ids of all groups of this world.
    func list() -> [String]
    /// Removes the parent of all groups once it is empty, and what berth made above it.
    func removeParent()
    /// The same hierarchies with other groups' parent: directories from their roots.
    func below(_ parent: String) -> any CgroupTree
    /// Mounts that show the container its own group, in the spec's terms.
    func mounts(readOnly: Bool) -> [RuntimeSpec.Mount]
}

package struct CgroupUsage: Sendable, Equatable {
    /// Without file cache that the kernel would give back first (`inactive_file`), as docker counts.
    package var memoryBytes: Int64 = 0
    /// Nil: no limit.
    package var memoryLimitBytes: Int64?
    package var cpuNanoseconds: Int64 = 0
    package var processCount: Int64 = 0
    /// Nil: blocks are not counted here.
    package var readBytes: Int64?
    package var writtenBytes: Int64?
    /// Periods of the processor quota that went by, those in which it was used up, and how long was waited then.
    package var quotaPeriods: Int64 = 0
    package var throttledPeriods: Int64 = 0
    package var throttledNanoseconds: Int64 = 0
    package init() {}
}

/// What a container may do with devices: allow lines of the v1 controller's form (`c 1:3 rwm`), or everything.
package struct DeviceRules: Sendable, Equatable {
    package var allowsEverything: Bool
    package var allowed: [String]
    package init(allowsEverything: Bool, allowed: [String]) {
        self.allowsEverything = allowsEverything
        self.allowed = allowed
    }

    /// mknod of anything; use of the standard nodes, terminals and tun.
    package static let defaults = DeviceRules(
        allowsEverything: false,
        allowed: [
            "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
            "c 5:1 rwm",
            "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm",
        ])
}

package enum CgroupDetection {
    /// The backend of this host.
    ///
    /// - Parameter delegated: a group of pure v2 that we were given, below which ours lie; empty: the root.
    package static func tree(parent: String, delegated: String = "") throws -> any CgroupTree {
        let mounts = try CgroupMounts.read("/proc/self/mountinfo")
        if let unified = mounts.unified, mounts.controllers.isEmpty {
            let group = delegated.split(separator: "/").filter { $0 != "." && $0 != ".." }.joined(separator: "/")
            if group.isEmpty { return CgroupV2(root: unified, parent: parent) }
            try CgroupDelegation.vacate("\(unified)/\(group)")
            return CgroupV2(root: unified, parent: "\(group)/\(parent)")
        }
        if let unified = mounts.unified {
            return CgroupHybrid(unified: unified, controllers: mounts.controllers, parent: parent)
        }
        throw BerthError(
            .unsupported, "looking for control groups", cause: "no cgroup v2 hierarchy is mounted",
            hint: "mount it: mount -t cgroup2 none /sys/fs/cgroup")
    }
}

/// Where the hierarchies are mounted.
struct CgroupMounts: Equatable {
    var unified: String?
    /// v1 controller (or `name=systemd`) → mount point.
    var controllers: [String: String] = [:]

    static func read(_ path: String) throws -> CgroupMounts {
        parse(try FileIO.readText(path, limit: 64 << 20))
    }

    static func parse(_ text: String) -> CgroupMounts {
        var found = CgroupMounts()
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let dash = halves.firstIndex(of: "-"), dash + 3 < halves.count, halves.count > 4 else { continue }
            let point = String(halves[4])
            guard point.hasPrefix("/sys/fs/cgroup") else { continue }
            switch halves[dash + 1] {
            case "cgroup2": found.unified = point
            case "cgroup":
                let names = halves[dash + 3].split(separator: ",").map(String.init)
                for name in names where known.contains(name) || name.hasPrefix("name=") {
                    found.controllers[name] = point
                }
            default: break
            }
        }
        return found
    }

    private static let known: Set<String> = [
        "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb", "perf_event", "net_cls",
        "net_prio", "rdma",
    ]
}

/// Values as the files of both versions take them.
enum CgroupValues {
    /// v1 shares (2…262144) to v2 weight (1…10000), runc's curve through 1024 → 100.
    static func weight(shares: Int) -> Int {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10000 }
        var l = 0.0
        var value = Double(shares)
        while value >= 2 { value /= 2; l += 1 }
        // log2 of what is left, 1 ≤ value < 2, by the usual series of (value − 1)/(value + 1).
        let z = (value - 1) / (value + 1)
        var term = z
        var sum = 0.0
        for k in stride(from: 1.0, through: 31.0, by: 2.0) { sum += term / k; term *= z * z }
        l += 2 * sum / 0.693_147_180_559_945_3
        let exponent = (l * l + 125 * l) / 612 - 7.0 / 34
        return max(1, min(10000, Int(power10(exponent).rounded(.up))))
    }

    private static func power10(_ x: Double) -> Double {
        // 10^x = e^(x ln 10), with x split into its whole part and the series for the rest.
        let whole = Int(x.rounded(.down))
        var result = 1.0
        let y = (x - Double(whole)) * 2.302_585_092_994_046
        var term = 1.0
        for k in 1...30 { term *= y / Double(k); result += term }
        for _ in 0..<abs(whole) { result = whole >= 0 ? result * 10 : result / 10 }
        return result
    }

    /// Quota and period in microseconds; nil: no limit.
    static func quota(_ limits: Resources) -> (quota: Int64, period: Int64)? {
        if let nano = limits.nanoCPUs, nano > 0 { return (max(1000, nano / 10_000), 100_000) }
        if let quota = limits.cpuQuotaMicroseconds, quota > 0 {
            return (quota, limits.cpuPeriodMicroseconds ?? 100_000)
        }
        return nil
    }

    /// Memory plus swap: the limit given, or twice the memory.
    static func memoryAndSwap(_ limits: Resources) -> Int64? {
        guard let memory = limits.memoryLimitBytes, memory > 0 else { return nil }
        if let given = limits.memorySwapLimitBytes, given != 0 { return given }
        return memory * 2
    }
}

/// Reading the files of a group; what is absent counts as nothing.
enum CgroupFile {
    static func number(_ path: String) -> Int64? {
        (try? FileIO.readText(path)).flatMap { Int64($0.filter { $0 != "\n" }) }
    }

    /// Bytes read and written over all devices, by v2's `io.stat`; nil: the controller is off.
    static func blocks(_ path: String) -> (read: Int64, written: Int64)? {
        guard let text = try? FileIO.readText(path) else { return nil }
        var sums: (read: Int64, written: Int64) = (0, 0)
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if word.hasPrefix("rbytes=") { sums.read += Int64(word.dropFirst(7)) ?? 0 }
            if word.hasPrefix("wbytes=") { sums.written += Int64(word.dropFirst(7)) ?? 0 }
        }
        return sums
    }

    /// The value behind a name in a file of `name value` lines.
    static func value(_ name: String, in path: String) -> Int64? {
        for line in ((try? FileIO.readText(path)) ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == name { return Int64(parts[1]) }
        }
        return nil
    }
}
