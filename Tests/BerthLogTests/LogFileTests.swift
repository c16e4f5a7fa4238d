// Reading a log: order across rotation, the last lines, instants, torn lines.
import BerthLinux
import BerthTesting
import Testing

@testable import BerthLog

@Suite("Log files")
struct LogFileTests {
    @Test("a log that is not there has no lines")
    func missing() throws {
        let log = try TestLog()
        #expect(log.lines().isEmpty)
        #expect(log.lines { $0.tail = 3 }.isEmpty)
        #expect(LogFile(path: "/nonexistent/log").lastLines(3).isEmpty)
    }

    @Test("rotated files are read oldest first")
    func order() throws {
        let log = try TestLog()
        var written: [LogLine] = []
        for index in 0..<23 {
            written.append(try log.write("line \(index)\n", isError: index % 3 == 0))
            if index % 5 == 4 { try log.rotate() }
        }
        #expect(log.lines() == written)
        #expect(log.lines { $0.tail = 7 } == Array(written.suffix(7)))
        #expect(log.lines { $0.tail = 1000 } == written)
        #expect(log.lines { $0.tail = 0 }.isEmpty)
    }

    @Test("in the middle of a rotation nothing is missed and nothing met twice")
    func halfRotated() throws {
        let log = try TestLog()
        var written: [LogLine] = []
        for index in 0..<4 {
            written.append(try log.write("\(index)\n"))
            if index < 3 { try log.rotate() }
        }
        // 3 → 4 and 2 → 3 have happened, 1 → 2 has not.
        try FileMove.rename("\(log.path).3", "\(log.path).4")
        try FileMove.rename("\(log.path).2", "\(log.path).3")
        #expect(log.lines() == written)
        #expect(log.lines { $0.tail = 3 } == Array(written.suffix(3)))
        // The current one has its number, and no successor yet.
        try FileMove.rename("\(log.path).1", "\(log.path).2")
        try FileMove.rename(log.path, "\(log.path).1")
        #expect(log.lines() == written)
    }

    @Test("instants, both inclusive, before the count")
    func instants() throws {
        let log = try TestLog()
        let written = try (0..<10).map { try log.write("\($0)\n") }
        #expect(log.lines { $0.since = "2026-01-01T00:00:04Z" } == Array(written[3...]))
        #expect(log.lines { $0.since = "2026-01-01T00:00:04.1Z" } == Array(written[4...]))
        #expect(log.lines { $0.until = "2026-01-01T00:00:04Z" } == Array(written[..<4]))
        #expect(
            log.lines {
                $0.until = "2026-01-01T00:00:04Z"; $0.tail = 2
            } == Array(written[2..<4]))
        #expect(
            log.lines {
                $0.since = "2026-01-01T00:00:09Z"; $0.tail = 5
            } == Array(written[8...]))
    }

    @Test("the parts of a long line are one line")
    func parts() throws {
        let log = try TestLog()
        try log.write("before\n")
        let part = String(repeating: "x", count: 16384)
        let long = [try log.write(part), try log.write(part), try log.write("x\n")]
        #expect(log.lines { $0.tail = 1 } == long)
        #expect(LogFile(path: log.path).lastLines(1) == [part + part + "x"])
        let last = [try log.write("out "), try log.write("error\n", isError: true), try log.write("end")]
        #expect(log.lines { $0.tail = 2 } == last)
        #expect(LogFile(path: log.path).lastLines(2) == ["out end", "error"])
    }

    @Test("a torn last line is not read until it is whole")
    func torn() throws {
        let log = try TestLog()
        let whole = try log.write("whole\n")
        let second = TestLog.encode(LogLine(text: "second\n", isError: false, time: TestLog.time(9)))
        try log.append(String(second.prefix(20)))
        #expect(log.lines() == [whole])
        #expect(log.lines { $0.tail = 5 } == [whole])
        try log.append(String(second.dropFirst(20)))
        #expect(log.lines().map(\.text) == ["whole\n", "second\n"])
    }

    @Test("rubbish between lines is passed over")
    func rubbish() throws {
        let log = try TestLog()
        let first = try log.write("first\n")
        try log.append("\n\nnot json\n{\"log\":\"torn")
        let second = try log.write("second\n")
        #expect(log.lines() == [first, second])
        #expect(log.lines { $0.tail = 1 } == [second])
    }

    @Test("the last lines of random logs are the last lines", arguments: 0..<40)
    func tails(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let log = try TestLog()
        var written: [LogLine] = []
        let isLarge = random.oneIn(4)
        for index in 0..<Int.random(in: 0...120, using: &random) {
            // Large ones make the reader's window begin inside a line and grow.
            let text = String(repeating: "y", count: isLarge ? Int.random(in: 0...16000, using: &random) : 3)
            written.append(try log.write("\(index) \(text)\n", isError: random.oneIn(3)))
            if random.oneIn(12) { try log.rotate() }
        }
        for _ in 0..<6 {
            let count = Int.random(in: 0...130, using: &random)
            #expect(log.lines { $0.tail = count } == Array(written.suffix(count)))
        }
        #expect(log.lines() == written)
    }
}
