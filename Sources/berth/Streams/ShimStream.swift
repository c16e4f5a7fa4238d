// Streaming with a process through its container's shim: pipes, or the master of its terminal.
import BerthControl
import BerthLinux
import BerthModel
import Synchronization

/// One attached process; `run` returns its exit code.
final class ShimStream: Sendable {
    private let ticket: ShimTicket
    private let socket: SharedDescriptor
    private let poller: Poller
    private let interactive: Bool

    init(_ ticket: ShimTicket, interactive: Bool) throws {
        self.ticket = ticket
        self.interactive = interactive
        do { socket = SharedDescriptor(try PacketSocket.connect(ticket.socket)) } catch {
            throw BerthError(.unavailable, "reaching the container", cause: "\(error)")
        }
        poller = try Poller()
    }

    func run() throws -> Int32 { try ticket.exec == nil ? runMain() : runExec(ticket.exec ?? "") }

    // MARK: exec

    private func runExec(_ id: String) throws -> Int32 {
        if ticket.tty { return try runExecTerminal(id) }
        let (input, output, error) = (try Process.pipe(), try Process.pipe(), try Process.pipe())
        try PacketSocket.send(
            socket.number, ShimMessage.startExec(id: id).encoded,
            descriptors: [input.read.number, output.write.number, error.write.number])
        for end in [input.read, output.write, error.write] { end.closeEarly() }
        let drained = Drain(count: 2)
        copy(output.read, to: 1, drained)
        copy(error.read, to: 2, drained)
        feed(interactive ? 0 : -1, into: input.write)
        let code = try awaitEnd()
        drained.wait()
        return code
    }

    private func runExecTerminal(_ id: String) throws -> Int32 {
        try PacketSocket.send(socket.number, ShimMessage.startExec(id: id).encoded)
        let packet = try PacketSocket.receive(socket.number)
        let message = try ShimMessage(decoding: packet.payload)
        if case .execFailed(_, let stage, let errno, let executing) = message {
            throw ShimStream.failure(stage, errno, executing, exitCode: executing ? 126 : 1)
        }
        guard let master = packet.descriptors.first else { return try code(of: message) ?? awaitEnd() }
        return try relayTerminal(master)
    }

    private func relayTerminal(_ master: SharedDescriptor) throws -> Int32 {
        if let size = Terminal.size(0) { Terminal.setSize(master.number, size) }
        let raw = Terminal.RawMode(0)
        defer { raw?.restore() }
        let drained = Drain(count: 1)
        copy(master, to: 1, drained)
        feed(0, into: master)
        let watch = try SignalWatch([SignalWatch.windowChange])
        poller.add(watch.number) {
            _ = watch.take()
            if let size = Terminal.size(0) { Terminal.setSize(master.number, size) }
        }
        let code = try awaitEnd()
        drained.wait()
        return code
    }

    // MARK: the main process

    private func runMain() throws -> Int32 {
        let (output, error, input) = (try Process.pipe(), try Process.pipe(), try Process.pipe())
        let watch = ticket.tty ? try SignalWatch([SignalWatch.windowChange]) : nil
        var descriptors = [output.write.number]
        if !ticket.tty { descriptors.append(error.write.number) }
        if interactive { descriptors.append(input.read.number) }
        try PacketSocket.send(
            socket.number, ShimMessage.attach(wantsInput: interactive).encoded, descriptors: descriptors)
        for end in [output.write, error.write, input.read] { end.closeEarly() }
        let raw = ticket.tty && interactive ? Terminal.RawMode(0) : nil
        defer { raw?.restore() }
        let drained = Drain(count: ticket.tty ? 1 : 2)
        copy(output.read, to: 1, drained)
        if !ticket.tty { copy(error.read, to: 2, drained) }
        if let watch {
            resize()
            poller.add(watch.number) { [weak self] in
                _ = watch.take()
                self?.resize()
            }
        }
        if interactive { feed(0, into: input.write) }
        let code = try awaitEnd()
        drained.wait()
        return code
    }

    private func resize() {
        guard let size = Terminal.size(0) else { return }
        try? PacketSocket.send(
            socket.number, ShimMessage.resize(exec: ticket.exec ?? "", rows: size.rows, columns: size.columns).encoded)
    }

    // MARK: Both

    func signal(_ number: Int32) {
        let message: ShimMessage = ticket.exec.map { .signalExec(id: $0, signal: number) } ?? .signal(number)
        try? PacketSocket.send(socket.number, message.encoded)
    }

    private func awaitEnd() throws -> Int32 {
        while true {
            let packet = try PacketSocket.receive(socket.number)
            if packet.payload.isEmpty {
                throw BerthError(.unavailable, "following the container", cause: "its shim is gone")
            }
            if let code = try code(of: try ShimMessage(decoding: packet.payload)) { return code }
        }
    }

    private func code(of message: ShimMessage) throws -> Int32? {
        switch message {
        case .execExited(_, let code): return code
        case .exited(let status): return status.code
        case .execFailed(_, let stage, let errno, let executing):
            // Docker's code for a program that cannot be executed, whether it is missing or not executable.
            throw ShimStream.failure(stage, errno, executing, exitCode: executing ? 126 : 1)
        case .failed(let stage, let errno, let executing):
            throw ShimStream.failure(stage, errno, executing, exitCode: 1)
        case .refused(let why): throw BerthError(.conflict, "streaming with the container", cause: why)
        default: return nil
        }
    }

    private static func failure(_ stage: String, _ errno: Int32, _ executing: Bool, exitCode: Int32) -> BerthError {
        let reason = SystemError(call: "", errno: errno).reason
        let program = stage.hasPrefix("executing ") ? String(stage.dropFirst(10)) : stage
        let missing = executing && errno == 2
        return BerthError(
            missing ? .notFound : .denied, executing ? "exec: \"\(program)\"" : "starting the program: \(stage)",
            cause: missing ? "executable file not found" : reason, exitCode: exitCode)
    }

    /// Copies a pipe's bytes to one of our own streams until it ends.
    private func copy(_ source: SharedDescriptor, to target: Int32, _ drained: Drain) {
        let poller = poller
        poller.add(source.number) {
            var buffer = [UInt8](repeating: 0, count: 65536)
            guard let count = try? FileIO.readSome(source.number, &buffer), count > 0 else {
                poller.remove(source.number)
                return drained.one()
            }
            try? FileIO.write(number: target, Array(buffer[..<count]))
        }
    }

    /// Copies our standard input into a pipe on a thread of its own: input may be a file, which no poller takes.
    private func feed(_ source: Int32, into target: SharedDescriptor) {
        guard source >= 0 else { return target.closeEarly() }
        BackgroundThread.start {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while let count = try? FileIO.readSome(source, &buffer), count > 0 {
                guard (try? FileIO.write(number: target.number, Array(buffer[..<count]))) != nil else { break }
            }
            target.closeEarly()
        }
    }
}

/// Waits until so many streams have ended.
private final class Drain: Sendable {
    private let pipe: (read: SharedDescriptor, write: SharedDescriptor)?
    private let left: Mutex<Int>

    init(count: Int) {
        left = Mutex(count)
        pipe = try? Process.pipe()
    }

    func one() {
        let rest = left.withLock { left in
            left -= 1
            return left
        }
        if rest == 0, let pipe { try? FileIO.write(number: pipe.write.number, [1]) }
    }

    func wait() {
        guard let pipe else { return }
        var byte: [UInt8] = [0]
        _ = try? FileIO.readSome(pipe.read.number, &byte)
    }
}
