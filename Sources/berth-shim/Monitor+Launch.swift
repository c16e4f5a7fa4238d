// Starting the main process and seeing it end.
import BerthLinux
import CLinux

/// The main process, held by descriptor so that no other process of its number is ever signalled.
struct ChildProcess {
    let descriptor: SharedDescriptor
}

extension Monitor {
    /// Prepares, clones, and waits until the program runs or says why not.
    func launch() {
        do throws(LaunchFailure) {
            try openForwarder()
            try launchMain()
            watchMemory()
            broadcast(.started(processID: childProcessID, startedNanoseconds: startedNanoseconds))
        } catch {
            fail(error)
        }
    }

    private func launchMain() throws(LaunchFailure) {
        var interpreter = LaunchInterpreter(slots: slots)
        try interpreter.run(start.program.prepare)
        let streams: Streams
        let report: (read: SharedDescriptor, write: SharedDescriptor)
        let channel: (SharedDescriptor, SharedDescriptor)
        do throws(SystemError) {
            streams = try Streams(tty: start.tty, inputOpen: start.standardInputOpen)
            report = try Process.pipe()
            channel = try PacketSocket.pair()
        } catch {
            throw LaunchFailure(stage: "opening the standard streams", errno: error.errno)
        }
        let processID: Int32
        do throws(SystemError) {
            processID = try Process.clone(flags: start.program.cloneFlags, cgroup: cgroup?.number ?? -1)
        } catch {
            throw LaunchFailure(stage: "cloning", errno: error.errno)
        }
        if processID > 0 { try Monitor.leaveProcessNamespace(of: start.program) }
        if processID == 0 {
            interpreter.terminalSocket = channel.1.number
            interpreter.reportPipe = report.write.number
            streams.install()
            let kept = slots.values.map(\.number) + interpreter.slots.values.map(\.number)
            Process.closeAll(except: kept + [report.write.number, channel.1.number])
            Monitor.becomeChild(&interpreter, start.program.child, report.write.number)
        }
        slots = [:]
        streams.closeChildEnds()
        childProcessID = processID
        log.forwarder?.processID = processID
        startedNanoseconds = wallClockNanoseconds()
        try awaitExecution(of: processID, report, channel, streams)
    }

    /// Where the main process was born in another container's process namespace, further children would be too, and the
    /// numbers that they see would not be ours. Back to our own.
    private static func leaveProcessNamespace(of program: LaunchProgram) throws(LaunchFailure) {
        let entered = program.prepare.contains { if case .enterProcessNamespace = $0.step { true } else { false } }
        guard entered else { return }
        do throws(SystemError) {
            let own = try Directory.open("/proc/self/ns/pid", flags: O_RDONLY)
            try systemCall("setns") { setns(own.number, Int32(CLONE_NEWPID)) }
        } catch {
            throw LaunchFailure(stage: "leaving the shared process namespace", errno: error.errno)
        }
    }

    /// In the clone, its streams in place: the program, and a report if it fails. Never returns.
    static func becomeChild(
        _ interpreter: inout LaunchInterpreter, _ steps: [LaunchProgram.Child], _ report: Int32
    ) -> Never {
        for number in Int32(1)..<65 where number != SIGKILL && number != SIGSTOP {
            clinux_default_signal(number)
        }
        do throws(LaunchFailure) {
            try interpreter.run(steps)
        } catch {
            var writer = WireWriter()
            writer.text(error.stage)
            writer.int(error.errno)
            writer.flag(error.executing)
            let bytes = writer.bytes
            _ = write(report, bytes, bytes.count)
        }
        _exit(127)
    }

    /// The report pipe closes when the program runs; a message in it is the step that failed.
    private func awaitExecution(
        of processID: Int32, _ report: (read: SharedDescriptor, write: SharedDescriptor),
        _ channel: (SharedDescriptor, SharedDescriptor), _ streams: Streams
    ) throws(LaunchFailure) {
        let descriptor: SharedDescriptor
        do throws(SystemError) {
            descriptor = SharedDescriptor(try Process.open(processID))
        } catch {
            throw LaunchFailure(stage: "opening the process", errno: error.errno)
        }
        if let failure = Monitor.readReport(report) {
            var status: Int32 = 0
            waitpid(processID, &status, 0)
            throw failure
        }
        child = ChildProcess(descriptor: descriptor)
        if start.tty {
            // Ignored: without a master there is nothing to relay, and the program runs all the same.
            let packet = try? PacketSocket.receive(channel.0.number, wait: false)
            switch consume packet {
            case .some(let packet): terminal = packet.descriptors.first
            case .none: break
            }
            if let terminal { relay(terminal, stream: "stdout") }
            input = terminal
        } else {
            if let output = streams.outputRead { relay(output, stream: "stdout") }
            if let error = streams.errorRead { relay(error, stream: "stderr") }
            input = streams.inputWrite
        }
    }

    /// Nil: the program was executed.
    static func readReport(_ report: (read: SharedDescriptor, write: SharedDescriptor)) -> LaunchFailure? {
        // Our own writing end must go, or the pipe never ends.
        let number = report.write.number
        let null = clinux_open("/dev/null", O_WRONLY | O_CLOEXEC, 0)
        dup3(null, number, O_CLOEXEC)
        _ = CLinux.close(null)
        guard let bytes = try? FileIO.read(number: report.read.number, limit: 65536), !bytes.isEmpty else { return nil }
        var reader = WireReader(bytes)
        guard let stage = try? reader.text(), let code = try? reader.int(as: Int32.self),
            let executing = try? reader.flag()
        else { return LaunchFailure(stage: "starting", errno: EPROTO) }
        return LaunchFailure(stage: stage, errno: code, executing: executing)
    }

    /// The main process ended: kill what is left of the group, record, then tell.
    func mainEnded(_ code: Int32) {
        child = nil
        if let memoryWatch { unwatch(memoryWatch.number) }
        if !start.killFile.isEmpty { try? FileIO.writeKernel(start.killFile, "1") }
        let status = ExitStatus(
            code: code, oomKilled: OutOfMemoryWatch.kills(start.oomFile) > 0, startedNanoseconds: startedNanoseconds,
            finishedNanoseconds: wallClockNanoseconds())
        for output in outputs { output.drain() }
        log.flush()
        // Ignored: a run directory that cannot be written is said by the message that follows.
        try? FileIO.replace("\(start.runDirectory)/exit", status.record, durable: false)
        exit = status
        input = nil
        broadcast(.exited(status))
        if !peers.values.contains(where: { $0.isAgent }) { reviveAgent() }
    }

    /// Where the host cannot tell at once, the exit record does.
    private func watchMemory() {
        guard !start.oomFile.isEmpty, let made = try? OutOfMemoryWatch(start.oomFile) else { return }
        memoryWatch = made
        watch(made.number, events: made.events) { [unowned self] in
            if made.take() > 0 { self.broadcast(.outOfMemory) }
        }
    }
}
