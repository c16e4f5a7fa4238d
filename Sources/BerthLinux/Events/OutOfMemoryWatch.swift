// Hearing of the kernel's kills for lack of memory in a control group, of v1 and of v2.
import CLinux

package final class OutOfMemoryWatch {
    private let watched: SharedDescriptor
    /// On v1 a counter that the kernel raises; on v2 the watched file itself says what happened.
    private let counter: SharedDescriptor?
    private let file: String
    private var seen: Int

    /// What to poll, and for which events.
    package var number: Int32 { counter?.number ?? watched.number }
    package var events: UInt32 { counter == nil ? EPOLLPRI.rawValue : EPOLLIN.rawValue }

    /// - Parameter file: `memory.events` of v2 or `memory.oom_control` of v1.
    package init(_ file: String) throws(SystemError) {
        self.file = file
        watched = SharedDescriptor(try Directory.open(file, flags: O_RDONLY))
        seen = OutOfMemoryWatch.kills(file)
        guard file.hasSuffix("/memory.oom_control") else {
            counter = nil
            return
        }
        let made = try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
        let counter = SharedDescriptor(Descriptor(owning: made))
        let control = file.dropLast("memory.oom_control".utf8.count) + "cgroup.event_control"
        try FileIO.writeKernel(String(control), "\(counter.number) \(watched.number)")
        self.counter = counter
    }

    /// Until something happened, or for so long.
    package func wait(milliseconds: UInt32) {
        var entry = pollfd(fd: number, events: Int16(events), revents: 0)
        poll(&entry, 1, Int32(milliseconds))
    }

    /// After an event: how many kills have come since the last look. On v1 the word comes before the deed.
    package func take() -> Int {
        if let counter {
            var value: UInt64 = 0
            guard read(counter.number, &value, 8) == 8 else { return 0 }
            // The end of the group raises the counter too.
            return (try? FileStatus.of(file)) == nil ? 0 : Int(value)
        }
        let kills = OutOfMemoryWatch.kills(file)
        defer { seen = kills }
        // The kernel calls again only for who has read the descriptor itself.
        var bytes = [UInt8](repeating: 0, count: 4096)
        _ = pread(watched.number, &bytes, bytes.count, 0)
        return max(0, kills - seen)
    }

    /// How often the kernel has killed in this group.
    package static func kills(_ file: String) -> Int {
        guard !file.isEmpty, let text = try? FileIO.readText(file, limit: 65536) else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return Int(line.dropFirst(9)) ?? 0
        }
        return 0
    }
}
