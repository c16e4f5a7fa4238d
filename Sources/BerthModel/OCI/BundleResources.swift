// Limits as runtime-spec 1.2 has them (`linux.resources`), and the state of a filter policy (`linux.seccomp`).

package struct BundleResources: Codable, Sendable, Equatable {
    package struct DeviceRule: Codable, Sendable, Equatable {
        package var allow: Bool
        package var type: String?
        package var major: Int64?
        package var minor: Int64?
        package var access: String?

        /// As the v1 controller writes it: `c 1:3 rwm`; `a` alone is everything.
        package var line: String {
            let kind = type.flatMap { $0.isEmpty ? nil : $0 } ?? "a"
            let number = { (value: Int64?) in value.map { $0 < 0 ? "*" : "\($0)" } ?? "*" }
            if kind == "a" && number(major) == "*" && number(minor) == "*" { return "a" }
            return "\(kind) \(number(major)):\(number(minor)) \(access ?? "rwm")"
        }
    }
    package struct Memory: Codable, Sendable, Equatable {
        package var limit: Int64?
        package var reservation: Int64?
        package var swap: Int64?
        package var kernel: Int64?
        package var kernelTCP: Int64?
        package var swappiness: UInt64?
        package var disableOOMKiller: Bool?
        package var useHierarchy: Bool?
        package var checkBeforeUpdate: Bool?
        package init() {}
    }
    package struct CPU: Codable, Sendable, Equatable {
        package var shares: UInt64?
        package var quota: Int64?
        package var burst: UInt64?
        package var period: UInt64?
        package var realtimeRuntime: Int64?
        package var realtimePeriod: UInt64?
        package var cpus: String?
        package var mems: String?
        package var idle: Int64?
        package init() {}
    }
    package struct Pids: Codable, Sendable, Equatable {
        package var limit: Int64?
        package init(limit: Int64?) { self.limit = limit }
    }
    package struct BlockDevice: Codable, Sendable, Equatable {
        package var major: Int64
        package var minor: Int64
        package var weight: UInt16?
        package var leafWeight: UInt16?
        package var rate: UInt64?
    }
    package struct BlockIO: Codable, Sendable, Equatable {
        package var weight: UInt16?
        package var leafWeight: UInt16?
        package var weightDevice: [BlockDevice]?
        package var throttleReadBpsDevice: [BlockDevice]?
        package var throttleWriteBpsDevice: [BlockDevice]?
        package var throttleReadIOPSDevice: [BlockDevice]?
        package var throttleWriteIOPSDevice: [BlockDevice]?
        package init() {}
    }
    package struct HugePages: Codable, Sendable, Equatable {
        package var pageSize: String
        package var limit: UInt64
    }
    package struct Network: Codable, Sendable, Equatable {
        package struct Priority: Codable, Sendable, Equatable {
            package var name: String
            package var priority: UInt32
        }
        package var classID: UInt32?
        package var priorities: [Priority]?
    }

    package var devices: [DeviceRule]?
    package var memory: Memory?
    package var cpu: CPU?
    package var pids: Pids?
    package var blockIO: BlockIO?
    package var hugepageLimits: [HugePages]?
    package var network: Network?
    package var unified: [String: String]?
    package init() {}
}

package struct SeccompPolicy: Codable, Sendable, Equatable {
    package struct Argument: Codable, Sendable, Equatable {
        package var index: UInt32
        package var value: UInt64
        package var valueTwo: UInt64?
        package var op: String
    }
    package struct Rule: Codable, Sendable, Equatable {
        package var names: [String]
        package var action: String
        package var errnoRet: UInt32?
        package var args: [Argument]?
    }

    package var defaultAction: String
    package var defaultErrnoRet: UInt32?
    package var architectures: [String]?
    package var flags: [String]?
    package var listenerPath: String?
    package var listenerMetadata: String?
    package var syscalls: [Rule]?
}
