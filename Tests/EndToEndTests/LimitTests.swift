// What the kernel does at a limit is told: kills for lack of memory as events, waiting for the processor in `stats`.
import Foundation
import Testing

@Suite("End to end: at the limit", .serialized)
struct LimitTests {
    @Test("a kill for lack of memory is an event at once, though the container runs on; its end is another")
    func killed() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: limit
                services:
                  parent:
                    image: localhost/busybox:1
                    command:
                      - sh
                      - -c
                      - "trap 'exit 0' USR1; head -c 200000000 /dev/zero | tail; echo survived; while :; do sleep 1; done"
                    mem_limit: 32m
                    memswap_limit: 32m
                """)
            #expect(try world.run("create").status == 0)
            let watcher = try world.start(["events", "--json"])
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { watcher.stdoutSoFar.contains("\"oom\"") })
            #expect(eventually { (try? world.run("logs", "parent").stdout.contains("survived")) == true })
            let running = try world.run("ps", "--format", "json").stdout
            #expect(
                running.contains("\"State\":\"running\"") && running.contains("\"OOMKilled\":\"true\""), "\(running)")
            #expect(try world.run("kill", "-s", "USR1", "parent").status == 0)
            #expect(eventually { watcher.stdoutSoFar.contains("\"die\"") })
            let ended = try world.run("ps", "-a", "--format", "json").stdout
            #expect(ended.contains("\"ExitCode\":0") && ended.contains("\"OOMKilled\":\"true\""), "\(ended)")
            watcher.signal(SIGINT)
            _ = watcher.wait(limit: 60)
        }
    }

    @Test("a service that uses its processor quota up waits, and stats says how often")
    func throttled() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: limit
                services:
                  busy: {image: "localhost/busybox:1", command: ["sh", "-c", "while :; do :; done"], cpus: 0.1}
                  idle: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
                """)
            #expect(try world.run("up", "-d").status == 0)
            func throttling(_ service: String) throws -> String {
                let row = try world.run("stats", "--no-stream", "--format", "json", service)
                let object = try JSONSerialization.jsonObject(with: Data(row.stdout.utf8)) as? [String: String]
                return object?["Throttling"] ?? ""
            }
            #expect(eventually { (try? throttling("busy").hasPrefix("0 /")) == false })
            #expect(try throttling("idle") == "0 / 0, 0ms")
        }
    }
}
