// SIGKILL of the agent and of shims at arbitrary moments: nothing is lost, the next command carries on.
import Foundation
import Testing

@Suite("End to end: it cannot be hurt", .serialized)
struct AgentDeathTests {
    static let six = """
        name: six
        x-sleep: &sleep {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
        services:
          store:
            <<: *sleep
            volumes: ["kept:/kept"]
            healthcheck: {test: ["CMD", "test", "-d", "/kept"], interval: 1s}
          web:
            image: localhost/busybox:1
            command: ["sh", "-c", "mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www"]
            init: true
            ports: ["127.0.0.1:18081:80"]
            depends_on: {store: {condition: service_healthy}}
          a: {<<: *sleep, depends_on: [store]}
          b: {<<: *sleep, restart: always}
          c: {<<: *sleep, restart: unless-stopped}
          d: {<<: *sleep, depends_on: [a, b]}
        volumes: {kept: {}}
        """

    /// The delay is the moment of the fault, anywhere in an `up`: nothing is waited for.
    /// - Returns: whether there was an agent to kill.
    static func killAgent(
        of world: World, afterMilliseconds delay: UInt32, environment: [String: String] = [:]
    ) throws -> Bool {
        let up = try world.start(["up", "-d"], environment: environment)
        usleep(delay * 1000)
        let isKilled = world.agentProcessID.map { kill($0, SIGKILL) == 0 } ?? false
        _ = up.wait(limit: 60)
        return isKilled
    }

    @Test("fifty rounds of SIGKILL of the agent 0–900 ms after up: every next up succeeds, ps is exact, data is equal")
    func fiftyRounds() throws {
        try withWorld { world in
            try world.write("compose.yaml", AgentDeathTests.six)
            #expect(try world.run("up", "-d", "--wait").status == 0)
            #expect(try world.run("exec", "-T", "store", "sh", "-c", "echo precious > /kept/data").status == 0)
            var generator = SplitMix(seed: 20_261_124)
            var killed = 0
            for round in 1...50 {
                if round % 3 == 0 { _ = try world.run("down", "-t", "0") }
                let delay = UInt32(generator.next() % 900)
                if try AgentDeathTests.killAgent(of: world, afterMilliseconds: delay) { killed += 1 }
                let again = try world.run("up", "-d", "--wait")
                #expect(again.status == 0 && again.seconds < 30, "round \(round), killed after \(delay) ms: \(again)")
                let running = try world.run("ps", "-q").lines
                #expect(running.count == 6 && Set(running).count == 6, "round \(round): \(running)")
                let data = try world.run("exec", "-T", "store", "cat", "/kept/data")
                #expect(data.stdout == "precious\n", "round \(round): \(data)")
            }
            #expect(killed >= 25, "only \(killed) rounds found an agent to kill")
            let page = try world.onHost("curl -sS --max-time 5 http://127.0.0.1:18081/")
            #expect(page.stdout == "page\n", "\(page)")
            #expect(try world.run("down", "-v").status == 0)
            #expect(eventually(2.5) { world.agentProcessID == nil }, "the agent leaves when nothing is left to do")
        }
    }

    @Test("three rounds of the same on the demo: a database, its migration, an application; the note stays")
    func threeRoundsOfTheDemo() throws {
        try withWorld(image: false) { world in
            let cache =
                ProcessInfo.processInfo.environment["CACHE"] ?? SourceRoot.url.appendingPathComponent(".cache").path
            let tree = try Shell.run("CACHE='\(cache)' '\(SourceRoot.url.path)/examples/demo/make-image'", limit: 600)
            #expect(tree.status == 0, "\(tree)")
            try ExampleTests.copy("demo", into: world)
            let images = try world.onHost("CACHE='\(cache)' BERTH='\(world.berth)' ./import-images", limit: 120)
            #expect(images.status == 0, "\(images)")
            let port = ["DEMO_PORT": "18092"]
            let page = "http://127.0.0.1:18092/"
            #expect(try world.run("up", "-d", "--wait", environment: port).status == 0)
            // The front has no healthcheck: it may still be on its way to listening.
            let fetch = "curl -sS --fail --max-time 10 --retry 20 --retry-connrefused --retry-delay 1"
            let written = try world.onHost("\(fetch) --data-urlencode note=precious \(page)")
            #expect(written.status == 0, "\(written)")
            var generator = SplitMix(seed: 3)
            var killed = 0
            for round in 1...3 {
                #expect(try world.run("down", environment: port).status == 0)
                let delay = UInt32(generator.next() % 900)
                if try AgentDeathTests.killAgent(of: world, afterMilliseconds: delay, environment: port) { killed += 1 }
                let again = try world.run("up", "-d", "--wait", environment: port)
                #expect(again.status == 0 && again.seconds < 30, "round \(round), killed after \(delay) ms: \(again)")
                let running = try world.run("ps", "-q", "db", "cache", "app", "front", environment: port).lines
                #expect(Set(running).count == 4, "round \(round): \(running)")
                let shown = try world.onHost("\(fetch) \(page)")
                #expect(shown.stdout.contains("precious"), "round \(round): \(shown)")
            }
            #expect(killed >= 2, "only \(killed) rounds found an agent to kill")
            #expect(try world.run("down", "-v", environment: port).status == 0)
        }
    }

    @Test("without a client, the shims bring the agent back, exactly one of it")
    func revival() throws {
        try withWorld { world in
            try world.write("compose.yaml", AgentDeathTests.six)
            #expect(try world.run("up", "-d", "--wait").status == 0)
            let first = try #require(world.agentProcessID)
            kill(first, SIGKILL)
            #expect(eventually(10) { world.agentProcessID.map { $0 != first } == true }, "no shim started a new agent")
            let agents = LeakScan.processes(of: world.root.path).filter {
                LeakScan.describe($0).contains("berth-agent")
            }
            #expect(agents.count == 1, "\(agents.map(LeakScan.describe))")
            #expect(try world.run("ps", "-q").lines.count == 6)
        }
    }

    @Test("killing a shim is seen within two seconds and handled by the restart policy")
    func shimDeath() throws {
        try withWorld { world in
            try world.write("compose.yaml", AgentDeathTests.six)
            #expect(try world.run("up", "-d", "--wait").status == 0)
            func shim(_ service: String) throws -> Int32? {
                guard let id = try world.run("ps", "-q", service).lines.first else { return nil }
                let short = String(id.prefix(12))
                return LeakScan.processes(of: world.root.path).first {
                    let text = LeakScan.describe($0)
                    return text.contains("berth-shim") && text.contains(short)
                }
            }
            kill(try #require(try shim("a")), SIGKILL)
            #expect(
                eventually(2) { (try? world.run("ps", "-a", "a").stdout.contains("Exited")) == true }, "a has no policy"
            )
            kill(try #require(try shim("b")), SIGKILL)
            #expect(eventually(4) { (try? shim("b")) ?? nil != nil }, "b has restart: always")
            #expect(try world.run("exec", "-T", "b", "true").status == 0)
        }
    }

    @Test("restart policies: on-failure counts, always goes on, a manual stop holds")
    func policies() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: pol
                services:
                  twice:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo run >> /marks/twice; exit 1"]
                    restart: on-failure:2
                    volumes: ["./marks:/marks"]
                  forever:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo run >> /marks/forever; sleep 0.05"]
                    restart: always
                    volumes: ["./marks:/marks"]
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(
                eventually {
                    (try? world.run("ps", "-a", "twice").stdout.contains("Exited (1)")) == true
                        && world.read("marks/twice").split(separator: "\n").count == 3
                })
            #expect(eventually { world.read("marks/forever").split(separator: "\n").count >= 3 })
            #expect(try world.run("stop", "forever").status == 0)
            #expect(try world.run("ps", "-a", "forever").stdout.contains("Exited"))
            #expect(world.read("marks/twice").split(separator: "\n").count == 3)
        }
    }

    @Test("a memory hog ends with 137, OOMKilled, and the word OOM in ps -a")
    func outOfMemory() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: oom
                services:
                  hog:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "head -c 200000000 /dev/zero | tail"]
                    mem_limit: 32m
                """)
            _ = try world.run("up", "--exit-code-from", "hog")
            let listed = try world.run("ps", "-a")
            #expect(listed.stdout.contains("OOM"), "\(listed)")
            let document = try world.run("ps", "-a", "--format", "json")
            #expect(document.stdout.contains("\"ExitCode\":137"), "\(document)")
        }
    }

    @Test("a fork bomb stays below its limit while exec answers")
    func forkBomb() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: bomb
                services:
                  bomb:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "while :; do sleep 1000 & done"]
                    pids_limit: 50
                    init: true
                """)
            #expect(try world.run("up", "-d").status == 0)
            let groups =
                "find /sys/fs/cgroup/pids -path '*berth-\(LeakScan.worldName(world.dataRoot) ?? "?")*' -name pids.current"
            let current = try Shell.run("cat $(\(groups)) | sort -n | tail -1")
            #expect((Int(current.stdout.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 999) <= 50, "\(current)")
            _ = try world.run("exec", "-T", "bomb", "true", limit: 20)
            #expect(try world.run("kill").status == 0)
        }
    }
}

/// A small seeded generator: a failing round can be run again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
