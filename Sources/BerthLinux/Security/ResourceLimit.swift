// Resource limits by the names of compose and OCI.
import CLinux

package enum ResourceLimit {
    private static let numbers: [String: Int32] = [
        "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7, "memlock": 8,
        "as": 9,
        "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14, "rttime": 15,
    ]

    package static func number(_ name: String) -> Int32? { numbers[name] }

    /// This process's hard limit; the maximum where there is none.
    package static func ownHardLimit(_ resource: Int32) -> UInt64 {
        var limit = rlimit()
        _ = clinux_getrlimit(resource, &limit)
        return UInt64(limit.rlim_max)
    }

    /// CAP_SYS_RESOURCE: hard limits may go up.
    package static var canRaise: Bool { Privileges.boundingSet & (1 << 24) != 0 }
}
