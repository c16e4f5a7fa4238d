// Rows S03–S10: what an image's tree, its volumes and their other users can do to the start of a container.
import Foundation
import Testing

@Suite("End to end: attacks on the start", .serialized)
struct AttackStartTests {
    @Test("S03: no working directory leads out by a descriptor of ours, in run, exec, an image or a build")
    func workingDirectories() throws {
        try withHost { world, canary in
            #expect(try world.up("").status == 0)
            let paths =
                (0...12).map { "/proc/self/fd/\($0)" } + (3...8).map { "/proc/self/fd/\($0)/../../../../.." }
                + ["/proc/1/root", "/proc/self/cwd/../..", "/proc/self/root\(canary.directory)"]
            for path in paths {
                let exec = try world.run("exec", "-T", "-w", path, "a", "cat", ".\(canary.file)", "file")
                #expect(exec.status != 0 && !exec.stdout.contains(HostCanary.word), "\(exec)")
            }
            for path in ["/proc/self/fd/7", "/proc/self/fd/8/../../..", "/proc/1/root"] {
                let run = try world.run("run", "--rm", "-T", "-w", path, "a", "cat", "..\(canary.file)")
                #expect(run.status != 0 && !run.stdout.contains(HostCanary.word), "\(run)")
                let up = try world.up("working_dir: \(path)")
                #expect(up.status == 1, "\(up)")
                try world.importTree("wd", changes: ["WORKDIR \(path)"], "true")
                let image = try world.up("", image: "localhost/wd:1")
                #expect(image.status == 1, "\(image)")
            }
            let built = try world.build("FROM localhost/busybox:1\nWORKDIR /proc/self/fd/7\nRUN cat ..\(canary.file)\n")
            #expect(built.status == 1 && !built.stderr.contains(HostCanary.word), "\(built)")
        }
    }

    @Test("S03: a program is given its three streams and nothing else, as main, beside it, as a probe and in a build")
    func descriptors() throws {
        try withHost { world, _ in
            // The fourth is the listing's own.
            let look = "ls -l /proc/self/fd | grep -c ' -> '"
            try world.write("Dockerfile", "FROM localhost/busybox:1\nRUN \(look) > /saw\n")
            #expect(try world.run("image", "build", "-t", "localhost/saw:1", ".").status == 0)
            let up = try world.up(
                """
                healthcheck: {test: "\(look) > /out/probe", interval: 100ms}
                volumes: ["./out:/out"]
                """, image: "localhost/saw:1", command: "[\"sh\", \"-c\", \"\(look) > /out/main; exec sleep 100000\"]")
            #expect(up.status == 0, "\(up)")
            #expect(eventually { ["main", "probe"].allSatisfy { world.read("out/\($0)") == "3\n" } })
            let seen = try world.inside("a", "\(look); cat /saw; readlink /proc/self/cwd")
            #expect(seen == "3\n3\n/", "\(seen)")
        }
    }

    @Test("S04: masks are not made of what the container has at /dev/null, and nothing is ever written through them")
    func masks() throws {
        try withHost { world, canary in
            try world.importTree("null", "mkdir -p dev; ln -s /proc/sys/kernel/core_pattern dev/null")
            try world.write("dev/x", "")
            try world.write("other/null", "no null device\n")
            let made = try Shell.run(
                "cd '\(world.stackDirectory.path)/dev' && ln -s /proc/sysrq-trigger null && mkdir pts shm && ln -s /proc/keys zero"
            )
            #expect(made.status == 0)
            for volumes in ["[]", "[\"./dev:/dev\"]", "[\"vol:/dev\"]", "[\"./other:/dev\"]"] {
                let up = try world.up("volumes: \(volumes)", image: "localhost/null:1")
                #expect(up.status == 0, "\(up)")
                let seen = try world.inside(
                    "a",
                    "for f in keys timer_list interrupts; do cat /proc/$f | wc -c; done; grep -c ' /proc/keys ' /proc/mounts"
                )
                #expect(seen == "0\n0\n0\n1", "\(volumes): \(seen)")
                #expect(try world.run("down", "-v").status == 0)
            }
            #expect(try canary.changes() == "")
        }
    }

    @Test("S05: the console is the container's own terminal or there is none, whatever the image has in its place")
    func console() throws {
        try withHost { world, canary in
            try world.importTree(
                "console",
                "mkdir -p dev; ln -s /etc/hosts dev/console; ln -s /proc/sysrq-trigger dev/ptmx; ln -s / dev/pts")
            let up = try world.up("tty: true", image: "localhost/console:1")
            #expect(up.status == 0, "\(up)")
            let seen = try world.inside(
                "a",
                "stat -c %t:%T /dev/console; grep ' /dev/console ' /proc/mounts | cut -d' ' -f2-3; test -L /dev/console || echo real"
            )
            #expect(seen == "88:0\n/dev/console devpts\nreal", "\(seen)")
            // A /dev that somebody else may change: no terminal of it is believed.
            try Shell.run(
                "mkdir -p '\(world.stackDirectory.path)/dev/pts' && ln -s '\(canary.file)' '\(world.stackDirectory.path)/dev/pts/ptmx' && mkfifo '\(world.stackDirectory.path)/dev/console'"
            )
            let foreign = try world.up("tty: true\nvolumes: [\"./dev:/dev\"]")
            #expect(foreign.status == 1 && foreign.stderr.contains("terminal"), "\(foreign)")
        }
    }

    @Test("S06: nothing is mounted over /proc, by an image, a stack file, a link, or whoever shares a volume")
    func processFiles() throws {
        try withHost { world, canary in
            try world.importTree("volume", changes: ["VOLUME /proc"], "true")
            #expect(try world.up("", image: "localhost/volume:1").stderr.contains("inside /proc"))
            for lines in [
                "volumes: [\"vol:/proc\"]", "volumes: [\"vol:/proc/self/attr\"]", "volumes: [\"./x:/proc/sys/kernel\"]",
                "tmpfs: [/proc/sys]", "tmpfs: [/proc]", "volumes: [\"vol:/srv/../proc/sys\"]",
                "volumes: [\"vol://proc\"]",
            ] {
                let up = try world.up(lines)
                #expect(up.status == 1 && up.stderr.contains("/proc"), "\(lines): \(up)")
            }
            try world.importTree("links", "rmdir proc; mkdir evil; ln -s evil proc")
            let proc = try world.up("", image: "localhost/links:1")
            #expect(proc.status == 1 && proc.stderr.contains("/proc"), "\(proc)")
            try world.importTree("sys", "rmdir sys; ln -s etc sys")
            #expect(try world.up("", image: "localhost/sys:1").status == 1)
            // A link in a volume, put there by another container, for a mount that lies in the volume.
            try world.write("link/x", "")
            try Shell.run("ln -s /proc '\(world.stackDirectory.path)/link/way'")
            let linked = try world.up("volumes: [\"./link:/shared\", \"vol:/shared/way/sys\"]")
            #expect(linked.status == 1, "\(linked)")
            // Known to be replaced by others, and the host's own whole: as with docker.
            try world.write("cpuinfo", "one\n")
            #expect(
                try world.up(
                    "volumes: [\"./cpuinfo:/proc/cpuinfo\"]\noom_score_adj: 77\nsysctls: {net.core.somaxconn: 99}"
                ).status == 0)
            #expect(
                try world.inside("a", "cat /proc/cpuinfo /proc/1/oom_score_adj /proc/sys/net/core/somaxconn")
                    == "one\n77\n99")
        }
    }

    @Test("S07, S08: a directory and a link that change places while others mount there: only inside, or an error")
    func races() throws {
        try withHost { world, canary in
            let programs = try AttackPrograms.directory()
            try world.write(
                "compose.yaml",
                """
                name: race
                services:
                  swapper:
                    image: localhost/busybox:1
                    init: true
                    command:
                      - sh
                      - -c
                      - mkdir -p /v/d/x /v/part && ln -s \(canary.directory) /v/l && ln -s \(canary.directory) /v/p && touch /v/ready && (/prog/attacker swap /v/d /v/l & /prog/attacker swap /v/part /v/p)
                    volumes: ["vol:/v", "\(programs):/prog:ro"]
                  target:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "ls /v/d/x /part > /dev/null 2>&1; cat /part/file"]
                    profiles: [run]
                    volumes:
                      - vol:/v
                      - wol:/v/d/x/new
                      - {type: volume, source: vol, target: /part, volume: {subpath: part}}
                volumes: {vol: {}, wol: {}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try eventually { try world.inside("swapper", "ls /v/ready") == "/v/ready" })
            var outcomes: Set<Int32> = []
            for _ in 0..<40 {
                let run = try world.run("run", "--rm", "-T", "target")
                outcomes.insert(run.status)
                #expect(!run.stdout.contains(HostCanary.word), "\(run)")
                let mounts = try Shell.run("grep -c '\(world.root.path)' /proc/self/mountinfo").stdout
                #expect(mounts == "0\n", "\(mounts)")
            }
            #expect(!outcomes.contains(0), "there is no file in the part: \(outcomes)")
        }
    }

    @Test("S09, S10: links of the image where we mount, make nodes and bind files: refused, or inside the root alone")
    func links() throws {
        try withHost { world, canary in
            let up = "..\(String(repeating: "/..", count: 12))"
            let trees = [
                ("dev1", "rmdir dev; mkdir -p tmp/x; ln -s tmp/x dev"),
                ("dev2", "rmdir dev; ln -s /proc/1/root/dev dev"),
                ("dev3", "rmdir dev; ln -s \(up)\(canary.directory) dev"),
                ("dev4", "mkdir -p dev; for n in null pts shm mqueue fd; do ln -s \(canary.directory) dev/$n; done"),
                (
                    "etc1",
                    "mkdir -p etc; for f in hosts hostname resolv.conf; do ln -sf \(up)\(canary.file) etc/$f; done"
                ),
                ("etc2", "rm -r etc; ln -s /proc/1/root\(canary.directory) etc"),
                ("etc3", "rm -r etc; ln -s \(up)\(canary.directory)/inner etc"),
                ("run", "ln -s / run; mkdir -p \(String(canary.directory.dropFirst()))"),
            ]
            var started: Set<String> = []
            for (name, script) in trees {
                try world.importTree(name, script)
                try world.write("secret", "a secret\n")
                let up = try world.up(
                    "volumes: [\"vol:/run/deep/er\", \"./secret:/etc/given\"]\nworking_dir: /run/place/here",
                    image: "localhost/\(name):1")
                if up.status == 0 {
                    started.insert(name)
                    #expect(
                        try world.inside("a", "cat /etc/given; test -c /dev/null && echo null").contains("a secret"))
                }
                #expect(try canary.changes() == "", "\(name)")
                #expect(try world.run("down", "-v").status == 0)
            }
            #expect(started.contains("dev4") && started.contains("run"), "\(started)")
            #expect(started.isDisjoint(with: ["dev1", "dev2", "dev3"]), "\(started)")
        }
    }
}
