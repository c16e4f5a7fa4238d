// What a user gets wrong: exit code, a message with the place or the object, and nothing half-made left behind.
import Foundation
import Testing

@Suite("End to end: bad input", .serialized)
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        var arguments = ["up", "-d"]
        /// Every fragment is in what berth says.
        let says: [String]
        var testDescription: String { name }
    }

    static func service(_ lines: String) -> String {
        "name: bad\nservices:\n  web:\n    image: localhost/busybox:1\n    command: [\"sleep\", \"100\"]\n"
            + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    static let cases: [Case] = [
        Case(name: "syntax error", file: "services:\n  web: [unclosed\n", says: ["compose.yaml:"]),
        Case(name: "tab indentation", file: "services:\n\tweb: {}\n", says: ["compose.yaml:2:"]),
        Case(
            name: "unknown key", file: service("prots: [\"80\"]"),
            says: ["compose.yaml:6:5", "services.web", "prots", "did you mean", "ports"]),
        Case(name: "duplicate key", file: service("init: true\ninit: false"), says: ["compose.yaml:7:", "init"]),
        Case(
            name: "neither image nor build", file: "services:\n  web:\n    command: [\"true\"]\n",
            says: ["compose.yaml:3:", "web", "image"]),
        Case(
            name: "dependency cycle",
            file: """
                services:
                  a: {image: "localhost/busybox:1", depends_on: [b]}
                  b: {image: "localhost/busybox:1", depends_on: [c]}
                  c: {image: "localhost/busybox:1", depends_on: [a]}
                """, says: ["compose.yaml:", "a", "b", "c", "cycle"]),
        Case(name: "undefined dependency", file: service("depends_on: [nobody]"), says: ["compose.yaml:6:", "nobody"]),
        Case(
            name: "undefined volume", file: service("volumes: [\"nowhere:/x\"]"), says: ["compose.yaml:6:", "nowhere"]),
        Case(name: "undefined network", file: service("networks: [nowhere]"), says: ["compose.yaml:6:", "nowhere"]),
        Case(name: "undefined secret", file: service("secrets: [nothing]"), says: ["compose.yaml:6:", "nothing"]),
        Case(
            name: "missing image", file: "services:\n  web: {image: \"localhost/absent:9\"}\n",
            says: ["localhost/absent:9"]),
        Case(name: "bad port", file: service("ports: [\"70000:80\"]"), says: ["compose.yaml:6:", "70000"]),
        Case(
            name: "bad healthcheck", file: service("healthcheck: {test: [\"RUN\", \"x\"]}"),
            says: ["compose.yaml:6:", "CMD"]),
        Case(name: "bad duration", file: service("stop_grace_period: soon"), says: ["compose.yaml:6:", "soon"]),
        Case(name: "bad size", file: service("mem_limit: plenty"), says: ["compose.yaml:6:", "plenty"]),
        Case(name: "bad restart policy", file: service("restart: sometimes"), says: ["compose.yaml:6:", "sometimes"]),
        Case(name: "missing env_file", file: service("env_file: absent.env"), says: ["absent.env"]),
        Case(
            name: "required variable", file: service("hostname: \"${NAME:?give it a name}\""),
            says: ["compose.yaml:6:", "NAME", "give it a name"]),
        Case(name: "bad interpolation", file: service("hostname: \"${NAME\""), says: ["compose.yaml:6:"]),
        Case(
            name: "unreadable secret", file: service("secrets: [token]") + "secrets:\n  token: {file: ./absent}\n",
            says: ["absent"]),
        Case(name: "unknown user", file: service("user: nobody-here"), says: ["nobody-here", "passwd"]),
        Case(name: "command not found", file: service("entrypoint: [\"no-such-program\"]"), says: ["no-such-program"]),
        Case(name: "unknown capability", file: service("cap_add: [FLYING]"), says: ["FLYING"]),
        Case(
            name: "network_mode with networks", file: service("network_mode: host\nnetworks: [default]"),
            says: ["compose.yaml:", "network_mode"]),
        Case(
            name: "container_name with replicas", file: service("container_name: solo\ndeploy: {replicas: 2}"),
            says: ["compose.yaml:", "container_name"]),
        Case(
            name: "unknown service", file: service(""), arguments: ["up", "-d", "wbe"], says: ["no such service: wbe"]),
        Case(
            name: "conflicting flags", file: service(""), arguments: ["up", "--force-recreate", "--no-recreate"],
            says: ["--force-recreate", "--no-recreate"]),
        Case(name: "unknown flag", file: service(""), arguments: ["up", "--detatch"], says: ["--detatch"]),
        Case(name: "missing file", file: service(""), arguments: ["-f", "absent.yaml", "up"], says: ["absent.yaml"]),
        Case(name: "empty file", file: "", says: ["compose.yaml"]),
        Case(
            name: "hard limit above what the host allows",
            file: service("ulimits: {nofile: {soft: 9000000, hard: 9000000}}"), says: ["nofile"]),
        Case(
            name: "a bind that must exist",
            file: service("volumes: [{type: bind, source: ./absent, target: /x, bind: {create_host_path: false}}]"),
            says: ["absent"]),
    ]

    @Test("is refused with its place, and leaves nothing", arguments: cases)
    func refused(_ bad: Case) throws {
        try withWorld { world in
            try world.write("compose.yaml", bad.file)
            let output = try world.start(bad.arguments).wait(limit: 60)
            #expect(output.status != 0 && output.status != -1, "\(output)")
            for fragment in bad.says {
                #expect((output.stderr + output.stdout).contains(fragment), "\"\(fragment)\" is missing: \(output)")
            }
            #expect(!output.stderr.contains("Fatal error"), "\(output)")
            let running = try world.run("ls", "-q")
            #expect(running.stdout.isEmpty, "\(running)")
        }
    }
}
