// Looking at this host for `doctor`. Nothing is changed, and what cannot be read stays unknown.
import BerthDoctor
import BerthLinux
import BerthModel

enum HostLook {
    static func facts() -> HostFacts {
        var facts = HostFacts()
        facts.isRoot = Process.effectiveUserID == 0
        facts.kernelRelease = KernelRelease.current
        cgroups(&facts)
        facts.hasSystemd = exists("/run/systemd/system")
        facts.hasBootUnit = BootStart.hasUnit
        facts.nftPath = nft()
        facts.hasSeccomp = exists("/proc/sys/kernel/seccomp/actions_avail")
        facts.hasOverlay = overlay()
        facts.openFilesMax = ResourceLimit.number("nofile").map { ResourceLimit.ownHardLimit($0) }
        space(&facts)
        security(&facts)
        facts.hasUFW = text("/etc/ufw/ufw.conf").contains("\nENABLED=yes")
        facts.hasFirewalld = exists("/run/firewalld") || exists("/run/firewalld.pid")
        let sockets = [
            ("docker", "/run/docker.sock"), ("containerd", "/run/containerd/containerd.sock"),
            ("podman", "/run/podman/podman.sock"),
        ]
        facts.otherEngines = sockets.filter { exists($0.1) }.map(\.0)
        return facts
    }

    private static func exists(_ path: String) -> Bool { (try? FileStatus.of(path)) != nil }
    private static func text(_ path: String) -> String { (try? FileIO.readText(path, limit: 16 << 20)) ?? "" }
    private static func number(_ path: String) -> Int64? { Int64(text(path).filter { $0 != "\n" }) }
    private static func flag(_ path: String) -> Bool? { number(path).map { $0 != 0 } }

    private static func cgroups(_ facts: inout HostFacts) {
        var unified: String?
        var legacy: [String: String] = [:]
        for line in text("/proc/self/mountinfo").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 6, words[4].hasPrefix("/sys/fs/cgroup"), let dash = words.firstIndex(of: "-"),
                dash + 3 < words.count
            else { continue }
            if words[dash + 1] == "cgroup2" { unified = String(words[4]) }
            guard words[dash + 1] == "cgroup" else { continue }
            for name in words[dash + 3].split(separator: ",") { legacy[String(name)] = String(words[4]) }
        }
        let limits = legacy.filter { !$0.key.hasPrefix("name=") && !["rw", "ro"].contains($0.key) }
        guard let unified else {
            facts.cgroups = limits.isEmpty ? .none : .legacy
            return
        }
        if limits.isEmpty {
            facts.cgroups = .pure
            let words = text("\(unified)/cgroup.controllers").split { $0 == " " || $0 == "\n" }
            facts.controllers = Set(words.map(String.init))
            facts.accountsForSwap = anyChild(of: unified, has: "memory.swap.max")
        } else {
            facts.cgroups = .hybrid
            facts.controllers = Set(limits.keys)
            facts.accountsForSwap = limits["memory"].map { exists("\($0)/memory.memsw.limit_in_bytes") }
        }
        facts.hasDevicePrograms = kernelOption("CONFIG_CGROUP_BPF")
    }

    /// The root group has no limits; nil: there is no other to look at.
    private static func anyChild(of group: String, has file: String) -> Bool? {
        let groups = ((try? Directory.names(group)) ?? []).filter { exists("\(group)/\($0)/memory.max") }
        return groups.isEmpty ? nil : groups.contains { exists("\(group)/\($0)/\(file)") }
    }

    /// As the distribution keeps it; nil where it does not.
    private static func kernelOption(_ name: String) -> Bool? {
        let lines = text("/boot/config-\(KernelRelease.current)").split(separator: "\n")
        return lines.isEmpty ? nil : lines.contains("\(name)=y")
    }

    private static func nft() -> String? {
        let places = (EnvironmentVariables.value("PATH") ?? "").split(separator: ":") + ["/usr/sbin", "/sbin"]
        return places.map { "\($0)/nft" }.first(where: exists)
    }

    /// A module that is not loaded yet counts; without a list of modules nothing is known.
    private static func overlay() -> Bool? {
        if text("/proc/filesystems").split(separator: "\n").contains(where: { $0.hasSuffix("\toverlay") }) {
            return true
        }
        let known = ["modules.dep", "modules.builtin"].map { text("/lib/modules/\(KernelRelease.current)/\($0)") }
        return known.allSatisfy(\.isEmpty) ? nil : known.contains { $0.contains("/overlay.ko") }
    }

    private static func space(_ facts: inout HostFacts) {
        // Before the first stack the directory is not there: its place is what counts.
        var path = GlobalOptions.current.dataRoot
        facts.dataDirectory = path
        while !exists(path), let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            path = String(path[..<slash])
        }
        guard let directory = try? Directory.open(path, flags: FileFlags.directory) else { return }
        guard let space = try? FileSystemSpace.of(directory.number) else { return }
        (facts.freeBytes, facts.sizeBytes) = (space.availableBytes, space.sizeBytes)
    }

    private static func security(_ facts: inout HostFacts) {
        facts.userNamespacesMax = number("/proc/sys/user/max_user_namespaces")
        facts.restrictsUserNamespaces = flag("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
        facts.securityModules = text("/sys/kernel/security/lsm").split { $0 == "," || $0 == "\n" }.map(String.init)
        facts.enforcesSELinux = flag("/sys/fs/selinux/enforce")
    }
}
