// Log drivers beside the container's own file: what daemons receive, and what happens when they are slow or away.
import Foundation
import Testing

@Suite("End to end: log drivers", .serialized)
struct LogDriverTests {
    /// A log daemon: appends what it receives to a file. With `go`, a named pipe, it reads only once that is written to.
    private static let daemon = """
        import os, socket, sys
        kind, place, out, go = sys.argv[1:5]
        if kind == 'udp':
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', int(place)))
        elif kind == 'tcp':
            l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            l.bind(('127.0.0.1', int(place))); l.listen()
        else:
            if os.path.exists(place): os.unlink(place)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(place)
        open(out, 'ab').close()
        if go: open(go).read()
        if kind == 'tcp': s = l.accept()[0]
        with open(out, 'ab', 0) as f:
            while True:
                record = s.recv(1 << 20)
                if not record and kind == 'tcp': break
                f.write(record)
        """

    private func daemon(_ world: World, _ kind: String, _ place: String, _ out: String, go: String = "") throws
        -> RunningProgram
    {
        let path = world.root.appendingPathComponent(out).path
        let program = try world.start(program: "/usr/bin/python3", ["-c", Self.daemon, kind, place, path, go])
        #expect(eventually { FileManager.default.fileExists(atPath: path) }, "the log daemon does not come up")
        return program
    }

    private func end(_ program: RunningProgram) {
        program.signal(SIGKILL)
        _ = program.wait()
    }

    private func received(_ world: World, _ out: String) -> String {
        let data = (try? Data(contentsOf: world.root.appendingPathComponent(out))) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    @Test("syslog: every format over every transport, severities by stream, the tag filled in; logs still shows it")
    func syslog() throws {
        try withWorld { world in
            let daemons = [
                try daemon(world, "udp", "5514", "udp"), try daemon(world, "tcp", "5515", "tcp"),
                try daemon(world, "unixgram", world.root.appendingPathComponent("gram.sock").path, "gram"),
            ]
            defer { daemons.forEach(end) }
            try world.write(
                "compose.yaml",
                """
                name: words
                x-base: &base
                  image: localhost/busybox:1
                  command: ["sh", "-c", "echo out; echo err >&2"]
                services:
                  plain:
                    <<: *base
                    logging:
                      driver: syslog
                      options: {syslog-address: "udp://localhost:5514", tag: "{{.Name}}/{{ .ImageName }}"}
                  old:
                    <<: *base
                    logging:
                      driver: syslog
                      options:
                        syslog-address: unixgram://\(world.root.path)/gram.sock
                        syslog-format: rfc3164
                        syslog-facility: local3
                        tag: old
                  new:
                    <<: *base
                    logging:
                      driver: syslog
                      options: {syslog-address: "tcp://127.0.0.1:5515", syslog-format: rfc5424micro, tag: new}
                """)
            #expect(try world.run("up").status == 0)
            let short = #"[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d"#
            let expected: [(String, String)] = [
                ("udp", #"<30>\#(short) words-plain-1/localhost/busybox:1\[\d+\]: out\n"#),
                ("udp", #"<27>\#(short) words-plain-1/localhost/busybox:1\[\d+\]: err\n"#),
                ("gram", #"<158>\#(short) \S+ old\[\d+\]: out\n"#), ("gram", #"<155>\#(short) \S+ old\[\d+\]: err\n"#),
                ("tcp", #"<30>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[-+]\d\d:\d\d) \S+ new \d+ new - out\n"#),
                ("tcp", #"<27>1 \S+ \S+ new \d+ new - err\n"#),
            ]
            for (out, pattern) in expected {
                let seen = try eventually { received(world, out).contains(try Regex(pattern)) }
                #expect(seen, "\(out): \(received(world, out))")
            }
            #expect(try world.run("logs", "--no-log-prefix", "old").lines.sorted() == ["err", "out"])
        }
    }

    @Test("journald: the native protocol with Docker's fields, labels and variables among them; parts are marked")
    func journal() throws {
        try withWorld(image: false) { world in
            let directory = world.root.appendingPathComponent("journal").path
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let journal = try daemon(world, "unixgram", "\(directory)/socket", "records")
            defer { end(journal) }
            try world.write(
                "compose.yaml",
                """
                name: words
                services:
                  app:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo to the journal >&2; head -c 20000 /dev/zero | tr '\\\\0' x; echo"]
                    labels: {com.example.role: web}
                    environment: {STAGE: test, OTHER: hidden}
                    logging: {driver: journald, options: {labels: "com.example.role,missing", env-regex: "^STA"}}
                """)
            // The agent, and with it the shim, sees our socket where systemd's would be.
            let tar = try BusyboxImage.path()
            let begun = try world.onHost(
                """
                unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/journal \
                && mount --bind \(directory) /run/systemd/journal && exec "$0" image import \(tar) localhost/busybox:1' \
                \(world.berth)
                """)
            #expect(begun.status == 0, "\(begun)")
            #expect(try world.run("up").status == 0)
            let fields = [
                "MESSAGE=to the journal\nPRIORITY=3\n", "CONTAINER_NAME=words-app-1\n", "COM_EXAMPLE_ROLE=web\n",
                "STAGE=test\n", "IMAGE_NAME=localhost/busybox:1\n", "CONTAINER_PARTIAL_MESSAGE=true\n",
                "MESSAGE=\(String(repeating: "x", count: 16384))\n",
                "MESSAGE=\(String(repeating: "x", count: 20000 - 16384))\nPRIORITY=6\nCONTAINER_ID=",
            ]
            for field in fields {
                #expect(eventually { received(world, "records").contains(field) }, "\(field.prefix(60))")
            }
            #expect(!received(world, "records").contains("hidden"))
        }
    }

    @Test("a daemon that is slow holds its container up and nothing else; non-blocking loses lines instead")
    func slow() throws {
        try withWorld { world in
            let go = world.root.appendingPathComponent("go").path
            #expect(mkfifo(go, 0o600) == 0)
            let path = world.root.appendingPathComponent("gram.sock").path
            let slow = try daemon(world, "unixgram", path, "slow", go: go)
            defer { end(slow) }
            try world.write(
                "compose.yaml",
                """
                name: words
                x-base: &base
                  image: localhost/busybox:1
                  command: ["sh", "-c", "yes 0123456789012345678901234567890123456789 | head -c 1500000; touch /done; sleep 100000"]
                  init: true
                services:
                  held:
                    <<: *base
                    logging: {driver: syslog, options: {syslog-address: "unixgram://\(path)", tag: held}}
                  loses:
                    <<: *base
                    logging:
                      driver: syslog
                      options: {syslog-address: "unixgram://\(path)", tag: loses, mode: non-blocking, max-buffer-size: 64k}
                """)
            #expect(try world.run("up", "-d").status == 0)
            let isDone = { (service: String) in
                try world.run("exec", "-T", service, "test", "-e", "/done").status == 0
            }
            #expect(try eventually(20) { try isDone("loses") }, "it waits for the daemon")
            #expect(try !isDone("held"), "its lines went nowhere, and it was not held up")
            // The daemon reads again: nothing of the one that waited is lost.
            try #require(FileHandle(forWritingAtPath: go)).close()
            #expect(try eventually(60) { try isDone("held") })
            let count = { received(world, "slow").split(separator: "\n").filter { $0.contains(" held[") }.count }
            #expect(eventually(20) { count() == 1_500_000 / 41 }, "\(count())")
        }
    }

    @Test("a daemon that dies while it holds a container up lets it go")
    func death() throws {
        try withWorld { world in
            let never = world.root.appendingPathComponent("never").path
            #expect(mkfifo(never, 0o600) == 0)
            let path = world.root.appendingPathComponent("gram.sock").path
            let stuck = try daemon(world, "unixgram", path, "stuck", go: never)
            try world.write(
                "compose.yaml",
                """
                name: words
                services:
                  held:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "yes 0123456789012345678901234567890123456789 | head -c 3000000; touch /done; sleep 100000"]
                    init: true
                    logging: {driver: syslog, options: {syslog-address: "unixgram://\(path)"}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            // The other side is full, and the container waits: its log does not grow.
            let log = { try Shell.run("cat \(world.dataRoot)/logs/*/*-json.log | wc -c").stdout }
            var size = ""
            #expect(
                try eventually(10) {
                    defer { size = (try? log()) ?? "" }; return try size != "0\n" && log() == size
                })
            #expect(try world.run("exec", "-T", "held", "test", "-e", "/done").status != 0)
            end(stuck)
            #expect(try eventually(20) { try world.run("exec", "-T", "held", "test", "-e", "/done").status == 0 })
        }
    }

    @Test("without the daemon a container does not start; one that goes away later takes nothing with it")
    func away() throws {
        try withWorld { world in
            let path = world.root.appendingPathComponent("gram.sock").path
            try world.write(
                "compose.yaml",
                """
                name: words
                services:
                  app:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "i=0; while :; do echo line $$i; i=$$((i+1)); sleep 0.05; done"]
                    init: true
                    logging: {driver: syslog, options: {syslog-address: "unixgram://\(path)"}}
                """)
            let refused = try world.run("up", "-d")
            #expect(refused.status == 1, "\(refused)")
            #expect(refused.stderr.contains("connecting to the log daemon at \(path)"), "\(refused)")
            let first = try daemon(world, "unixgram", path, "first")
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { received(world, "first").contains(": line 3\n") })
            end(first)
            let second = try daemon(world, "unixgram", path, "second")
            defer { end(second) }
            #expect(eventually(10) { received(world, "second").contains(": line ") }, "it is not connected anew")
            #expect(try world.run("ps", "--format", "{{.Status}}").stdout.hasPrefix("Up"))
        }
    }

    @Test(
        "json-file marks its lines with labels, variables and the tag; a mistake in the options is said with its place")
    func marks() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: words
                services:
                  app:
                    image: localhost/busybox:1
                    command: ["echo", "hello"]
                    labels: {role: "<web>"}
                    environment: {STAGE: test}
                    logging: {options: {labels: role, env: STAGE, tag: "{{.Name}}"}}
                """)
            #expect(try world.run("up").status == 0)
            let line = try Shell.run("cat \(world.dataRoot)/logs/*/*-json.log").stdout
            #expect(
                line.hasPrefix(
                    #"{"log":"hello\n","stream":"stdout","attrs":{"STAGE":"test","role":"\u003cweb\u003e","#
                        + #""tag":"words-app-1"},"time":""#), "\(line)")
            #expect(try world.run("logs", "--no-log-prefix").stdout == "hello\n")
            let mistakes = [
                ("driver: gelfish", "there is no logging driver \"gelfish\""),
                ("driver: syslog, options: {syslog-adress: x}", "has no option \"syslog-adress\""),
                ("driver: syslog, options: {syslog-address: nowhere}", "does not say how it is reached"),
                ("driver: syslog, options: {syslog-facility: moon}", "invalid syslog facility \"moon\""),
                ("options: {max-size: much}", "\"much\" is no size"),
            ]
            for (logging, words) in mistakes {
                try world.write(
                    "compose.yaml", "services: {app: {image: localhost/busybox:1, logging: {\(logging)}}}")
                let refused = try world.run("up", "-d")
                #expect(refused.status == 1 && refused.stderr.contains(words), "\(refused)")
                #expect(refused.stderr.contains("compose.yaml:1:"), "\(refused)")
            }
        }
    }
}
