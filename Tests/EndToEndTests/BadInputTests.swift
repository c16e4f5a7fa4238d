// What a user gets wrong: exit code, a message with the place or the object, and nothing half-made left behind.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: bad input", .serialized)
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        var arguments = ["up", "-d"]
        var testDescription: String { name }
    }

    static func service(_ lines: String) -> String {
        "name: bad\nservices:\n  web:\n    image: localhost/busybox:1\n    command: [\"sleep\", \"100\"]\n"
            + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    static let cases: [Case] = [
        Case(name: "syntax error", file: "services:\n  web: [unclosed\n"),
        Case(name: "tab indentation", file: "services:\n\tweb: {}\n"),
        Case(
            name: "unknown key", file: service("prots: [\"80\"]")),
        Case(name: "duplicate key", file: service("init: true\ninit: false")),
        Case(
            name: "neither image nor build", file: "services:\n  web:\n    command: [\"true\"]\n"),
        Case(
            name: "dependency cycle",
            file: """
                services:
                  a: {image: "localhost/busybox:1", depends_on: [b]}
                  b: {image: "localhost/busybox:1", depends_on: [c]}
                  c: {image: "localhost/busybox:1", depends_on: [a]}
                """),
        Case(name: "undefined dependency", file: service("depends_on: [nobody]")),
        Case(
            name: "undefined volume", file: service("volumes: [\"nowhere:/x\"]")),
        Case(name: "undefined network", file: service("networks: [nowhere]")),
        Case(name: "undefined secret", file: service("secrets: [nothing]")),
        Case(
            name: "missing image", file: "services:\n  web: {image: \"localhost/absent:9\"}\n"),
        Case(name: "bad port", file: service("ports: [\"70000:80\"]")),
        Case(
            name: "bad healthcheck", file: service("healthcheck: {test: [\"RUN\", \"x\"]}")),
        Case(name: "bad duration", file: service("stop_grace_period: soon")),
        Case(name: "bad size", file: service("mem_limit: plenty")),
        Case(name: "bad restart policy", file: service("restart: sometimes")),
        Case(name: "missing env_file", file: service("env_file: absent.env")),
        Case(
            name: "required variable", file: service("hostname: \"${NAME:?give it a name}\"")),
        Case(name: "bad interpolation", file: service("hostname: \"${NAME\"")),
        Case(
            name: "unreadable secret", file: service("secrets: [token]") + "secrets:\n  token: {file: ./absent}\n"),
        Case(name: "unknown user", file: service("user: nobody-here")),
        Case(name: "command not found", file: service("entrypoint: [\"no-such-program\"]")),
        Case(name: "unknown capability", file: service("cap_add: [FLYING]")),
        Case(
            name: "network_mode with networks", file: service("network_mode: host\nnetworks: [default]")),
        Case(
            name: "container_name with replicas", file: service("container_name: solo\ndeploy: {replicas: 2}")),
        Case(
            name: "unknown service", file: service(""), arguments: ["up", "-d", "wbe"]),
        Case(
            name: "conflicting flags", file: service(""), arguments: ["up", "--force-recreate", "--no-recreate"]),
        Case(name: "unknown flag", file: service(""), arguments: ["up", "--detatch"]),
        Case(name: "missing file", file: service(""), arguments: ["-f", "absent.yaml", "up"]),
        Case(name: "empty file", file: ""),
        Case(
            name: "hard limit above what the host allows",
            file: service("ulimits: {nofile: {soft: 9000000, hard: 9000000}}")),
        Case(
            name: "a bind that must exist",
            file: service("volumes: [{type: bind, source: ./absent, target: /x, bind: {create_host_path: false}}]")),
    ]

    static let golden = GoldenFile("Fixtures/bad-input/messages.txt")

    /// What is said, without what differs from run to run: directories, ids, seconds.
    static func stable(_ text: String, _ world: World) -> String {
        text.replacingOccurrences(of: world.stackDirectory.path, with: "<stack>")
            .replacingOccurrences(of: world.root.path, with: "<world>")
            .replacingOccurrences(of: "[0-9]+\\.[0-9]s", with: "<seconds>", options: .regularExpression)
            .replacingOccurrences(of: "[0-9a-f]{12,64}", with: "<id>", options: .regularExpression)
    }

    @Test("every message on record belongs to a case")
    func noStrayMessages() throws {
        #expect(Set(try BadInputTests.golden.names()) == Set(BadInputTests.cases.map(\.name)))
    }

    @Test("is refused with its place, and leaves nothing", arguments: cases)
    func refused(_ bad: Case) throws {
        try withWorld { world in
            try world.write("compose.yaml", bad.file)
            let output = try world.start(bad.arguments).wait(limit: 60)
            #expect(output.status != 0 && output.status != -1, "\(output)")
            let said = "exit \(output.status)\n" + BadInputTests.stable(output.stderr + output.stdout, world)
            let difference = try BadInputTests.golden.difference(in: bad.name, from: said)
            #expect(difference == nil)
            #expect(!output.stderr.contains("Fatal error"), "\(output)")
            let running = try world.run("ls", "-q")
            #expect(running.stdout.isEmpty, "\(running)")
        }
    }
}
