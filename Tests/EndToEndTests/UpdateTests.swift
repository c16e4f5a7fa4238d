// `deploy.update_config`: replicas are replaced a few at a time, and a bad version stops at the first.
import Foundation
import Testing

@Suite("End to end: updates", .serialized)
struct UpdateTests {
    private func stack(version: String, command: String = "sleep 100000", update: String) -> String {
        """
        name: roll
        services:
          web:
            image: localhost/busybox:1
            command: \(command)
            init: true
            environment: {VERSION: "\(version)"}
            healthcheck: {test: "true", interval: 1s}
            deploy: {replicas: 3, update_config: \(update)}
        """
    }

    @Test("one at a time, each ready before the next: two of three always run")
    func rolling() throws {
        try withWorld { world in
            try world.write("compose.yaml", stack(version: "one", update: "{parallelism: 1, monitor: 200ms}"))
            #expect(try world.run("up", "-d").status == 0)
            let watcher = try world.start(["events", "--json"])
            #expect(eventually { (try? world.run("events", "nope").status) == 1 })
            try world.write("compose.yaml", stack(version: "two", update: "{parallelism: 1, monitor: 200ms}"))
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(eventually { watcher.stdoutSoFar.components(separatedBy: "\"destroy\"").count == 4 })
            watcher.signal(SIGINT)
            var running = 3
            var fewest = 3
            for line in watcher.wait().lines {
                if line.contains("\"action\":\"die\"") { running -= 1 }
                // A container counts again when it is ready.
                if line.contains("health_status: healthy") { running += 1 }
                fewest = min(fewest, running)
            }
            #expect(fewest == 2 && running == 3)
            let versions = try (1...3).map { index in
                try world.run("exec", "-T", "--index", "\(index)", "web", "sh", "-c", "echo $VERSION").stdout
            }
            #expect(versions == ["two\n", "two\n", "two\n"])
        }
    }

    @Test("a version that does not start stops the update at the first; the others run on, and the next up goes on")
    func pause() throws {
        try withWorld { world in
            try world.write("compose.yaml", stack(version: "one", update: "{parallelism: 1}"))
            #expect(try world.run("up", "-d").status == 0)
            let before = try Set(world.run("ps", "-q", "--no-trunc").lines)
            try world.write(
                "compose.yaml", stack(version: "bad", command: "sh -c 'exit 3'", update: "{parallelism: 1}"))
            let bad = try world.run("up", "-d")
            #expect(bad.status == 1 && bad.stderr.contains("exited (3)"), "\(bad)")
            let left = try Set(world.run("ps", "-q", "--no-trunc", "--status", "running").lines)
            #expect(left.count == 2 && left.isSubset(of: before), "two of the old ones run on")

            try world.write("compose.yaml", stack(version: "good", update: "{parallelism: 2}"))
            #expect(try world.run("up", "-d").status == 0)
            let after = try Set(world.run("ps", "-q", "--no-trunc", "--status", "running").lines)
            #expect(after.count == 3 && after.isDisjoint(with: before))
            #expect(try world.run("ps", "-a", "-q").lines.count == 3, "nothing is left of the bad version")
        }
    }

    @Test("continue: the failure is said, and the rest is replaced all the same")
    func goOn() throws {
        try withWorld { world in
            let update = "{parallelism: 1, failure_action: continue}"
            try world.write("compose.yaml", stack(version: "one", update: update))
            #expect(try world.run("up", "-d").status == 0)
            let before = try Set(world.run("ps", "-q", "--no-trunc").lines)
            try world.write("compose.yaml", stack(version: "bad", command: "sh -c 'exit 3'", update: update))
            let bad = try world.run("up", "-d")
            #expect(bad.status == 0 && bad.stderr.contains("exited (3)"), "\(bad)")
            #expect(try Set(world.run("ps", "-a", "-q", "--no-trunc").lines).isDisjoint(with: before))
        }
    }
}
