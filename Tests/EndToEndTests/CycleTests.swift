// Create, start, exec, stop, remove, again and again: everything is back where it was, and the agent stays as it is.
import Foundation
import Testing

@Suite("End to end: cycles", .serialized)
struct CycleTests {
    /// `make cycles` does 200, a thousand containers; enough here to see a slope of one a round.
    static let rounds = ProcessInfo.processInfo.environment["BERTH_CYCLES"].flatMap(Int.init) ?? 15
    /// Containers of one round, which come and go side by side.
    static let width = 5

    private struct Size {
        var descriptors = 0
        var threads = 0
        var kibibytes = 0
    }

    private func size(_ agent: Int32) throws -> Size {
        func number(_ script: String) throws -> Int {
            Int(try Shell.run(script).stdout.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
        }
        return Size(
            descriptors: try number("ls /proc/\(agent)/fd | wc -l"),
            threads: try number("ls /proc/\(agent)/task | wc -l"),
            kibibytes: try number("awk '/^Pss:/{print $2}' /proc/\(agent)/smaps_rollup"))
    }

    @Test("rounds of five containers: mounts, links, groups, namespaces, processes and files are those of before")
    func cycles() throws {
        try withWorld { world in
            let services = (0..<CycleTests.width).map {
                "  s\($0): {image: localhost/busybox:1, command: sleep 100000, init: true, stop_grace_period: 0s}"
            }
            // One that stays keeps the agent, so that it is the same all along.
            try world.write(
                "stay/compose.yaml",
                "name: stay\nservices:\n  stay: {image: localhost/busybox:1, command: sleep 100000, init: true}\n")
            try world.write("compose.yaml", "name: cycle\nservices:\n\(services.joined(separator: "\n"))\n")
            #expect(try world.run("-f", "stay/compose.yaml", "up", "-d").status == 0)
            let agent = try #require(world.agentProcessID)
            let links = try self.links(world)
            func round(_ number: Int) throws {
                for words in [
                    ["create"], ["start"], ["exec", "-T", "s\(number % CycleTests.width)", "true"], ["stop"], ["down"],
                ] {
                    let output = try world.start(words).wait()
                    #expect(output.status == 0, "round \(number): \(output)")
                }
            }
            for number in 0..<(CycleTests.rounds / 5) { try round(number) }
            // A link of a network goes a moment after the network.
            #expect(try eventually { try self.links(world) == links })
            let facts = { try self.files(world) + self.links(world) }
            let (before, early) = (try facts(), try size(agent))
            for number in 0..<(CycleTests.rounds - CycleTests.rounds / 5) { try round(number) }
            let isBack = try eventually { try facts() == before }
            let after = try facts()
            #expect(isBack, "was:\n\(before)\nis:\n\(after)")
            #expect(world.agentProcessID == agent)
            let isSettled = try eventually { try size(agent).descriptors <= early.descriptors }
            let late = try size(agent)
            #expect(isSettled, "descriptors: \(early.descriptors), \(late.descriptors)")
            #expect(late.threads <= early.threads + 2, "threads: \(early.threads), \(late.threads)")
            // Not flat yet: 3.6 KiB for each of 800 containers were measured, from where is not known. More than that shows.
            let allowed = 1500 + 4 * CycleTests.rounds * CycleTests.width
            #expect(late.kibibytes - early.kibibytes < allowed, "KiB: \(early.kibibytes), \(late.kibibytes)")
            #expect(try world.run("-f", "stay/compose.yaml", "down", "-t", "0").status == 0)
        }
    }

    /// What the world has in the kernel and on disk, without what only counts on (the database, logs of berth's own).
    private func files(_ world: World) throws -> String {
        let name = LeakScan.worldName(world.dataRoot) ?? "?"
        return try Shell.run(
            """
            find '\(world.dataRoot)' '\(world.runRoot)' -path '*/state.db*' -o -path '*/layers/*' -prune -o -print | sort
            find /sys/fs/cgroup -type d -path '*berth-\(name)*' | sort
            grep -c '\(world.root.path)' /proc/self/mountinfo
            """
        ).stdout + LeakScan.processes(of: world.root.path).sorted().map(LeakScan.describe).joined(separator: "\n")
    }

    private func links(_ world: World) throws -> String {
        try world.onHost("ip -o link | sed 's/^[0-9]*: //; s/@.*//' | sort; nft list ruleset | wc -l").stdout
    }
}
