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
}
