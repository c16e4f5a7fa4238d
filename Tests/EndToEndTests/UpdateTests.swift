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
            // Once all are healthy, no late report of the first three can be taken for one of the next.
            #expect(try world.run("up", "-d", "--wait").status == 0)
            let watcher = try world.start(["events", "--json"])
            #expect(eventually { (try? world.run("events", "nope").status) == 1 })
            try world.write("compose.yaml", stack(version: "two", update: "{parallelism: 1, monitor: 200ms}"))
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            let all = ["\"destroy\"", "health_status: healthy"]
            #expect(eventually { all.allSatisfy { watcher.stdoutSoFar.components(separatedBy: $0).count == 4 } })
            watcher.signal(SIGINT)
            var running = 3
            var fewest = 3
            for line in watcher.wait().lines {
                if line.contains("\"action\":\"die\"") { running -= 1 }
                // A container counts again when it is ready.
                if line.contains("health_status: healthy") { running += 1 }
                fewest = min(fewest, running)
            }
            #expect(fewest == 2 && running == 3, "\(fewest) \(running)")
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

    // MARK: start-first

    /// A server whose page is its version; it goes on for a moment after it is told to leave, for what it still serves.
    private func server(version: String, command: String? = nil, update: String, rollback: String = "{}") -> String {
        let serve = "mkdir -p /www; echo $$VERSION > /www/index.html; exec httpd -f -p 80 -h /www"
        return """
            name: roll
            services:
              web:
                image: localhost/busybox:1
                command: ["sh", "-c", "\(command ?? serve)"]
                init: true
                environment: {VERSION: "\(version)"}
                ports: ["18080:80"]
                pre_stop: [{command: [sleep, "0.3"]}]
                healthcheck: {test: "wget -q -O- http://127.0.0.1/", interval: 1s, retries: 2}
                deploy: {replicas: 1, update_config: \(update), rollback_config: \(rollback)}
              client: {image: localhost/busybox:1, command: sleep 100000, init: true}
            """
    }

    /// Asks the published port, and the service's name from another container, again and again until the body is done.
    private func whileAsking(_ world: World, _ body: () throws -> Void) throws -> [String] {
        let stop = world.stackDirectory.appendingPathComponent("enough").path
        let published = try world.start(
            program: "/bin/sh",
            ["-c", "until [ -e \(stop) ]; do curl -sS --max-time 5 http://127.0.0.1:18080/ 2>&1 || echo failed; done"])
        let named = try world.start([
            "exec", "-T", "client", "sh", "-c",
            "until [ -e /enough ]; do wget -q -O- http://web/ || echo failed; done",
        ])
        defer { try? FileManager.default.removeItem(atPath: stop) }
        // Both are answered before anything happens.
        #expect(eventually { !published.stdoutSoFar.isEmpty && !named.stdoutSoFar.isEmpty })
        try body()
        try world.write("enough", "")
        #expect(try world.run("exec", "-T", "client", "touch", "/enough").status == 0)
        let answers = [published.wait(), named.wait()]
        #expect(try world.run("exec", "-T", "client", "rm", "/enough").status == 0)
        return answers.map(\.stdout)
    }

    @Test("start-first: not one request is lost, by port or by name, and nothing of the old one is left")
    func startFirst() throws {
        try withWorld { world in
            try world.write("compose.yaml", server(version: "one", update: "{order: start-first}"))
            #expect(try world.run("up", "-d", "--wait").status == 0)
            for version in ["two", "three", "four"] {
                try world.write("compose.yaml", server(version: version, update: "{order: start-first}"))
                let answers = try whileAsking(world) {
                    let up = try world.run("up", "-d")
                    #expect(up.status == 0, "\(up)")
                    // The update is over: every new request gets the new version.
                    let page = try world.onHost("curl -sS --max-time 5 http://127.0.0.1:18080/")
                    #expect(page.stdout == "\(version)\n")
                    let named = try world.run("exec", "-T", "client", "wget", "-q", "-O-", "http://web/")
                    #expect(named.stdout == "\(version)\n")
                }
                for text in answers {
                    let kinds = Set(text.split(separator: "\n"))
                    #expect(kinds.count == 2 && kinds.contains(Substring(version)), "\(kinds)")
                    #expect(!text.contains("failed"), "\(text)")
                }
                #expect(
                    try world.run("ps", "-a", "--format", "{{.Name}}").lines.sorted() == [
                        "roll-client-1", "roll-web-1",
                    ])
            }
            #expect(try world.run("up", "--dry-run").stdout.contains("web-1") == false, "nothing is left to do")
        }
    }

    @Test("start-first: a version that is never ready takes nothing over; the old one serves until a good one comes")
    func startFirstFails() throws {
        try withWorld { world in
            let update = "{order: start-first}"
            try world.write("compose.yaml", server(version: "one", update: update))
            #expect(try world.run("up", "-d", "--wait").status == 0)
            try world.write("compose.yaml", server(version: "bad", command: "sleep 0.1; exit 3", update: update))
            let page = "curl -sS --max-time 5 http://127.0.0.1:18080/"
            let answers = try whileAsking(world) {
                let bad = try world.run("up", "-d")
                #expect(bad.status == 1 && bad.stderr.contains("exited (3)"), "\(bad)")
                #expect(try world.onHost(page).stdout == "one\n")
            }
            #expect(answers.allSatisfy { Set($0.split(separator: "\n")) == ["one"] }, "\(answers)")
            try world.write("compose.yaml", server(version: "good", update: update))
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.onHost(page).stdout == "good\n")
            #expect(
                try world.run("ps", "-a", "--format", "{{.Name}}").lines.sorted() == ["roll-client-1", "roll-web-1"])
        }
    }

    @Test("an agent that dies in the middle: one of the two serves, and the next up finishes")
    func startFirstKilled() throws {
        try withWorld { world in
            let update = "{order: start-first, monitor: 100s}"
            try world.write("compose.yaml", server(version: "one", update: update))
            #expect(try world.run("up", "-d", "--wait").status == 0)
            try world.write("compose.yaml", server(version: "two", update: update))
            let answers = try whileAsking(world) {
                let up = try world.start(["up", "-d"])
                #expect(eventually { (try? world.run("ps", "-q", "web").lines.count) == 2 })
                let agent = try #require(world.agentProcessID)
                kill(agent, SIGKILL)
                up.signal(SIGKILL)
                _ = up.wait()
                #expect(try world.run("ps", "-q", "web").lines.count == 2, "both run on")
                try world.write("compose.yaml", server(version: "two", update: "{order: start-first}"))
                let next = try world.run("up", "-d")
                #expect(next.status == 0, "\(next)")
            }
            for text in answers { #expect(Set(text.split(separator: "\n")) == ["one", "two"], "\(text)") }
            #expect(try world.run("ps", "-a", "-q", "web").lines.count == 1)
        }
    }

    // MARK: Rollback

    @Test(
        "failure_action: rollback: the containers before come back, themselves, and up says so",
        arguments: [
            "{failure_action: rollback}", "{failure_action: rollback, order: start-first}",
        ])
    func rollback(update: String) throws {
        try withWorld { world in
            try world.write("compose.yaml", stack(version: "one", update: update))
            #expect(try world.run("up", "-d", "--wait").status == 0)
            let mark = "echo kept > /mark"
            for index in 1...3 {
                #expect(try world.run("exec", "-T", "--index", "\(index)", "web", "sh", "-c", mark).status == 0)
            }
            let before = try Set(world.run("ps", "-q", "--no-trunc").lines)
            try world.write("compose.yaml", stack(version: "bad", command: "sh -c 'exit 3'", update: update))
            let bad = try world.run("up", "-d")
            #expect(bad.status == 1, "\(bad)")
            #expect(
                bad.stderr.contains("exited (3)") && bad.stderr.contains("web is back to what ran before"), "\(bad)")
            #expect(try Set(world.run("ps", "-a", "-q", "--no-trunc").lines) == before, "the same containers")
            #expect(try Set(world.run("ps", "-q", "--no-trunc", "--status", "running").lines) == before)
            for index in 1...3 {
                let kept = try world.run(
                    "exec", "-T", "--index", "\(index)", "web", "sh", "-c", "cat /mark; echo $VERSION")
                #expect(kept.stdout == "kept\none\n", "\(kept)")
            }
            try world.write("compose.yaml", stack(version: "one", update: update))
            #expect(try world.run("up", "-d").status == 0)
            #expect(try Set(world.run("ps", "-q", "--no-trunc").lines) == before, "the file before: nothing to do")
            try world.write("compose.yaml", stack(version: "good", update: update))
            #expect(try world.run("up", "-d").status == 0)
            #expect(try Set(world.run("ps", "-a", "-q", "--no-trunc").lines).isDisjoint(with: before))
            #expect(try world.run("ps", "-a", "-q").lines.count == 3)
        }
    }

    @Test("on a terminal, what went wrong stays to be read above the rows, and each row ends as what it is")
    func terminal() throws {
        try withWorld { world in
            let update = "{failure_action: rollback, order: start-first, parallelism: 0}"
            try world.write("compose.yaml", stack(version: "one", update: update))
            #expect(try world.run("up", "-d", "--wait").status == 0)
            try world.write("compose.yaml", stack(version: "two", update: update))
            func onTerminal() throws -> String {
                try world.start(program: "/usr/bin/script", ["-qec", "\(world.berth) up -d", "/dev/null"]).wait().stdout
            }
            // What was drawn last is what stays.
            let good = try onTerminal().components(separatedBy: "[+] up").last ?? ""
            let web = good.components(separatedBy: "\n").first { $0.contains("Container roll-web-1 ") } ?? good
            #expect(web.contains("Healthy"), "\(good)")
            try world.write("compose.yaml", stack(version: "bad", command: "sh -c 'exit 3'", update: update))
            let bad = try onTerminal()
            let behind = bad.components(separatedBy: "the containers before come back").dropFirst().first ?? ""
            #expect(
                behind.drop { $0.isNewline }.hasPrefix("\u{1B}[J[+] up"),
                "nothing moves up over it: \(bad.debugDescription)")
        }
    }

    @Test("rollback after the first of three was replaced: it comes back too")
    func rollbackLater() throws {
        try withWorld { world in
            let update = "{failure_action: rollback, parallelism: 1}"
            let shared = """

                    volumes: [count:/count]
                volumes: {count: {}}
                """.replacingOccurrences(of: "\n                ", with: "\n")
            try world.write("compose.yaml", stack(version: "one", update: update) + shared)
            #expect(try world.run("up", "-d", "--wait").status == 0)
            let before = try Set(world.run("ps", "-q", "--no-trunc").lines)
            // The second of the new ones to start fails.
            let command = "sh -c 'mkdir /count/first 2>/dev/null && exec sleep 100000; exit 4'"
            try world.write("compose.yaml", stack(version: "bad", command: command, update: update) + shared)
            let bad = try world.run("up", "-d")
            #expect(bad.status == 1 && bad.stderr.contains("exited (4)"), "\(bad)")
            #expect(try Set(world.run("ps", "-a", "-q", "--no-trunc", "--status", "running").lines) == before)
            #expect(try world.run("ps", "-a", "-q").lines.count == 3)
            let names = try world.run("ps", "--format", "{{.Name}}").lines.sorted()
            #expect(names == ["roll-web-1", "roll-web-2", "roll-web-3"])
        }
    }
}
