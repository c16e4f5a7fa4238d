// SIGKILL in the middle of builds: what was built is kept whole or not at all, and the next build is right.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: death while building", .serialized)
struct BuildDeathTests {
    private enum Victim: String, CaseIterable { case worker, agent, shim, client, interrupt }

    /// By name alone, which is quick: a command of a build does not run for long.
    private func processes(_ world: World, _ name: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(Int32.init).filter { pid in
            let command = LeakScan.describe(pid)
            return command.contains(name) && command.contains("\(world.root.path)/")
        }
    }

    /// Each step leaves something that a later one looks at: a layer that is half there would be seen.
    private static let app = """
        FROM localhost/busybox:1 AS one
        ARG SOURCE_DATE_EPOCH
        RUN --mount=type=cache,target=/kept i=0; while [ $i -lt 40 ]; do echo $i > /f$i; i=$((i+1)); done; : > /kept/a
        RUN test -f /f39 && mkdir /deep && cp /f* /deep
        FROM localhost/busybox:1 AS two
        COPY tree /tree
        RUN --mount=target=/c cp /c/a.txt /tree && rm /etc/group
        FROM localhost/busybox:1
        COPY --from=one /deep /deep
        COPY --from=two /tree /tree
        RUN test $(ls /deep | wc -l) = 40 && test $(find /tree -type f | wc -l) = 4 && cat /deep/* /tree/a.txt > /all

        """

    /// - Returns: whether there was something to kill while the build ran.
    private func strike(_ victim: Victim, _ world: World, _ build: RunningProgram) -> Bool {
        guard build.isRunning else { return false }
        switch victim {
        case .client: build.signal(SIGKILL)
        case .interrupt: build.signal(SIGINT)
        case .agent:
            guard let agent = world.agentProcessID else { return false }
            kill(agent, SIGKILL)
        case .worker, .shim:
            let name = victim == .worker ? "berth-worker" : "berth-shim"
            // There is a shim only while a command runs: the first one from this moment on.
            _ = eventually(1) { !build.isRunning || !processes(world, name).isEmpty }
            let found = processes(world, name)
            if found.isEmpty { return false }
            for pid in found { kill(pid, SIGKILL) }
        }
        return true
    }

    @Test("a hundred seeded moments, worker, agent, shim or client: nothing leaks, the next build is the same image")
    func storm() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1000000000"]
            let first = try world.build(BuildDeathTests.app, epoch)
            #expect(first.status == 0, "\(first)")
            let whole = try world.inspect("localhost/built:1")["Id"] as? String
            var random = SeededGenerator(seed: 6)
            var hits: [Victim: Int] = [:]
            let line =
                ["image", "build", "--no-cache", "-f", "Dockerfile.row", "-t", "localhost/built:1"] + epoch + ["."]
            for round in 0..<100 {
                let victim = Victim.allCases[round % Victim.allCases.count]
                let build = try world.start(line)
                // The delay is the moment of the fault, anywhere in a build: nothing is waited for.
                usleep(UInt32.random(in: 1...Int32(first.seconds * 1e6).magnitude, using: &random))
                if strike(victim, world, build) { hits[victim, default: 0] += 1 }
                let ended = build.wait(limit: 30)
                #expect(!build.isRunning, "round \(round), \(victim): it hangs\n\(ended)")
                let next = try world.build(BuildDeathTests.app, epoch)
                let id = try world.inspect("localhost/built:1")["Id"] as? String
                #expect(next.status == 0 && id == whole, "round \(round), after \(victim): \(id ?? "none")\n\(next)")
                if next.status != 0 || id != whole { break }
            }
            #expect(hits.count == Victim.allCases.count && hits.values.allSatisfy { $0 >= 5 }, "\(hits)")
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
            #expect(eventually(5) { processes(world, "berth-worker").isEmpty }, "workers are left")

            // With the image and the cache gone, only the base's layer is left.
            #expect(try world.run("image", "rm", "localhost/built:1").status == 0)
            #expect(try world.run("builder", "prune", "-a", "-f").status == 0)
            let left = try Shell.run("cd '\(world.dataRoot)' && find ingest -mindepth 1; ls layers").stdout
            #expect(left.split(separator: "\n").count == 1, "\(left)")
            let mounts = try Shell.run("grep -c '\(world.root.path)' /proc/self/mountinfo || true").stdout
            #expect(mounts == "0\n", "\(mounts)")
        }
    }
}
