// A bundle's limits as writes to files of control groups. Pure.
import BerthModel

enum BundleLimits {
    struct Setting: Equatable {
        var controller: String
        var file: String
        var value: String
        /// The host may lack it and the container goes on.
        var isOptional = false
        init(_ controller: String, _ file: String, _ value: String, optional: Bool = false) {
            self.controller = controller
            self.file = file
            self.value = value
            isOptional = optional
        }
    }

    static func settings(_ r: BundleResources, hybrid: Bool) -> [Setting] {
        var all = memory(r, hybrid) + cpu(r, hybrid) + blockIO(r, hybrid)
        if let limit = r.pids?.limit, limit != 0 {
            all.append(Setting("pids", "pids.max", limit > 0 ? "\(limit)" : "max"))
        }
        for pages in r.hugepageLimits ?? [] {
            let file = hybrid ? "hugetlb.\(pages.pageSize).limit_in_bytes" : "hugetlb.\(pages.pageSize).max"
            all.append(Setting("hugetlb", file, "\(pages.limit)"))
        }
        if hybrid {
            if let id = r.network?.classID, id > 0 { all.append(Setting("net_cls", "net_cls.classid", "\(id)")) }
            for one in r.network?.priorities ?? [] {
                all.append(Setting("net_prio", "net_prio.ifpriomap", "\(one.name) \(one.priority)"))
            }
        }
        for (file, value) in (r.unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            all.append(Setting("unified", file, value))
        }
        return all
    }

    private static func memory(_ r: BundleResources, _ hybrid: Bool) -> [Setting] {
        guard let memory = r.memory else { return [] }
        let word = { (value: Int64) in value < 0 ? (hybrid ? "-1" : "max") : "\(value)" }
        var all: [Setting] = []
        if hybrid {
            // The order matters: memory may not exceed both together. Lowered first, or raised last.
            let limit = memory.limit.flatMap { $0 == 0 ? nil : Setting("memory", "memory.limit_in_bytes", word($0)) }
            let both = memory.swap.flatMap {
                $0 == 0 ? nil : Setting("memory", "memory.memsw.limit_in_bytes", word($0), optional: $0 < 0)
            }
            if let both, both.value == "-1" { all.append(both) }
            if let limit { all.append(limit) }
            if let both, both.value != "-1" { all.append(both) }
            if let low = memory.reservation, low != 0 {
                all.append(Setting("memory", "memory.soft_limit_in_bytes", word(low)))
            }
            if let swappiness = memory.swappiness {
                all.append(Setting("memory", "memory.swappiness", "\(swappiness)", optional: true))
            }
            if memory.disableOOMKiller ?? false { all.append(Setting("memory", "memory.oom_control", "1")) }
            return all
        }
        if let swap = memory.swap, swap != 0 {
            let own = swap < 0 ? "max" : "\(max(0, swap - (memory.limit ?? 0)))"
            all.append(Setting("memory", "memory.swap.max", own, optional: swap < 0))
        }
        if let limit = memory.limit, limit != 0 { all.append(Setting("memory", "memory.max", word(limit))) }
        if let low = memory.reservation, low != 0 { all.append(Setting("memory", "memory.low", word(low))) }
        return all
    }

    private static func cpu(_ r: BundleResources, _ hybrid: Bool) -> [Setting] {
        guard let cpu = r.cpu else { return [] }
        var all: [Setting] = []
        if let shares = cpu.shares, shares > 0 {
            let weight = CgroupValues.weight(shares: Int(min(shares, 262_144)))
            all.append(hybrid ? Setting("cpu", "cpu.shares", "\(shares)") : Setting("cpu", "cpu.weight", "\(weight)"))
        }
        if hybrid {
            if let period = cpu.period, period > 0 { all.append(Setting("cpu", "cpu.cfs_period_us", "\(period)")) }
            if let quota = cpu.quota, quota != 0 { all.append(Setting("cpu", "cpu.cfs_quota_us", "\(quota)")) }
            if let burst = cpu.burst { all.append(Setting("cpu", "cpu.cfs_burst_us", "\(burst)")) }
            if let period = cpu.realtimePeriod, period > 0 {
                all.append(Setting("cpu", "cpu.rt_period_us", "\(period)"))
            }
            if let runtime = cpu.realtimeRuntime, runtime != 0 {
                all.append(Setting("cpu", "cpu.rt_runtime_us", "\(runtime)"))
            }
        } else {
            if cpu.quota ?? 0 != 0 || cpu.period ?? 0 != 0 {
                let quota = cpu.quota.map { $0 > 0 ? "\($0)" : "max" } ?? "max"
                all.append(Setting("cpu", "cpu.max", "\(quota) \(cpu.period.map { $0 > 0 ? $0 : 100_000 } ?? 100_000)"))
            }
            if let burst = cpu.burst { all.append(Setting("cpu", "cpu.max.burst", "\(burst)")) }
        }
        if let idle = cpu.idle { all.append(Setting("cpu", "cpu.idle", "\(idle)")) }
        if let cpus = cpu.cpus, !cpus.isEmpty { all.append(Setting("cpuset", "cpuset.cpus", cpus)) }
        if let mems = cpu.mems, !mems.isEmpty { all.append(Setting("cpuset", "cpuset.mems", mems)) }
        return all
    }

    private static func blockIO(_ r: BundleResources, _ hybrid: Bool) -> [Setting] {
        guard let io = r.blockIO else { return [] }
        var all: [Setting] = []
        if let weight = io.weight, weight > 0 {
            // 10…1000 to 1…10000, as the kernel's own documentation maps them.
            let wide = 1 + (Int(weight) - 10) * 9999 / 990
            all.append(
                hybrid
                    ? Setting("blkio", "blkio.bfq.weight", "\(weight)", optional: true)
                    : Setting("io", "io.weight", "default \(max(1, wide))", optional: true))
        }
        let rates = [
            (io.throttleReadBpsDevice, "blkio.throttle.read_bps_device", "rbps"),
            (io.throttleWriteBpsDevice, "blkio.throttle.write_bps_device", "wbps"),
            (io.throttleReadIOPSDevice, "blkio.throttle.read_iops_device", "riops"),
            (io.throttleWriteIOPSDevice, "blkio.throttle.write_iops_device", "wiops"),
        ]
        for (devices, file, key) in rates {
            for device in devices ?? [] {
                let place = "\(device.major):\(device.minor)"
                let rate = device.rate ?? 0
                all.append(
                    hybrid
                        ? Setting("blkio", file, "\(place) \(rate)")
                        : Setting("io", "io.max", "\(place) \(key)=\(rate)"))
            }
        }
        return all
    }
}
