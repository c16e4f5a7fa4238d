// What a process that talks to strangers can reach on this host: its own directory, and nothing of root's.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: isolation of what fetches", .serialized)
struct FetchIsolationTests {
    /// The process of a world whose command line begins with the words.
    private func process(_ world: World, _ words: String) -> Int32? {
        LeakScan.processes(of: world.root.path).first { pid in
            let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return command.hasPrefix(words.replacingOccurrences(of: " ", with: "\0"))
        }
    }

    /// Runs a script as the process would: its root, its mounts; and with root's rights, which it does not even have.
    private func inside(_ process: Int32, _ script: String) throws -> Output {
        try RunningProgram(
            "/usr/bin/nsenter", ["-t", "\(process)", "--mount", "--root", "/bin/sh", "-c", script],
            environment: ["PATH": Shell.path], directory: nil
        ).wait(limit: 30)
    }

    @Test("a fetching worker writes its ingest directory alone, and sees neither root's files nor anybody's sockets")
    func pull() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let pull = try world.start(["image", "pull", "\(FakeRegistry.address)/stall/app:1"])
            let ingest = "\(world.dataRoot)/ingest"
            let isStalled = try eventually {
                try Shell.run("find '\(ingest)' -name 'partial-*' -size 2048k | grep -q .").status == 0
            }
            #expect(isStalled, "\(pull.stderrSoFar)")
            let fetcher = try #require(process(world, "berth-worker fetch"))
            let name = "berth-canary-\(UUID().uuidString)"
            for directory in [
                "/", "/usr", "/usr/bin", "/etc", "/dev", "\(world.dataRoot)/blobs/sha256", world.dataRoot,
            ] {
                let tried = try inside(fetcher, "echo x > '\(directory)/\(name)'")
                #expect(tried.status != 0, "\(directory): \(tried)")
                #expect(!FileManager.default.fileExists(atPath: "\(directory)/\(name)"), "\(directory)")
            }
            for path in [
                "/root", "/home", "/etc/shadow", "/proc/sys", "/run", "/var/run/docker.sock", "/sys/kernel",
                "\(world.runRoot)/agent.sock", "\(world.dataRoot)/state.db", "\(world.dataRoot)/agent.log",
            ] {
                #expect(try inside(fetcher, "[ ! -e '\(path)' ]").status == 0, "\(path) can be seen")
            }
            let own = try inside(fetcher, "cd '\(ingest)'/*/blobs && echo x > \(name) && rm \(name) && ls /etc")
            #expect(own.status == 0 && own.stdout.contains("ssl"), "\(own)")
            let status = try String(contentsOfFile: "/proc/\(fetcher)/status", encoding: .utf8)
            for field in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(status.contains("\(field):\t0000000000000000\n"), "\(field)")
            }
            pull.signal(SIGINT)
            if let worker = process(world, "berth-worker \(world.runRoot)") { kill(worker, SIGKILL) }
            _ = pull.wait(limit: 30)
        }
    }
}
