// Everything of a world that can outlive it, counted: mounts, links, namespaces, cgroups, rules, sysctls, processes,
// files.
import Foundation

/// A snapshot of what one world holds in the kernel and in its run directory.
struct LeakScan {
    private var facts: [String: [String]] = [:]

    /// - Parameters:
    ///   - root: the world's directory; it is in the command line of every process of the world.
    ///   - hostProcessID: a process in the network namespace that plays the host.
    init(root: String, hostProcessID: Int32) {
        let namespace = "nsenter --net=/proc/\(hostProcessID)/ns/net"
        facts["mount"] = LeakScan.lines("/proc/self/mountinfo").filter { $0.contains(root) }
        facts["link"] = LeakScan.shell("\(namespace) ip -o link | awk '{print $2}'")
        facts["route"] = LeakScan.shell("\(namespace) ip route")
        facts["rule"] = LeakScan.shell("\(namespace) nft list ruleset")
        facts["sysctl"] = LeakScan.shell(
            "\(namespace) sh -c 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/route_localnet'")
        facts["cgroup"] = LeakScan.cgroups(ofWorldAt: "\(root)/data")
        facts["process"] = LeakScan.processes(of: root).map(LeakScan.describe)
        facts["network namespace"] = LeakScan.networkNamespaces(of: root)
        let run = (FileManager.default.enumerator(atPath: "\(root)/run")?.allObjects as? [String]) ?? []
        facts["run file"] = run.filter { $0 != "agent.lock" && $0 != "c" }.sorted()
    }

    func differences(from before: LeakScan) -> [String] {
        facts.keys.sorted().flatMap { kind -> [String] in
            let was = before.facts[kind] ?? []
            let isNow = facts[kind] ?? []
            let new = isNow.filter { !was.contains($0) }.map { "\(kind): \($0)" }
            return new + was.filter { !isNow.contains($0) }.map { "\(kind) lost: \($0)" }
        }
    }

    /// Processes with the world's directory in their command line or environment, and what runs in their control
    /// groups.
    static func processes(of root: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let inGroups = Set(
            cgroups(ofWorldAt: "\(root)/data").flatMap { lines("\($0)/cgroup.procs").compactMap(Int32.init) })
        return all.compactMap(Int32.init).filter { pid in
            if pid == getpid() { return false }
            if inGroups.contains(pid) { return true }
            let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return command.contains("\(root)/")
                && (command.contains("berth-agent") || command.contains("berth-shim")
                    || command.contains("berth-worker"))
        }
    }

    static func describe(_ pid: Int32) -> String {
        let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        return "\(command.replacingOccurrences(of: "\0", with: " "))"
    }

    private static func networkNamespaces(of root: String) -> [String] {
        Set(
            processes(of: root).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/ns/net")
            }
        )
        .sorted()
    }

    /// Control group directories of the world, in every hierarchy.
    static func cgroups(ofWorldAt dataRoot: String) -> [String] {
        guard let world = worldName(dataRoot) else { return [] }
        return shell("find /sys/fs/cgroup -type d -path '*berth-\(world)*' 2>/dev/null").sorted()
    }

    /// Removes the control groups of a world whose processes are all gone.
    static func removeCgroups(ofWorldAt dataRoot: String) {
        for path in cgroups(ofWorldAt: dataRoot).reversed() { rmdir(path) }
    }

    /// The world id: 8 hex digits of SHA-256 of the real data path.
    static func worldName(_ dataRoot: String) -> String? {
        shell("printf %s '\(dataRoot)' | sha256sum | cut -c1-8").first
    }

    private static func lines(_ path: String) -> [String] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    private static func shell(_ script: String) -> [String] {
        ((try? Shell.run(script))?.stdout ?? "").split(separator: "\n").map(String.init)
    }
}
