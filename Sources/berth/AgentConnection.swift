// Reaching the agent, and starting it where none answers.
import BerthControl
import BerthLinux
import BerthModel

enum AgentConnection {
    /// How often a race with a leaving agent is run again.
    private static let attemptsMax = 40

    /// A client of a living agent.
    static func client() async throws -> ControlClient {
        guard Process.effectiveUserID == 0 else {
            throw BerthError(.denied, "starting berth", cause: "berth needs root for now", hint: "run it with sudo")
        }
        let global = GlobalOptions.current
        do {
            try Directory.make(global.dataRoot)
            try Directory.make(global.runRoot)
        } catch {
            throw BerthError(.denied, "making the state directories", cause: "\(error)")
        }
        let run = try Directory.realPath(global.runRoot)
        let layout = StateLayout(dataRoot: try Directory.realPath(global.dataRoot), runRoot: run, world: "")
        for _ in 0..<attemptsMax {
            if let presence = try? PacketSocket.connect(layout.agentSocket, stream: true) {
                return ControlClient(socket: layout.agentSocket, presence: SharedDescriptor(presence))
            }
            if try start(layout) { continue }
            // Another agent holds the lock: it is starting or leaving.
            BerthLinux.Pause.milliseconds(25)
        }
        throw BerthError(
            .unavailable, "reaching the agent", cause: "it holds its lock but does not answer",
            hint: "see \(layout.agentLog)")
    }

    /// Starts an agent and waits for its word; false where another one has the lock.
    private static func start(_ layout: StateLayout) throws -> Bool {
        let program = try find("berth-agent")
        let ready = try Process.pipe()
        let null = try Directory.open("/dev/null", flags: FileFlags.readWrite)
        let log = try Directory.open(layout.agentLog, flags: FileFlags.append, mode: 0o600)
        let child = try Process.spawn(
            program, ["berth-agent", "--data-dir", layout.dataRoot, "--run-dir", layout.runRoot, "--ready-fd", "3"],
            environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            descriptors: [null.number, null.number, log.number, ready.write.number], newSession: true)
        ready.write.closeEarly()
        var byte: [UInt8] = [0]
        if try FileIO.readSome(ready.read.number, &byte) == 1 { return true }
        let code = try Process.wait(child)
        if code == 3 { return false }
        let words = (try? FileIO.readText(layout.agentLog))?.split(separator: "\n").last.map(String.init) ?? ""
        throw BerthError(
            .unavailable, "starting the agent", cause: words.isEmpty ? "it ended with code \(code)" : words,
            hint: "see \(layout.agentLog)")
    }

    static func find(_ name: String) throws -> String {
        let own = try Directory.readLink("/proc/self/exe")
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        var places = ["\(directory)/\(name)", "\(directory)/../libexec/berth/\(name)"]
        if let extra = EnvironmentVariables.value("BERTH_LIBEXEC") { places.append("\(extra)/\(name)") }
        for place in places where (try? FileStatus.of(place)) != nil { return place }
        throw BerthError(
            .notFound, "looking for \(name)", cause: "it is not in \(places.joined(separator: ", "))",
            hint: "install all of berth's programs together")
    }
}
