// What a running container has used and uses, at one moment.

package struct ContainerUsage: Codable, Sendable, Equatable {
    package var container: ContainerID
    /// On the monotonic clock, for rates between two of these.
    package var takenNanoseconds: Int64
    package var cpuNanoseconds: Int64 = 0
    package var memoryBytes: Int64 = 0
    /// The container's limit, or what the host has.
    package var memoryLimitBytes: Int64 = 0
    /// Over all interfaces but the loopback.
    package var receivedBytes: Int64 = 0
    package var sentBytes: Int64 = 0
    /// Nil: the host does not account for it by container.
    package var readBytes: Int64?
    package var writtenBytes: Int64?
    package var processCount: Int64 = 0
    /// Periods of the processor quota that went by, those in which it was used up, and how long was waited then.
    package var quotaPeriods: Int64 = 0
    package var throttledPeriods: Int64 = 0
    package var throttledNanoseconds: Int64 = 0

    package init(container: ContainerID, takenNanoseconds: Int64) {
        self.container = container
        self.takenNanoseconds = takenNanoseconds
    }
}
