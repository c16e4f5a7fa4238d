// What programs read: plans and events as JSON, each held against its published schema by an independent validator.
import Foundation
import Testing

@Suite("End to end: output for programs", .serialized)
struct MachineOutputTests {
    /// What Debian's jsonschema has against the instances; empty: nothing.
    private func violations(of schema: String, _ instances: [String]) throws -> String {
        let path = SourceRoot.url.appendingPathComponent("schemas/\(schema)").path
        let script = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft7Validator.check_schema(schema)
            validator = jsonschema.Draft7Validator(schema)
            for line in sys.stdin:
                for error in validator.iter_errors(json.loads(line)):
                    print(error.message, "in", line)
            """
        let output = try RunningProgram(
            "/usr/bin/python3", ["-W", "ignore", "-c", script, path], environment: ["PATH": Shell.path], directory: nil,
            input: instances.joined(separator: "\n") + "\n"
        ).wait()
        return output.stdout + output.stderr
    }

    private func object(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("a dry run as JSON: steps with their causes and edges, as its schema says")
    func plan() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: machine
                services:
                  db: {image: localhost/busybox:1, command: sleep 1000, volumes: ["data:/d"]}
                  web: {image: localhost/busybox:1, command: sleep 1000, depends_on: [db]}
                volumes: {data: {}}
                """)
            let output = try world.run("--progress", "json", "up", "-d", "--dry-run")
            #expect(output.status == 0 && output.lines.count == 1, "\(output)")
            #expect(try violations(of: "plan.schema.json", output.lines) == "")
            let steps = try #require(try object(output.stdout)["steps"] as? [[String: Any]])
            let starts = steps.filter { $0["action"] as? String == "start" }
            #expect(starts.compactMap { $0["service"] as? String } == ["db", "web"], "\(output)")
            #expect(starts[1]["needs"].map { "\($0)" }?.contains("\(starts[0]["number"] ?? "?")") == true, "\(output)")
            #expect(try world.run("up", "-d").status == 0)
            let idle = try world.run("--progress", "json", "up", "-d", "--dry-run")
            #expect(idle.stdout == "{\"warnings\":[],\"steps\":[]}\n", "\(idle)")
        }
    }

    @Test("events as JSON: docker's words in the order in which things happened, as their schema says")
    func events() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: machine
                services:
                  job: {image: localhost/busybox:1, command: sh -c 'exit 3'}
                  web:
                    image: localhost/busybox:1
                    command: sleep 1000
                    init: true
                    healthcheck: {test: "true", interval: 1s}
                    depends_on: {job: {condition: service_started}}
                """)
            #expect(try world.run("create").status == 0)
            let watcher = try world.start(["events", "--json"])
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { watcher.stdoutSoFar.contains("healthy") })
            #expect(try world.run("pause", "web").status == 0 && world.run("unpause", "web").status == 0)
            #expect(try world.run("down").status == 0)
            #expect(eventually { watcher.stdoutSoFar.components(separatedBy: "\"destroy\"").count == 3 })
            watcher.signal(SIGINT)
            let ended = watcher.wait(limit: 60)
            #expect(ended.status == 128 + SIGINT, "an interrupt ends it: \(ended)")
            let lines = ended.lines
            #expect(try violations(of: "events.schema.json", lines) == "")
            func actions(_ service: String) throws -> [String] {
                try lines.map(object).filter { $0["service"] as? String == service }.compactMap {
                    $0["action"] as? String
                }
            }
            #expect(try actions("job") == ["start", "die", "destroy"], "\(lines)")
            #expect(
                try actions("web")
                    == ["start", "health_status: healthy", "pause", "unpause", "die", "stop", "destroy"], "\(lines)")
            let death = try lines.map(object).first { $0["action"] as? String == "die" }
            #expect((death?["attributes"] as? [String: String])?["exitCode"] == "3", "\(lines)")
        }
    }

    @Test("an unknown service has no events")
    func unknown() throws {
        try withWorld { world in
            try world.write("compose.yaml", "services: {web: {image: localhost/busybox:1}}")
            let output = try world.run("events", "nope")
            #expect(output.status == 1 && output.stderr.contains("no such service: nope"), "\(output)")
        }
    }
}
