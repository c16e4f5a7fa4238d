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

    /// An intermediate process joins the namespaces (its children are then born in the container's pid namespace), and
    /// clones the program's process as a sibling of itself: a child of the shim.
    private func launchExec(_ exec: Exec, beside main: ChildProcess, _ streams: Streams) throws(LaunchFailure) {
        let report: (read: SharedDescriptor, write: SharedDescriptor)
        let numbers: (read: SharedDescriptor, write: SharedDescriptor)
        let channel: (SharedDescriptor, SharedDescriptor)
        let joiner: Int32
        do throws(SystemError) {
            report = try Process.pipe()
            numbers = try Process.pipe()
            channel = try PacketSocket.pair()
            joiner = try Process.clone(flags: 0)
        } catch {
            throw LaunchFailure(stage: "cloning", errno: error.errno)
        }
        if joiner == 0 {
            Monitor.join(exec, main, streams, report.write.number, numbers.write.number, channel.1.number)
        }
        let failure = Monitor.readReport(report)
        var status: Int32 = 0
        waitpid(joiner, &status, 0)
        var sibling: Int32 = 0
        _ = clinux_fcntl(numbers.read.number, F_SETFL, Int(O_NONBLOCK))
        if read(numbers.read.number, &sibling, 4) != 4 { sibling = 0 }
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

    /// In the intermediate process. Never returns.
    private static func join(
        _ exec: Exec, _ main: ChildProcess, _ streams: Streams, _ report: Int32, _ numbers: Int32, _ terminal: Int32
    ) -> Never {
        var slots: [Int: SharedDescriptor] = [:]
        for (index, descriptor) in exec.slots.enumerated() { slots[index] = descriptor }
        var interpreter = LaunchInterpreter(slots: slots)
        interpreter.terminalSocket = terminal
        interpreter.reportPipe = report
        do throws(LaunchFailure) {
            try interpreter.run(exec.program.prepare)
        } catch {
            becomeFailure(error, report)
        }
        // All namespaces of the main process that the program asks for, in one call; but its control group's only from
        // inside the group: with `nsdelegate`, who is outside of what a namespace shows cannot be born into it.
        let cgroup = exec.program.cloneFlags & NamespaceFlags.flag("cgroup")
        if setns(main.descriptor.number, Int32(truncatingIfNeeded: exec.program.cloneFlags ^ cgroup)) != 0 {
            becomeFailure(LaunchFailure(stage: "joining the container's namespaces", errno: lastErrno), report)
        }
        let group = exec.slots.first?.number ?? -1
        let flags = UInt64(CLONE_PARENT) | (group >= 0 ? UInt64(CLONE_INTO_CGROUP) : 0)
        let result = clinux_clone3(flags, nil, group)
        if result < 0 { becomeFailure(LaunchFailure(stage: "cloning", errno: lastErrno), report) }
        if result > 0 {
            var number = Int32(result)
            _ = write(numbers, &number, 4)
            _exit(0)
        }
        if cgroup != 0, setns(main.descriptor.number, Int32(truncatingIfNeeded: cgroup)) != 0 {
            becomeFailure(LaunchFailure(stage: "joining the container's control groups", errno: lastErrno), report)
        }
        becomeChild(&interpreter, exec.program.child, streams, report)
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
