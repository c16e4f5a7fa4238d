// The same bundles on berth-oci and on Debian's runc: what the program sees is equal.
import BerthLinux
import BerthTesting
import Foundation
import Testing

@Suite("OCI runtime: as runc does", .serialized)
struct ConformanceTests {
    /// Our answer and runc's.
    private func answers(_ bundle: TestBundle) throws -> (ours: Outcome, theirs: Outcome) {
        let runtimes = Runtime.all(in: bundle.directory)
        return (try bundle.run(runtimes[0]), try bundle.run(runtimes[1]))
    }

    @Test("identity, capabilities, limits, environment, names and control groups are equal")
    func process() throws {
        let bundle = try TestBundle(
            "id; env | sort; hostname; pwd; umask; ulimit -n; cat /proc/self/oom_score_adj;"
                + " grep -E 'Cap|NoNew|Seccomp:|Groups' /proc/self/status; ls -ln /dev | grep -v total | cut -c1-50; exit 7"
        )
        try bundle.set("process.user", ["uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27])
        try bundle.set("process.oomScoreAdj", 100)
        try bundle.set("process.cwd", "/made/for/it")
        try bundle.set("process.capabilities.ambient", ["CAP_KILL"])
        try bundle.set("process.capabilities.inheritable", ["CAP_KILL"])
        let (ours, theirs) = try answers(bundle)
        #expect(ours.code == 7 && theirs.code == 7, "\(ours) \(theirs)")
        #expect(Self.withoutTimes(ours.output) == Self.withoutTimes(theirs.output))
        #expect(ours.output.contains("/made/for/it"))
    }

    private static func withoutTimes(_ text: String) -> String {
        text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: "\n")
    }

    @Test("mounts are equal: options, recursive attributes, propagation, copied-up tmpfs")
    func mounts() throws {
        let bundle = try TestBundle("cat /proc/self/mountinfo; ls /etc")
        try bundle.directory.write("bundle/rootfs/etc/kept", "x")
        try Directory.make(bundle.directory.path("source"), mode: 0o755)
        let source = bundle.directory.path("source")
        var mounts = bundle.config["mounts"] as? [[String: Any]] ?? []
        mounts.removeAll { ($0["destination"] as? String ?? "").hasPrefix("/sys") }
        mounts += [
            ["destination": "/data/a", "type": "bind", "source": source, "options": ["rbind", "ro", "nosuid"]],
            ["destination": "/data/b", "type": "bind", "source": source, "options": ["rbind", "rro", "rnoexec"]],
            ["destination": "/data/c", "type": "bind", "source": source, "options": ["bind", "rprivate", "noatime"]],
            ["destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "nodev", "size=1m"]],
        ]
        try bundle.set("mounts", mounts)
        try bundle.set("linux.maskedPaths", ["/proc/keys"])
        let (ours, theirs) = try answers(bundle)
        #expect(ours.code == 0, "\(ours)")
        #expect(ours.output.contains("kept") && theirs.output.contains("kept"))
        #expect(Self.points(ours.output) == Self.points(theirs.output))
    }

    /// Place, options and propagation of every mount, without the numbers of this run.
    private static func points(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.contains(" - ") }.map { line in
            let fields = line.split(separator: " ")
            let master = fields[6].hasPrefix("master") ? "slave" : fields[6].hasPrefix("shared") ? "shared" : "private"
            return "\(fields[4]) \(fields[5]) \(master)"
        }.sorted()
    }

    @Test("a filter's actions and comparisons hold")
    func seccomp() throws {
        let bundle = try TestBundle("umask 077; echo $?; mkdir /tmp/x; echo $?; exit 0")
        try bundle.set("root.readonly", false)
        try bundle.set(
            "linux.seccomp",
            [
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                "syscalls": [["names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13]],
            ])
        let busybox = bundle.directory.path("bundle/rootfs/bin/mkdir")
        try FileManager.default.createSymbolicLink(atPath: busybox, withDestinationPath: "busybox")
        let (ours, theirs) = try answers(bundle)
        #expect(ours == theirs)
        #expect(ours.errors.contains("Permission denied"), "\(ours)")
    }

    @Test("a user namespace maps identities")
    func userNamespace() throws {
        let bundle = try TestBundle("id; cat /proc/self/uid_map; test -w /dev/null && echo null")
        try bundle.set(
            "linux.namespaces", ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"].map { ["type": $0] })
        let map = [["containerID": 0, "hostID": 200_000, "size": 65536]]
        try bundle.set("linux.uidMappings", map)
        try bundle.set("linux.gidMappings", map)
        let (ours, theirs) = try answers(bundle)
        #expect(ours == theirs)
        #expect(ours.output.contains("200000"), "\(ours)")
    }
}
