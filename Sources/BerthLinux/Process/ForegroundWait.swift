// Waiting for a child in the foreground: signals go on to it, and its terminal is relayed.
import CLinux

package enum ForegroundWait {
    private static let forwarded: [Int32] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT]

    /// The exit code of the child.
    package static func run(_ processID: Int32, master: SharedDescriptor?) throws(SystemError) -> Int32 {
        let process = try Process.open(processID)
        let signals = try SignalWatch(forwarded)
        let raw = master == nil ? nil : Terminal.RawMode(0)
        defer { raw?.restore() }
        if let master { copySize(to: master.number) }
        var readsInput = master != nil
        var readsMaster = master != nil
        var ended = false
        while !ended || readsMaster {
            var waiting = [
                pollfd(fd: ended ? -1 : process.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: readsMaster ? master?.number ?? -1 : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: readsInput && !ended ? 0 : -1, events: Int16(POLLIN), revents: 0),
            ]
            _ = try systemCall("poll") { poll(&waiting, 4, -1) }
            if waiting[0].revents != 0 { ended = true }
            if waiting[1].revents != 0 {
                for number in signals.take() {
                    if number == SIGWINCH, let master { copySize(to: master.number) }
                    // Ignored: it has ended meanwhile.
                    try? Process.signal(process.number, number)
                }
            }
            if let master {
                if waiting[2].revents != 0 { readsMaster = copy(from: master.number, to: 1) }
                if waiting[3].revents != 0 { readsInput = copy(from: 0, to: master.number) }
            }
        }
        return try Process.wait(processID)
    }

    private static func copySize(to master: Int32) {
        if let size = Terminal.size(0) { Terminal.setSize(master, size) }
    }

    private static func copy(from source: Int32, to target: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        // EIO is how a terminal says that its last user has gone.
        guard let count = try? FileIO.readSome(source, &buffer), count > 0 else { return false }
        return (try? FileIO.write(number: target, Array(buffer[..<count]))) != nil
    }
}
