// The launching side for a process that leaves its child to others: clones, meets, and hears how it went.
import CLinux

/// One clone that interprets a program. The caller must have a single thread.
package final class ProcessLaunch {
    /// What a launch starts from.
    package struct Setting {
        package var slots: [Int: SharedDescriptor] = [:]
        /// Where a terminal's master goes; -1: nowhere.
        package var terminalSocket: Int32 = -1
        package var preservedDescriptors: UInt32 = 0
        /// The v2 group to be born in; -1: the caller's.
        package var cgroup: Int32 = -1
        /// Namespaces to join before the clone, in this order; then the clone is born in them, a child of the caller.
        package var joined: [SharedDescriptor] = []
        /// 0–2 of the process, where they are not the caller's.
        package var streams: [Int32] = []
        package init() {}
    }

    /// The slot of the child's end of the meeting socket.
    package static let meetingSlot = 1

    package let processID: Int32
    private let report: SharedDescriptor
    private let socket: SharedDescriptor

    package init(_ program: LaunchProgram, _ setting: Setting) throws(LaunchFailure) {
        var interpreter = LaunchInterpreter(slots: setting.slots)
        if setting.joined.isEmpty { try interpreter.run(program.prepare) }
        var pipe: (read: SharedDescriptor, write: SharedDescriptor)?
        var pair: (SharedDescriptor, SharedDescriptor)?
        do throws(SystemError) {
            let (ends, sockets) = (try Process.pipe(), try PacketSocket.pair())
            (pipe, pair, report, socket) = (ends, sockets, ends.read, sockets.0)
            if setting.joined.isEmpty {
                processID = try Process.clone(flags: program.cloneFlags, cgroup: setting.cgroup)
            } else {
                processID = try ProcessLaunch.cloneJoined(program, setting, &interpreter, ends.write.number)
            }
        } catch {
            throw LaunchFailure(stage: "cloning: \(error.call)", errno: error.errno)
        }
        if processID != 0 {
            (pipe, pair) = (nil, nil)
            if processID < 0 { throw failure() ?? LaunchFailure(stage: "joining the namespaces", errno: ESRCH) }
            return
        }
        guard let pipe, let pair else { _exit(127) }
        // The other ends must not live on in us, or nobody would ever hear of the launcher's death.
        _ = close(pair.0.number)
        _ = close(pipe.read.number)
        for number in Int32(1)..<65 where number != SIGKILL && number != SIGSTOP {
            clinux_default_signal(number)
        }
        for (target, number) in setting.streams.enumerated() { _ = dup2(number, Int32(target)) }
        interpreter.slots[ProcessLaunch.meetingSlot] = pair.1
        interpreter.terminalSocket = setting.terminalSocket
        interpreter.reportPipe = pipe.write.number
        interpreter.preservedDescriptors = setting.preservedDescriptors
        do throws(LaunchFailure) { try interpreter.run(program.child) } catch {
            ProcessLaunch.tell(error, interpreter.reportPipe)
        }
        _exit(127)
    }

    private static func tell(_ failure: LaunchFailure, _ report: Int32) {
        var writer = WireWriter()
        writer.text(failure.stage)
        writer.int(failure.errno)
        writer.flag(failure.executing)
        let bytes = writer.bytes
        if report >= 0 { _ = write(report, bytes, bytes.count) }
    }

    /// 0 in the clone, -1 where the report says why there is none. An intermediate process prepares, joins, and clones
    /// its own sibling, so that the caller stays where it is.
    private static func cloneJoined(
        _ program: LaunchProgram, _ setting: Setting, _ interpreter: inout LaunchInterpreter, _ report: Int32
    ) throws(SystemError) -> Int32 {
        let numbers = try Process.pipe()
        let joiner = try Process.clone(flags: 0)
        if joiner == 0 {
            do throws(LaunchFailure) {
                try interpreter.run(program.prepare)
                for namespace in setting.joined where setns(namespace.number, 0) != 0 {
                    throw LaunchFailure(stage: "joining the namespaces", errno: lastErrno)
                }
            } catch {
                tell(error, report)
                _exit(0)
            }
            let into = setting.cgroup >= 0 ? UInt64(CLONE_INTO_CGROUP) : 0
            let result = clinux_clone3(program.cloneFlags | UInt64(CLONE_PARENT) | into, nil, setting.cgroup)
            if result == 0 { return 0 }
            if result < 0 { tell(LaunchFailure(stage: "cloning", errno: lastErrno), report) }
            var number = Int32(result)
            _ = write(numbers.write.number, &number, 4)
            _exit(0)
        }
        var status: Int32 = 0
        waitpid(joiner, &status, 0)
        var number: Int32 = -1
        _ = clinux_fcntl(numbers.read.number, F_SETFL, Int(O_NONBLOCK))
        _ = read(numbers.read.number, &number, 4)
        return number
    }

    /// Waits until the child has come to its next `rendezvous`; throws what it died of instead.
    package func meet() throws(LaunchFailure) {
        let there: Bool
        do throws(SystemError) {
            let packet = try PacketSocket.receive(socket.number)
            there = !packet.payload.isEmpty
        } catch { there = false }
        if !there { throw failure() ?? LaunchFailure(stage: "starting", errno: ECHILD) }
    }

    /// Lets the child go on, with the state for its hooks.
    package func release(creating: [UInt8], created: [UInt8]) throws(LaunchFailure) {
        var writer = WireWriter()
        writer.data(creating)
        writer.data(created)
        do throws(SystemError) { try PacketSocket.send(socket.number, writer.bytes) } catch {
            throw failure() ?? LaunchFailure(stage: "starting", errno: error.errno)
        }
    }

    /// Returns when the program runs or waits for its start.
    package func finish() throws(LaunchFailure) {
        if let failure = failure() { throw failure }
    }

    private func failure() -> LaunchFailure? {
        guard let bytes = try? FileIO.read(number: report.number, limit: 65536), !bytes.isEmpty else { return nil }
        var reader = WireReader(bytes)
        guard let stage = try? reader.text(), let code = try? reader.int(as: Int32.self),
            let executing = try? reader.flag()
        else { return LaunchFailure(stage: "starting", errno: EPROTO) }
        return LaunchFailure(stage: stage, errno: code, executing: executing)
    }
}
