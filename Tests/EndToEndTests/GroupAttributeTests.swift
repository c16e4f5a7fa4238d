// `cgroup_parent`: where a container's control group is, and what is left of the way to it.
import Foundation
import Testing

@Suite("End to end: parents of control groups", .serialized)
struct GroupAttributeTests {
    /// The hierarchies that a container joins on this host, below which its groups are.
    private static let hierarchies = ["memory", "pids", "devices", "unified", "."].map { "/sys/fs/cgroup/\($0)" }
        .filter { FileManager.default.fileExists(atPath: "\($0)/cgroup.procs") }

    private func groups(_ name: String) throws -> [String] {
        try Shell.run("find \(Self.hierarchies.joined(separator: " ")) -xdev -type d -name '\(name)*' | sort -u").stdout
            .split(separator: "\n").map(String.init)
    }

    @Test("a relative parent is below berth's own group, an absolute one at the root; limits, pause and exec go there")
    func parents() throws {
        let own = "parent-\(UUID().uuidString.prefix(8))"
        defer { for path in (try? groups(own)) ?? [] { rmdir(path) } }
        try withWorld { world in
            // Somebody's own group: it is used, and stays.
            let given = "\(Self.hierarchies[0])/\(own)"
            #expect(mkdir(given, 0o755) == 0)
            try world.write(
                "compose.yaml",
                """
                name: parents
                x-base: &base {image: localhost/busybox:1, command: sleep 100000, init: true, mem_limit: 32m}
                services:
                  near: {<<: *base, cgroup_parent: near/by, mem_reservation: 16m, userns_mode: host}
                  far: {<<: *base, cgroup_parent: /\(own)/made}
                  beside: {<<: *base, cgroup_parent: /\(own)/made}
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0 && !up.stderr.contains("userns_mode"), "\(up)")
            let users = try Shell.run("readlink /proc/self/ns/user").stdout
            #expect(try world.run("exec", "-T", "near", "busybox", "readlink", "/proc/self/ns/user").stdout == users)
            let name = try #require(LeakScan.worldName(world.dataRoot))
            let near = "find /sys/fs/cgroup -path '*berth-\(name)/near/by/*' -name cgroup.procs"
            #expect(try Shell.run(near).stdout != "")
            let low = try Shell.run(
                "cat $(\(near) | xargs -n1 dirname | sed 's|$|/memory.soft_limit_in_bytes|') 2>/dev/null")
            #expect(low.stdout.hasSuffix("\n16777216\n"))
            #expect(try groups("made").count == Self.hierarchies.count)
            let limits = "find \(given)/made -mindepth 2 -name memory.limit_in_bytes -o -mindepth 2 -name memory.max"
            #expect(try Shell.run("cat $(\(limits))").stdout == "33554432\n33554432\n")
            #expect(try world.run("pause", "far").status == 0)
            #expect(try world.run("ps", "--format", "{{.Status}}", "far").stdout.contains("Paused"))
            #expect(try world.run("unpause", "far").status == 0)
            #expect(try world.run("exec", "-T", "far", "true").status == 0)
            #expect(try world.run("top", "far").stdout.contains("sleep 100000"))
            // One of two goes: the way to the other stays.
            #expect(try world.run("rm", "-sf", "far").status == 0)
            #expect(try world.run("exec", "-T", "beside", "true").status == 0)
            // An agent that died knows the group all the same.
            kill(try #require(world.agentProcessID), SIGKILL)
            #expect(try world.run("down", "-t", "0").status == 0)
            #expect(try groups("made") == [])
            #expect(try groups(own) == [given])
        }
    }

    @Test("a parent that is no path is refused by its service's name, and nothing is left")
    func noPath() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: parents
                services:
                  app: {image: localhost/busybox:1, command: sleep 100000, init: true, cgroup_parent: ../../escape}
                """)
            let refused = try world.run("up", "-d")
            #expect(
                refused.status == 1 && refused.stderr.contains("cgroup_parent \"../../escape\" is no path"),
                "\(refused)")
            #expect(try groups("escape") == [])
        }
    }
}
