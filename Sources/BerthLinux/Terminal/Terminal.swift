// The user's terminal: is it one, how wide, raw and back.
import CLinux

package enum Terminal {
    package static func isTerminal(_ number: Int32) -> Bool { isatty(number) == 1 }

    package struct Size: Sendable, Equatable {
        package var rows: UInt16
        package var columns: UInt16
    }

    package static func size(_ number: Int32) -> Size? {
        var size = winsize()
        guard clinux_ioctl_pointer(number, UInt(CLINUX_TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
        return Size(rows: size.ws_row, columns: size.ws_col)
    }

    package static func setSize(_ number: Int32, _ size: Size) {
        var raw = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = clinux_ioctl_pointer(number, UInt(CLINUX_TIOCSWINSZ), &raw)
    }

    /// Every key as it is, until `restore` is called.
    package final class RawMode: Sendable {
        private let number: Int32
        private let before: [UInt8]

        package init?(_ number: Int32) {
            var state = termios()
            guard tcgetattr(number, &state) == 0 else { return nil }
            self.number = number
            before = withUnsafeBytes(of: &state) { Array($0) }
            cfmakeraw(&state)
            tcsetattr(number, TCSANOW, &state)
        }

        package func restore() {
            var state = termios()
            withUnsafeMutableBytes(of: &state) { $0.copyBytes(from: before) }
            tcsetattr(number, TCSADRAIN, &state)
        }
    }
}

/// Signals as descriptors, for programs that wait on a poller.
package final class SignalWatch: Sendable {
    private let descriptor: SharedDescriptor
    package var number: Int32 { descriptor.number }

    /// Blocks the signals in this thread (and those that it starts); they arrive here instead.
    package init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let made = try systemCall("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)) }
        descriptor = SharedDescriptor(Descriptor(owning: made))
    }

    /// The numbers of the signals that came.
    package func take() -> [Int32] {
        var found: [Int32] = []
        var information = signalfd_siginfo()
        while read(number, &information, MemoryLayout<signalfd_siginfo>.size) > 0 {
            found.append(Int32(information.ssi_signo))
        }
        return found
    }

    package static let interrupt = SIGINT
    package static let terminate = SIGTERM
    package static let windowChange = SIGWINCH
}
