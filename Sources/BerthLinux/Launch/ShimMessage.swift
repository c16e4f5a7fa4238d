// The words between a shim and its peers: the agent, which starts and watches, and clients, which stream.

/// Everything a shim needs to run one container. Travels in a memory file: descriptor 0 of the first message.
package struct ShimStart: Equatable, Sendable {
    package var containerID: String
    /// Holds `shim.sock` and `exit`.
    package var runDirectory: String
    package var logFile: String
    /// 0: no rotation.
    package var logBytesMax: Int64
    package var logFilesMax: Int
    /// Rendered JSON that every line of the log carries as `attrs`; empty: none.
    package var logAttributes: String
    package var logForward: LogForward?
    package var tty: Bool
    package var standardInputOpen: Bool
    /// Clone only when a client has attached (or asked to go on without).
    package var holdUntilAttached: Bool
    package var program: LaunchProgram
    /// Directories whose `memory.events` or `memory.oom_control` tell of OOM kills; empty: unknown.
    package var oomFile: String
    /// `cgroup.kill` of the container's group, written after the main process ended; empty: none.
    package var killFile: String
    /// The program and arguments of the agent, for its revival, and its lock.
    package var agent: [String]
    package var agentLock: String
    /// Labels of the descriptors that follow the memory file, in order. The first `slotCount` are the program's slots.
    package var keepsakes: [String]
    package var slotCount: Int
    /// The place of the v2 group among the descriptors after the slots and keepsakes; clone into it.
    package var hasCgroupDescriptor: Bool

    package init(containerID: String, runDirectory: String, logFile: String, program: LaunchProgram) {
        self.containerID = containerID
        self.runDirectory = runDirectory
        self.logFile = logFile
        logBytesMax = 10_000_000
        logFilesMax = 3
        logAttributes = ""
        tty = false
        standardInputOpen = false
        holdUntilAttached = false
        self.program = program
        oomFile = ""
        killFile = ""
        agent = []
        agentLock = ""
        keepsakes = []
        slotCount = 0
        hasCgroupDescriptor = false
    }

    package func encoded() -> [UInt8] {
        var w = WireWriter()
        w.text(containerID); w.text(runDirectory); w.text(logFile); w.int(logBytesMax); w.int(logFilesMax)
        w.text(logAttributes); w.flag(logForward != nil); logForward?.write(to: &w)
        w.flag(tty); w.flag(standardInputOpen); w.flag(holdUntilAttached)
        program.write(to: &w)
        w.text(oomFile); w.text(killFile); w.texts(agent); w.text(agentLock); w.texts(keepsakes); w.int(slotCount)
        w.flag(hasCgroupDescriptor)
        return w.bytes
    }

    package init(decoding bytes: [UInt8]) throws(WireError) {
        var r = WireReader(bytes)
        containerID = try r.text(); runDirectory = try r.text(); logFile = try r.text()
        logBytesMax = try r.int(); logFilesMax = try r.int()
        logAttributes = try r.text(); logForward = try r.flag() ? LogForward(from: &r) : nil
        tty = try r.flag(); standardInputOpen = try r.flag(); holdUntilAttached = try r.flag()
        program = try LaunchProgram(from: &r)
        oomFile = try r.text(); killFile = try r.text(); agent = try r.texts(); agentLock = try r.text()
        keepsakes = try r.texts(); slotCount = try r.int(); hasCgroupDescriptor = try r.flag()
    }
}

/// How a process ended.
package struct ExitStatus: Equatable, Sendable {
    /// 0–255; 128 + signal where a signal ended it.
    package var code: Int32
    package var oomKilled: Bool
    /// Nanoseconds since the epoch.
    package var startedNanoseconds: Int64
    package var finishedNanoseconds: Int64

    package init(code: Int32, oomKilled: Bool, startedNanoseconds: Int64, finishedNanoseconds: Int64) {
        self.code = code
        self.oomKilled = oomKilled
        self.startedNanoseconds = startedNanoseconds
        self.finishedNanoseconds = finishedNanoseconds
    }

    /// The content of the exit record file.
    package var record: [UInt8] {
        var w = WireWriter()
        w.u8(1)
        w.int(code); w.flag(oomKilled); w.int(startedNanoseconds); w.int(finishedNanoseconds)
        return w.bytes
    }

    package init(record: [UInt8]) throws(WireError) {
        var r = WireReader(record)
        guard try r.u8() == 1 else { throw WireError("an exit record of an unknown version") }
        code = try r.int(); oomKilled = try r.flag(); startedNanoseconds = try r.int();
        finishedNanoseconds = try r.int()
    }
}

/// One message of the shim protocol, version 1.
package enum ShimMessage: Equatable, Sendable {
    // MARK: To the shim
    /// With the start's memory file and all descriptors beside it.
    case start
    /// "I am the agent": tell me of the end, and take my silence for death. Answered by `status`, keepsakes beside it.
    case adopt
    /// The agent goes on purpose: do not revive it.
    case bye
    case signal(Int32)
    /// A program to run beside the main process later; with its memory file.
    case prepareExec(id: String, tty: Bool)
    /// Runs a prepared program; with pipes for 0, 1, 2 unless it has a terminal, whose master comes back.
    case startExec(id: String)
    case signalExec(id: String, signal: Int32)
    /// Streams with the main process; with two pipes (its output and error) and, where stdin is open, one for input.
    case attach(wantsInput: Bool)
    case resize(exec: String, rows: UInt16, columns: UInt16)
    /// The end was taken note of: the shim may leave.
    case acknowledgeExit

    // MARK: From the shim
    case started(processID: Int32, startedNanoseconds: Int64)
    case failed(stage: String, errno: Int32, executing: Bool)
    /// `keepsakes` labels the descriptors beside it. `exit` is set once the process ended.
    case status(processID: Int32, startedNanoseconds: Int64, keepsakes: [String], exit: ExitStatus?)
    case exited(ExitStatus)
    /// The kernel killed in the container for lack of memory; it may run on.
    case outOfMemory
    case execStarted(id: String, processID: Int32)
    case execFailed(id: String, stage: String, errno: Int32, executing: Bool)
    case execExited(id: String, code: Int32)
    case attached
    case refused(String)

    package var encoded: [UInt8] {
        var w = WireWriter()
        w.u8(1)
        switch self {
        case .start: w.u8(1)
        case .adopt: w.u8(2)
        case .bye: w.u8(3)
        case .signal(let number): w.u8(4); w.int(number)
        case .prepareExec(let id, let tty): w.u8(5); w.text(id); w.flag(tty)
        case .startExec(let id): w.u8(6); w.text(id)
        case .signalExec(let id, let number): w.u8(7); w.text(id); w.int(number)
        case .attach(let wantsInput): w.u8(8); w.flag(wantsInput)
        case .resize(let exec, let rows, let columns): w.u8(9); w.text(exec); w.int(rows); w.int(columns)
        case .acknowledgeExit: w.u8(10)
        case .started(let pid, let nanoseconds): w.u8(32); w.int(pid); w.int(nanoseconds)
        case .failed(let stage, let errno, let executing): w.u8(33); w.text(stage); w.int(errno); w.flag(executing)
        case .status(let pid, let nanoseconds, let keepsakes, let exit):
            w.u8(34); w.int(pid); w.int(nanoseconds); w.texts(keepsakes)
            w.flag(exit != nil)
            if let exit { w.data(exit.record) }
        case .exited(let status): w.u8(35); w.data(status.record)
        case .execStarted(let id, let pid): w.u8(36); w.text(id); w.int(pid)
        case .execFailed(let id, let stage, let errno, let executing):
            w.u8(37); w.text(id); w.text(stage); w.int(errno); w.flag(executing)
        case .execExited(let id, let code): w.u8(38); w.text(id); w.int(code)
        case .attached: w.u8(39)
        case .refused(let why): w.u8(40); w.text(why)
        case .outOfMemory: w.u8(41)
        }
        return w.bytes
    }

    package init(decoding bytes: [UInt8]) throws(WireError) {
        var r = WireReader(bytes)
        guard try r.u8() == 1 else { throw WireError("a shim message of an unknown version") }
        switch try r.u8() {
        case 1: self = .start
        case 2: self = .adopt
        case 3: self = .bye
        case 4: self = .signal(try r.int())
        case 5: self = .prepareExec(id: try r.text(), tty: try r.flag())
        case 6: self = .startExec(id: try r.text())
        case 7: self = .signalExec(id: try r.text(), signal: try r.int())
        case 8: self = .attach(wantsInput: try r.flag())
        case 9: self = .resize(exec: try r.text(), rows: try r.int(), columns: try r.int())
        case 10: self = .acknowledgeExit
        case 32: self = .started(processID: try r.int(), startedNanoseconds: try r.int())
        case 33: self = .failed(stage: try r.text(), errno: try r.int(), executing: try r.flag())
        case 34:
            let pid = try r.int(as: Int32.self)
            let nanoseconds = try r.int(as: Int64.self)
            let keepsakes = try r.texts()
            let exit = try r.flag() ? try ExitStatus(record: try r.data()) : nil
            self = .status(processID: pid, startedNanoseconds: nanoseconds, keepsakes: keepsakes, exit: exit)
        case 35: self = .exited(try ExitStatus(record: try r.data()))
        case 36: self = .execStarted(id: try r.text(), processID: try r.int())
        case 37: self = .execFailed(id: try r.text(), stage: try r.text(), errno: try r.int(), executing: try r.flag())
        case 38: self = .execExited(id: try r.text(), code: try r.int())
        case 39: self = .attached
        case 40: self = .refused(try r.text())
        case 41: self = .outOfMemory
        case let code: throw WireError("an unknown shim message \(code)")
        }
    }
}
