// Following: nothing is lost or told twice across rotation, the kernel wakes the reader, the end ends it.
import BerthLinux
import BerthTesting
import Testing

@testable import BerthLog

@Suite("Log followers")
struct LogFollowerTests {
    static func follower(_ log: TestLog, _ change: (inout LogSelection) -> Void = { _ in }) throws -> LogFollower {
        var selection = LogSelection()
        change(&selection)
        return try LogFollower(log.path, selection, poller: Poller())
    }

    static func take(_ count: Int, _ iterator: inout AsyncStream<LogLine>.Iterator) async -> [LogLine] {
        var lines: [LogLine] = []
        while lines.count < count, let line = await iterator.next() { lines.append(line) }
        return lines
    }

    @Test("what is there, then what comes, then the end")
    func follows() async throws {
        let log = try TestLog()
        var written = [try log.write("one\n"), try log.write("two\n")]
        let follower = try LogFollowerTests.follower(log)
        written.append(try log.write("three\n"))
        var iterator = follower.lines.makeAsyncIterator()
        #expect(await LogFollowerTests.take(3, &iterator) == written)
        let next = try log.write("four\n")
        #expect(await iterator.next() == next)
        let last = try log.write("five")
        follower.finish()
        #expect(await iterator.next() == last)
        #expect(await iterator.next() == nil)
    }

    @Test("the kernel wakes a waiting reader: by a line, by the file's making, by rotation")
    func wakes() async throws {
        let log = try TestLog()
        let follower = try LogFollowerTests.follower(log)
        async let read = {
            var lines: [LogLine] = []
            for await line in follower.lines { lines.append(line) }
            return lines
        }()
        var written: [LogLine] = []
        for index in 0..<200 {
            written.append(try log.write("\(index)\n"))
            if index % 7 == 3 { try log.rotate() }
            await Task.yield()
        }
        follower.finish()
        #expect(await read == written)
    }

    @Test("the last lines, then what comes")
    func tail() async throws {
        let log = try TestLog()
        for index in 0..<5 { try log.write("\(index)\n") }
        try log.rotate()
        try log.write("5\n")
        let follower = try LogFollowerTests.follower(log) { $0.tail = 2 }
        try log.rotate()
        try log.write("6\n")
        follower.finish()
        var texts: [String] = []
        for await line in follower.lines { texts.append(line.text) }
        #expect(texts == ["4\n", "5\n", "6\n"])
    }

    @Test("a torn line is told when it is whole")
    func torn() async throws {
        let log = try TestLog()
        try log.write("first\n")
        let second = LogLine(text: "second\n", isError: true, time: TestLog.time(5))
        let raw = TestLog.encode(second)
        try log.append(String(raw.prefix(30)))
        let follower = try LogFollowerTests.follower(log) { $0.tail = 1 }
        var iterator = follower.lines.makeAsyncIterator()
        #expect(await iterator.next()?.text == "first\n")
        try log.append(String(raw.dropFirst(30)))
        #expect(await iterator.next() == second)
    }

    @Test("an instant ends it, a cancelled reader stops waiting")
    func ends() async throws {
        let log = try TestLog()
        for index in 0..<5 { try log.write("\(index)\n") }
        let bounded = try LogFollowerTests.follower(log) { $0.until = TestLog.time(3) }
        var texts: [String] = []
        for await line in bounded.lines { texts.append(line.text) }
        #expect(texts == ["0\n", "1\n", "2\n"])

        let open = try LogFollowerTests.follower(log) { $0.tail = 0 }
        await withTaskGroup(of: Int.self) { group in
            group.addTask {
                var count = 0
                for await _ in open.lines { count += 1 }
                return count
            }
            group.cancelAll()
            #expect(await group.next() == 0)
        }
    }

    @Test("a log emptied under its reader goes on from its start")
    func emptied() async throws {
        let log = try TestLog()
        for index in 0..<5 { try log.write("\(index)\n") }
        let follower = try LogFollowerTests.follower(log)
        var iterator = follower.lines.makeAsyncIterator()
        _ = await LogFollowerTests.take(5, &iterator)
        let file = try Directory.open(log.path, flags: FileFlags.write)
        try NewEntry.truncate(file.number, 0)
        let next = try log.write("again\n")
        #expect(await iterator.next() == next)
    }

    @Test("random writing, rotating and reading loses nothing and repeats nothing", arguments: 0..<30)
    func random(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let log = try TestLog()
        var written: [LogLine] = []
        for index in 0..<Int.random(in: 0...20, using: &random) {
            written.append(try log.write("\(index)\n"))
            if random.oneIn(6) { try log.rotate() }
        }
        let follower = try LogFollowerTests.follower(log)
        var iterator = follower.lines.makeAsyncIterator()
        var read: [LogLine] = []
        for index in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...5: written.append(try log.write("more \(index)\n", isError: random.oneIn(2)))
            case 6 where !written.isEmpty: try log.rotate()
            default:
                let available = written.count - read.count
                if available > 0 {
                    read += await LogFollowerTests.take(Int.random(in: 1...available, using: &random), &iterator)
                }
            }
        }
        follower.finish()
        while let line = await iterator.next() { read.append(line) }
        #expect(read == written)
    }
}
