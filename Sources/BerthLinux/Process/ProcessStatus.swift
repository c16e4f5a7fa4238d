// What /proc says of a process from outside; nothing is ever run inside a container to find out.
import CLinux

/// Signal masks of a process, as bits (signal n is bit n − 1).
package struct SignalMasks: Sendable, Equatable {
    package var caught: UInt64
    package var blocked: UInt64
    /// Some thread waits in `rt_sigtimedwait`: it hears signals without a handler.
    package var isWaitingForSignals: Bool
    /// Its number in its own pid namespace.
    package var innerProcessID: Int32

    package static func read(_ processID: Int32) -> SignalMasks? {
        guard let text = try? FileIO.readText("/proc/\(processID)/status", limit: 1 << 16) else { return nil }
        var masks = SignalMasks(caught: 0, blocked: 0, isWaitingForSignals: false, innerProcessID: 0)
        for line in text.split(separator: "\n") {
            let parts = line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " })
            guard parts.count >= 2, let value = parts.last else { continue }
            switch parts[0] {
            case "SigCgt": masks.caught = UInt64(value, radix: 16) ?? 0
            case "SigBlk": masks.blocked = UInt64(value, radix: 16) ?? 0
            case "NSpid": masks.innerProcessID = Int32(value) ?? 0
            default: break
            }
        }
        let call = (try? FileIO.readText("/proc/\(processID)/syscall", limit: 4096)) ?? ""
        masks.isWaitingForSignals = call.hasPrefix("\(SYS_rt_sigtimedwait) ")
        return masks
    }
}

/// A row of `top`.
package struct ProcessRow: Sendable, Equatable {
    package var userID: UInt32
    package var processID: Int32
    package var parentID: Int32
    package var startTicks: UInt64
    package var cpuTicks: UInt64
    package var terminal: Int32
    package var command: String

    /// Nil: it has ended meanwhile.
    package static func read(_ processID: Int32) -> ProcessRow? {
        guard let status = try? FileStatus.of("/proc/\(processID)"),
            let text = try? FileIO.readText("/proc/\(processID)/stat", limit: 1 << 16),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 20 else { return nil }
        let raw = (try? FileIO.read("/proc/\(processID)/cmdline", limit: 1 << 20)) ?? []
        let words = raw.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let begin = text.firstIndex(of: "(") ?? text.startIndex
        let name = "[\(text[text.index(after: begin)..<end])]"
        return ProcessRow(
            userID: status.userID, processID: processID, parentID: Int32(fields[1]) ?? 0,
            startTicks: UInt64(fields[19]) ?? 0, cpuTicks: (UInt64(fields[11]) ?? 0) + (UInt64(fields[12]) ?? 0),
            terminal: Int32(fields[4]) ?? 0, command: words.isEmpty ? name : words.joined(separator: " "))
    }
}

/// A pause of this thread, for the few places where the kernel gives no event to wait for.
package enum Pause {
    package static func milliseconds(_ count: UInt32) {
        var time = timespec(tv_sec: Int(count / 1000), tv_nsec: Int(count % 1000) * 1_000_000)
        nanosleep(&time, nil)
    }

    /// For a thread whose work others do: it ends with the process. Signals of the process are taken here, whatever
    /// mask was inherited; threads of a pool block them.
    package static func forever() -> Never {
        var none = sigset_t()
        sigemptyset(&none)
        while true { sigsuspend(&none) }
    }
}
