// A group that the host's service manager has given us. Its processes stand in the way of its controllers.
import BerthLinux

enum CgroupDelegation {
    /// A group whose children have controllers has no processes of its own: those that are in it (the agent itself, its
    /// shims) move into a leaf.
    static func vacate(_ group: String) throws {
        let text = (try? FileIO.readText("\(group)/cgroup.procs")) ?? ""
        let processes = text.split(separator: "\n")
        if processes.isEmpty { return }
        let leaf = "\(group)/agent"
        try Directory.make(leaf, mode: 0o755)
        for process in processes {
            // Ignored: it has ended meanwhile.
            try? FileIO.writeKernel("\(leaf)/cgroup.procs", String(process))
        }
    }
}
