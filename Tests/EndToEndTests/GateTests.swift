// Starts gated on their dependencies, proved by clock stamps that the containers themselves write into a shared bind.
import Foundation
import Testing

@Suite("End to end: health-gated start", .serialized)
struct GateTests {
    /// `adjtimex` has no place in busybox sh; /proc/uptime has hundredths of a second, the same clock for all
    /// containers.
    static let stamp = "cut -d' ' -f1 /proc/uptime >"

    @Test("a dependant starts after the probe passed, the job ended, the service started")
    func order() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: gate
                x-base: &base
                  image: localhost/busybox:1
                  init: true
                  volumes: ["./stamps:/stamps"]
                services:
                  store:
                    <<: *base
                    command: ["sh", "-c", "sleep 0.5; \(GateTests.stamp) /stamps/ready; touch /ready; exec sleep 100000"]
                    healthcheck: {test: ["CMD", "test", "-f", "/ready"], interval: 1s}
                  job:
                    <<: *base
                    command: ["sh", "-c", "\(GateTests.stamp) /stamps/job-first; sleep 0.3; \(GateTests.stamp) /stamps/job-last"]
                    depends_on: {store: {condition: service_healthy}}
                  web:
                    <<: *base
                    command: ["sh", "-c", "\(GateTests.stamp) /stamps/web; exec sleep 100000"]
                    depends_on: {job: {condition: service_completed_successfully}}
                  side:
                    <<: *base
                    command: ["sh", "-c", "\(GateTests.stamp) /stamps/side; exec sleep 100000"]
                    depends_on: [web]
                """)
            let up = try world.run("up", "-d", "--wait")
            #expect(up.status == 0, "\(up)")
            let stamps = ["ready", "job-first", "job-last", "web", "side"].map { name in
                Double(world.read("stamps/\(name)").trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
            }
            #expect(!stamps.contains(-1), "\(stamps)")
            #expect(stamps == stamps.sorted(), "\(stamps)")
            // Docker would look for the first time after the whole interval of 1 s; an eager probe looks at once.
            #expect(stamps[1] - stamps[0] < 1.0, "\(stamps)")
        }
    }

    @Test("a service that never gets healthy: exit 1 within the timeout, named, explained; its dependant never ran")
    func neverHealthy() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: gate
                services:
                  sick:
                    image: localhost/busybox:1
                    command: ["sleep", "100000"]
                    init: true
                    healthcheck: {test: ["CMD-SHELL", "echo the disk is on fire; exit 3"], interval: 1s, retries: 1000}
                  after:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "touch /mark/ran"]
                    volumes: ["./mark:/mark"]
                    depends_on: {sick: {condition: service_healthy}}
                """)
            let up = try world.run("up", "-d", "--wait", "--wait-timeout", "5")
            #expect(up.status == 1, "\(up)")
            #expect((5.0...7.0).contains(up.seconds), "\(up.seconds) s: \(up)")
            #expect(up.stderr.contains("sick"), "\(up)")
            #expect(up.stderr.contains("the disk is on fire"), "\(up)")
            #expect(up.stderr.contains("3"), "\(up)")
            #expect(
                !FileManager.default.fileExists(atPath: world.stackDirectory.appendingPathComponent("mark/ran").path))
            let after = try world.run("ps", "-a", "--format", "json", "after")
            #expect(!after.stdout.contains("\"State\":\"running\""), "\(after)")
        }
    }

    @Test("an unhealthy dependency fails the dependant at once, with the probe's words")
    func unhealthy() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: gate
                services:
                  sick:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo last words of the log; exec sleep 100000"]
                    init: true
                    healthcheck: {test: ["CMD-SHELL", "echo no luck; exit 1"], interval: 100ms, retries: 2}
                  after:
                    image: localhost/busybox:1
                    command: ["true"]
                    depends_on: {sick: {condition: service_healthy}}
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 1, "\(up)")
            #expect(up.stderr.contains("dependency failed to start: container gate-sick-1 is unhealthy"), "\(up)")
            #expect(up.stderr.contains("no luck") && up.stderr.contains("last words of the log"), "\(up)")
        }
    }

    @Test("a job that fails says its code; required: false goes on")
    func failedJob() throws {
        try withWorld { world in
            let stack = """
                name: gate
                services:
                  job: {image: "localhost/busybox:1", command: ["sh", "-c", "echo broke here; exit 4"]}
                  after:
                    image: localhost/busybox:1
                    command: ["sleep", "100000"]
                    init: true
                    depends_on: {job: {condition: service_completed_successfully, required: REQUIRED}}
                """
            try world.write("compose.yaml", stack.replacingOccurrences(of: "REQUIRED", with: "true"))
            let up = try world.run("up", "-d")
            #expect(up.status == 1 && up.stderr.contains("didn't complete successfully: exit 4"), "\(up)")
            #expect(up.stderr.contains("broke here"), "\(up)")
            try world.write("compose.yaml", stack.replacingOccurrences(of: "REQUIRED", with: "false"))
            let again = try world.run("up", "-d")
            #expect(again.status == 0, "\(again)")
            #expect(try world.run("ps", "-q", "after").lines.count == 1)
        }
    }

    @Test("a two-phase database is never healthy in its socket-only phase")
    func twoPhases() throws {
        try withWorld { world in
            // Phase one answers its probe (a file), as a socket-only server does; only phase two listens on the port.
            try world.write(
                "compose.yaml",
                """
                name: gate
                services:
                  db:
                    image: localhost/busybox:1
                    command:
                      - sh
                      - -c
                      - |
                        touch /answers; sleep 1; rm /answers; sleep 0.3
                        cut -d' ' -f1 /proc/uptime > /stamps/phase-two; touch /answers
                        exec httpd -f -p 5432
                    init: true
                    expose: ["5432"]
                    volumes: ["./stamps:/stamps"]
                    healthcheck: {test: ["CMD", "test", "-f", "/answers"], interval: 5s}
                  migrate:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "cut -d' ' -f1 /proc/uptime > /stamps/migrate"]
                    volumes: ["./stamps:/stamps"]
                    depends_on: {db: {condition: service_healthy}}
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(eventually { !world.read("stamps/migrate").isEmpty })
            let phaseTwo = Double(world.read("stamps/phase-two").trimmingCharacters(in: .whitespacesAndNewlines))
            let migrate = Double(world.read("stamps/migrate").trimmingCharacters(in: .whitespacesAndNewlines))
            #expect(phaseTwo != nil && migrate != nil && (migrate ?? 0) >= (phaseTwo ?? .infinity))
        }
    }

    @Test("Ctrl-C while a gate is waited for: in the foreground what was started stops, detached nothing more begins")
    func interrupted() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: gate
                x-base: &base {image: localhost/busybox:1, command: sleep 100000, init: true}
                services:
                  never:
                    <<: *base
                    healthcheck: {test: test -e /ready, interval: 100ms, start_period: 1h}
                  web: {<<: *base, depends_on: {never: {condition: service_healthy}}}
                """)
            func status(_ service: String) throws -> String {
                try world.run("ps", "-a", "--format", "{{.Status}}", service).stdout
            }
            let foreground = try world.start(["up"])
            #expect(eventually { foreground.stderrSoFar.contains("gate-never-1  Waiting") })
            foreground.signal(SIGINT)
            let ended = foreground.wait(limit: 30)
            #expect(ended.status == 130 && ended.stderr.contains("Gracefully stopping..."), "\(ended)")
            #expect(try status("never").hasPrefix("Exited"))
            #expect(try status("web").hasPrefix("Created"))

            let detached = try world.start(["up", "-d"])
            #expect(eventually { detached.stderrSoFar.contains("gate-never-1  Waiting") })
            // A second one says why it does nothing, and goes on when the first has gone.
            let second = try world.start(["up", "-d", "--wait"])
            #expect(eventually { second.stderrSoFar.contains("another command for stack gate is at work") })
            detached.signal(SIGINT)
            #expect(detached.wait(limit: 30).status == 130)
            #expect(eventually { second.stderrSoFar.contains("gate-never-1  Waiting") })
            #expect(try status("never").hasPrefix("Up"), "what runs goes on")
            #expect(try world.run("exec", "-T", "never", "touch", "/ready").status == 0)
            #expect(second.wait(limit: 30).status == 0)
            #expect(try status("web").hasPrefix("Up"))
        }
    }
}
