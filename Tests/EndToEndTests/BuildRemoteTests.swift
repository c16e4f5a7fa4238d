// What builds fetch from elsewhere: files of the web, and contexts that are one.
import Foundation
import Testing

/// A server inside a world's host: files of a directory, and paths that misbehave.
private final class WebServer {
    let root: String
    let address = "http://127.0.0.1:5980"
    private let program: RunningProgram
    let log: String

    init(_ world: World) throws {
        root = world.root.appendingPathComponent("web").path
        log = world.root.appendingPathComponent("web-requests").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        program = try world.start(program: "/usr/bin/python3", [Fixture.path("web-server"), root, "5980", log])
        guard eventually(20, { FileManager.default.fileExists(atPath: log) }) else {
            throw WorldError("the web server does not start: \(program.stderrSoFar)")
        }
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(name)"))
    }

    func requests() throws -> [String] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    func stop() {
        program.signal(SIGKILL)
        _ = program.wait()
    }
}

private func withServer(_ body: (World, WebServer) throws -> Void) throws {
    try withWorld { world in
        let server = try WebServer(world)
        defer { server.stop() }
        try body(world, server)
    }
}

@Suite("End to end: builds that fetch", .serialized)
struct BuildRemoteTests {
    private let base = "FROM localhost/busybox:1\n"

    @Test("ADD of an address: Docker's name, mode and time; chmod and chown; the same file is a cached step")
    func files() throws {
        try withServer { world, server in
            try world.writeBuildContext()
            try server.write("plain.txt", "plain\n")
            let dockerfile =
                base + """
                    ADD \(server.address)/plain.txt /x/
                    ADD --chmod=755 --chown=5:6 \(server.address)/plain.txt?again /y
                    ADD \(server.address)/to-plain a.txt /both/
                    ADD \(server.address)/named \(server.address)/flaky /named/
                    RUN test "$(stat -c '%a %u %Y' /x/plain.txt)" = "600 0 1445412480" && grep -q plain /x/plain.txt
                    RUN test "$(stat -c '%a %u:%g' /y)" = "755 5:6"
                    RUN grep -q plain /both/to-plain && grep -q alpha /both/a.txt
                    RUN grep -q named '/named/evil*.txt' && grep -q flaky /named/flaky && test ! -e /etc/evil*.txt

                    """
            let first = try world.build(dockerfile)
            #expect(first.status == 0, "\(first)")
            #expect(try server.requests().allSatisfy { $0.hasSuffix(" -") }, "no login goes anywhere")
            let second = try world.build(dockerfile)
            #expect(second.status == 0, "\(second)")
            let steps = BuildCacheTests.steps(second).filter { $0.key.hasPrefix("ADD") || $0.key.hasPrefix("RUN") }
            #expect(steps.count == 8 && steps.values.allSatisfy { $0 == "CACHED" }, "\(steps)")
            try server.write("plain.txt", "changed\n")
            let third = try world.build(
                base + "ADD \(server.address)/plain.txt /x/\nRUN grep -q changed /x/plain.txt\n")
            #expect(third.status == 0, "\(third)")
        }
    }

    @Test("a checksum is held; an archive is unpacked only if it is asked for")
    func content() throws {
        try withServer { world, server in
            try server.write("plain.txt", "plain\n")
            let made = try Shell.run(
                "cd '\(server.root)' && mkdir d && echo in > d/f && tar -czf d.tar.gz d && sha256sum plain.txt")
            let digest = "sha256:\(made.stdout.prefix(64))"
            let right = try world.build(
                base + "ADD --checksum=\(digest) \(server.address)/plain.txt /x\nRUN test -f /x\n")
            #expect(right.status == 0, "\(right)")
            let wanted = "sha256:" + String(repeating: "0", count: 64)
            let wrong = try world.build(base + "ADD --checksum=\(wanted) \(server.address)/plain.txt /x\n")
            #expect(wrong.status == 1, "\(wrong)")
            #expect(wrong.stderr.contains(wanted) && wrong.stderr.contains(digest), "both are named: \(wrong)")
            for line in ["--checksum=sha256:no \(server.address)/plain.txt /x", "--checksum=\(digest) a.txt /x"] {
                let refused = try world.build(base + "ADD \(line)\n")
                #expect(refused.status == 1 && refused.stderr.contains("checksum"), "\(refused)")
            }
            let kept = try world.build(
                base + "ADD \(server.address)/d.tar.gz /k/\nADD --unpack=true \(server.address)/d.tar.gz /u/\n"
                    + "RUN test -f /k/d.tar.gz && grep -q in /u/d/f\n")
            #expect(kept.status == 0, "\(kept)")
            // The same words but for the flag are another step.
            for (flag, path) in [("", "/k/d.tar.gz"), ("--unpack=true ", "/k/d/f"), ("--unpack=false ", "/k/d.tar.gz")]
            {
                let own = try world.build(base + "ADD \(flag)\(server.address)/d.tar.gz /k/\nRUN test -f \(path)\n")
                #expect(own.status == 0, "\(own)")
            }
        }
    }

    @Test("S73: servers that mean harm or fail: one error that names the address, and nothing is left")
    func trouble() throws {
        try withServer { world, server in
            let rows = [
                ("/missing", "404"), ("/busy", "429"), ("/to-file", "file:///etc/passwd"), ("/loop", "redirects"),
                ("/short", "/short"),
            ]
            for (path, words) in rows {
                let built = try world.build(base + "ADD \(server.address)\(path) /x\n")
                #expect(built.status == 1 && built.stderr.contains(words), "\(path): \(built)")
                #expect(built.stderr.contains("127.0.0.1:5980"), "\(path): \(built)")
            }
            let nobody = try world.build(base + "ADD http://127.0.0.1:5981/x /x\n")
            #expect(nobody.status == 1 && nobody.stderr.contains("127.0.0.1:5981"), "\(nobody)")
            let refused = [
                ("http://127.0.0.1:5980/x.git#--upload-pack=touch", "no branch, tag or commit"),
                ("git@127.0.0.1:-oProxyCommand=x", "keys"), ("ssh://-oProxyCommand=x/y", "keys"),
                ("git://127.0.0.1/x#v1:../../..", "leads out"), ("https://-c/x.git", "https://HOST"),
            ]
            for (address, words) in refused {
                let built = try world.build(base + "ADD \(address) /x\n")
                #expect(built.status == 1 && built.stderr.contains(words), "\(address): \(built)")
            }
            #expect(!(try server.requests().contains { $0.contains("x.git") }), "nobody was asked")
            let left = try Shell.run("find '\(world.dataRoot)/ingest' -mindepth 1").stdout
            #expect(left == "", "\(left)")
        }
    }

    @Test("a build that is given up does not wait for a server that stalls", arguments: ["/stall", "/stall.git"])
    func stall(path: String) throws {
        try withServer { world, server in
            try world.write("Dockerfile", base + "ADD \(server.address)\(path) /x\n")
            let build = try world.start(["image", "build", "."])
            #expect(eventually { FileManager.default.fileExists(atPath: server.log + ".stalls") })
            build.signal(SIGINT)
            #expect(build.wait(limit: 30).status != 0)
            #expect(
                eventually(5) {
                    !LeakScan.processes(of: world.root.path).contains {
                        LeakScan.describe($0).contains("berth-worker")
                    }
                }, "a worker is left")
            // Git's own children are named after what they ask.
            #expect(
                try eventually(5) { try Shell.run("ps -eo args | grep -c '[1]27.0.0.1:5980'").stdout == "0\n" },
                "git is left")
        }
    }

    @Test("contexts: a tar of the web or of standard input, with its own ignore file; a Dockerfile alone")
    func contexts() throws {
        try withServer { world, server in
            try world.writeBuildContext()
            let dockerfile =
                base + "COPY . /c/\nRUN grep -q alpha /c/a.txt && test ! -e /c/other.log && test -e /c/kept.log\n"
            try world.write("Dockerfile", dockerfile)
            try world.write("ops/Other", dockerfile + "RUN echo other > /other\n")
            let packed = try Shell.run(
                "cd '\(world.stackDirectory.path)' && tar -czf '\(server.root)/c.tar.gz' --exclude=odd . && tar -cf '\(server.root)/c.tar' ."
            )
            #expect(packed.status == 0, "\(packed)")
            try server.write("Dockerfile", base + "RUN echo alone > /alone\n")
            for (name, arguments) in [("c.tar.gz", []), ("c.tar", ["-f", "ops/Other"]), ("Dockerfile", [])] {
                let built = try world.start(
                    ["image", "build", "--progress", "plain"] + arguments + [
                        "-t", "localhost/r:1", "\(server.address)/\(name)",
                    ]
                ).wait()
                #expect(built.status == 0, "\(name): \(built)")
            }
            for (input, arguments) in [("c.tar.gz", ""), ("c.tar", "-f ops/Other"), ("Dockerfile", "")] {
                let built = try world.onHost(
                    "'\(world.berth)' image build -q \(arguments) -t localhost/s:1 - < '\(server.root)/\(input)'")
                #expect(built.status == 0 && built.stdout.hasPrefix("sha256:"), "\(input): \(built)")
            }
            let missing = try world.onHost("'\(world.berth)' image build -f none - < '\(server.root)/c.tar'")
            #expect(missing.status == 1 && missing.stderr.contains("open none"), "\(missing)")
            let both = try world.onHost("'\(world.berth)' image build -f - - < '\(server.root)/c.tar'")
            #expect(both.status == 1 && both.stderr.contains("standard input"), "\(both)")
            try world.write(
                "compose.yaml", "services: {a: {build: {context: '\(server.address)/c.tar.gz'}, command: cat /c/a.txt}}"
            )
            let stack = try world.run("run", "--rm", "-T", "a")
            #expect(stack.status == 0 && stack.stdout == "alpha\n", "\(stack)")
            let named = try world.build(
                base + "COPY --from=web a.txt /n/\nRUN grep -q alpha /n/a.txt\n",
                ["--build-context", "web=\(server.address)/c.tar.gz"])
            #expect(named.status == 0, "\(named)")
        }
    }

    @Test("S74, S77: a context of a stranger's leads nowhere")
    func hostileContexts() throws {
        try withServer { world, server in
            let word = "canary-\(UUID().uuidString)"
            let canary = "\(world.root.path)/canary"
            try Data("\(word)\n".utf8).write(to: URL(fileURLWithPath: canary))
            let made = try Shell.run(
                """
                set -e; cd '\(server.root)'; mkdir l && ln -s '\(canary)' l/Dockerfile && tar -C l -cf link.tar .
                mkdir m && printf 'FROM localhost/busybox:1\\nCOPY out /x\\n' > m/Dockerfile && ln -s '\(canary)' m/out
                tar -C m -cf out.tar .
                python3 - <<'P'
                import io, tarfile
                with tarfile.open('up.tar', 'w') as out:
                    m = tarfile.TarInfo('../../../../tmp/berth-evil'); m.size = 4
                    out.addfile(m, io.BytesIO(b'evil'))
                P
                """)
            #expect(made.status == 0, "\(made)")
            for name in ["link.tar", "out.tar", "up.tar"] {
                let built = try world.start(["image", "build", "\(server.address)/\(name)"]).wait()
                #expect(built.status == 1 && !built.stderr.contains(word), "\(name): \(built)")
            }
            #expect(!FileManager.default.fileExists(atPath: "/tmp/berth-evil"))
        }
    }

    /// A repository with a branch, a tag, a submodule and what must not be followed; the commit of its head.
    private func repository(_ server: WebServer) throws -> String {
        let made = try Shell.run(
            """
            set -e; cd '\(server.root)'; export HOME='\(server.root)' GIT_CONFIG_NOSYSTEM=1
            git config --global user.name t; git config --global user.email t@example.com
            git config --global init.defaultBranch main; git config --global protocol.file.allow always
            git init -q part; (cd part; echo part > part.txt; git add .; git commit -qm part)
            git init -q app; cd app
            mkdir sub; echo one > a.txt; echo deep > sub/deep.txt; chmod 755 a.txt; ln -s /etc out; ln -s a.txt link
            printf 'FROM localhost/busybox:1\\nCOPY . /c/\\nRUN grep -q one /c/a.txt && test ! -e /c/.git\\n' > Dockerfile
            printf 'FROM localhost/busybox:1\\nCOPY deep.txt /c/\\n' > sub/Dockerfile
            git submodule --quiet add ../part lib; git add .; git commit -qm one; git tag v1
            git checkout -q -b other; echo two > a.txt; git commit -qam two; git checkout -q main
            cd ..; git clone -q --bare app app.git; git clone -q --bare part part; git -C app rev-parse HEAD
            """.replacingOccurrences(of: "git clone -q --bare part part; ", with: ""))
        #expect(made.status == 0, "\(made)")
        return made.lines.last ?? ""
    }

    @Test("ADD of a repository: branch, tag, commit, directory, submodules, history; unchanged it is a cached step")
    func repositories() throws {
        try withServer { world, server in
            let commit = try repository(server)
            let app = "\(server.address)/git/app.git"
            let dockerfile =
                base + """
                    ADD \(app) /head
                    ADD \(app)#other /branch
                    ADD \(app)#v1 /tag
                    ADD \(app)#\(commit) /commit
                    ADD \(app)#main:sub /part
                    ADD --keep-git-dir=true --checksum=\(commit) \(app)#main /whole
                    RUN grep -q one /head/a.txt && test ! -e /head/.git && grep -q part /head/lib/part.txt
                    RUN grep -q two /branch/a.txt && grep -q one /tag/a.txt && grep -q one /commit/a.txt
                    RUN test "$(echo $(ls /part))" = "Dockerfile deep.txt" && test ! -e /part/a.txt
                    RUN test -d /whole/.git && test "$(stat -c '%a %u' /head/a.txt)" = "755 0" && test -L /head/out

                    """
            let first = try world.build(dockerfile)
            #expect(first.status == 0, "\(first)")
            let again = try world.build(base + "ADD \(app)#v1 /tag\nRUN test -e /tag/link\n")
            #expect(again.status == 0, "\(again)")
            let second = try world.build(base + "ADD \(app)#v1 /tag\nRUN test -e /tag/link\n")
            let steps = BuildCacheTests.steps(second).filter { !$0.key.hasPrefix("FROM") && !$0.key.hasPrefix("http") }
            #expect(steps.count == 2 && steps.values.allSatisfy { $0 == "CACHED" }, "\(steps) \(second)")
            let wrong = try world.build(base + "ADD --checksum=\(String(repeating: "0", count: 40)) \(app) /x\n")
            #expect(wrong.status == 1 && wrong.stderr.contains(commit), "\(wrong)")
            let missing = try world.build(base + "ADD \(app)#nowhere /x\n")
            #expect(missing.status == 1 && missing.stderr.contains("does not contain ref nowhere"), "\(missing)")
            let nobody = try world.build(base + "ADD \(server.address)/git/none.git /x\n")
            #expect(nobody.status == 1 && nobody.stderr.contains("none.git"), "\(nobody)")
        }
    }

    @Test("a repository as a context, and what one of a stranger's may not do")
    func repositoryContexts() throws {
        try withServer { world, server in
            _ = try repository(server)
            let app = "\(server.address)/git/app.git"
            for context in [app, "\(app)#v1", "\(app)#main:sub"] {
                let built = try world.start(["image", "build", "-t", "localhost/g:1", context]).wait()
                #expect(built.status == 0, "\(context): \(built)")
            }
            for context in ["\(app)#main:out", "\(app)#main:none"] {
                let built = try world.start(["image", "build", context]).wait()
                #expect(built.status == 1 && built.stderr.contains("no directory"), "\(context): \(built)")
            }
            // Submodules by the file system or by a program: git is not allowed to.
            let canary = "\(world.root.path)/touched"
            for (name, address) in [("file", "file://\(server.root)/part"), ("ext", "ext::touch \(canary)")] {
                let made = try Shell.run(
                    """
                    set -e; cd '\(server.root)'; export HOME='\(server.root)' GIT_CONFIG_NOSYSTEM=1
                    git clone -q app.git \(name); cd \(name); git config -f .gitmodules submodule.lib.url '\(address)'
                    mkdir -p hooks; printf '#!/bin/sh\\ntouch \(canary)\\n' > hooks/post-checkout; chmod 755 hooks/post-checkout
                    git commit -qam evil; cd ..; git clone -q --bare \(name) \(name).git
                    """)
                #expect(made.status == 0, "\(made)")
                let built = try world.start(["image", "build", "\(server.address)/git/\(name).git"]).wait()
                #expect(built.status == 1 && built.stderr.contains("not allowed"), "\(name): \(built)")
                #expect(!FileManager.default.fileExists(atPath: canary))
            }
            let left = try Shell.run("find '\(world.dataRoot)/ingest' -mindepth 1").stdout
            #expect(left == "", "\(left)")
        }
    }
}
