// One berth of its own for one test: state directories, a network namespace that plays the host, a busybox image.
import Foundation
import Testing

/// A world that is thrown away. Everything it makes is gone when `close()` returns; `leaks()` says what is not.
final class World {
    let root: URL
    let berth: String
    private let host: RunningProgram
    private let before: LeakScan

    /// The programs lie beside the test bundle.
    static let programs: String = {
        if let given = ProcessInfo.processInfo.environment["BERTH_PROGRAMS"] { return given }
        return SourceRoot.url.appendingPathComponent(".build/debug").path
    }()

    /// - Parameter image: import the busybox image as `localhost/busybox:1`.
    init(image: Bool = true) throws {
        root = URL(fileURLWithPath: "/tmp/berth-e2e-\(UUID().uuidString.prefix(8).lowercased())")
        berth = "\(World.programs)/berth"
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("stack"), withIntermediateDirectories: true)
        host = try RunningProgram(
            "/usr/bin/unshare",
            ["--net", "/bin/sh", "-c", "ip link set lo up && touch \(root.path)/host-is-up && exec sleep 100000"],
            environment: ["PATH": Shell.path], directory: nil)
        let up = root.appendingPathComponent("host-is-up").path
        guard eventually(20, { FileManager.default.fileExists(atPath: up) }) else {
            throw WorldError("the network namespace that plays the host did not come up")
        }
        before = LeakScan(root: root.path, hostProcessID: host.processID)
        if image {
            let imported = try run("image", "import", try BusyboxImage.path(), "localhost/busybox:1")
            guard imported.status == 0 else { throw WorldError("importing the busybox image: \(imported)") }
        }
    }

    var stackDirectory: URL { root.appendingPathComponent("stack") }
    var dataRoot: String { root.appendingPathComponent("data").path }
    var runRoot: String { root.appendingPathComponent("run").path }

    /// Writes a file of the stack's directory.
    func write(_ name: String, _ text: String) throws {
        let url = stackDirectory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func read(_ name: String) -> String {
        (try? String(contentsOf: stackDirectory.appendingPathComponent(name), encoding: .utf8)) ?? ""
    }

    func environment(_ extra: [String: String] = [:]) -> [String: String] {
        ["PATH": Shell.path, "HOME": "/root", "BERTH_DATA_DIR": dataRoot, "BERTH_RUN_DIR": runRoot, "TERM": "dumb"]
            .merging(extra) { $1 }
    }

    /// Starts berth inside the fake host, in the stack's directory.
    func start(_ arguments: [String], environment extra: [String: String] = [:], input: String? = nil) throws
        -> RunningProgram
    {
        try RunningProgram(
            "/usr/bin/nsenter", ["--net=/proc/\(host.processID)/ns/net", berth] + arguments,
            environment: environment(extra), directory: stackDirectory.path, input: input)
    }

    /// Starts another program inside the fake host; it must be ended by the test.
    func start(program: String, _ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            "/usr/bin/nsenter", ["--net=/proc/\(host.processID)/ns/net", program] + arguments,
            environment: environment(), directory: stackDirectory.path)
    }

    @discardableResult
    func run(_ arguments: String..., environment: [String: String] = [:], input: String? = nil, limit: Double = 90)
        throws -> Output
    {
        try start(arguments, environment: environment, input: input).wait(limit: limit)
    }

    /// Runs a program other than berth inside the fake host.
    @discardableResult
    func onHost(_ script: String, limit: Double = 30) throws -> Output {
        try RunningProgram(
            "/usr/bin/nsenter", ["--net=/proc/\(host.processID)/ns/net", "/bin/sh", "-c", script],
            environment: environment(), directory: stackDirectory.path
        ).wait(limit: limit)
    }

    /// The agent's process id as it recorded it; nil when none is there.
    var agentProcessID: Int32? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(runRoot)/agent.json")),
            let record = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let pid = record["processID"] as? Int
        else { return nil }
        let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        return command.contains("berth-agent") && command.contains(runRoot) ? Int32(pid) : nil
    }

    /// What differs from before the test, two seconds at most after the last `down -v`; empty: nothing leaked.
    func leaks() -> [String] {
        var found: [String] = []
        _ = eventually(4) {
            found = LeakScan(root: root.path, hostProcessID: host.processID).differences(from: before)
            return found.isEmpty
        }
        return found
    }

    /// Ends everything that is left of this world, whatever state a failed test left it in.
    func close() {
        _ = try? run("down", "-v", "--remove-orphans", "-t", "0", limit: 30)
        for pid in LeakScan.processes(of: root.path) { kill(pid, SIGKILL) }
        _ = eventually(5) { LeakScan.processes(of: root.path).isEmpty }
        host.signal(SIGKILL)
        _ = host.wait()
        LeakScan.removeCgroups(ofWorldAt: dataRoot)
        try? FileManager.default.removeItem(at: root)
    }
}

struct WorldError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

enum SourceRoot {
    static let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
}

/// Runs a body in a fresh world and asserts that nothing of it is left.
func withWorld(
    image: Bool = true, sourceLocation: SourceLocation = #_sourceLocation, _ body: (World) throws -> Void
) throws {
    let world = try World(image: image)
    defer { world.close() }
    try body(world)
    _ = try world.run("down", "-v", "--remove-orphans", "-t", "0")
    let leaks = world.leaks()
    #expect(leaks.isEmpty, "left behind: \(leaks.joined(separator: ", "))", sourceLocation: sourceLocation)
}
