// Rows S01, S02, S13, S14, S30, S31: programs of ours that a container gets to see, and rights that it must not get.
import Foundation
import Testing

@Suite("End to end: attacks on programs beside the main one", .serialized)
struct AttackExecTests {
    private func sums() throws -> String {
        try Shell.run("cd '\(World.programs)' && sha256sum berth berth-agent berth-shim berth-worker berth-oci").stdout
    }

    @Test("S01, S02: whoever hunts for what is started beside it finds its own rights, streams and programs, no more")
    func hunters() throws {
        try withHost { world, canary in
            let before = try sums()
            try world.importTree("self", "printf '#!/proc/self/exe\\n' > evil; chmod 755 evil")
            let programs = try AttackPrograms.directory()
            let text = ["plain: {}", "tracer: {cap_add: [SYS_PTRACE]}"].map { line in
                let name = line.prefix { $0 != ":" }
                return """
                      \(name):
                        image: localhost/self:1
                        init: true
                        stop_grace_period: 0s
                        command: ["sh", "-c", "exec /prog/attacker hunt > /out/\(name)"]
                        volumes: ["\(programs):/prog:ro", "./out:/out"]
                        \(name == "tracer" ? "cap_add: [SYS_PTRACE]" : "cap_add: []")
                    """
            }
            try world.write("compose.yaml", "name: hunt\nservices:\n\(text.joined(separator: "\n"))\n")
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { ["plain", "tracer"].allSatisfy { world.read("out/\($0)").hasPrefix("hunting") } })
            for service in ["plain", "tracer"] {
                for _ in 0..<12 {
                    let exec = try world.run("exec", "-T", "-u", "0", service, "sh", "-c", "exit 7")
                    #expect(exec.status == 7, "\(exec)")
                    // Our own program, started as the interpreter of a script.
                    #expect(try world.run("exec", "-T", service, "/evil").status != 0)
                }
            }
            for (service, allowed) in [("plain", UInt64(0xa804_25fb)), ("tracer", 0xa80c_25fb)] {
                let found = world.read("out/\(service)").split(separator: "\n").map(String.init)
                #expect(!found.contains { $0.hasPrefix("writable") }, "\(found)")
                let held = found.filter { $0.hasPrefix("held ") }
                let ours = held.filter { !$0.hasSuffix("/bin/busybox") && !$0.hasSuffix("/prog/attacker") }
                #expect(!ours.isEmpty && ours.allSatisfy { $0.hasPrefix("held read-only ") }, "\(held)")
                for line in found where line.hasPrefix("permitted ") {
                    let set = UInt64(line.dropFirst(10), radix: 16) ?? .max
                    #expect(set & ~allowed == 0, "\(service) traced a process with more rights: \(line)")
                }
                let links = found.filter { $0.hasPrefix("fd ") }.map { String($0.dropFirst(3)) }
                let own = [
                    "pipe:", "socket:", "/dev/", "/out/", "/proc/", "/evil", "/sys/devices/system/cpu/", "/",
                    "anon_inode:",
                ]
                let strange = links.filter { link in !own.contains { link == $0 || $0 != "/" && link.hasPrefix($0) } }
                #expect(strange.isEmpty, "\(service) saw \(strange)")
            }
            #expect(try world.run("run", "--rm", "-T", "--entrypoint", "/evil", "plain").status != 0)
            #expect(try sums() == before)
        }
    }

    @Test("S13: no set but the three of the policy, whatever berth itself was started with")
    func inheritable() throws {
        try withHost(image: false) { world, _ in
            // The agent is started by this, with everything inheritable.
            let import_ = try world.onHost(
                "exec setpriv --inh-caps +chown,+net_raw,+sys_admin '\(world.berth)' image import '\(try BusyboxImage.path())' localhost/busybox:1"
            )
            #expect(import_.status == 0, "\(import_)")
            let agent = try #require(world.agentProcessID)
            let own = try Shell.run("grep CapInh /proc/\(agent)/status").stdout
            #expect(own != "CapInh:\t0000000000000000\n", "the attack is none")
            let look = "grep -E 'Cap(Inh|Amb)' /proc/self/status"
            try world.write(
                "Dockerfile",
                "FROM localhost/busybox:1\nRUN \(look) > /root-saw\nUSER guest\nRUN \(look) > /tmp/guest-saw\nUSER 0\n")
            #expect(try world.run("image", "build", "-t", "localhost/saw:1", ".").status == 0)
            let probe = "healthcheck: {test: \"\(look) > /out/probe\", interval: 100ms}\nvolumes: [\"./out:/out\"]"
            try Shell.run("mkdir -m 777 '\(world.stackDirectory.path)/out'")
            let none = "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000"
            for user in ["0", "guest"] {
                let up = try world.up(
                    "user: \"\(user)\"\n\(probe)", image: "localhost/saw:1",
                    command: "[\"sh\", \"-c\", \"\(look) > /out/main; exec sleep 100000\"]")
                #expect(up.status == 0, "\(up)")
                #expect(
                    eventually { ["main", "probe"].allSatisfy { world.read("out/\($0)") == none + "\n" } },
                    "\(own): \(world.read("out/main"))")
                for other in ["0", "1000"] {
                    #expect(try world.run("exec", "-T", "-u", other, "a", "sh", "-c", look).stdout == none + "\n")
                }
                #expect(try world.inside("a", "cat /root-saw /tmp/guest-saw") == "\(none)\n\(none)")
                #expect(try world.run("down", "-t", "0").status == 0)
                try Shell.run("rm -f '\(world.stackDirectory.path)'/out/*")
            }
        }
    }

    @Test("S14: a set-user-id program makes root of a user; with no-new-privileges it does not")
    func setUserID() throws {
        try withHost { world, _ in
            let programs = try AttackPrograms.directory()
            try world.importTree("suid", "cp '\(programs)/attacker' who; chown 0:0 who; chmod 4755 who")
            for (option, expected) in [("false", "1000 0"), ("true", "1000 1000")] {
                let up = try world.up(
                    "user: guest\nsecurity_opt: [\"no-new-privileges:\(option)\"]\nvolumes: [\"./out:/out\"]",
                    image: "localhost/suid:1", command: "[\"sh\", \"-c\", \"/who identity; exec sleep 100000\"]")
                #expect(up.status == 0, "\(up)")
                #expect(try world.inside("a", "/who identity") == expected)
                #expect(try eventually { try world.run("logs", "--no-log-prefix", "a").stdout == "\(expected)\n" })
            }
        }
    }

    @Test("S30, S41, S42: no command runs or loads anything of the container's, or of its image")
    func trojans() throws {
        try withHost { world, canary in
            let script =
                "t='#!/bin/busybox sh\\necho trojan >> /out/ran\\necho trojan >> \(canary.directory)/ran\\n'\n"
                + "for p in bin/ps bin/tar bin/xz bin/gzip bin/unpigz bin/env bin/cat bin/id bin/nsenter usr-xz; do rm -f $p; "
                + "printf \"$t\" > $p; chmod 755 $p; done\n"
                + "for l in lib/x86_64-linux-gnu/libnss_files.so.2 lib/x86_64-linux-gnu/libnss_evil.so.2 etc/ld.so.preload; do printf \"$t\" > $l; done\n"
                + "echo 'passwd: evil files' > etc/nsswitch.conf; mkdir -p srv; echo x > srv/x"
            try world.importTree("trojan", script)
            try world.write("in/file", "in\n")
            let up = try world.up(
                "volumes: [\"./out:/out\", \"vol:/srv\"]\nuser: guest\ngroup_add: [extra]", image: "localhost/trojan:1")
            #expect(up.status == 0, "\(up)")
            let archive = world.root.appendingPathComponent("out.tar").path
            for words in [
                ["top"], ["stats", "--no-stream"], ["ps", "-a"], ["logs"], ["port", "a", "80"], ["images"],
                ["cp", "a:/srv/x", "x"], ["cp", "a:/bin", "bins"], ["cp", "in", "a:/srv/in"],
                ["cp", "-a", "a:/etc", "e"],
                ["export", "-o", archive, "a"], ["commit", "a", "localhost/made:1"], ["pause"], ["unpause"],
                ["exec", "-T", "a", "true"], ["exec", "-T", "-u", "extra", "a", "true"], ["volumes"], ["system", "df"],
                ["image", "history", "localhost/trojan:1"],
                ["image", "save", "-o", archive + "2", "localhost/trojan:1"],
                ["image", "inspect", "localhost/trojan:1"], ["restart", "-t", "0"], ["kill"], ["events", "--help"],
            ] {
                let output = try world.start(words).wait(limit: 60)
                #expect(output.status >= 0 && output.status < 120, "\(output)")
                #expect(world.read("out/ran") == "", "a trojan ran: \(words)")
            }
            let packed = try Shell.run("xz -k '\(archive)' && xz -dc '\(archive).xz' | head -c 10 | wc -c")
            #expect(packed.stdout == "10\n", "\(packed)")
            #expect(try world.run("image", "import", "\(archive).xz", "localhost/unpacked:1").status == 0)
        }
    }

    @Test("S31: a number that has become another process's is not what is signalled")
    func reusedNumbers() throws {
        try withHost { world, _ in
            #expect(try world.up("").status == 0)
            let document = try world.run("ps", "-q", "a").stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            let pids = LeakScan.cgroups(ofWorldAt: world.dataRoot).flatMap {
                ((try? String(contentsOfFile: "\($0)/cgroup.procs", encoding: .utf8)) ?? "").split(separator: "\n")
                    .compactMap { Int32($0) }
            }
            let main = try #require(pids.min(), "\(document)")
            let agent = try #require(world.agentProcessID)
            // The agent sleeps through the end of the container and the birth of its number's next owner.
            kill(agent, SIGSTOP)
            kill(main, SIGKILL)
            #expect(eventually { kill(main, 0) != 0 })
            let born = try world.start(
                program: "/usr/bin/python3",
                [Fixture.path("attacks/born-as"), "\(main)", world.root.appendingPathComponent("born").path])
            let mark = world.root.appendingPathComponent("born").path
            #expect(eventually { FileManager.default.fileExists(atPath: mark) }, "\(born.stderrSoFar)")
            kill(agent, SIGCONT)
            for words in [["kill", "a"], ["kill", "-s", "USR1", "a"], ["stop", "-t", "0"], ["rm", "-f", "-s"]] {
                _ = try world.start(words).wait()
            }
            #expect(try world.run("down", "-t", "0").status == 0)
            #expect(try String(contentsOfFile: mark, encoding: .utf8) == "born\n", "it was signalled")
            #expect(kill(main, 0) == 0)
            kill(main, SIGKILL)
            _ = born.wait()
        }
    }
}
