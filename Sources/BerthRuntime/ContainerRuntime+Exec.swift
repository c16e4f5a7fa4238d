// Running programs beside the main process: for clients (by ticket) and for probes (with their output).
import BerthLinux
import BerthModel
import Synchronization

/// What to run in a running container.
package struct ExecSpec: Sendable {
    package var command: [String]
    package var environment: [String] = []
    package var user: String?
    package var workingDirectory: String?
    package var tty = false
    package var privileged = false
    package var rows: UInt16 = 0
    package var columns: UInt16 = 0
    package init(command: [String]) { self.command = command }
}

/// How a probe ended: its code, or -1 with the reason as output.
package struct ProbeOutcome: Sendable, Equatable {
    package var exitCode: Int32
    package var output: String
}

extension ContainerRuntime {
    /// Output of a probe beyond this is cut.
    private static let probeOutputBytesMax = 4096

    /// Prepares a program; a client starts it at the shim's socket by the returned name.
    package func prepareExec(_ record: ContainerRecord, _ exec: ExecSpec) throws -> String {
        let container = try container(record.id)
        let name = Hex.encode(randomBytes(32))
        let program = try execProgram(record, exec, container)
        var writer = WireWriter()
        program.write(to: &writer)
        let memory = try FileIO.sealedMemory("berth-exec", writer.bytes)
        let group = try groups(of: record.id).open(record.id.text)
        try container.send(.prepareExec(id: name, tty: exec.tty), descriptors: [memory.number, group.number])
        return name
    }

    private func execProgram(_ record: ContainerRecord, _ exec: ExecSpec, _ container: RunningContainer) throws
        -> LaunchProgram
    {
        let service = record.service
        let root = try Directory.open("/proc/\(container.processID)/root", flags: FileFlags.pathOnly)
        let user = try UserLookup.resolve(
            exec.user ?? service.user ?? record.imageExecution.User ?? "",
            additionalGroups: exec.user == nil ? service.additionalGroups : [], root: root.number, service: service.name
        )
        var changed = record
        changed.service.tty = exec.tty
        for pair in exec.environment {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            changed.service.environment[parts[0]] = .some(parts.count == 2 ? parts[1] : nil)
        }
        let security = try SecurityOptions(service.securityOptions, service: service.name)
        let set = try CapabilityNames.set(
            adding: service.capabilitiesAdded, dropping: service.capabilitiesDropped,
            privileged: exec.privileged || service.privileged, available: Privileges.boundingSet, service: service.name)
        let process = RuntimeSpec.Process(
            terminal: exec.tty, user: .init(uid: user.userID, gid: user.groupID, additionalGids: user.groups),
            args: exec.command, env: SpecBuilder.environment(changed, home: user.home),
            cwd: exec.workingDirectory ?? service.workingDirectory
                ?? record.imageExecution.WorkingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/",
            capabilities: (0..<64).filter { set & (1 << UInt64($0)) != 0 }.map { "\($0)" },
            rlimits: try SpecBuilder.limits(service),
            noNewPrivileges: security.noNewPrivileges, oomScoreAdj: nil)
        let filter =
            service.privileged || exec.privileged || security.unconfinedSeccomp
            ? nil : try seccomp.filter(boundingSet: set)
        let all = ["pid", "network", "ipc", "uts", "cgroup"].map { RuntimeSpec.Namespace($0) }
        return LaunchCompiler.compileExec(
            process: process, namespaces: all, joinFiles: groups(of: record.id).joinFiles(record.id.text),
            seccompFilter: filter,
            rows: exec.rows, columns: exec.columns)
    }

    /// Runs a probe or a hook to its end, or kills it at its timeout.
    package func probe(_ record: ContainerRecord, _ exec: ExecSpec, timeout: Duration?) async -> ProbeOutcome {
        do {
            let container = try container(record.id)
            let name = try prepareExec(record, exec)
            let output = try Process.pipe()
            let null = SharedDescriptor(try Directory.open("/dev/null", flags: FileFlags.readWrite))
            let end = ProbeEnd()
            container.live.withLock { live in live.execs[name] = { end.receive($0) } }
            try container.send(
                .startExec(id: name), descriptors: [null.number, output.write.number, output.write.number])
            let collected = ProbeOutput(output.read, poller: poller, limit: ContainerRuntime.probeOutputBytesMax)
            let code = await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    guard let timeout, (try? await Task.sleep(for: timeout)) != nil else { return }
                    end.timeOut()
                    // Ignored: a probe that just ended needs no kill.
                    try? container.send(.signalExec(id: name, signal: Signal.kill))
                }
                let code = await end.value
                group.cancelAll()
                return code
            }
            container.live.withLock { _ = $0.execs.removeValue(forKey: name) }
            let text = collected.finish()
            if code == ProbeEnd.timedOut {
                let limit = timeout.map { "\($0)" } ?? ""
                return ProbeOutcome(exitCode: -1, output: "Health check exceeded timeout (\(limit)): \(text)")
            }
            return ProbeOutcome(exitCode: code, output: end.failure ?? text)
        } catch {
            return ProbeOutcome(exitCode: -1, output: "\(error)")
        }
    }
}

/// One probe's end, from whichever side it comes first.
final class ProbeEnd: Sendable {
    static let timedOut: Int32 = -2
    private struct State {
        var result: Int32?
        var failure: String?
        var waiter: CheckedContinuation<Int32, Never>?
    }
    private let state = Mutex(State())

    var failure: String? { state.withLock { $0.failure } }

    func receive(_ reply: ShimReply) {
        switch reply.message {
        case .execExited(_, let code): finish(code, nil)
        case .execFailed(_, let stage, let errno, _):
            finish(errno == 2 ? 127 : 126, "\(stage): \(SystemError(call: "", errno: errno).reason)")
        case nil: finish(-1, "the container ended")
        default: break
        }
    }

    func timeOut() { finish(ProbeEnd.timedOut, nil) }

    private func finish(_ code: Int32, _ failure: String?) {
        let waiter = state.withLock { state -> CheckedContinuation<Int32, Never>? in
            guard state.result == nil else { return nil }
            state.result = code
            state.failure = failure
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: code)
    }

    var value: Int32 {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Int32? in
                    if state.result == nil { state.waiter = continuation }
                    return state.result
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}

/// Collects the first bytes of a pipe, and drains the rest so that the probe never blocks.
final class ProbeOutput: Sendable {
    private let source: SharedDescriptor
    private let poller: Poller
    private let content = Mutex<[UInt8]>([])
    private let limit: Int

    init(_ source: SharedDescriptor, poller: Poller, limit: Int) {
        self.source = source
        self.poller = poller
        self.limit = limit
        poller.add(source.number) { [weak self] in self?.readSome() }
    }

    private func readSome() {
        guard let bytes = try? FileIO.readAvailable(number: source.number, limit: 65536), !bytes.isEmpty else {
            poller.remove(source.number)
            return
        }
        content.withLock { content in
            if content.count <= limit { content.append(contentsOf: bytes.prefix(limit + 1 - content.count)) }
        }
    }

    func finish() -> String {
        readSome()
        poller.remove(source.number)
        let bytes = content.withLock { $0 }
        let text = String(decoding: bytes.prefix(limit), as: UTF8.self)
        return bytes.count > limit ? text + "..." : text
    }
}
