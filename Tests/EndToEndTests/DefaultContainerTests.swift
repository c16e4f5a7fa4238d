// What a container sees when nobody asks for anything: one table, in which each line that is not Docker's says why.
import Foundation
import Testing

@Suite("End to end: the default container", .serialized)
struct DefaultContainerTests {
    private static let look = """
        grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|SigBlk|SigIgn|Umask)' /proc/self/status | tr '\\t' ' ' | sed 's/ *$//'
        echo "identity $(id -u) $(id -g) $(id -G)"; umask; pwd
        env | sed 's/^HOSTNAME=.*/HOSTNAME=*/' | sort | sed 's/^/env /'
        cut -d' ' -f2- /proc/mounts | sed -E 's/(lowerdir|upperdir|workdir|index|xino|uuid|nouserxattr|redirect_dir)[^, ]*,?//g; s/(memory|pids|devices|cpu[a-z]*|freezer|blkio|hugetlb|perf_event|net_[a-z,]*|rdma|misc|systemd|unified)( cgroup2? )/*\\2/; s/,(inode64|size=[0-9]*k,nr_inodes=[0-9]*k)//; s/ 0 0$//' | sed 's/^/mount /' | grep -v '/sys/fs/cgroup/' | sed -E 's#^mount (/etc/[a-z.]+|/look) [a-z0-9]+ (r[ow]),relatime.*#mount \\1 bind \\2,relatime#; s/,$//' | sort
        for f in $(ls -A /dev); do ls -ld /dev/$f | awk '{print "dev", $1, $3, $4, $5, $6}' | sed -E "s/ [A-Z][a-z][a-z].*//; s/ [0-9]+ [A-Z].*//" | sed "s#\\$# $f#"; done
        for l in fd stdin stdout stderr ptmx core; do echo "link $l $(readlink /dev/$l)"; done
        stat -c '%n %a %F' /.dockerenv /etc/hosts /etc/hostname /etc/resolv.conf; readlink /etc/mtab
        for s in net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range; do echo "sysctl $s $(tr '\\t' ' ' < /proc/sys/$s)"; done
        readlink /proc/self/fd/0; for n in pid net mnt ipc uts cgroup user; do echo "$n $(readlink /proc/self/ns/$n)"; done
        """

    @Test("capabilities, identity, environment, mounts, devices, files and sysctls are those of the table")
    func table() throws {
        try withWorld { world in
            try world.write("look", DefaultContainerTests.look)
            try world.write(
                "compose.yaml",
                "name: seen\nservices: {a: {image: localhost/busybox:1, command: [\"sh\", \"/look\"], volumes: [\"./look:/look:ro\"]}}\n"
            )
            let up = try world.run("up", "--no-log-prefix")
            #expect(up.status == 0, "\(up)")
            let own = try world.onHost(
                "for n in pid net mnt ipc uts cgroup user; do echo \"$n $(readlink /proc/self/ns/$n)\"; done"
            ).lines
            let seen = up.stdout.split(separator: "\n").map(String.init).filter { !$0.contains(" exited with ") }
            let lines = seen.map { line in
                guard let kind = line.split(separator: " ").first,
                    own.contains(where: { $0.hasPrefix("\(kind) \(kind):") })
                else { return line }
                return "namespace \(kind) \(own.contains(line) ? "the host's" : "its own")"
            }
            try compareGolden(lines)
        }
    }

    /// Lines of the golden that begin with `#` are reasons; with `?`, what only some kernels have.
    private func compareGolden(_ lines: [String]) throws {
        let golden = try String(contentsOfFile: Fixture.path("default-container"), encoding: .utf8)
        let rows = golden.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
        let wanted = rows.filter { !$0.hasPrefix("? ") }
        let possible = wanted + rows.filter { $0.hasPrefix("? ") }.map { String($0.dropFirst(2)) }
        for line in wanted where !lines.contains(line) { Issue.record("not seen: \(line)") }
        for line in lines where !possible.contains(line) { Issue.record("seen, and not in the table: \(line)") }
    }
}
