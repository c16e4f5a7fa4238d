// Rows S15–S17, S24, S27, S36, S46, S47: identities, numbers, options and names that are made to be misread.
import Foundation
import Testing

@Suite("End to end: attacks by words", .serialized)
struct AttackUserTests {
    @Test("S15: a number is a number, in its range, wherever a user is named; nothing that is none becomes root")
    func users() throws {
        try withHost { world, _ in
            let huge = String(repeating: "9", count: 30)
            let wrong = [
                "4294967296", "2147483648", "-1", "1000:", ":1000", "1e3", "0x10", huge, "1000:4294967296", "0:-1",
                "guest:\(huge)",
            ]
            let lines = (wrong + ["0x10"]).map { "\($0.split(separator: ":").first ?? ""):x:0:0::/:" }.joined(
                separator: "\\n")
            try world.importTree(
                "names",
                "printf '\(lines)\\n' >> etc/passwd; printf '4294967296:x:0:\\n\(huge):x:0:\\n-1:x:0:\\n' >> etc/group")
            #expect(try world.up("", image: "localhost/names:1").status == 0)
            for user in wrong where user != "1e3" && user != "0x10" {
                let exec = try world.run("exec", "-T", "--user=\(user)", "a", "id", "-u")
                #expect(exec.status != 0 && exec.stdout != "0\n", "\(exec)")
                let run = try world.run("run", "--rm", "-T", "--user=\(user)", "a", "id", "-u")
                #expect(run.status != 0 && run.stdout != "0\n", "\(run)")
                let built = try world.build("FROM localhost/names:1\nUSER \(user)\nRUN id -u > /u\n")
                #expect(built.status == 1, "\(built)")
                try world.write("f", "x")
                let chown = try world.build(
                    "FROM localhost/names:1\nCOPY --chown=\(user) f /f\nRUN test $(stat -c %u:%g /f) != 0:0\n")
                // Docker reads `1000:` and `:1000` there as one of the two.
                #expect(chown.status == 1 || user.hasPrefix(":") || user.hasSuffix(":"), "\(chown)")
            }
            for user in ["4294967296", "-1"] {
                try world.importTree("user", changes: ["USER \(user)"], "echo '\(user):x:0:0::/:' >> etc/passwd")
                #expect(try world.up("", image: "localhost/user:1").status == 1)
                let probe = try world.up("user: \"\(user)\"")
                #expect(probe.status != 0, "\(probe)")
            }
            #expect(
                try world.run("exec", "-T", "-u", "007", "a", "id", "-u").stdout == "", "the first container is gone")
            #expect(try world.up("user: \"007\"").status == 0)
            #expect(try world.inside("a", "id -u") == "7", "as docker reads it")
        }
    }

    @Test("S16: groups are those of the container's files and words, and never the host's")
    func groups() throws {
        try withHost { world, _ in
            try world.importTree(
                "groups",
                "mkdir -p d; echo x > d/f; chmod 607 d/f; chown 7:0 d/f; echo x > d/r; chmod 640 d/r; chown 7:0 d/r")
            let rows = [
                ("1000:1000", "1000"), ("guest", "1000 2000"), ("1000", "1000 2000"), ("4000", "0"),
                ("4000:4000", "4000"), ("guest:extra", "2000"),
            ]
            for (index, (user, groups)) in rows.enumerated() {
                let run = try world.up("user: \"\(user)\"", image: "localhost/groups:1")
                #expect(run.status == 0, "\(run)")
                #expect(try world.inside("a", "id -G") == groups, "\(user)")
                #expect(
                    try world.inside("a", "grep Groups /proc/1/status | tr '\\t' ' ' | sed 's/Groups: *//; s/ *$//'")
                        == groups)
                if index == 0 { #expect(try world.inside("a", "cat /d/r 2>&1 | grep -c denied; cat /d/f") == "1\nx") }
            }
        }
    }

    @Test("S17: files of accounts that never end, block, or lie elsewhere: an error at once, little memory")
    func accountFiles() throws {
        try withHost { world, canary in
            let trees = [
                ("sparse", "truncate -s 16M etc/group"), ("fifo", "rm etc/passwd; mkfifo etc/passwd"),
                ("zero", "rm etc/group; ln -s /dev/zero etc/group; mknod dev/zero c 1 5"),
                ("root", "rm etc/passwd; ln -s /proc/1/root/etc/passwd etc/passwd"),
                ("up", "rm etc/passwd; ln -s ../../../../../../etc/shadow etc/passwd"),
                ("line", "head -c 3m /dev/zero | tr '\\0' x >> etc/group; echo >> etc/group"),
                ("colons", "yes :::::: | head -c 3m >> etc/passwd"),
            ]
            #expect(try world.up("").status == 0)
            let agent = try #require(world.agentProcessID)
            func peak() throws -> Int {
                Int(
                    try Shell.run("awk '/VmHWM/{print $2}' /proc/\(agent)/status").stdout.trimmingCharacters(
                        in: .newlines)) ?? 0
            }
            for (name, script) in trees { try world.importTree(name, script) }
            let before = try peak()
            for (name, _) in trees {
                let up = try world.up("user: guest", image: "localhost/\(name):1")
                #expect(up.status == (["line", "colons"].contains(name) ? 0 : 1), "\(name): \(up)")
                #expect(!up.stderr.contains("root:") && up.seconds < 30, "\(name): \(up)")
            }
            let growth = try peak() - before
            #expect(growth < 64 << 10, "KiB: \(growth)")
        }
    }

    @Test("S24: very many mounts and a very large environment arrive whole, or are refused in one sentence")
    func sizes() throws {
        try withHost { world, _ in
            try world.write("x", "x\n")
            let mounts = (0..<600).map { "  - ./x:/m/\($0)" }.joined(separator: "\n")
            let variables = (0..<1000).map { "  V\($0): \(String(repeating: "v", count: 1000))" }.joined(
                separator: "\n")
            let up = try world.up("volumes:\n\(mounts)\nenvironment:\n\(variables)")
            #expect(up.status == 0, "\(up)")
            #expect(
                try world.inside("a", "cat /m/* | wc -l; env | grep -c ^V; env | wc -c | cut -c1-3") == "600\n1000\n100"
            )
            let one = try world.up("environment: {V: \(String(repeating: "v", count: 200_000))}")
            #expect(one.status == 1 && one.stderr.contains("rgument list too long"), "\(one.stderr.suffix(300))")
        }
    }

    @Test("S27: limits out of any sense are refused, at once, with their place in the file")
    func limits() throws {
        try withHost { world, _ in
            for line in [
                "cpuset: 0-4294967295", "cpuset: \"0-1-2\"", "cpuset: x", "mem_limit: 1",
                "oom_score_adj: -2000", "oom_score_adj: 1001", "cpus: 1e30", "cpus: -1", "shm_size: -1",
                "ulimits: {nofile: -5}",
                "mem_swappiness: 101", "memswap_limit: 1m\nmem_limit: 32m",
                "cpu_period: 1", "ulimits: {nofile: {soft: 5, hard: 4}}", "mem_reservation: 64m\nmem_limit: 32m",
            ] {
                let up = try world.up(line)
                #expect(up.status != 0 && !up.stderr.contains("internal"), "\(line): \(up)")
                #expect(try world.run("ps", "-q").stdout == "", "\(line) is running")
            }
            #expect(try world.up("pids_limit: -1").status == 0)
        }
    }

    @Test("S36: an option of security that is not known is an error, and a profile that is not there too")
    func options() throws {
        try withHost { world, _ in
            for option in [
                "no-new-privilege", "no-new-privileges:maybe", "seccomp=unconfinedd", "seccomp:./gone.json",
                "apparmor=docker-default",
                "apparmor:mine", "systempaths=none", "seccomp", "Seccomp=unconfined", "", "unconfined",
            ] {
                let up = try world.up("security_opt: [\"\(option)\"]")
                #expect(up.status != 0, "\(option): \(up)")
                #expect(try world.run("ps", "-q").stdout == "", "\(option) is running")
            }
            for (option, filter) in [
                ("seccomp:unconfined", "0"), ("seccomp=builtin", "2"), ("apparmor=unconfined", "2"),
                ("no-new-privileges=false", "2"),
            ] {
                let up = try world.up("security_opt: [\"\(option)\"]")
                #expect(up.status == 0, "\(up)")
                #expect(try world.inside("a", "grep Seccomp: /proc/self/status | cut -f2") == filter, "\(option)")
            }
            #expect(try world.up("privileged: true").status == 0)
            #expect(try world.inside("a", "grep Seccomp: /proc/self/status | cut -f2") == "0")
        }
    }

    @Test("S46: no host file is labelled, whatever a mount asks for")
    func labels() throws {
        try withHost { world, canary in
            let look =
                "getfattr -h -R -d -m - '\(canary.directory)' /etc/passwd 2>/dev/null; ls -Zd '\(canary.directory)' /etc"
            let before = try Shell.run(look).stdout
            let up = try world.up("volumes: [\"\(canary.directory):/a:Z\", \"/etc:/b:ro,z\"]")
            #expect(up.status == 0, "a word for hosts with SELinux: \(up)")
            #expect(try Shell.run(look).stdout == before)
        }
    }

    @Test("S47: names that are paths, too long or no names at all are refused where they stand")
    func names() throws {
        try withHost { world, _ in
            let long = String(repeating: "a", count: 4096)
            for name in ["../../x", "..", ".", "a/b", long, "a\\0b", "\u{202E}cba", "-x", " x", "x y", "a\\nb"] {
                for line in [
                    "container_name: \"\(name)\"", "volumes: [{type: volume, source: \"\(name)\", target: /x}]",
                ] {
                    let up = try world.up(line)
                    #expect(up.status != 0, "\(line.prefix(80)): \(up)")
                }
                if name.contains("\\") { continue }
                for words in [
                    ["volume", "create", name], ["network", "create", name], ["-p", name, "up", "-d"],
                    ["image", "tag", "localhost/busybox:1", name],
                ] {
                    // As a name of an image that one is good.
                    if words[0] == "image" && name == "a/b" { continue }
                    let made = try world.start(words).wait()
                    #expect(made.status != 0, "\(words.joined(separator: " ").prefix(80)): \(made)")
                }
            }
            let listed = try Shell.run(
                "find '\(world.dataRoot)/volumes' -mindepth 1 -maxdepth 1 | wc -l; find '\(world.root.path)' -name x -o -name '*cba'"
            ).stdout
            #expect(listed == "0\n", "\(listed)")
        }
    }
}
