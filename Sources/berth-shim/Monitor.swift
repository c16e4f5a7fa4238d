// The monitor's state and its loop: one thread, one epoll, every event answered at once.
import BerthLinux
import CLinux

/// Watches one container from its clone to its exit record.
final class Monitor {
    let start: ShimStart
    var slots: [Int: SharedDescriptor] = [:]
    var keepsakes: [SharedDescriptor] = []
    var cgroup: SharedDescriptor?

    let epoll: Int32
    /// What to do when a descriptor is ready.
    var readers: [Int32: () -> Void] = [:]
    var peers: [Int32: Peer] = [:]
    let signals: Int32
    var listener: SharedDescriptor?

    let log: LogWriter
    /// The main process; nil before it was cloned and after it was reaped.
    var child: ChildProcess?
    var childProcessID: Int32 = 0
    var startedNanoseconds: Int64 = 0
    var exit: ExitStatus?
    var outputs: [OutputRelay] = []
    var terminal: SharedDescriptor?
    /// The writing end of the main process's standard input; nil where it is closed or never was.
    var input: SharedDescriptor?
    var execs: [String: Exec] = [:]
    var sinks: [Sink] = []

    var agentSaidGoodbye = false
    var exitAcknowledged = false
    var revival: Revival?
    var memoryWatch: OutOfMemoryWatch?

    init(_ start: ShimStart, descriptors: [SharedDescriptor], agent: SharedDescriptor) {
        self.start = start
        for number in 0..<min(start.slotCount, descriptors.count) { slots[number] = descriptors[number] }
        var rest = Array(descriptors.dropFirst(start.slotCount))
        if start.hasCgroupDescriptor && !rest.isEmpty { cgroup = rest.removeLast() }
        keepsakes = rest
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigprocmask(SIG_BLOCK, &set, nil)
        signals = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        log = LogWriter(start)
        watch(signals) { [unowned self] in self.reap() }
        let peer = Peer(socket: agent)
        peer.isAgent = true
        add(peer)
    }

    func run() {
        do {
            let socket = try PacketSocket.listen("\(start.runDirectory)/shim.sock")
            let shared = SharedDescriptor(socket)
            listener = shared
            watch(shared.number) { [unowned self] in self.acceptPeer() }
        } catch {
            fail(LaunchFailure(stage: "listening on shim.sock", errno: error.errno))
            return
        }
        if start.holdUntilAttached {
            // The socket is there: a client can be told of it.
            broadcast(.status(processID: 0, startedNanoseconds: 0, keepsakes: [], exit: nil))
        } else {
            launch()
        }
        while !isDone { turn() }
        leave()
    }

    /// Waits for events once and answers them.
    private func turn() {
        var events = [epoll_event](repeating: epoll_event(), count: 32)
        let timeout = nextTimeout
        let count = epoll_wait(epoll, &events, Int32(events.count), timeout)
        if count < 0 { return }
        for index in 0..<Int(count) { readers[events[index].data.fd]?() }
        if count == 0 { timerFired() }
    }

    /// Milliseconds until something must happen by itself; -1: nothing.
    private var nextTimeout: Int32 {
        if exit != nil && outputs.contains(where: { $0.isOpen }) { return 100 }
        if exit != nil { return 5_000 }
        if isHolding { return Monitor.holdMilliseconds }
        return revival == nil ? -1 : 200
    }

    private func timerFired() {
        if exit != nil {
            // Whoever still holds the pipes after the main process ended and its group was killed is not waited for.
            for output in outputs { output.drain(); close(output) }
            // Nobody took note of the end in time: the record on disk says it to whoever comes.
            exitAcknowledged = true
            return
        }
        if isHolding {
            // The client that this start waits for never came.
            return fail(LaunchFailure(stage: "waiting for a client", errno: ETIMEDOUT))
        }
        if revival != nil { reviveAgent() }
    }

    private var isDone: Bool {
        guard exit != nil else { return hasFailed }
        if outputs.contains(where: { $0.isOpen }) || !execs.values.allSatisfy({ $0.processID == 0 }) { return false }
        return exitAcknowledged
    }

    /// A client that asked for a held start attaches at once, or has died.
    private static let holdMilliseconds: Int32 = 10_000
    private var isHolding: Bool { start.holdUntilAttached && childProcessID == 0 && !hasFailed }

    /// The launch failed: there is nothing to monitor.
    var hasFailed = false

    private func leave() {
        log.close()
        unlink("\(start.runDirectory)/shim.sock")
    }

    // MARK: Events

    func watch(_ number: Int32, events: UInt32 = EPOLLIN.rawValue, _ body: @escaping () -> Void) {
        var event = epoll_event()
        event.events = events
        event.data.fd = number
        readers[number] = body
        epoll_ctl(epoll, EPOLL_CTL_ADD, number, &event)
    }

    func unwatch(_ number: Int32) {
        readers[number] = nil
        epoll_ctl(epoll, EPOLL_CTL_DEL, number, nil)
    }

    /// Reaps everything that ended.
    private func reap() {
        var information = [UInt8](repeating: 0, count: MemoryLayout<signalfd_siginfo>.size * 8)
        while read(signals, &information, information.count) > 0 {}
        var status: Int32 = 0
        while true {
            let ended = waitpid(-1, &status, WNOHANG)
            if ended <= 0 { return }
            if ended == childProcessID && child != nil {
                mainEnded(Process.exitCode(status))
            } else if let exec = execs.values.first(where: { $0.processID == ended }) {
                execEnded(exec, Process.exitCode(status))
            }
        }
    }

    func fail(_ failure: LaunchFailure) {
        hasFailed = true
        broadcast(.failed(stage: failure.stage, errno: failure.errno, executing: failure.executing))
    }

    func broadcast(_ message: ShimMessage) {
        for peer in peers.values { peer.send(message) }
    }
}
