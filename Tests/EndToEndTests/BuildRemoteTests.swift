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
        }
    }

    @Test("S73: servers that mean harm or fail: one error that names the address, and nothing is left")
    func trouble() throws {
        try withServer { world, server in
            let rows = [
                ("/missing", "404"), ("/to-file", "file:///etc/passwd"), ("/loop", "redirects"),
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
                "https://127.0.0.1:5980/x.git#--upload-pack=touch", "git@127.0.0.1:-oProxyCommand=x",
                "ssh://-oProxyCommand=x/y", "git://127.0.0.1/x#v1:../../..",
            ]
            for address in refused {
                let built = try world.build(base + "ADD \(address) /x\n")
                #expect(built.status == 1 && built.stderr.contains("git repositories"), "\(address): \(built)")
            }
            let left = try Shell.run("find '\(world.dataRoot)/ingest' -mindepth 1").stdout
            #expect(left == "", "\(left)")
        }
    }

    @Test("a build that is given up does not wait for a server that stalls")
    func stall() throws {
        try withServer { world, server in
            try world.write("Dockerfile", base + "ADD \(server.address)/stall /x\n")
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
            let git = try world.onHost("'\(world.berth)' image build https://127.0.0.1:5980/x.git#--upload-pack=x")
            #expect(git.status == 1 && git.stderr.contains("git repository"), "\(git)")
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
}
