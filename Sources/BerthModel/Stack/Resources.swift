// Limits and reservations of one container, `deploy.resources` and the older service keys folded together.

package struct Resources: Codable, Sendable, Equatable {
    package var memoryLimitBytes: Int64?
    package var memoryReservationBytes: Int64?
    /// Memory plus swap, as compose counts; -1 is unlimited.
    package var memorySwapLimitBytes: Int64?
    package var memorySwappiness: Int?
    /// In billionths of a processor, as Docker's NanoCpus.
    package var nanoCPUs: Int64?
    /// v1 shares 2…262144.
    package var cpuShares: Int?
    package var cpuQuotaMicroseconds: Int64?
    package var cpuPeriodMicroseconds: Int64?
    package var cpuset: String?
    /// 0 or less: no limit.
    package var processLimit: Int64?
    package init() {}
}

/// One resource limit; -1 is infinity.
package struct Ulimit: Codable, Sendable, Equatable {
    package var soft: Int64
    package var hard: Int64
    package init(soft: Int64, hard: Int64) {
        self.soft = soft
        self.hard = hard
    }
}
