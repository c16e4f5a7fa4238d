// Reading what is there: the rotated files oldest first, then the current one.
import BerthLinux
import BerthModel

package struct LogFile: Sendable {
    package let path: String
    package init(path: String) { self.path = path }

    private static let chunkBytes = 256 << 10
    /// A line longer than this is no line of ours; it is dropped.
    static let lineBytesMax = 1 << 20

    /// Calls back for each wanted line, oldest first. A log that is not there has none.
    package func read(_ selection: LogSelection, _ body: (LogLine) -> Void) {
        let files = openAll()
        guard let tail = selection.tail else {
            for file in files { LogFile.forEachLine(file) { if selection.admits($0) { body($0) } } }
            return
        }
        for line in LogFile.tail(of: files, tail, selection).lines { body(line) }
    }

    /// The last lines as text, for explaining a failure.
    package func lastLines(_ count: Int) -> [String] {
        var selection = LogSelection()
        selection.tail = count
        var lines: [String] = []
        // By stream: where its unfinished line stands. A part joins what follows it: a long line is one line here too.
        var unfinished: [Bool: Int] = [:]
        read(selection) { line in
            let endsLine = line.text.utf8.last == 0x0A
            let text = endsLine ? String(line.text.unicodeScalars.dropLast()) : line.text
            if let index = unfinished[line.isError] { lines[index] += text } else { lines.append(text) }
            unfinished[line.isError] = endsLine ? nil : unfinished[line.isError] ?? lines.count - 1
        }
        return lines
    }

    // MARK: Files

    struct OpenFile: Sendable {
        let descriptor: SharedDescriptor
        let inode: UInt64
        var number: Int32 { descriptor.number }
    }

    /// Rotations that may happen while the files are being opened.
    private static let rotationsMax = 8

    /// Every file of the log, oldest first, though it may be rotated meanwhile.
    ///
    /// Rotation moves files from the highest number down, each one up by one: going upwards, a file may leave a gap
    /// behind or be met again further up, but none is missed. Where it was met last says how old it is.
    func openAll() -> [OpenFile] {
        var files: [UInt64: (file: OpenFile, number: Int)] = [:]
        for number in 0...(highestNumber + LogFile.rotationsMax) {
            guard let file = LogFile.open(number == 0 ? path : "\(path).\(number)") else { continue }
            files[file.inode] = (file, number)
        }
        return files.values.sorted { $0.number > $1.number }.map(\.file)
    }

    private var highestNumber: Int {
        let slash = path.lastIndex(of: "/")
        let prefix = (slash.map { String(path[path.index(after: $0)...]) } ?? path) + "."
        // Ignored: a directory that cannot be listed has no rotated files.
        let names = (try? Directory.names(slash.map { String(path[..<$0]) } ?? ".")) ?? []
        return names.compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }.filter { $0 < 10_000 }
            .max() ?? 0
    }

    private static func open(_ path: String) -> OpenFile? {
        guard let file = try? Directory.open(path), let status = try? FileStatus.of(file.number) else { return nil }
        return OpenFile(descriptor: SharedDescriptor(file), inode: status.inode)
    }

    private static func forEachLine(_ file: OpenFile, _ body: (LogLine) -> Void) {
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
            if let line = LogLine.recovered(bytes[begin..<newline]) { body(line) }
            begin = newline + 1
        }
        if bytes.count - begin > lineBytesMax { return [] }
        return begin == 0 ? bytes : Array(bytes[begin...])
    }

    // MARK: The end of the log

    struct Tail {
        var lines: [LogLine] = []
        /// Where the newest file was left: the offset, and the bytes of a line that is not whole yet.
        var offsetBytes: Int64 = 0
        var pending: [UInt8] = []
    }

    /// Reads backwards, newest file first, no further than it takes.
    static func tail(of files: [OpenFile], _ count: Int, _ selection: LogSelection) -> Tail {
        var tail = Tail()
        for (index, file) in files.enumerated().reversed() {
            // Ignored: a file that cannot be asked is read as an empty one.
            let size = (try? FileStatus.of(file.number))?.sizeBytes ?? 0
            let newer = tail.lines
            var window = Int64(chunkBytes)
            while true {
                let begin = max(0, size - window)
                let (lines, rest) = self.lines(of: file, from: begin, to: size)
                if index == files.count - 1 {
                    tail.offsetBytes = size
                    tail.pending = rest
                }
                tail.lines = lines.filter(selection.admits) + newer
                // One more than wanted is seen: the wanted ones are whole.
                let found = LogSelection.tail(of: tail.lines, count: count + 1).count
                let wanted = LogSelection.tail(of: tail.lines, count: count)
                if found > wanted.count || count == 0 {
                    tail.lines = Array(wanted)
                    return tail
                }
                if begin == 0 { break }
                if lines.first.map(selection.isBefore) == true { return tail }
                window *= 8
            }
        }
        tail.lines = Array(LogSelection.tail(of: tail.lines, count: count))
        return tail
    }

    private static func lines(of file: OpenFile, from begin: Int64, to end: Int64)
        -> (lines: [LogLine], rest: [UInt8])
    {
        FilePosition.to(file.number, begin)
        var lines: [LogLine] = []
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        var left = end - begin
        var skipsFirst = begin > 0
        while left > 0, let count = try? FileIO.readSome(file.number, &chunk), count > 0 {
            let taken = min(Int64(count), left)
            left -= taken
            pending.append(contentsOf: chunk[..<Int(taken)])
            if skipsFirst {
                // The window begins inside a line.
                guard let newline = pending.firstIndex(of: 0x0A) else { pending = []; continue }
                pending.removeFirst(newline + 1)
                skipsFirst = false
            }
            pending = drain(pending) { lines.append($0) }
        }
        return (lines, pending)
    }
}
