// Which lines of a log are wanted: by time, and how many from the end.

package struct LogSelection: Sendable {
    /// The last so many lines; nil: all. The parts of a long line are one line.
    package var tail: Int?
    /// RFC 3339 instants in UTC, both inclusive.
    package var since: String? { didSet { since = since.map(LogSelection.sortable) } }
    package var until: String? { didSet { until = until.map(LogSelection.sortable) } }
    package init() {}

    func admits(_ line: LogLine) -> Bool { !isBefore(line) && !isAfter(line) }
    func isBefore(_ line: LogLine) -> Bool { since.map { LogSelection.sortable(line.time) < $0 } ?? false }
    func isAfter(_ line: LogLine) -> Bool { until.map { LogSelection.sortable(line.time) > $0 } ?? false }

    /// Nine digits of fraction, so that instants sort as text: without them `10Z` sorts behind `10.5Z`.
    static func sortable(_ time: String) -> String {
        let bytes = time.utf8
        if bytes.count == 30, bytes.last == UInt8(ascii: "Z") { return time }
        guard bytes.last == UInt8(ascii: "Z") else { return time }
        let body = time.dropLast()
        let digits = body.lastIndex(of: ".").map { body.distance(from: $0, to: body.endIndex) - 1 }
        let whole = digits == nil ? body + "." : body
        return String(whole) + String(repeating: "0", count: max(0, 9 - (digits ?? 0))) + "Z"
    }

    /// The last lines of what is there; parts without a newline belong to the line that they begin.
    static func tail(of lines: [LogLine], count: Int) -> ArraySlice<LogLine> {
        guard count > 0 else { return [] }
        var begin = lines.endIndex
        var counted = 0
        // By stream: nothing seen yet, inside a line that is kept, or before the first kept line.
        var isKept: [Bool: Bool] = [:]
        var kept: [LogLine] = []
        while begin > 0 {
            let line = lines[begin - 1]
            let endsLine = line.text.utf8.last == 0x0A || isKept[line.isError] == nil
            if endsLine {
                isKept[line.isError] = counted < count
                if counted < count { counted += 1 }
            }
            if isKept[line.isError] == true { kept.append(line) }
            if counted == count && !isKept.values.contains(true) { break }
            begin -= 1
        }
        return ArraySlice(kept.reversed())
    }
}
