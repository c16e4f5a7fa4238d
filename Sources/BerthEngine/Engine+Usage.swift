// What containers use: their groups' counters, and those of their network interfaces.
import BerthLinux
import BerthModel
import BerthRuntime

extension Engine {
    package func usage(_ ids: [ContainerID]) async -> [ContainerUsage] {
        let hostMemory = ProcFile.memoryTotalBytes
        var all: [ContainerUsage] = []
        for id in ids {
            guard let driver = parts.registry.driver(id), await driver.status.isRunning else { continue }
            let group = parts.runtime.usage(id)
            let taken = parts.clock.monotonic.components
            var usage = ContainerUsage(
                container: id, takenNanoseconds: taken.seconds * 1_000_000_000 + taken.attoseconds / 1_000_000_000)
            usage.cpuNanoseconds = group.cpuNanoseconds
            usage.memoryBytes = group.memoryBytes
            usage.memoryLimitBytes = min(group.memoryLimitBytes ?? hostMemory, hostMemory)
            usage.processCount = group.processCount
            usage.quotaPeriods = group.quotaPeriods
            usage.throttledPeriods = group.throttledPeriods
            usage.throttledNanoseconds = group.throttledNanoseconds
            usage.readBytes = group.readBytes
            usage.writtenBytes = group.writtenBytes
            // With the host's network, its interfaces are not the container's.
            let isHost = await driver.record.service.networkMode == .host
            if !isHost, let process = parts.runtime.processID(id) {
                (usage.receivedBytes, usage.sentBytes) = ProcFile.traffic(process)
            }
            all.append(usage)
        }
        return all
    }
}

/// Files below /proc that count things.
enum ProcFile {
    static var memoryTotalBytes: Int64 {
        for line in ((try? FileIO.readText("/proc/meminfo")) ?? "").split(separator: "\n")
        where line.hasPrefix("MemTotal:") {
            return (Int64(line.split(separator: " ").dropFirst().first ?? "") ?? 0) * 1024
        }
        return 0
    }

    /// Bytes received and sent in a process's network namespace; the first and the ninth number of each line of
    /// `net/dev`.
    static func traffic(_ process: Int32) -> (received: Int64, sent: Int64) {
        var sums: (received: Int64, sent: Int64) = (0, 0)
        for line in ((try? FileIO.readText("/proc/\(process)/net/dev")) ?? "").split(separator: "\n").dropFirst(2) {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, halves[0].drop(while: { $0 == " " }) != "lo" else { continue }
            let numbers = halves[1].split(separator: " ")
            guard numbers.count > 8 else { continue }
            sums.received += Int64(numbers[0]) ?? 0
            sums.sent += Int64(numbers[8]) ?? 0
        }
        return sums
    }
}
