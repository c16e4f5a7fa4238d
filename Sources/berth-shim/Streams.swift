// The standard streams of a process that is about to be cloned, and the relays from them.
import BerthLinux
import CLinux

/// Pipes (or /dev/null) for descriptors 0, 1 and 2.
final class Streams {
    private var inputRead: SharedDescriptor?
    private(set) var inputWrite: SharedDescriptor?
    private(set) var outputRead: SharedDescriptor?
    private var outputWrite: SharedDescriptor?
    private(set) var errorRead: SharedDescriptor?
    private var errorWrite: SharedDescriptor?

    /// With a terminal all three come from it; until then they are /dev/null.
    init(tty: Bool, inputOpen: Bool) throws(SystemError) {
        if inputOpen && !tty {
            let pipe = try Process.pipe()
            inputRead = pipe.read
            inputWrite = pipe.write
        } else {
            inputRead = SharedDescriptor(try Directory.open("/dev/null"))
        }
        if tty {
            outputWrite = SharedDescriptor(try Directory.open("/dev/null", flags: O_WRONLY))
            errorWrite = outputWrite
            return
        }
        let output = try Process.pipe()
        let error = try Process.pipe()
        outputRead = output.read
        outputWrite = output.write
        errorRead = error.read
        errorWrite = error.write
    }

    /// Streams that somebody else made: a client's pipe ends.
    init(given: [SharedDescriptor]) {
        inputRead = given.first
        outputWrite = given.count > 1 ? given[1] : nil
        errorWrite = given.count > 2 ? given[2] : outputWrite
    }

    /// In the child: 0, 1, 2.
    func install() {
        for (target, source) in [(Int32(0), inputRead), (1, outputWrite), (2, errorWrite)] {
            if let source { dup2(source.number, target) }
        }
    }

    func closeChildEnds() {
        inputRead = nil
        outputWrite = nil
        errorWrite = nil
    }
}

/// Reads one stream of the main process into the log and to attached clients.
final class OutputRelay {
    let source: SharedDescriptor
    let stream: String
    var isOpen = true
    /// Not read for now: who gets the output cannot take more.
    var isPaused = false
    private let received: ([UInt8], String) -> Void
    private var buffer = [UInt8](repeating: 0, count: 65536)

    init(_ source: SharedDescriptor, stream: String, received: @escaping ([UInt8], String) -> Void) {
        self.source = source
        self.stream = stream
        self.received = received
        let flags = clinux_fcntl(source.number, F_GETFL, 0)
        _ = clinux_fcntl(source.number, F_SETFL, Int(flags | O_NONBLOCK))
    }

    /// One bounded read; false at the end of the stream.
    func readOnce() -> Bool {
        let count = read(source.number, &buffer, buffer.count)
        if count > 0 { received(Array(buffer[..<count]), stream); return true }
        if count < 0 && (lastErrno == EAGAIN || lastErrno == EINTR) { return true }
        // 0, or EIO of a terminal whose other side is closed.
        return false
    }

    /// Everything that is there now.
    func drain() {
        while isOpen {
            let count = read(source.number, &buffer, buffer.count)
            guard count > 0 else { return }
            received(Array(buffer[..<count]), stream)
        }
    }
}

/// An attached client's pipe: written without blocking; what does not fit is kept up to a bound, then the client is
/// dropped.
final class Sink {
    let descriptor: SharedDescriptor
    let stream: String
    let peer: Int32
    private var pending: [UInt8] = []
    private static let pendingBytesMax = 4 << 20

    init(_ descriptor: SharedDescriptor, stream: String, peer: Int32) {
        self.descriptor = descriptor
        self.stream = stream
        self.peer = peer
        let flags = clinux_fcntl(descriptor.number, F_GETFL, 0)
        _ = clinux_fcntl(descriptor.number, F_SETFL, Int(flags | O_NONBLOCK))
    }

    /// False: the client is gone or too slow.
    func write(_ bytes: [UInt8]) -> Bool {
        pending.append(contentsOf: bytes)
        while !pending.isEmpty {
            let count = CLinux.write(descriptor.number, pending, pending.count)
            if count < 0 {
                if lastErrno == EINTR { continue }
                if lastErrno == EAGAIN { return pending.count <= Sink.pendingBytesMax }
                return false
            }
            pending.removeFirst(count)
        }
        return true
    }

    /// At the end: waits for a reader that is still there.
    func finish() {
        let flags = clinux_fcntl(descriptor.number, F_GETFL, 0)
        _ = clinux_fcntl(descriptor.number, F_SETFL, Int(flags & ~O_NONBLOCK))
        while !pending.isEmpty {
            let count = CLinux.write(descriptor.number, pending, pending.count)
            if count <= 0 { return }
            pending.removeFirst(count)
        }
    }
}

extension Monitor {
    func relay(_ source: SharedDescriptor, stream: String) {
        let output = OutputRelay(source, stream: stream) { [unowned self] bytes, stream in
            self.log.append(bytes, stream: stream)
            self.sinks.removeAll { $0.stream == stream && !$0.write(bytes) }
            self.pauseOutputsIfFull()
        }
        outputs.append(output)
        watch(output)
    }

    func watch(_ output: OutputRelay) {
        watch(output.source.number) { [unowned self] in
            if !output.readOnce() { self.close(output) }
        }
    }

    func close(_ output: OutputRelay) {
        guard output.isOpen else { return }
        output.isOpen = false
        unwatch(output.source.number)
        log.endOfStream(output.stream)
        for sink in sinks where sink.stream == output.stream { sink.finish() }
        sinks.removeAll { $0.stream == output.stream }
    }
}
