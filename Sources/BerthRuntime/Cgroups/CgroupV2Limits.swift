// A container's limits as writes to the files of a v2 group, and which controllers they need. Pure.
import BerthModel

enum CgroupV2Limits {
    struct Setting: Equatable {
        var file: String
        var value: String
        /// The host may lack it and the container goes on.
        var isOptional = false
    }

    static let controllers = ["cpu", "cpuset", "io", "memory", "pids"]

    static func settings(_ limits: Resources) -> [Setting] {
        var all: [Setting] = []
        if let memory = limits.memoryLimitBytes, memory > 0 {
            all.append(Setting(file: "memory.max", value: "\(memory)"))
            if let both = CgroupValues.memoryAndSwap(limits) {
                let swap = both < 0 ? "max" : "\(max(0, both - memory))"
                // Absent where swap is not accounted.
                all.append(Setting(file: "memory.swap.max", value: swap, isOptional: true))
            }
        }
        if let low = limits.memoryReservationBytes { all.append(Setting(file: "memory.low", value: "\(low)")) }
        if let shares = limits.cpuShares, shares > 0 {
            all.append(Setting(file: "cpu.weight", value: "\(CgroupValues.weight(shares: shares))"))
        }
        if let (quota, period) = CgroupValues.quota(limits) {
            all.append(Setting(file: "cpu.max", value: "\(quota) \(period)"))
        }
        if let cpus = limits.cpuset { all.append(Setting(file: "cpuset.cpus", value: cpus)) }
        if let count = limits.processLimit, count > 0 { all.append(Setting(file: "pids.max", value: "\(count)")) }
        return all
    }

    /// Controllers that a group has and its children do not yet, by its `cgroup.controllers` and
    /// `cgroup.subtree_control`.
    static func missing(available: String, enabled: String) -> [String] {
        let words = { (text: String) in Set(text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)) }
        let wanted = words(available).subtracting(words(enabled))
        return controllers.filter(wanted.contains)
    }
}
