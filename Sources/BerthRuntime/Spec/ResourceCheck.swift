// Limits that the kernel would take and nobody can mean: refused as docker refuses them, before anything is made.
import BerthLinux
import BerthModel

enum ResourceCheck {
    private static let memoryBytesMin: Int64 = 6 << 20
    /// Beyond this the kernel's counters say that there is no limit.
    private static let memoryBytesMax: Int64 = 1 << 60
    private static let periods: ClosedRange<Int64> = 1000...1_000_000

    static func check(_ limits: Resources, service: String) throws {
        func refuse(_ key: String, _ cause: String, _ hint: String? = nil) -> BerthError {
            BerthError(.invalid, "creating service \(service)", subject: key, cause: "\(key): \(cause)", hint: hint)
        }
        if let memory = limits.memoryLimitBytes, memory != 0 {
            guard memory >= memoryBytesMin else {
                throw refuse("mem_limit", "the least that a container can have is 6 MiB, and this is \(memory) bytes")
            }
            guard memory <= memoryBytesMax else { throw refuse("mem_limit", "\(memory) bytes are out of range") }
            if let reserved = limits.memoryReservationBytes, reserved > memory {
                throw refuse("mem_reservation", "\(reserved) bytes are more than the limit of \(memory)")
            }
            if let both = limits.memorySwapLimitBytes, both > 0, both < memory {
                throw refuse(
                    "memswap_limit", "\(both) bytes are less than the limit of memory, \(memory)",
                    "it counts memory and swap together; -1 is no limit")
            }
        } else if let both = limits.memorySwapLimitBytes, both > 0 {
            throw refuse("memswap_limit", "there is no limit of memory beside it", "set mem_limit, too")
        }
        if let swappiness = limits.memorySwappiness, !(-1...100).contains(swappiness) {
            throw refuse("mem_swappiness", "\(swappiness) is not from 0 to 100")
        }
        if let period = limits.cpuPeriodMicroseconds, period != 0, !periods.contains(period) {
            throw refuse("cpu_period", "\(period) microseconds are not from 1000 to 1000000")
        }
        if let quota = limits.cpuQuotaMicroseconds, quota > 0, quota < periods.lowerBound {
            throw refuse("cpu_quota", "\(quota) microseconds are less than 1000")
        }
    }
}
