// The agent's life: lock, state, recovery, service, leave.
import BerthControl
import BerthEngine
import BerthLinux
import BerthModel
import BerthRuntime
import Dispatch
import FoundationEssentials
import Logging
import Synchronization

/// What stands on the command line.
struct AgentArguments {
    var dataRoot = ""
    var runRoot = ""
    /// A lock that a reviving shim took for us.
    var lockDescriptor: Int32?
    /// Gets one byte when the socket accepts.
    var readyDescriptor: Int32?
    /// The group below which containers' groups lie, where the service manager gave one.
    var cgroupParent = ""

    init?(_ arguments: [String]) {
        var rest = arguments.dropFirst()
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch name {
            case "--data-dir": dataRoot = value
            case "--run-dir": runRoot = value
            case "--lock-fd": lockDescriptor = Int32(value)
            case "--ready-fd": readyDescriptor = Int32(value)
            case "--cgroup-parent": cgroupParent = value
            default: return nil
            }
        }
        if dataRoot.isEmpty || runRoot.isEmpty { return nil }
    }
}

final class Agent: Sendable {
    private let layout: StateLayout
    private let engine: Engine
    private let server: ControlServer
    private let logger: Logger
    private let leaving = Mutex(false)
    private let turns = Mutex(0)
    /// What recovery finds changes statuses; until it is over nobody knows whether we are needed.
    private let isReady = Mutex(false)
    /// The service manager listens, and starts us when somebody connects.
    private let isActivated: Bool
    /// An agent that nobody needs for so long leaves.
    private static let idleGrace = Duration.milliseconds(300)

    init(_ arguments: AgentArguments, isActivated: Bool, logger: Logger) throws {
        self.logger = logger
        self.isActivated = isActivated
        let real = try Directory.realPath(arguments.dataRoot)
        let world = String(SHA256Digest.hex(of: Array(real.utf8)).prefix(8))
        layout = StateLayout(dataRoot: real, runRoot: arguments.runRoot, world: world)
        let store = try DatabaseStateStore(path: layout.database)
        let programs = ProgramPaths()
        var command = [programs.agent, "--data-dir", layout.dataRoot, "--run-dir", layout.runRoot]
        if !arguments.cgroupParent.isEmpty { command += ["--cgroup-parent", arguments.cgroupParent] }
        // Two who bring an agent back would be one too many.
        let runtime = try ContainerRuntime(
            layout: layout, shim: programs.shim, agentCommand: isActivated ? [] : command,
            delegatedGroup: arguments.cgroupParent)
        let network = try LinuxNetwork(layout: layout)
        let parts = try EngineParts(
            layout: layout, store: store, runtime: runtime, network: network, workerProgram: programs.worker,
            logger: logger)
        engine = Engine(parts)
        let idle = IdleSignal()
        server = ControlServer(service: ControlAdapter(engine: engine), idle: { idle.fire() })
        parts.whenStatusChanges { idle.fire() }
        idle.action = { [weak self] in self?.considerLeaving() }
    }

    func run(ready: Int32?, activation: consuming Descriptor?) async throws {
        let socket: Descriptor
        if let given = activation {
            socket = given
        } else {
            socket = try PacketSocket.listen(layout.agentSocket, stream: true)
        }
        // Ownership passes to the server for the rest of this process's life.
        try await engine.recover()
        try await server.start(listening: socket.release())
        let record = AgentRecord(processID: Process.ownID, version: BerthVersion.text)
        try FileIO.replace(layout.agentRecord, Array(try JSONEncoder().encode(record)), durable: false)
        if let ready {
            try? FileIO.write(number: ready, [1])
            _ = Descriptor(owning: ready)
        }
        logger.info("ready", metadata: ["pid": "\(Process.ownID)"])
        isReady.withLock { $0 = true }
        considerLeaving()
    }

    /// Looks once now and once after the grace; both times nobody must need us, and nobody in between: whoever came and
    /// went has begun a grace of its own.
    private func considerLeaving() {
        let turn = turns.withLock { turns in
            turns += 1
            return turns
        }
        Task {
            guard await isIdle else { return }
            try? await Task.sleep(for: Agent.idleGrace)
            guard turns.withLock({ $0 }) == turn, await isIdle, claimLeaving() else { return }
            await leave()
        }
    }

    private var isIdle: Bool {
        get async {
            if !isReady.withLock({ $0 }) || server.activeClients > 0 { return false }
            return await !engine.isNeeded
        }
    }

    private func claimLeaving() -> Bool {
        leaving.withLock { leaving in
            defer { leaving = true }
            return !leaving
        }
    }

    /// The name goes first, so that no client finds a socket that nobody serves; who connected before is still served.
    private func leave() async {
        // Who connects to the service manager's socket now is served by the next agent.
        if !isActivated { try? Directory.remove(layout.agentSocket) }
        try? await Task.sleep(for: .milliseconds(20))
        if await !isIdle {
            // Somebody came in the last moment: stay for them, under the same name again.
            if !isActivated, let socket = try? PacketSocket.listen(layout.agentSocket, stream: true) {
                try? await server.start(listening: socket.release())
            }
            leaving.withLock { $0 = false }
            return considerLeaving()
        }
        await engine.retire()
        try? Directory.remove(layout.agentRecord)
        logger.info("leaving")
        exitProcess(0)
    }
}

/// `agent.json`.
struct AgentRecord: Codable {
    var processID: Int32
    var version: String
}

/// Joins "something changed" from many sides to one look.
final class IdleSignal: Sendable {
    private let body = Mutex<(@Sendable () -> Void)?>(nil)
    var action: (@Sendable () -> Void)? {
        get { body.withLock { $0 } }
        set { body.withLock { $0 = newValue } }
    }
    func fire() { action?() }
}

/// The programs that belong together: beside this one, then in libexec.
struct ProgramPaths {
    let agent: String
    let shim: String
    let worker: String

    init() {
        let own = (try? Directory.readLink("/proc/self/exe")) ?? ""
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        func find(_ name: String) -> String {
            for candidate in ["\(directory)/\(name)", "\(directory)/../libexec/berth/\(name)"]
            where (try? FileStatus.of(candidate)) != nil {
                return candidate
            }
            return "\(directory)/\(name)"
        }
        agent = own
        shim = find("berth-shim")
        worker = find("berth-worker")
    }
}
