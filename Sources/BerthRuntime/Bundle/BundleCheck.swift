// What a bundle may not ask for, said in one sentence before anything is made; and how launches fail, in runc's words.
import BerthLinux
import BerthModel

enum BundleCheck {
    static func check(_ spec: BundleSpec, hasTerminal: Bool) throws {
        guard let process = spec.process, !(process.args ?? []).isEmpty else {
            throw BundleRefusal.error("process.args", "must not be empty")
        }
        guard let root = spec.root, !root.path.isEmpty else {
            throw BundleRefusal.error("root.path", "must not be empty")
        }
        guard (process.cwd ?? "/").hasPrefix("/") else {
            throw BundleRefusal.error("process.cwd", "must be an absolute path")
        }
        guard spec.makesNamespace("mount") else {
            throw BundleRefusal.error("linux.namespaces", "a new mount namespace is needed")
        }
        if (process.terminal ?? false) && !hasTerminal {
            throw BundleRefusal.error(
                "cannot allocate tty if runc will detach without setting console socket", "use --console-socket")
        }
        if !(process.terminal ?? false) && hasTerminal {
            throw BundleRefusal.error("cannot use console socket if runc will not detach or allocate tty", "")
        }
        if spec.hostname.map({ !$0.isEmpty }) ?? false && !spec.hasNamespace("uts") {
            throw BundleRefusal.error("hostname", "unable to set hostname without a private UTS namespace")
        }
        try names(spec)
        let wish = spec.linux?.rootfsPropagation ?? ""
        if !wish.isEmpty && BundleMountOptions.propagation[wish] == nil
            && (!wish.hasPrefix("r") || BundleMountOptions.propagation[String(wish.dropFirst())] == nil)
        {
            throw BundleRefusal.error("rootfsPropagation", "unknown propagation \(wish)")
        }
        if let policy = process.scheduler?.policy, !policy.isEmpty, policy != "SCHED_OTHER" {
            throw BundleRefusal.error("scheduler \(policy)", "scheduling policies are not supported")
        }
        if let label = process.selinuxLabel, !label.isEmpty {
            throw BundleRefusal.error("selinuxLabel", "selinux label is specified but selinux is not supported")
        }
        if let profile = process.apparmorProfile, !profile.isEmpty, profile != "unconfined" {
            throw BundleRefusal.error("apparmorProfile", "apparmor profiles are not supported")
        }
        for mount in spec.mounts ?? [] where !mount.destination.hasPrefix("/") {
            throw BundleRefusal.error("mount \(mount.destination)", "destination must be an absolute path")
        }
        for mount in spec.mounts ?? [] where ProcessFiles.isInside(mount.destination) {
            let isWhole = mount.destination == "/proc" && (mount.type == "proc" || mount.source == "/proc")
            guard isWhole || ProcessFiles.mayBeCovered(mount.destination) else {
                throw BundleRefusal.error(
                    "mount \(mount.destination)", "cannot be mounted because it is inside /proc")
            }
        }
    }

    private static func names(_ spec: BundleSpec) throws {
        let known: Set<String> = ["pid", "network", "mount", "ipc", "uts", "cgroup", "user", "time"]
        var seen: Set<String> = []
        for namespace in spec.linux?.namespaces ?? [] {
            guard known.contains(namespace.type) else {
                throw BundleRefusal.error("namespace \(namespace.type)", "does not exist")
            }
            guard seen.insert(namespace.type).inserted else {
                throw BundleRefusal.error("namespace \(namespace.type)", "is there twice")
            }
        }
        for name in (spec.linux?.sysctl ?? [:]).keys {
            let plain = name.split(separator: "/").joined(separator: ".")
            let uts = ["kernel.domainname", "kernel.hostname"].contains(plain) && spec.hasNamespace("uts")
            let isOwn = SysctlRules.isAllowed(
                plain, ownsNetwork: spec.hasNamespace("network"), ownsIPC: spec.hasNamespace("ipc"))
            guard uts || isOwn else {
                throw BundleRefusal.error("sysctl \"\(name)\"", "is not in a separate kernel namespace")
            }
        }
        if spec.makesNamespace("user") && (spec.linux?.uidMappings ?? []).isEmpty {
            throw BundleRefusal.error("linux.uidMappings", "a user namespace needs mappings")
        }
    }
}

package enum BundleFailure {
    /// podman and containerd read the ends of these texts.
    package static func error(_ failure: LaunchFailure) -> BerthError {
        let prefix = "unable to start container process: "
        let reason = SystemError(call: "", errno: failure.errno).reason
        if failure.stage.hasPrefix("exec: ") {
            let name = failure.stage.dropFirst(6)
            let bare = name.dropFirst().dropLast()
            let why: String
            switch failure.errno {
            case 2:
                why =
                    bare.contains("/")
                    ? "stat \(bare): no such file or directory" : "executable file not found in $PATH"
            default: why = reason
            }
            return BerthError(.invalid, "\(prefix)exec: \(name)", cause: why)
        }
        return BerthError(.invalid, prefix + failure.stage, cause: failure.errno == 0 ? nil : reason)
    }
}
