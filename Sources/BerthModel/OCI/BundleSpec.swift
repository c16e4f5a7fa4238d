// A bundle's `config.json` as runtime-spec 1.2 has it, whole: every name is the document's own, every part may be
// missing.

package struct BundleSpec: Codable, Sendable, Equatable {
    package struct User: Codable, Sendable, Equatable {
        package var uid: UInt32?
        package var gid: UInt32?
        package var umask: UInt32?
        package var additionalGids: [UInt32]?
        package init() {}
    }
    package struct ConsoleSize: Codable, Sendable, Equatable {
        package var height: UInt16
        package var width: UInt16
    }
    package struct Capabilities: Codable, Sendable, Equatable {
        package var bounding: [String]?
        package var effective: [String]?
        package var inheritable: [String]?
        package var permitted: [String]?
        package var ambient: [String]?
        package init() {}
    }
    package struct Limit: Codable, Sendable, Equatable {
        package var type: String
        package var soft: UInt64
        package var hard: UInt64
    }
    package struct Scheduler: Codable, Sendable, Equatable {
        package var policy: String
    }
    package struct IOPriority: Codable, Sendable, Equatable {
        package var `class`: String
        package var priority: Int
    }
    package struct Process: Codable, Sendable, Equatable {
        package var terminal: Bool?
        package var consoleSize: ConsoleSize?
        package var user: User?
        package var args: [String]?
        package var env: [String]?
        package var cwd: String?
        package var capabilities: Capabilities?
        package var rlimits: [Limit]?
        package var noNewPrivileges: Bool?
        package var apparmorProfile: String?
        package var oomScoreAdj: Int?
        package var selinuxLabel: String?
        package var scheduler: Scheduler?
        package var ioPriority: IOPriority?
        package init() {}
    }
    package struct Root: Codable, Sendable, Equatable {
        package var path: String
        package var readonly: Bool?
    }
    package struct Mount: Codable, Sendable, Equatable {
        package var destination: String
        package var type: String?
        package var source: String?
        package var options: [String]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?
    }
    package struct Hook: Codable, Sendable, Equatable {
        package var path: String
        package var args: [String]?
        package var env: [String]?
        package var timeout: Int?
    }
    package struct Hooks: Codable, Sendable, Equatable {
        package var prestart: [Hook]?
        package var createRuntime: [Hook]?
        package var createContainer: [Hook]?
        package var startContainer: [Hook]?
        package var poststart: [Hook]?
        package var poststop: [Hook]?
    }
    package struct IDMapping: Codable, Sendable, Equatable {
        package var containerID: UInt32
        package var hostID: UInt32
        package var size: UInt32
    }
    package struct Namespace: Codable, Sendable, Equatable {
        package var type: String
        package var path: String?
    }
    package struct Device: Codable, Sendable, Equatable {
        package var type: String
        package var path: String
        package var major: UInt32?
        package var minor: UInt32?
        package var fileMode: UInt32?
        package var uid: UInt32?
        package var gid: UInt32?
    }
    package struct TimeOffset: Codable, Sendable, Equatable {
        package var secs: Int64?
        package var nanosecs: UInt32?
    }
    package struct Personality: Codable, Sendable, Equatable {
        package var domain: String
        package var flags: [String]?
    }
    package struct Linux: Codable, Sendable, Equatable {
        package var namespaces: [Namespace]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?
        package var timeOffsets: [String: TimeOffset]?
        package var devices: [Device]?
        package var cgroupsPath: String?
        package var resources: BundleResources?
        package var rootfsPropagation: String?
        package var seccomp: SeccompPolicy?
        package var sysctl: [String: String]?
        package var maskedPaths: [String]?
        package var readonlyPaths: [String]?
        package var mountLabel: String?
        package var personality: Personality?
    }

    package var ociVersion: String?
    package var root: Root?
    package var hostname: String?
    package var domainname: String?
    package var mounts: [Mount]?
    package var process: Process?
    package var hooks: Hooks?
    package var annotations: [String: String]?
    package var linux: Linux?

    package func hasNamespace(_ type: String) -> Bool { linux?.namespaces?.contains { $0.type == type } ?? false }
    package func makesNamespace(_ type: String) -> Bool {
        linux?.namespaces?.contains { $0.type == type && ($0.path ?? "").isEmpty } ?? false
    }
}
