// Rows S22, S23, S29, S32, S34, S35: sockets, secrets, modes and words on the host, and streams that are left hanging.
import Foundation
import Testing

@Suite("End to end: attacks on berth's own", .serialized)
struct AttackHostTests {
    @Test("S22, S23: nothing of berth's listens where a container or a stranger can reach it")
    func sockets() throws {
        try withHost { world, _ in
            let up = try world.up("network_mode: host")
            #expect(up.status == 0, "\(up)")
            let abstract = try world.inside("a", "grep '@' /proc/net/unix | grep -i berth | wc -l")
            #expect(abstract == "0", "\(abstract)")
            let files = try world.inside(
                "a", "find / -xdev -type s 2>/dev/null; ls \(world.runRoot) 2>&1 | grep -c 'No such'")
            #expect(files == "1", "\(files)")
            let listening = try world.onHost("ss -Hltnup | grep -v '127.0.0.11'; true").stdout
            #expect(listening == "", "\(listening)")
            #expect(try world.run("down", "-t", "0").status == 0)

            #expect(try world.up("ports: [\"127.0.0.1:18081:80\"]").status == 0)
            let inside = try world.inside("a", "netstat -ltnu | tail -n +3 | awk '{print $4}' | cut -d: -f1 | sort -u")
            #expect(["", "127.0.0.11"].contains(inside), "only the resolver: \(inside)")
            let ports = try world.onHost("ss -Hltn | awk '{print $4}' | sort -u").stdout
            #expect(ports == "127.0.0.1:18081\n", "\(ports)")
        }
    }

    @Test(
        "S29: a secret is where it is kept and where it is used; no log, event, database, image or other program has it"
    )
    func secrets() throws {
        try withHost { world, _ in
            let word = "secret-\(UUID().uuidString)"
            try world.write("secret.txt", "\(word)\n")
            try world.write(
                "compose.yaml",
                """
                name: secrets
                services:
                  a:
                    image: localhost/busybox:1
                    init: true
                    command: ["sleep", "1000"]
                    stop_grace_period: 0s
                    secrets: [one, two]
                  b: {image: localhost/busybox:1, init: true, command: ["sleep", "1000"], environment: {OWN: b}}
                secrets: {one: {file: ./secret.txt}, two: {environment: SECRET}}
                """)
            let up = try world.run("up", "-d", environment: ["SECRET": word])
            #expect(up.status == 0, "\(up)")
            #expect(try world.inside("a", "cat /run/secrets/one") == word)
            #expect(try world.run("exec", "-T", "-e", "X=\(word)", "a", "sh", "-c", "test -n \"$X\"").status == 0)
            let login = try world.run("login", "-u", "me", "--password-stdin", "127.0.0.1:5", input: word)
            #expect(login.status != 0, "nobody is there: \(login)")
            for service in ["a", "b"] {
                let environment = try world.inside(
                    service, "cat /proc/1/environ /proc/self/environ | grep -c '\(word)'")
                #expect(environment == "0", "\(service)")
            }
            let found = try Shell.run("grep -rlF '\(word)' '\(world.dataRoot)' '\(world.runRoot)' | sort").lines
            let strange = found.filter { !$0.hasPrefix("\(world.dataRoot)/secrets/") && !$0.contains("/material-") }
            #expect(strange.isEmpty, "\(strange)")
            let modes = try Shell.run("find '\(world.dataRoot)/secrets' -type f ! -perm 600").stdout
            #expect(modes == "", "\(modes)")
            #expect(try world.run("events", "--help").status == 0)
            let agent = try #require(world.agentProcessID)
            #expect(try Shell.run("tr '\\0' '\\n' < /proc/\(agent)/environ | grep -c '\(word)'").stdout == "0\n")
            #expect(try world.run("down", "-v", "-t", "0").status == 0)
            #expect(try Shell.run("grep -rlF '\(word)' '\(world.dataRoot)' '\(world.runRoot)'; true").stdout == "")
        }
    }

    @Test("S32: nobody but berth's own user gets below its directories")
    func modes() throws {
        try withHost { world, _ in
            try world.importTree("suid", "cp bin/busybox bin/becomes; chmod 4755 bin/becomes")
            #expect(try world.up("volumes: [\"vol:/v\"]", image: "localhost/suid:1").status == 0)
            let programs = try Shell.run("find '\(world.dataRoot)' -name becomes -perm -4000").lines
            #expect(!programs.isEmpty)
            try Shell.run("chmod 755 '\(world.root.path)'")
            let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups"
            for path in programs + [
                world.dataRoot, world.runRoot, "\(world.dataRoot)/state.db", "\(world.runRoot)/agent.sock",
                "\(world.dataRoot)/volumes",
            ] {
                let tried = try Shell.run(
                    "\(nobody) ls -l '\(path)/.' || \(nobody) cat '\(path)' || \(nobody) '\(path)' true")
                #expect(tried.status != 0 && tried.stdout == "", "\(path): \(tried)")
            }
            let open = try Shell.run(
                "find '\(world.dataRoot)' '\(world.runRoot)' -maxdepth 0 ! -perm 700; find '\(world.dataRoot)' -maxdepth 1 -type f -perm /077; find '\(world.runRoot)' -type s -perm /077"
            ).stdout
            #expect(open == "", "\(open)")
        }
    }

    @Test("S34: words of a container move no cursor and begin no line")
    func escapes() throws {
        try withHost { world, _ in
            try world.write("say", "printf '\\033[2Jx\\r\\000\\342\\200\\250y\\n'; exec sleep 1000")
            let evil = "\\u001b]0;owned\\u0007\\r\\u001b[2J"
            let up = try world.up(
                """
                labels: {evil: "\(evil)"}
                environment: {EVIL: "\(evil)"}
                healthcheck: {test: "printf '\\\\033]0;x\\\\007\\\\r\\\\n'; false", interval: 100ms, retries: 1}
                volumes: ["./say:/say"]
                """, command: "sh /say")
            #expect(up.status == 0, "\(up)")
            #expect(try eventually { try world.run("ps", "-a").stdout.contains("unhealthy") })
            let program = try world.run(
                "exec", "-T", "a", "sh", "-c", "exec sleep 1000 \"$(printf '\\033[31mred\\r')\" & sleep 0")
            #expect(program.status == 0)
            for words in [
                ["ps", "-a"], ["top"], ["images"], ["ls"], ["volumes"], ["stats", "--no-stream"],
                ["ps", "--format", "json"],
            ] {
                let output = try world.start(words).wait()
                let isClean = !(output.stdout + output.stderr).unicodeScalars.contains {
                    $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7f
                }
                #expect(isClean, "\(words): \(output)")
            }
            let failed = try world.run("run", "--rm", "-T", "a", "no\u{1B}[2Jsuch")
            #expect(!failed.stderr.contains("\u{1B}"), "\(failed)")
            let log = try Shell.run("find '\(world.dataRoot)/logs' -type f -exec cat {} +").stdout
            #expect(log.split(separator: "\n").count == 1, "one line of output is one line: \(log)")
        }
    }

    @Test("S35: clients that go away, and programs that nobody reads, leave nothing in the agent or the shim")
    func streams() throws {
        try withHost { world, _ in
            #expect(try world.up("", command: "[\"sh\", \"-c\", \"while sleep 0.05; do echo tick; done\"]").status == 0)
            let agent = try #require(world.agentProcessID)
            let shim = try #require(
                LeakScan.processes(of: world.root.path).first { LeakScan.describe($0).contains("berth-shim") })
            func count() throws -> [String] {
                try [agent, shim].map { try Shell.run("ls /proc/\($0)/fd | wc -l").stdout }
            }
            func disconnect(_ rounds: Int) throws {
                for _ in 0..<rounds {
                    let clients = [
                        try world.start(["attach", "--no-stdin", "a"]),
                        try world.start(["exec", "-T", "a", "sh", "-c", "yes | head -c 100000000"]),
                        try world.start(["exec", "-T", "a", "sleep", "1000"]), try world.start(["logs", "-f"]),
                    ]
                    for (index, client) in clients.enumerated() {
                        _ = index == 0 ? eventually(5) { client.stdoutSoFar.contains("tick") } : true
                        client.signal(SIGKILL)
                        _ = client.wait()
                    }
                }
            }
            try disconnect(1)
            _ = try world.inside("a", "killall sleep yes; true")
            let settled = try count()
            let memory = try Shell.run("awk '/^Pss:/{print $2}' /proc/\(shim)/smaps_rollup").stdout
            try disconnect(4)
            _ = try world.inside("a", "killall yes; true")
            let isBack = try eventually {
                try zip(count(), settled).allSatisfy {
                    Int($0.filter(\.isNumber)) ?? 0 <= Int($1.filter(\.isNumber)) ?? 0
                }
            }
            let now = try count()
            #expect(isBack, "descriptors of agent and shim: \(settled) before, \(now) after")
            let grown = try Shell.run("awk '/^Pss:/{print $2}' /proc/\(shim)/smaps_rollup").stdout
            #expect(
                (Int(grown.filter(\.isNumber)) ?? 0) - (Int(memory.filter(\.isNumber)) ?? 0) < 5000,
                "KiB of the shim: \(memory) \(grown)")
        }
    }
}
