// Namespace types by their OCI names, as the clone flags of this kernel.
import CLinux

package enum NamespaceFlags {
    /// No flag at all: the process is opened by number right after, which only its parent can do without a race.
    package static let pidDescriptorFree: UInt64 = 0
    package static let mount = UInt64(CLONE_NEWNS)
    package static let cgroup = Int32(CLONE_NEWCGROUP)

    package static func flag(_ type: String) -> UInt64 {
        switch type {
        case "user": UInt64(CLONE_NEWUSER)
        case "time": 0x80
        case "pid": UInt64(CLONE_NEWPID)
        case "network": UInt64(CLONE_NEWNET)
        case "mount": UInt64(CLONE_NEWNS)
        case "ipc": UInt64(CLONE_NEWIPC)
        case "uts": UInt64(CLONE_NEWUTS)
        case "cgroup": UInt64(CLONE_NEWCGROUP)
        default: 0
        }
    }

    /// Opens a namespace of a process: `net`, `ipc`, `uts`, `pid`, `cgroup`.
    package static func open(_ processID: Int32, _ type: String) throws(SystemError) -> Descriptor {
        try Directory.open("/proc/\(processID)/ns/\(type == "network" ? "net" : type == "mount" ? "mnt" : type)")
    }
}
