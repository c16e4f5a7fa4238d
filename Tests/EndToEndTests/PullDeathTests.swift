// SIGKILL in the middle of a pull: what was fetched is gone on with, and the store is never half full.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: death while pulling", .serialized)
struct PullDeathTests {
    private func workers(_ world: World) -> [Int32] {
        LeakScan.processes(of: world.root.path).filter { pid in
            let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return command.hasPrefix("berth-worker")
        }
    }

    @Test("the next pull goes on where the killed one stopped", arguments: ["worker", "agent"])
    func resume(victim: String) throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            // The second layer is six MiB of noise; the registry stalls after two.
            let image = "\(FakeRegistry.address)/stall/app:1"
            let first = try world.start(["image", "pull", image])
            let ingest = "\(world.dataRoot)/ingest"
            let isStalled = try eventually {
                try Shell.run("find '\(ingest)' -name 'partial-*' -size 2048k | grep -q .").status == 0
            }
            #expect(isStalled, "\(first.stderrSoFar)")
            if victim == "worker" {
                for pid in workers(world) { kill(pid, SIGKILL) }
            } else if let agent = world.agentProcessID {
                kill(agent, SIGKILL)
                #expect(eventually { workers(world).isEmpty }, "a worker ends with its agent, stalled or not")
            }
            #expect(first.wait(limit: 30).status != 0)
            let second = try world.run("image", "pull", image)
            #expect(second.status == 0, "\(second)")
            let ranges = try fake.requests().map(\.range).filter { !$0.isEmpty }
            #expect(ranges.contains("bytes=2097152-"), "\(ranges)")
            let left = try Shell.run("find '\(ingest)' '\(world.dataRoot)/partials' -mindepth 1").stdout
            #expect(left == "", "\(left)")
        }
    }

    @Test(
        "killed at seeded moments, worker, fetcher or agent: the last pull makes the image whole, and nothing is left")
    func storm() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let image = "\(FakeRegistry.address)/plain/app:1"
            var random = SeededGenerator(seed: 11)
            var hits = 0
            for round in 0..<24 {
                let pull = try world.start(["image", "pull", image])
                let until = ContinuousClock.now + .milliseconds(Int.random(in: 1...260, using: &random))
                _ = eventually(1) { ContinuousClock.now >= until || !pull.isRunning }
                let victims =
                    round % 3 == 0 ? [world.agentProcessID].compactMap { $0 } : Array(workers(world).prefix(round % 3))
                if pull.isRunning && !victims.isEmpty { hits += 1 }
                for pid in victims { kill(pid, SIGKILL) }
                _ = pull.wait(limit: 30)
                if pull.isRunning { break }
                _ = try world.run("image", "rm", image)
            }
            #expect(hits >= 6, "kills that hit a pull: \(hits)")
            let last = try world.run("image", "pull", image)
            #expect(last.status == 0, "\(last)")
            try world.write("compose.yaml", "services: {web: {image: '\(image)', init: true}}")
            #expect(try world.run("up", "-d").status == 0)
            let seen = try world.run("exec", "-T", "web", "cmp", "/data/large", "/data/linked")
            #expect(seen.status == 0, "\(seen)")
            #expect(try world.run("down").status == 0)
            #expect(try world.run("image", "rm", image).status == 0)
            let left = try Shell.run(
                "cd '\(world.dataRoot)' && find blobs ingest layers partials -mindepth 1 ! -name sha256"
            ).stdout
            #expect(left == "", "\(left)")
        }
    }

    @Test("killed at 200 seeded moments of pulls, loads, removals and collections: nothing is wrong, nothing is left")
    func deaths() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5821)
            defer { registry.stop() }
            let layout = world.root.appendingPathComponent("small").path
            let image = "127.0.0.1:5821/small:1"
            let archive = world.root.appendingPathComponent("small.tar").path
            let seeded = try world.onHost(
                "'\(Fixture.path("make-many"))' '\(layout)' 4 400000 && skopeo copy -q --insecure-policy "
                    + "--dest-tls-verify=false oci:\(layout):latest docker://\(image) && skopeo copy -q "
                    + "--insecure-policy oci:\(layout):latest oci-archive:\(archive):localhost/loaded:1")
            #expect(seeded.status == 0, "\(seeded)")
            var random = SeededGenerator(seed: 200)
            var hits = 0
            // How long each kind of work is likely to last here: learnt from hits and misses.
            var spans = [120.0, 120, 120, 40, 40]
            for round in 0..<200 {
                let kind = round % 5
                let arguments =
                    switch kind {
                    case 0, 1: ["image", "pull", image]
                    case 2: ["image", "load", "-i", archive]
                    case 3: ["image", "rm", "-f", image, "localhost/loaded:1"]
                    default: ["image", "prune", "-af"]
                    }
                let work = try world.start(arguments)
                let until = ContinuousClock.now + .milliseconds(Double.random(in: 1...spans[kind], using: &random))
                _ = eventually(1) { ContinuousClock.now >= until || !work.isRunning }
                // Where there is no worker at the moment, the agent it is.
                let found = random.oneIn(2) ? workers(world) : []
                let victims = found.isEmpty ? [world.agentProcessID].compactMap { $0 } : [found[round % found.count]]
                let isHit = work.isRunning && !victims.isEmpty
                if isHit { hits += 1 }
                spans[kind] = min(400, max(2, spans[kind] * (isHit ? 1.1 : 0.85)))
                for pid in victims { kill(pid, SIGKILL) }
                #expect(work.wait(limit: 30).status != -1, "round \(round): \(arguments)")
                // The next agent collects by itself what the last one had let go.
                var check = try world.run("system", "check")
                let isWhole = try eventually(5) {
                    check = try world.run("system", "check")
                    return check.status == 0
                }
                #expect(isWhole, "round \(round): \(check)")
            }
            #expect(hits >= 100, "kills that hit something: \(hits)")
            let last = try world.run("image", "pull", image)
            #expect(last.status == 0, "\(last)")
            let check = try world.run("system", "check")
            #expect(check.status == 0, "\(check)")
            #expect(try world.run("image", "prune", "-af").status == 0)
            let left = try Shell.run(
                "cd '\(world.dataRoot)' && find blobs ingest layers partials uncollected -mindepth 1 ! -name sha256; "
                    + "ls -d uncollected"
            ).stdout
            #expect(left == "", "\(left)")
        }
    }
}
