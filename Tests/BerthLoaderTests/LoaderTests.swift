// Stack files in memory: what they mean, and what is said about the wrong ones.
import BerthModel
import BerthTesting
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
    func exists(_ path: String) -> Bool { isFile(path) || files.keys.contains { $0.hasPrefix(path + "/") } }
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

    @Test("compose's configuration hash: env files by name, labels of files by content")
    func hashes() {
        let text = """
            name: hs
            services:
              w: {image: x, env_file: a.env}
              v: {image: x, env_file: [{path: a.env, format: raw}]}
              o: {image: x, env_file: [{path: a.env, required: false}]}
              l: {image: x, label_file: a.env}
            """
        let files = ["/tmp/hs/compose.yaml": text, "/tmp/hs/a.env": "A=1\n"]
        let result = Loading.load("", files: files) { $0.workingDirectory = "/tmp/hs" }
        // What `docker compose config --hash '*'` prints for these files in /tmp/hs.
        for (service, digest) in [
            ("w", "798ea24177145a004f72ebe6b30b643aef84afefe7d2b2503e2ff16557b86166"),
            ("v", "798ea24177145a004f72ebe6b30b643aef84afefe7d2b2503e2ff16557b86166"),
            ("o", "d0aba363e2ffa0d73d1492b545f219262357961a8bb92c48e70f23d37818e077"),
            ("l", "626230d3b3e56fa0ba2e9e0c8b26d105db5ff78cab1db73ef8992d03ad2ea9c7"),
        ] { #expect(result.model?.hash(of: service)?.hex == digest, "\(service)") }
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
    /// Typical mistakes, one a file; their messages are in the golden.
    static let cases: [(name: String, text: String)] = [
        ("an unclosed list", "a: ["),
        ("a tab", "services:\n\tweb:"),
        ("an empty second document", "services: {a: {image: x}}\n---\n"),
        ("an empty file", ""),
        ("services as a list", "services: []"),
        ("a misspelt top level", "servces: {}"),
        ("a misspelt key", web("prots: [80]")),
        ("a key of deploy in the service", web("replicas: 2")),
        ("a service's key at the top", "image: app\nservices: {a: {image: x}}"),
        ("a top-level key in a service", web("include: [other.yaml]")),
        ("a port too large", web("ports: [\"99999\"]")),
        ("ranges of different length", web("ports: [\"1-3:1-2\"]")),
        ("an unquoted port pair that is a list", web("ports: 80:80")),
        ("a boolean that is none", web("init: perhaps")),
        ("a bare number for a duration", web("stop_grace_period: 10")),
        ("a duration that is none", web("stop_grace_period: soon")),
        ("a size that is none", web("mem_limit: plenty")),
        ("a check that begins wrong", web("healthcheck: {test: [RUN, x]}")),
        ("a condition that is none", web("depends_on: {db: {condition: ready}}")),
        ("a condition misspelt", web("depends_on: {db: {condition: service_helthy}}")),
        ("a dependency on itself", web("depends_on: [web]")),
        ("a network that is not there", web("networks: [front]\nnetworks: {fronts: {}}")),
        ("a volume that is not there", web("volumes: [\"data:/d\"]")),
        ("a secret that is not there", web("secrets: [nope]")),
        ("network_mode beside networks", web("network_mode: host\n    networks: [default]")),
        ("a host without an address", web("extra_hosts: [\"db\"]")),
        ("one name for two containers", web("container_name: solo\n    scale: 2")),
        ("processors that are none", web("cpus: many")),
        ("limits that differ", web("mem_limit: 10m\n    deploy: {resources: {limits: {memory: 20m}}}")),
        ("quotes that do not match", web("command: \"echo 'open\"")),
        ("a required variable", web("hostname: ${X:?give it}")),
        ("a brace that does not close", web("hostname: \"${X\"")),
        ("a key twice", web("hostname: a\n    hostname: b")),
        ("neither image nor build", "services:\n  web: {command: x}"),
        ("a cycle", "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}"),
        ("a circle of extends", "services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}"),
        ("an extended service that is not there", "services:\n  web: {image: x}\n  a: {extends: wbe}"),
        ("an env file that is not there", "services: {a: {image: x, env_file: gone.env}}"),
        ("a secret without content", "services: {a: {image: x}}\nsecrets: {s: {}}"),
        ("an anchor that is not there", "x-base: &base {image: x}\nservices: {a: *bsae}"),
        ("an unquoted number as a key", "services:\n  1: {image: x}"),
        ("an unquoted date", web("environment: {BUILT: 2024-01-02}")),
        ("a null where a list is", web("ports:")),
        ("an include that is not there", "include: [gone.yaml]\nservices: {a: {image: x}}"),
        ("two mistakes at once", web("prots: [80]\n    restrt: always")),
    ]

    static func web(_ line: String) -> String { "services:\n  web:\n    image: app\n    \(line)\n" }

    @Test("each says where, what was expected and what to do")
    func messages() throws {
        let golden = GoldenFile("Fixtures/mistakes/messages.txt")
        let sections = MistakeTests.cases.map { name, text in
            let result = Loading.load(text)
            #expect(result.stack == nil, "\(name)")
            return (
                name: name, text: result.diagnostics.map { "\($0.severity.rawValue): \($0)" }.joined(separator: "\n")
            )
        }
        for difference in try golden.differences(from: sections) { Issue.record("\(difference)") }
    }

    static let hostCases: [(name: String, text: String)] = [
        ("a restart policy that is none", web("restart: maybe")),
        ("a signal that is none", web("stop_signal: SIGNOPE")),
        ("too little memory", web("mem_limit: 1k")),
        ("a relative target", web("volumes: [\"named:relative\"]\nvolumes: {named: }")),
        ("a volume with one letter", web("volumes: [\"d:/x\"]")),
        ("a network mode that is none", web("network_mode: everywhere")),
        ("a container name that is none", web("container_name: my shop")),
        ("a soft limit above the hard one", web("ulimits: {nofile: {soft: 10, hard: 5}}")),
        ("an image name that is none", "services: {a: {image: \"Upper\"}}"),
        ("steps before the start", web("pre_start: [{command: migrate}]")), ("GPUs", web("gpus: all")),
        (
            "reserved devices",
            web("deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}")
        ),
        ("a device by CDI", web("devices: [\"vendor.example/card=0\"]")),
        ("another runtime", web("runtime: nvidia")), ("a logging driver that is none", web("logging: {driver: paper}")),
        ("an option that its driver has not", web("logging: {driver: syslog, options: {max-size: 1m}}")),
        (
            "a subnet that is none",
            "services: {a: {image: x, networks: [n]}}\nnetworks: {n: {ipam: {config: [{subnet: banana}]}}}"
        ),
    ]

    @Test("what compose would leave to its engine is said by commands that act, and config shows the model")
    func hostMessages() throws {
        let golden = GoldenFile("Fixtures/mistakes/host-messages.txt")
        let sections = MistakeTests.hostCases.map { name, text in
            let result = Loading.load(text)
            #expect(result.stack == nil && result.model != nil, "\(name): \(result.diagnostics)")
            return (
                name: name,
                text: result.hostDiagnostics.map { "\($0.severity.rawValue): \($0)" }.joined(separator: "\n")
            )
        }
        for difference in try golden.differences(from: sections) { Issue.record("\(difference)") }
    }

    @Test("a mistake in a file that came in by another says where it came in")
    func origins() {
        let result = Loading.load(
            """
            include: [inner/more.yaml]
            services:
              web:
                extends: {file: base.yaml, service: base}
            """,
            files: [
                "/home/demo/base.yaml":
                    "services:\n  base:\n    image: x\n    extends: {file: deep.yaml, service: deep}\n    mem_limit: 1xx",
                "/home/demo/deep.yaml": "services:\n  deep: {prots: [80]}",
                "/home/demo/inner/more.yaml": "services: {a: {image: x, colour: red}}",
            ])
        let found = Set(
            result.diagnostics.map { one in
                "\(one.place?.file ?? "") \(one.related.map { "\($0.role) \($0.place)" } ?? "-")"
            })
        #expect(
            found == [
                "inner/more.yaml included compose.yaml:1:11", "base.yaml extended compose.yaml:4:14",
                "deep.yaml extended base.yaml:4:14",
            ], "\(result.diagnostics)")
        #expect(result.diagnostics.allSatisfy { "\($0)".hasSuffix(")") })
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
}
