// A log as the shim writes it: appended line by line, rotated by renames.
import BerthLinux
import BerthLog
import BerthTesting
import Synchronization

final class TestLog: Sendable {
    let directory: TemporaryDirectory
    let filesMax: Int
    private let second = Mutex(0)
    var path: String { directory.path("json.log") }

    init(filesMax: Int = 1000) throws {
        directory = try TemporaryDirectory("berth-log")
        self.filesMax = filesMax
    }

    /// The next instant, one second after the last.
    private func time() -> String {
        let now = second.withLock { second in
            second += 1
            return second
        }
        return TestLog.time(now)
    }

    static func time(_ second: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = [second / 3600 % 24, second / 60 % 60, second % 60].map(two).joined(separator: ":")
        return "2026-01-\(two(1 + second / 86400))T\(clock).000000000Z"
    }

    static func encode(_ line: LogLine) -> String {
        var text = ""
        for scalar in line.text.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return #"{"log":"\#(text)","stream":"\#(line.isError ? "stderr" : "stdout")","time":"\#(line.time)"}"# + "\n"
    }

    @discardableResult
    func write(_ text: String, isError: Bool = false) throws -> LogLine {
        let line = LogLine(text: text, isError: isError, time: time())
        try append(TestLog.encode(line))
        return line
    }

    func append(_ raw: String) throws {
        let file = try Directory.open(path, flags: FileFlags.append, mode: 0o600)
        try FileIO.write(file, Array(raw.utf8))
    }

    func rotate() throws {
        var number = 1
        while (try? FileStatus.of("\(path).\(number)")) != nil { number += 1 }
        for old in stride(from: min(number, filesMax) - 1, through: 1, by: -1) {
            try FileMove.rename("\(path).\(old)", "\(path).\(old + 1)")
        }
        try FileMove.rename(path, "\(path).1")
        try append("")
    }

    func lines(_ change: (inout LogSelection) -> Void = { _ in }) -> [LogLine] {
        var selection = LogSelection()
        change(&selection)
        var lines: [LogLine] = []
        LogFile(path: path).read(selection) { lines.append($0) }
        return lines
    }
}
