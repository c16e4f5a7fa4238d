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

    /// What is typed is not shown, until the result is told to restore.
    package static func withoutEcho(_ number: Int32) -> RawMode? {
        RawMode(number) { $0.c_lflag &= ~UInt32(ECHO) }
    }

    /// Every key as it is, until `restore` is called.
    package final class RawMode: Sendable {
        private let number: Int32
        private let before: [UInt8]

        package convenience init?(_ number: Int32) { self.init(number) { cfmakeraw(&$0) } }

        fileprivate init?(_ number: Int32, _ change: (inout termios) -> Void) {
            var state = termios()
            guard tcgetattr(number, &state) == 0 else { return nil }
            self.number = number
            before = withUnsafeBytes(of: &state) { Array($0) }
            change(&state)
            tcsetattr(number, TCSANOW, &state)
        }

        package func restore() {
            var state = termios()
            withUnsafeMutableBytes(of: &state) { $0.copyBytes(from: before) }
            tcsetattr(number, TCSADRAIN, &state)
        }
    }
}

/// Signals as a descriptor, for programs that wait on a poller. One at a time in a process: a later one takes over.
package final class SignalWatch: Sendable {
    private let pipe: (read: SharedDescriptor, write: SharedDescriptor)
    package var number: Int32 { pipe.read.number }

    /// The signals no longer end the process: they arrive here, whichever thread they hit.
    package init(_ signals: [Int32]) throws(SystemError) {
        pipe = try Process.pipe()
        for end in [pipe.read, pipe.write] { _ = clinux_fcntl(end.number, F_SETFL, Int(O_NONBLOCK)) }
        for signal in signals { clinux_signal_to_descriptor(signal, pipe.write.number) }
    }

    /// The numbers of the signals that came.
    package func take() -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(number, &bytes, bytes.count)
        return count > 0 ? bytes[..<count].map { Int32($0) } : []
    }

    package static let interrupt = SIGINT
    package static let terminate = SIGTERM
    package static let windowChange = SIGWINCH
}
