// Reading what is there: the rotated files oldest first, then the current one.
import BerthLinux
import BerthModel

/// Which lines are wanted.
package struct LogSelection: Sendable {
    /// The last so many lines; nil: all.
    package var tail: Int?
    /// RFC 3339 instants as text, which sort as they are in UTC.
    package var since: String?
    package var until: String?
    package init() {}

    func admits(_ line: LogLine) -> Bool {
        if let since, line.time < since { return false }
        if let until, line.time > until { return false }
        return true
    }
}

package struct LogFile: Sendable {
    package let path: String
    package init(path: String) { self.path = path }

    private static let chunkBytes = 256 << 10

    /// Calls back for each wanted line, oldest first. A log that is not there has none.
    package func read(_ selection: LogSelection, _ body: (LogLine) -> Void) {
        var kept: [LogLine] = []
        let tail = selection.tail
        for file in files {
            LogFile.forEachLine(file) { line in
                guard selection.admits(line) else { return }
                guard let tail else { return body(line) }
                kept.append(line)
                if kept.count > 2 * tail + 64 { kept.removeFirst(kept.count - tail) }
            }
        }
        if let tail { for line in kept.suffix(tail) { body(line) } }
    }

    /// The last lines as text, for explaining a failure.
    package func lastLines(_ count: Int) -> [String] {
        var selection = LogSelection()
        selection.tail = count
        var lines: [String] = []
        read(selection) { lines.append($0.text.hasSuffix("\n") ? String($0.text.dropLast()) : $0.text) }
        return lines
    }

    private var files: [String] {
        var rotated: [String] = []
        var number = 1
        while (try? FileStatus.of("\(path).\(number)")) != nil {
            rotated.append("\(path).\(number)")
            number += 1
        }
        return rotated.reversed() + [path]
    }

    private static func forEachLine(_ path: String, _ body: (LogLine) -> Void) {
        guard let file = try? Directory.open(path) else { return }
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        while let count = try? FileIO.readSome(file.number, &chunk), count > 0 {
            pending.append(contentsOf: chunk[..<count])
            pending = drain(pending, body)
        }
    }

    /// Hands complete lines over; returns what is left.
    static func drain(_ bytes: [UInt8], _ body: (LogLine) -> Void) -> [UInt8] {
        var begin = 0
        while let newline = bytes[begin...].firstIndex(of: 0x0A) {
            if let line = LogLine(bytes[begin..<newline]) { body(line) }
            begin = newline + 1
        }
        return begin == 0 ? bytes : Array(bytes[begin...])
    }
}
