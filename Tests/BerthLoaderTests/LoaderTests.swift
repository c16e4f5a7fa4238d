// Stack files in memory: what they mean, and what is said about the wrong ones.
import BerthModel
import Testing

@testable import BerthLoader

/// Files in memory.
struct MemoryFiles: FileSource {
    var files: [String: String]

    func read(_ path: String) throws -> [UInt8] {
        guard let text = files[path] else { throw BerthError(.notFound, "reading \(path)", cause: "no such file") }
        return Array(text.utf8)
    }
    func isFile(_ path: String) -> Bool { files[path] != nil }
    func readStandardInput() throws -> [UInt8] { try read("-") }
}

enum Loading {
    static func load(
        _ text: String, environment: [String: String] = [:], files: [String: String] = [:],
        _ change: (inout LoadOptions) -> Void = { _ in }
    ) -> LoadResult {
        var options = LoadOptions(workingDirectory: "/home/demo", environment: environment)
        change(&options)
        return StackLoader(files: MemoryFiles(files: files.merging(["/home/demo/compose.yaml": text]) { $1 })).load(
            options)
    }

    static func service(_ text: String, environment: [String: String] = [:]) throws -> Service {
        let result = load("services:\n  web:\n    image: app\n\(text)", environment: environment)
        return try #require(result.stack?.services["web"], "\(result.diagnostics)")
    }
}

@Suite("Loader: meaning")
struct MeaningTests {
    @Test(
        "plain integers read as compose's own library reads them",
        arguments: [
            ("0123", 83), ("0o17", 15), ("0b11", 3), ("1_000", 1000), ("0x1F", 31), ("1e3", 1000), ("089", 89),
            ("-5", -5),
        ] as [(String, Int64)])
    func integers(text: String, value: Int64) { #expect(Scalars.integer(text) == value) }

    @Test("no, on and 12:30 are text", arguments: ["no", "on", "12:30", "abc", ""])
    func notIntegers(text: String) { #expect(Scalars.integer(text) == nil) }

    @Test(
        "ports in short form",
        arguments: [
            ("80", "80:nil:nil"), ("8080:80", "80:8080-8080:nil"), ("127.0.0.1:8080:80", "80:8080-8080:127.0.0.1"),
            ("53:53/udp", "53:53-53:nil"), ("8000-8010:80", "80:8000-8010:nil"), ("127.0.0.1::80", "80:nil:127.0.0.1"),
        ])
    func shortPorts(text: String, expected: String) throws {
        let port = try #require(try Loading.service("    ports: [\"\(text)\"]\n").ports.first)
        let range = port.published.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "nil"
        #expect("\(port.target):\(range):\(port.hostAddress ?? "nil")" == expected)
    }

    @Test("a range of equal length maps one to one")
    func portRange() throws {
        let ports = try Loading.service("    ports: [\"9000-9002:80-82\"]\n").ports
        #expect(ports.map(\.target) == [80, 81, 82] && ports.map { $0.published?.lowerBound } == [9000, 9001, 9002])
    }

    @Test("volumes: named, bind, anonymous, modes")
    func volumes() {
        let result = Loading.load(
            """
            services:
              web: {image: app, volumes: ["data:/d:ro", "./b:/b", "/anon", "~/h:/h"]}
            volumes: {data: }
            """, environment: ["HOME": "/root"])
        let mounts = result.stack?.services["web"]?.mounts ?? []
        #expect(mounts.map(\.target) == ["/d", "/b", "/anon", "/h"])
        #expect(mounts.first?.readOnly == true)
        #expect(mounts[1].kind == .bind(source: "/home/demo/b", createHostPath: true, propagation: nil))
        #expect(mounts[3].kind == .bind(source: "/root/h", createHostPath: true, propagation: nil))
        #expect(result.stack?.volumes["data"]?.name == "demo_data")
    }

    @Test("environment: maps, lists, inheritance, env files under it")
    func environment() throws {
        let result = Loading.load(
            "services: {web: {image: app, env_file: a.env, environment: [A=over, HOST, GONE]}}",
            environment: ["HOST": "h"],
            files: ["/home/demo/a.env": "A=file\nB='two words' # no comment in quotes\nexport C=3 # comment\n"])
        let environment = try #require(result.stack?.services["web"]?.environment, "\(result.diagnostics)")
        #expect(
            environment["A"] == .some("over") && environment["B"] == .some("two words")
                && environment["C"] == .some("3"))
        #expect(environment["HOST"] == .some("h") && environment["GONE"] == .some(nil))
    }

    @Test(
        "interpolation",
        arguments: [
            ("$A", "x"), ("${A}", "x"), ("${B:-d}", "d"), ("${B-d}", "d"), ("${E:-d}", "d"), ("${E-d}", ""),
            ("${A:+r}", "r"),
            ("${B+r}", ""), ("$$A", "$A"), ("${B:-${A}y}", "xy"), ("${A:?must}", "x"), ("a${A}b", "axb"),
        ])
    func interpolation(text: String, expected: String) throws {
        let template = Template(lookup: { ["A": "x", "E": ""][$0] }, unset: { _ in })
        #expect(try template.substitute(text) == expected)
    }

    @Test("a later file overrides: commands are replaced, lists appended, pairs merged, !reset removes")
    func merging() throws {
        let base = """
            services:
              web: {image: app, command: [a, b], environment: {A: "1", B: "1"}, ports: ["80:80"], init: true}
            """
        let over = """
            services:
              web: {command: [c], environment: ["B=2"], ports: ["81:81"], init: !reset null}
            """
        let result = Loading.load(base, files: ["/home/demo/over.yaml": over]) {
            $0.files = ["compose.yaml", "over.yaml"]
        }
        let web = try #require(result.stack?.services["web"], "\(result.diagnostics)")
        #expect(
            web.command == ["c"] && web.environment == ["A": "1", "B": "2"] && web.ports.count == 2 && !web.initProcess)
    }

    @Test("anchors, merge keys, extends, profiles")
    func structure() throws {
        let result = Loading.load(
            """
            x-base: &base {image: app, init: true}
            services:
              a: {<<: *base, tty: true}
              b: {extends: a, image: other}
              c: {<<: *base, profiles: [debug]}
            """)
        let stack = try #require(result.stack, "\(result.diagnostics)")
        #expect(stack.services["a"]?.initProcess == true && stack.services["a"]?.tty == true)
        #expect(stack.services["b"]?.image == "other" && stack.services["b"]?.tty == true)
        #expect(stack.services["c"] == nil && stack.inactiveServices["c"] != nil)
    }

    @Test(
        "command strings split as a shell would, without a shell",
        arguments: [
            ("echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]), ("a; b", ["a"]), ("", []),
            ("x \"\" y", ["x", "", "y"]),
        ] as [(String, [String])])
    func commands(text: String, words: [String]) { #expect(ShellWords.split(text) == words) }

    @Test(
        "durations and sizes",
        arguments: [("1m30s", 90_000), ("500ms", 500), ("1.5s", 1500), ("2h", 7_200_000)] as [(String, Int)])
    func durations(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(
            ByteText.parse("64m") == 64 << 20 && ByteText.parse("1.5gb") == 1_610_612_736 && ByteText.parse("10") == 10)
        #expect(ByteText.parse("lots") == nil && DurationText.parse("10") == nil)
    }

    @Test("the stack's name: flag, variable, file, directory")
    func names() {
        let text = "name: fromfile\nservices: {a: {image: x}}"
        #expect(Loading.load(text).stack?.name == "fromfile")
        #expect(Loading.load(text) { $0.stackName = "flag" }.stack?.name == "flag")
        #expect(Loading.load(text, environment: ["COMPOSE_PROJECT_NAME": "variable"]).stack?.name == "variable")
        #expect(Loading.load("services: {a: {image: x}}").stack?.name == "demo")
    }
}

@Suite("Loader: mistakes")
struct MistakeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var says: String
        init(_ text: String, _ says: String) {
            self.text = text
            self.says = says
        }
        var testDescription: String { says }
    }

    static func web(_ line: String) -> String { "services:\n  web:\n    image: app\n    \(line)\n" }

    static let cases: [Case] = [
        Case("a: [", "compose.yaml:2:1:"),
        Case("services:\n\tweb:", "compose.yaml:2:1: found character that cannot start any token"),
        Case("--- {}\n--- {}", "compose.yaml:2:1: a stack file is one YAML document"),
        Case("", "empty compose file"),
        Case("services: []", "compose.yaml:1:11: services: expected a map, found a list"),
        Case("servces: {}", "did you mean \"services\"?"),
        Case(
            web("prots: [80]"),
            "compose.yaml:4:5: services.web.prots: unknown key \"prots\" in service web; did you mean \"ports\"?"),
        Case(web("ports: [\"99999\"]"), "compose.yaml:4:13: services.web.ports[0]: invalid port \"99999\""),
        Case(web("ports: [\"1-3:1-2\"]"), "the two ranges have different lengths"),
        Case(web("restart: maybe"), "compose.yaml:4:14: services.web.restart: invalid restart policy \"maybe\""),
        Case(web("init: perhaps"), "compose.yaml:4:11: services.web.init: expected true or false, found \"perhaps\""),
        Case(web("stop_signal: SIGNOPE"), "there is no signal \"SIGNOPE\""),
        Case(web("stop_grace_period: 10"), "expected a duration such as 1m30s or 500ms, found \"10\""),
        Case(web("mem_limit: 1k"), "the least memory a container can have is 6 MiB"),
        Case(
            web("healthcheck: {test: [RUN, x]}"),
            "a test is a string, or a list that begins with CMD, CMD-SHELL or NONE"),
        Case(web("depends_on: {db: {condition: ready}}"), "invalid condition \"ready\""),
        Case(web("depends_on: [web]"), "service web depends on itself"),
        Case(web("networks: [front]"), "network \"front\" is not defined"),
        Case(web("volumes: [\"a:relative\"]"), "the target \"relative\" is not an absolute path"),
        Case(web("volumes: [\"d:/x\"]"), "has one letter"),
        Case(web("volumes: [\"/a:/x\", \"/b:/x\"]"), "two mounts have the target /x"),
        Case(web("secrets: [nope]"), "secret \"nope\" is not defined"),
        Case(web("network_mode: host\n    networks: [default]"), "network_mode and networks exclude each other"),
        Case(web("network_mode: everywhere"), "invalid network_mode \"everywhere\""),
        Case(web("extra_hosts: [\"db\"]"), "invalid extra host \"db\""),
        Case(web("container_name: x\n    scale: 2"), "invalid container name \"x\""),
        Case(web("container_name: solo\n    scale: 2"), "container_name and 2 replicas exclude each other"),
        Case(web("cpus: many"), "expected a number, found \"many\""),
        Case(web("ulimits: {nofile: {soft: 10, hard: 5}}"), "the soft limit 10 is above the hard limit 5"),
        Case(web("mem_limit: 10m\n    deploy: {resources: {limits: {memory: 20m}}}"), "and mem_limit says 10485760"),
        Case(web("command: \"echo 'open\""), "the quotes of this command do not match"),
        Case(
            web("hostname: ${X:?give it}"),
            "compose.yaml:4:15: services.web.hostname: required variable X is missing a value: give it"),
        Case(web("hostname: \"${X\""), "invalid interpolation format"),
        Case(
            web("hostname: a\n    hostname: b"), "compose.yaml:5:5: the key \"hostname\" is already given in this map"),
        Case("services:\n  web: {command: x}", "service web has neither an image nor a build context"),
        Case(
            "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}",
            "dependency cycle: a → b → a"),
        Case("services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}", "extends goes in a circle"),
        Case("name: Bad Name\nservices: {a: {image: x}}", "invalid stack name \"Bad Name\""),
        Case("services: {a: {image: \"Upper\"}}", "invalid image name \"Upper\""),
        Case("services: {a: {image: x, env_file: gone.env}}", "env file /home/demo/gone.env not found"),
        Case("services: {a: {image: x}}\nsecrets: {s: {}}", "it has 0 sources and needs exactly one"),
        Case(
            "services: {a: {image: x}}\nnetworks: {n: {ipam: {config: [{subnet: banana}]}}}",
            "\"banana\" is not a subnet"),
        Case("services: {a: *nope}", "unknown alias \"nope\""),
    ]

    @Test("says where, what and often how", arguments: cases)
    func says(_ wrong: Case) {
        let result = Loading.load(wrong.text)
        let text = result.diagnostics.map(\.description).joined(separator: "\n")
        #expect(result.stack == nil)
        #expect(text.contains(wrong.says), "\(text)")
    }

    @Test("a billion laughs is a prompt error")
    func laughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            text += "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
        }
        let result = Loading.load(text)
        #expect(result.diagnostics.contains { $0.message.contains("aliases expand to more than") })
    }

    @Test("mutated documents never trap")
    func mutations() {
        let seed = Array(
            MistakeTests.web("ports: [\"80:80\"]\n    environment: {A: \"${B:-c}\"}\n    depends_on: [x]").utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[at] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = Loading.load(String(decoding: bytes, as: UTF8.self))
        }
    }
}
