// What a bundle's control group has used, for `events --stats`.
import BerthLinux

extension BundleCgroup {
    /// The parts of the statistics document that there are numbers for, by their names in it.
    package var stats: [(name: String, value: Int64)] {
        if isHybrid {
            return [
                ("cpu", number("cpuacct", "cpuacct.usage")), ("memory", number("memory", "memory.usage_in_bytes")),
                ("memoryLimit", number("memory", "memory.limit_in_bytes")), ("pids", number("pids", "pids.current")),
                ("oomKills", word("memory", "memory.oom_control", "oom_kill")),
                ("periods", word("cpu", "cpu.stat", "nr_periods")),
                ("throttledPeriods", word("cpu", "cpu.stat", "nr_throttled")),
                ("throttledTime", word("cpu", "cpu.stat", "throttled_time")),
            ]
        }
        return [
            ("cpu", word("unified", "cpu.stat", "usage_usec") * 1000), ("memory", number("unified", "memory.current")),
            ("memoryLimit", number("unified", "memory.max")), ("pids", number("unified", "pids.current")),
            ("oomKills", word("unified", "memory.events", "oom_kill")),
            ("periods", word("unified", "cpu.stat", "nr_periods")),
            ("throttledPeriods", word("unified", "cpu.stat", "nr_throttled")),
            ("throttledTime", word("unified", "cpu.stat", "throttled_usec") * 1000),
        ]
    }

    /// Where kills for lack of memory can be heard of.
    package var memoryFile: String? {
        if isHybrid { return directory("memory").map { "\($0)/memory.oom_control" } }
        return unified.map { "\($0)/memory.events" }
    }

    private func text(_ controller: String, _ file: String) -> String {
        let place = isHybrid ? directory(controller) : unified
        return place.flatMap { try? FileIO.readText("\($0)/\(file)") } ?? ""
    }

    private func number(_ controller: String, _ file: String) -> Int64 {
        Int64(text(controller, file).filter { $0 != "\n" }) ?? 0
    }

    private func word(_ controller: String, _ file: String, _ key: String) -> Int64 {
        for line in text(controller, file).split(separator: "\n") where line.hasPrefix("\(key) ") {
            return Int64(line.dropFirst(key.count + 1)) ?? 0
        }
        return 0
    }
}
