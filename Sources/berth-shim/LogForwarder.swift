// Passing output on to a log daemon: never waited for, bounded, and connected anew when the daemon was away.
import BerthLinux
import CLinux

final class LogForwarder {
    private let forward: LogForward
    private let text: LogRecordText
    private var socket: SharedDescriptor?
    private var isStream = false
    /// Records that could not be sent yet; those before `first` are gone.
    private var queue: [[UInt8]] = []
    private var first = 0
    private var sentOfFirst = 0
    private var pendingBytes = 0
    private var isWaiting = false
    private var connectableAfter: Int64 = 0
    /// Tells the loop whether the socket's readiness is of interest.
    var watchWrites: (Int32, Bool) -> Void = { _, _ in }
    /// Whose output it is, as the records say.
    var processID: Int32 = 0

    /// After a connection that failed: what comes meanwhile is lost, as with Docker.
    private static let pauseNanoseconds: Int64 = 1_000_000_000
    /// How long the last records may take when the container has ended.
    private static let farewellMilliseconds: Int32 = 5_000

    init(_ forward: LogForward) {
        self.forward = forward
        text = LogRecordText(forward)
    }

    /// The first connection: without it the container is not started.
    func open() throws(LaunchFailure) {
        do {
            try connect(waits: true)
        } catch {
            let place =
                forward.paths.isEmpty ? "\(forward.host):\(forward.port)" : forward.paths.joined(separator: ", ")
            throw LaunchFailure(stage: "connecting to the log daemon at \(place)", errno: error.errno)
        }
    }

    private func connect(waits: Bool) throws(SystemError) {
        if forward.paths.isEmpty {
            isStream = forward.isStream ?? false
            socket = try LogSocket.connect(
                host: forward.host, port: forward.port, isStream: isStream, waits: waits)
        } else {
            let (made, stream) = try LogSocket.connect(paths: forward.paths, isStream: forward.isStream)
            (socket, isStream) = (made, stream)
        }
    }

    /// Nothing more should be read from the container until some of this is sent.
    var isFull: Bool { !forward.losesOverflow && pendingBytes >= forward.pendingBytesMax }
    /// It may be read again.
    var hasRoom: Bool { pendingBytes <= forward.pendingBytesMax / 2 }

    /// One line, or a part of a longer one, without its newline.
    func add(_ line: ArraySlice<UInt8>, isError: Bool, isPartial: Bool) {
        // Nobody would see an empty record of syslog.
        if line.isEmpty && forward.format != .journal { return }
        if forward.losesOverflow && pendingBytes >= forward.pendingBytesMax { return }
        let record = text.record(line, isError: isError, isPartial: isPartial, processID: processID)
        queue.append(record)
        pendingBytes += record.count
        if !isWaiting { flush() }
    }

    /// Sends what can be sent now.
    func flush() {
        while first < queue.count {
            guard let socket = usableSocket() else { return discard() }
            switch LogSocket.send(socket.number, queue[first][sentOfFirst...]) {
            case .sent(let count):
                sentOfFirst += count
                if !isStream || sentOfFirst >= queue[first].count { removeFirst() }
            case .full: return wait(true)
            case .refused: removeFirst()
            case .broken:
                wait(false)
                self.socket = nil
                // The part that went is lost with the connection.
                sentOfFirst = 0
            }
        }
        wait(false)
    }

    /// Nil: the daemon is away.
    private func usableSocket() -> SharedDescriptor? {
        if let socket { return socket }
        let now = wallClockNanoseconds()
        guard now >= connectableAfter else { return nil }
        connectableAfter = now + LogForwarder.pauseNanoseconds
        try? connect(waits: false)
        return socket
    }

    private func removeFirst() {
        pendingBytes -= queue[first].count
        queue[first] = []
        first += 1
        sentOfFirst = 0
        if first == queue.count || first >= 1024 {
            queue.removeFirst(first)
            first = 0
        }
    }

    private func discard() {
        queue = []
        (first, sentOfFirst, pendingBytes) = (0, 0, 0)
        wait(false)
    }

    private func wait(_ waits: Bool) {
        guard waits != isWaiting, let socket else { return }
        isWaiting = waits
        watchWrites(socket.number, waits)
    }

    /// The container has ended: what is left gets some time.
    func finish() {
        let end = wallClockNanoseconds() + Int64(LogForwarder.farewellMilliseconds) * 1_000_000
        flush()
        while isWaiting, let socket {
            let rest = Int32(max(0, (end - wallClockNanoseconds()) / 1_000_000))
            var wish = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            if rest == 0 || poll(&wish, 1, rest) <= 0 { return }
            flush()
        }
    }
}

extension Monitor {
    /// Connects to the log daemon, if there is one to connect to.
    func openForwarder() throws(LaunchFailure) {
        guard let forwarder = log.forwarder else { return }
        forwarder.watchWrites = { [unowned self] number, waits in
            if waits {
                self.watch(number, events: EPOLLOUT.rawValue) { [unowned self] in self.forwardMore() }
            } else {
                self.unwatch(number)
            }
        }
        try forwarder.open()
    }

    private func forwardMore() {
        guard let forwarder = log.forwarder else { return }
        forwarder.flush()
        if forwarder.hasRoom { resumeOutputs() }
    }

    /// A daemon that is slow holds the container up, and nobody else.
    func pauseOutputsIfFull() {
        guard log.forwarder?.isFull ?? false, exit == nil else { return }
        for output in outputs where output.isOpen && !output.isPaused {
            output.isPaused = true
            unwatch(output.source.number)
        }
    }

    private func resumeOutputs() {
        for output in outputs where output.isOpen && output.isPaused {
            output.isPaused = false
            watch(output)
        }
    }
}
