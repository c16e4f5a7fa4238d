// The OCI runtime specification's document (runtime-spec 1.2), as far as berth fills it. Names are the document's own.

package struct RuntimeSpec: Codable, Sendable, Equatable {
    package struct Process: Codable, Sendable, Equatable {
        package struct User: Codable, Sendable, Equatable {
            package var uid: UInt32
            package var gid: UInt32
            package var umask: UInt32?
            package var additionalGids: [UInt32]
            package init(uid: UInt32, gid: UInt32, additionalGids: [UInt32]) {
                self.uid = uid
                self.gid = gid
                self.additionalGids = additionalGids
            }
        }
        package struct Limit: Codable, Sendable, Equatable {
            package var type: String
            package var soft: UInt64
            package var hard: UInt64
            package init(type: String, soft: UInt64, hard: UInt64) {
                self.type = type
                self.soft = soft
                self.hard = hard
            }
        }

        package var terminal: Bool
        package var user: User
        package var args: [String]
        package var env: [String]
        package var cwd: String
        /// Names with CAP_; permitted, effective and bounding alike, inheritable and ambient empty.
        package var capabilities: [String]
        package var rlimits: [Limit]
        package var noNewPrivileges: Bool
        package var oomScoreAdj: Int?
        package init(
            terminal: Bool, user: User, args: [String], env: [String], cwd: String, capabilities: [String],
            rlimits: [Limit],
            noNewPrivileges: Bool, oomScoreAdj: Int?
        ) {
            self.terminal = terminal
            self.user = user
            self.args = args
            self.env = env
            self.cwd = cwd
            self.capabilities = capabilities
            self.rlimits = rlimits
            self.noNewPrivileges = noNewPrivileges
            self.oomScoreAdj = oomScoreAdj
        }
    }
    package struct Root: Codable, Sendable, Equatable {
        package var path: String
        package var readonly: Bool
        package init(path: String, readonly: Bool) {
            self.path = path
            self.readonly = readonly
        }
    }
    package struct Mount: Codable, Sendable, Equatable {
        package var destination: String
        package var type: String
        package var source: String
        package var options: [String]
        package init(_ destination: String, type: String, source: String, options: [String]) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
        }
    }
    package struct Namespace: Codable, Sendable, Equatable {
        /// pid, network, mount, ipc, uts, cgroup.
        package var type: String
        /// Nil: a new one.
        package var path: String?
        package init(_ type: String, path: String? = nil) {
            self.type = type
            self.path = path
        }
    }
    package struct Device: Codable, Sendable, Equatable {
        package var type: String
        package var path: String
        package var major: UInt32
        package var minor: UInt32
        package var fileMode: UInt32
        package var uid: UInt32
        package var gid: UInt32
        package init(
            type: String, path: String, major: UInt32, minor: UInt32, fileMode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0
        ) {
            self.type = type
            self.path = path
            self.major = major
            self.minor = minor
            self.fileMode = fileMode
            self.uid = uid
            self.gid = gid
        }
    }
    package struct Linux: Codable, Sendable, Equatable {
        package var namespaces: [Namespace]
        package var devices: [Device]
        package var sysctl: [String: String]
        package var maskedPaths: [String]
        package var readonlyPaths: [String]
        package var rootfsPropagation: String
        /// False: no filter (`seccomp: unconfined`, privileged).
        package var usesDefaultSeccomp: Bool
        package init(
            namespaces: [Namespace], devices: [Device], sysctl: [String: String], maskedPaths: [String],
            readonlyPaths: [String], rootfsPropagation: String, usesDefaultSeccomp: Bool
        ) {
            self.namespaces = namespaces
            self.devices = devices
            self.sysctl = sysctl
            self.maskedPaths = maskedPaths
            self.readonlyPaths = readonlyPaths
            self.rootfsPropagation = rootfsPropagation
            self.usesDefaultSeccomp = usesDefaultSeccomp
        }
    }

    package var ociVersion = "1.2.0"
    package var process: Process
    package var root: Root
    package var hostname: String
    package var domainname: String?
    package var mounts: [Mount]
    package var linux: Linux
    package init(process: Process, root: Root, hostname: String, domainname: String?, mounts: [Mount], linux: Linux) {
        self.process = process
        self.root = root
        self.hostname = hostname
        self.domainname = domainname
        self.mounts = mounts
        self.linux = linux
    }
}
