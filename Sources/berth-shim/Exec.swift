// Processes beside the main one: they join its namespaces and its group, and are children of the shim.
import BerthLinux
import CLinux

final class Exec {
    let id: String
    let tty: Bool
    let program: LaunchProgram
    let slots: [SharedDescriptor]
    /// 0: not running.
    var processID: Int32 = 0
    var descriptor: SharedDescriptor?
    var terminal: SharedDescriptor?
    /// Who is told of its end.
    var peer: Peer?

    init(id: String, tty: Bool, program: LaunchProgram, slots: [SharedDescriptor]) {
        self.id = id
        self.tty = tty
        self.program = program
        self.slots = slots
    }
}

extension Monitor {
    /// More prepared programs than this are refused: each holds memory.
    private static let execsMax = 1024

    func prepareExec(_ id: String, tty: Bool, _ descriptors: [SharedDescriptor], _ peer: Peer) {
        guard execs.count < Monitor.execsMax else { return peer.send(.refused("too many exec processes")) }
        guard let memory = descriptors.first, let bytes = try? FileIO.read(number: memory.number, limit: 16 << 20)
        else {
            return peer.send(.refused("an exec without a program"))
        }
        var reader = WireReader(bytes)
        guard let program = try? LaunchProgram(from: &reader) else {
            return peer.send(.refused("an unreadable program"))
        }
        execs[id] = Exec(id: id, tty: tty, program: program, slots: Array(descriptors.dropFirst()))
    }

    func startExec(_ id: String, _ descriptors: [SharedDescriptor], _ peer: Peer) {
        guard let exec = execs[id], exec.processID == 0 else { return peer.send(.refused("no such exec: \(id)")) }
        guard let child else {
            execs[id] = nil
            return peer.send(.execFailed(id: id, stage: "the container is not running", errno: ESRCH, executing: false))
        }
        exec.peer = peer
        do throws(LaunchFailure) {
            try launchExec(exec, beside: child, Streams(given: descriptors))
            var extra: [Int32] = []
            if let terminal = exec.terminal { extra.append(terminal.number) }
            peer.send(.execStarted(id: id, processID: exec.processID), descriptors: extra)
        } catch {
            execs[id] = nil
            peer.send(.execFailed(id: id, stage: error.stage, errno: error.errno, executing: error.executing))
        }
    }

    func execEnded(_ exec: Exec, _ code: Int32) {
        exec.processID = 0
        execs[exec.id] = nil
        exec.peer?.send(.execExited(id: exec.id, code: code))
    }

    /// An intermediate process joins the group and the namespaces (its children are then born in the container's pid
    /// namespace), becomes who the program is to be, and clones the program's process as a sibling of itself: a child
    /// of the shim.
    ///
    /// What the container can see is born with the container's own rights and nothing of the host's in its hands:
    /// whoever may trace it there gains nothing.
    private func launchExec(_ exec: Exec, beside main: ChildProcess, _ streams: Streams) throws(LaunchFailure) {
        let report: (read: SharedDescriptor, write: SharedDescriptor)
        let numbers: (read: SharedDescriptor, write: SharedDescriptor)
        let channel: (SharedDescriptor, SharedDescriptor)
        let joiner: Int32
        do throws(SystemError) {
            report = try Process.pipe()
            numbers = try Process.pipe()
            channel = try PacketSocket.pair()
            joiner = try Process.clone(flags: 0, cgroup: exec.slots.first?.number ?? -1)
        } catch {
            throw LaunchFailure(stage: "cloning", errno: error.errno)
        }
        if joiner == 0 {
            Monitor.join(exec, main, streams, report.write.number, numbers.write.number, channel.1.number)
        }
        let failure = Monitor.readReport(report)
        var status: Int32 = 0
        waitpid(joiner, &status, 0)
        let sibling = Monitor.readChild(numbers.read.number)
        if let failure {
            if sibling > 0 { waitpid(sibling, &status, 0) }
            throw failure
        }
        guard sibling > 0 else { throw LaunchFailure(stage: "joining the container", errno: ESRCH) }
        exec.processID = sibling
        exec.descriptor = try? SharedDescriptor(Process.open(sibling))
        if exec.tty {
            let packet = try? PacketSocket.receive(channel.0.number, wait: false)
            switch consume packet {
            case .some(let packet): exec.terminal = packet.descriptors.first
            case .none: break
            }
        }
    }

    /// The number that the intermediate process wrote; 0: none, or one that is no child of ours. The program's process
    /// had the pipe for a moment, too, and is not believed.
    private static func readChild(_ numbers: Int32) -> Int32 {
        var number: Int32 = 0
        _ = clinux_fcntl(numbers, F_SETFL, Int(O_NONBLOCK))
        guard read(numbers, &number, 4) == 4, number > 0 else { return 0 }
        var information = siginfo_t()
        return waitid(P_PID, id_t(number), &information, WEXITED | WNOHANG | WNOWAIT) == 0 ? number : 0
    }

    /// In the intermediate process. Never returns.
    private static func join(
        _ exec: Exec, _ main: ChildProcess, _ streams: Streams, _ report: Int32, _ numbers: Int32, _ terminal: Int32
    ) -> Never {
        var interpreter = LaunchInterpreter(slots: [:])
        interpreter.terminalSocket = terminal
        interpreter.reportPipe = report
        let birth = exec.program.child.firstIndex { $0.step.belongsToSession } ?? 0
        do throws(LaunchFailure) {
            try interpreter.run(exec.program.prepare)
            // All namespaces of the main process that the program asks for, in one call.
            if setns(main.descriptor.number, Int32(truncatingIfNeeded: exec.program.cloneFlags)) != 0 {
                throw LaunchFailure(stage: "joining the container's namespaces", errno: lastErrno)
            }
            streams.install()
            Process.closeAll(except: [report, numbers, terminal])
            try interpreter.run(Array(exec.program.child[..<birth]))
        } catch {
            becomeFailure(error, report)
        }
        let result = clinux_clone(UInt(CLONE_PARENT))
        if result < 0 { becomeFailure(LaunchFailure(stage: "cloning", errno: lastErrno), report) }
        if result > 0 {
            var number = Int32(result)
            _ = write(numbers, &number, 4)
            _exit(0)
        }
        _ = CLinux.close(numbers)
        becomeChild(&interpreter, Array(exec.program.child[birth...]), report)
    }

    private static func becomeFailure(_ failure: LaunchFailure, _ report: Int32) -> Never {
        var writer = WireWriter()
        writer.text(failure.stage)
        writer.int(failure.errno)
        writer.flag(failure.executing)
        let bytes = writer.bytes
        _ = write(report, bytes, bytes.count)
        _exit(127)
    }
}
