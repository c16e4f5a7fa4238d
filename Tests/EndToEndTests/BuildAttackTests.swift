// Dockerfiles, contexts and bases that mean harm: nothing of the host is reached, nothing secret stays behind.
import Foundation
import Testing

@Suite("End to end: hostile builds", .serialized)
struct BuildAttackTests {
    /// A file of the host that no build may see, with content that is looked for.
    private func withCanary(_ body: (World, String, String) throws -> Void) throws {
        try withWorld { world in
            try world.writeBuildContext()
            let word = "canary-\(UUID().uuidString)"
            let canary = "\(world.root.path)/canary"
            try Data("\(word)\n".utf8).write(to: URL(fileURLWithPath: canary))
            try body(world, canary, word)
            #expect(try String(contentsOfFile: canary, encoding: .utf8) == "\(word)\n", "the host's file is as it was")
            let found = try Shell.run("grep -rl '\(word)' '\(world.dataRoot)' || true").stdout
            #expect(found == "", "content of the host is in \(found)")
        }
    }

    private let base = "FROM localhost/busybox:1\n"

    @Test("S70: a mount's source that is a link to the host leads into its own tree")
    func mountSources() throws {
        try withCanary { world, canary, word in
            let evil = try world.build(
                base + "RUN ln -s / /link && ln -s \(canary) /file && mkdir -p $(dirname \(canary)) "
                    + "&& echo own > \(canary)\n", tag: "localhost/evil:1")
            #expect(evil.status == 0, "\(evil)")
            let built = try world.build(
                base + """
                    RUN --mount=type=bind,from=localhost/evil:1,source=/link,target=/m test ! -e /m/proc/1
                    RUN --mount=type=bind,from=localhost/evil:1,source=/file,target=/f grep -q own /f
                    RUN --mount=type=bind,from=localhost/evil:1,source=/../../..,target=/m test -L /m/link

                    """)
            #expect(built.status == 0, "\(built)")
            for option in ["propagation=shared", "bind-propagation=rshared", "source=/link,rshared"] {
                let refused = try world.build(base + "RUN --mount=type=bind,target=/m,\(option) true\n")
                #expect(refused.status == 1 && refused.stderr.contains("unexpected key"), "\(option): \(refused)")
            }
        }
    }

    @Test("S71: places of mounts are nothing that a build can turn into something of the host")
    func stubs() throws {
        try withCanary { world, canary, _ in
            let directory = (canary as NSString).deletingLastPathComponent
            let built = try world.build(
                base + """
                    RUN --mount=type=tmpfs,target=/x/y rm -rf /x; rmdir /x/y; mv /x /z; ln -s \(directory) /x; true
                    RUN --mount=type=cache,target=\(directory)/canary/sub true

                    """)
            #expect(built.status == 0, "\(built)")
            let left = try world.build("FROM localhost/built:1\nRUN test ! -e \(directory)/canary\n")
            #expect(left.status == 0, "a place of a mount is in the image: \(left)")
            // A link in the image that leads to nothing in the image: no place, and none is looked for outside of it.
            let dangling = try world.build(
                base + "RUN ln -s \(directory) /way\nRUN --mount=type=tmpfs,target=/way/canary true\n")
            #expect(dangling.status == 1 && !dangling.stderr.contains("internal"), "\(dangling)")
        }
    }

    @Test("S72: what only the operator may allow, no Dockerfile and no directive can")
    func entitlements() throws {
        try withCanary { world, _, _ in
            for line in ["RUN --network=host true", "RUN --security=insecure true"] {
                let refused = try world.build(base + line + "\n")
                #expect(refused.status == 1 && refused.stderr.contains("is not allowed"), "\(line): \(refused)")
            }
            let ports = try world.build(base + "RUN test ! -e /sys/class/net/host0 && ! cat /proc/kcore > /dev/null\n")
            #expect(ports.status == 0, "\(ports)")
            let front = try world.build("# syntax=evil.example/frontend:1\n" + base)
            #expect(front.status == 1 && front.stderr.contains("evil.example/frontend:1"), "\(front)")
        }
    }

    @Test("S74: no path of the context leads out of it, and nothing in it makes a build wait")
    func context() throws {
        try withCanary { world, canary, word in
            let made = try Shell.run(
                """
                set -e; cd '\(world.stackDirectory.path)'
                ln -s '\(canary)' out; ln -s '\((canary as NSString).deletingLastPathComponent)' way
                ln -s /proc/self/root magic
                mkfifo pipe; mkdir odd; mkfifo odd/pipe; ln -s '\(canary)' odd/out
                """)
            #expect(made.status == 0, "\(made)")
            for source in ["out", "way/canary", "magic\(canary)", "../canary", "../../../..\(canary)", "way/*"] {
                let built = try world.build(base + "COPY \(source) /x\nRUN test ! -e /x/canary\n")
                #expect(!built.stderr.contains(word) && !(built.stdout.contains(word)), "\(source): \(built)")
                #expect(built.status == 1, "\(source): \(built)")
            }
            let copied = try world.build(base + "COPY odd /odd\nRUN test -p /odd/pipe && test -L /odd/out\n")
            #expect(copied.status == 0, "links and pipes are copied as what they are: \(copied)")
            let bound = try world.build(
                base + "RUN --mount=target=/c test -L /c/out && ! cat /c/out && ! cat /c/way/canary\n")
            #expect(bound.status == 0, "\(bound)")
            let pipe = try world.build(base + "COPY pipe /p\nRUN test -p /p\n")
            #expect(pipe.status == 0, "\(pipe)")
            // Links of the tree that is written to stay in it, too.
            let target = try world.build(
                base + "RUN ln -s \(canary) /file && ln -s / /up\nCOPY a.txt /file\nCOPY a.txt /up/../../../canary2\n"
                    + "RUN grep -q alpha /canary2\n")
            #expect(target.status == 0, "\(target)")
            let file = try world.build(
                base
                    + "RUN mkdir -p /etc/x && ln -s /../../../../etc /etc/x/y\nCOPY a.txt /etc/x/y/z\n"
                    + "RUN test -f /etc/z\n"
            )
            #expect(file.status == 0, "\(file)")
        }
    }

    @Test("S75: a secret is in no layer, no cache, no log and no history, whatever becomes of the build")
    func secrets() throws {
        try withWorld { world in
            let word = "secret-\(UUID().uuidString)"
            let key = "\(world.root.path)/key"
            try Data("\(word)\n".utf8).write(to: URL(fileURLWithPath: key))
            for last in ["true", "false", "cat /run/secrets/key > /dev/null"] {
                let built = try world.build(
                    base + "RUN --mount=type=secret,id=key --mount=type=secret,id=key,env=KEY,target=/deep/key "
                        + "test -n \"$KEY\" && test -s /run/secrets/key && \(last)\n",
                    ["--secret", "id=key,src=\(key)"])
                #expect(built.status == (last == "false" ? 1 : 0), "\(built)")
                #expect(!built.stderr.contains(word))
            }
            #expect(
                try world.run("image", "save", "-o", "\(world.root.path)/saved.tar", "localhost/built:1").status == 0)
            let found = try Shell.run("grep -rlF '\(word)' '\(world.root.path)' | grep -v /key$ || true").stdout
            #expect(found == "", "the secret is in \(found)")
            let places = try world.build("FROM localhost/built:1\nRUN test ! -e /run/secrets && test ! -e /deep\n")
            #expect(places.status == 0, "\(places)")
        }
    }

    @Test("S76: a cached step is of its own base and settings, and of nobody else's")
    func poisoning() throws {
        try withWorld { world in
            try world.writeBuildContext()
            // Everything that a command can see differs once; the command is the same.
            let look = "RUN { echo $X $PWD; id -u; echo $0; cat /a; } > /tmp/saw\n"
            let settings = [
                "", "ENV X=1\n", "ENV X=2\n", "USER 5\n", "WORKDIR /etc\n", "SHELL [\"/bin/ash\", \"-c\"]\n",
                "ARG X=3\n",
            ]
            var saw: Set<String> = []
            for setting in settings {
                let built = try world.build(
                    base + "COPY a.txt /a\nRUN mkdir -p /tmp && chmod 777 /tmp\n" + setting + look)
                #expect(built.status == 0, "\(built)")
                try world.write("compose.yaml", "services: {a: {image: localhost/built:1, command: [cat, /tmp/saw]}}")
                saw.insert(try world.run("run", "--rm", "-T", "a").stdout)
            }
            #expect(saw.count == settings.count, "\(saw)")
            // What only the image says is the image's own, though no layer differs.
            var ids: Set<String> = []
            for line in ["", "HEALTHCHECK CMD true\n", "HEALTHCHECK NONE\n", "ONBUILD RUN true\n", "ENV A=b\n"] {
                let built = try world.build("FROM scratch\nCOPY a.txt /a\n" + line)
                #expect(built.status == 0, "\(built)")
                ids.insert(try world.inspect("localhost/built:1")["Id"] as? String ?? "none")
            }
            #expect(ids.count == 5, "\(ids)")
            // Bases of the same tree and other settings.
            for value in ["1", "2"] {
                #expect(try world.build(base + "ENV X=\(value)\n", tag: "localhost/base:1").status == 0)
                let built = try world.build(
                    "FROM localhost/base:1\nRUN echo $X > /saw\nRUN test $(cat /saw) = \(value)\n")
                #expect(built.status == 0, "\(built)")
            }
        }
    }

    @Test("S77: archives that are added stay where they are put")
    func archives() throws {
        try withCanary { world, canary, _ in
            let made = try Shell.run(
                """
                set -e; cd '\(world.stackDirectory.path)'
                python3 - <<'P'
                import io, tarfile
                def tar(name, *members):
                    with tarfile.open(name, 'w') as out:
                        for path, kind, link, content in members:
                            m = tarfile.TarInfo(path); m.type = kind; m.linkname = link; m.size = len(content)
                            out.addfile(m, io.BytesIO(content))
                F, L, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
                tar('up.tar', ('../../../../../../tmp/evil', F, '', b'evil'))
                tar('abs.tar', ('\(canary)', F, '', b'evil'))
                tar('link.tar', ('d', L, '/', b''), ('d\(canary)', F, '', b'evil'))
                tar('hard.tar', ('h', H, '\(canary)', b''))
                tar('wh.tar', ('.wh.passwd', F, '', b''))
                P
                head -c 100000000 /dev/zero | gzip > bomb.gz
                """)
            #expect(made.status == 0, "\(made)")
            for name in ["up", "abs", "link", "hard", "wh"] {
                let built = try world.build(base + "ADD \(name).tar /etc/x/\nRUN test -f /etc/passwd\n")
                #expect(built.status == 1 || !built.stderr.contains("ERROR"), "\(name): \(built)")
            }
            #expect(!FileManager.default.fileExists(atPath: "/tmp/evil"))
            let bomb = try world.build(base + "ADD bomb.gz /x\nRUN test $(stat -c %s /x) -lt 1000000\n")
            #expect(bomb.status == 0, "what is no tar is copied as it is: \(bomb)")
        }
    }

    @Test("S78: a command of a build is held as a service is")
    func confinement() throws {
        try withWorld { world in
            let look =
                "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status; cat /proc/self/uid_map; ls /dev; "
                + "cat /proc/sys/kernel/hostname > /dev/null; for f in /proc/kcore /proc/keys /proc/timer_list; "
                + "do wc -c < $f; done; (echo x > /proc/sysrq-trigger) 2>&1; (mount -t tmpfs x /mnt) 2>&1; "
                + "(mknod /sda b 8 0 && cat /sda) 2>&1; unshare -m true 2>&1; echo over"
            try world.write(
                "compose.yaml",
                """
                name: same
                services:
                  a: {image: localhost/busybox:1, command: [sh, -c, "cat /look | sh"], volumes: ["./look:/look"]}

                """
            )
            try world.write("look", look)
            let service = try world.run("run", "--rm", "-T", "a")
            #expect(service.status == 0 && service.stdout.contains("over"), "\(service)")
            let built = try world.build(base + "COPY look /look\nRUN cat /look | sh > /saw; true\nCMD cat /saw\n")
            #expect(built.status == 0, "\(built)")
            try world.write(
                "compose.yaml", "name: same\nservices: {a: {image: localhost/built:1}}\n")
            let step = try world.run("run", "--rm", "-T", "a")
            #expect(step.stdout == service.stdout, "a step sees:\n\(step.stdout)\na service sees:\n\(service.stdout)")
        }
    }

    @Test("Dockerfiles from nowhere: text of any kind is an error or a build, at once, and never the end of a worker")
    func noise() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let names = [
                String(repeating: "FROM ", count: 2000), "FROM ${A:-${A:-${A:-x", "\u{0}\u{1}\u{2}",
                base + "RUN [\"" + String(repeating: "\\\n", count: 5000), base + "COPY [\"a\"",
                base + "ENV " + String(repeating: "${A:-", count: 3000) + String(repeating: "}", count: 3000),
                base + "RUN <<EOF\nnever ends", base + String(repeating: "x", count: 1_100_000),
            ]
            for text in names {
                let built = try world.build(text)
                #expect(
                    built.status == 1 && built.stderr.contains("berth:"),
                    "\(text.prefix(60)): \(built.stderr.suffix(300))")
                #expect(!built.stderr.contains("without a result"), "the worker died: \(text.prefix(60))")
                #expect(built.seconds < 20)
            }
        }
    }
}
