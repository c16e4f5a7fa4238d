// The cache key of a selection: what counts, what does not, and what need not be read again.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Synchronization
import Testing

@testable import BerthBuild

@Suite("Copy: digests")
struct CopyDigestTests {
    static let tree = ["a=1", "d/b=2", "d/e/c=3", "l->a", "empty/"]

    @Test("times do not count, everything else does")
    func counts() throws {
        let world = try CopyWorld(CopyDigestTests.tree)
        let before = try world.digest()
        try world.run("/bin/touch", ["-d", "2001-01-01", "\(world.contextPath)/a", "\(world.contextPath)/d"])
        try world.run("/bin/chown", ["1234:1234", "\(world.contextPath)/a"])
        #expect(try world.digest() == before)
        var seen: Set<Digest> = [before]
        func changed(_ what: String) throws {
            #expect(try seen.insert(world.digest()).inserted, "\(what)")
        }
        try world.make(["a=9"])
        try changed("content of the same size")
        try world.run("/bin/chmod", ["600", "\(world.contextPath)/a"])
        try changed("mode")
        try world.run("/bin/chmod", ["700", "\(world.contextPath)/empty"])
        try changed("a directory's mode")
        try world.run("/bin/mv", ["\(world.contextPath)/d/b", "\(world.contextPath)/d/bb"])
        try changed("name")
        try world.run("/bin/mv", ["\(world.contextPath)/d/bb", "\(world.contextPath)/d/e/bb"])
        try changed("place")
        try world.run("/bin/ln", ["-sfn", "d", "\(world.contextPath)/l"])
        try changed("target of a link")
        try world.run("/bin/rmdir", ["\(world.contextPath)/empty"])
        try changed("an empty directory")
        let file = try Directory.open("\(world.contextPath)/a", flags: FileFlags.readWrite)
        try NewEntry.setAttribute(file.number, "user.berth", [1])
        try changed("an attribute")
    }

    @Test("what is not selected does not count; where it is does not count")
    func selection() throws {
        let world = try CopyWorld(CopyDigestTests.tree + ["x/b=2", "x/e/c=3"])
        #expect(try world.digest(["d"]) == world.digest(["x"]))
        let before = try world.digest(ignoring: ["a"])
        try world.make(["a=other"])
        #expect(try world.digest(ignoring: ["a"]) == before)
        #expect(try world.digest(["d", "a"]) != world.digest(["a", "d"]))
        #expect(try world.digest(["d/b"]) != world.digest(["d/e/c"]))
    }

    @Test("entries cannot run into each other")
    func framing() throws {
        let one = try CopyWorld(["ab=c"]), other = try CopyWorld(["a=bc"])
        #expect(try one.digest() != other.digest())
        let nested = try CopyWorld(["d/e/", "d/f=1"]), flat = try CopyWorld(["d/e/f=1"])
        #expect(try nested.digest() != flat.digest())
        let beside = try CopyWorld(["d/a=", "e/"]), below = try CopyWorld(["d/a=", "d/e/"])
        #expect(try beside.digest() != below.digest())
    }

    @Test("owners count in a stage, unless the step sets them")
    func owners() throws {
        let world = try CopyWorld(["a=1"])
        func digest(_ owner: CopyOwner?) throws -> Digest {
            var request = CopyRequest(sources: ["a"], destination: "/")
            request.owner = owner
            let source = CopySource.image(world.context, title: "stage build")
            return try CopyDigest.digest(of: try CopySelection(request, from: source))
        }
        let (kept, set) = (try digest(nil), try digest(.root))
        try world.run("/bin/chown", ["7:8", "\(world.contextPath)/a"])
        #expect(try digest(nil) != kept)
        #expect(try digest(.root) == set)
    }

    @Test("heredocs count by name, content and mode")
    func inline() throws {
        let world = try CopyWorld()
        func digest(_ file: InlineFile) throws -> Digest {
            try CopyDigest.digest(of: try world.select([]) { $0.inlineFiles = [file] })
        }
        let all = try [
            InlineFile(name: "a", content: [1]), InlineFile(name: "b", content: [1]),
            InlineFile(name: "a", content: [2]),
            InlineFile(name: "a", content: [1], mode: 0o755),
        ].map(digest)
        #expect(Set(all).count == 4)
    }

    // MARK: The book

    /// Counts what is read.
    final class Reads: Sendable {
        private let count = Mutex(0)
        func add(_ bytes: Int64) { count.withLock { $0 += 1 } }
        func take() -> Int {
            count.withLock { count in
                defer { count = 0 }; return count
            }
        }
    }

    static let later: @Sendable () -> Int64 = { wallClockNanoseconds() + 60_000_000_000 }

    @Test("with a book, only what changed is read again, in the next process too")
    func book() throws {
        let world = try CopyWorld((0..<300).map { "d\($0 % 7)/f\($0)=\($0)" })
        let path = world.directory.path("book")
        let reads = Reads()
        func digest(_ book: FileDigestBook) throws -> Digest {
            try CopyDigest.digest(of: try world.select(["."]), book: book, onRead: reads.add)
        }
        let book = FileDigestBook(now: CopyDigestTests.later)
        let first = try digest(book)
        #expect(reads.take() == 300 && book.count == 300)
        #expect(try digest(book) == first && reads.take() == 0)
        try book.save(path)
        let loaded = FileDigestBook.load(path, now: CopyDigestTests.later)
        #expect(try digest(loaded) == first && reads.take() == 0)
        // The same size, and a time set back: the time of change tells.
        try world.run(
            "/bin/sh", ["-c", "cd \(world.contextPath)/d1; touch -r f1 ref; printf 9 > f1; touch -r ref f1; rm ref"])
        #expect(try digest(loaded) != first && reads.take() == 1)
        #expect(try digest(FileDigestBook()) == digest(loaded))
    }

    @Test("what changed just now is not remembered")
    func racy() throws {
        let world = try CopyWorld(["a=1"])
        let book = FileDigestBook()
        let reads = Reads()
        _ = try CopyDigest.digest(of: try world.select(["."]), book: book, onRead: reads.add)
        #expect(book.count == 0 && reads.take() == 1)
    }

    @Test("a damaged book is an empty one, a full one forgets what was of no use")
    func damage() throws {
        let world = try CopyWorld((0..<20).map { "f\($0)=\($0)" } + ["only/x=x"])
        let path = world.directory.path("book")
        let book = FileDigestBook(now: CopyDigestTests.later)
        _ = try CopyDigest.digest(of: try world.select(["."]), book: book)
        try book.save(path)
        let bytes = try FileIO.read(path)
        for damaged in [[], Array(bytes.dropLast()), Array(bytes.dropLast(76)), [UInt8](repeating: 0, count: 500)] {
            try FileIO.replace(path, damaged, durable: false)
            #expect(FileDigestBook.load(path).count == 0)
        }
        for index in stride(from: 0, to: bytes.count, by: 97) {
            var flipped = bytes
            flipped[index] ^= 1
            try FileIO.replace(path, flipped, durable: false)
            #expect(FileDigestBook.load(path).count == 0)
        }
        try FileIO.replace(path, bytes, durable: false)
        try world.make(["only/y=y"])
        let full = FileDigestBook.load(path, linesMax: 21, now: CopyDigestTests.later)
        #expect(full.count == 21)
        _ = try CopyDigest.digest(of: try world.select(["only"]), book: full)
        try full.save(path)
        let reads = Reads()
        let kept = FileDigestBook.load(path, linesMax: 21, now: CopyDigestTests.later)
        #expect(kept.count == 21)
        _ = try CopyDigest.digest(of: try world.select(["only"]), book: kept, onRead: reads.add)
        #expect(reads.take() == 0)
        #expect(FileDigestBook.load(path, linesMax: 3).count == 0)
    }

    @Test("a file that changes between the look and the read is an error, not a wrong key")
    func changing() throws {
        let world = try CopyWorld(["a=1"])
        let selection = try world.select(["."])
        try world.make(["a=22"])
        #expect(throws: BerthError.self) { try CopyDigest.digest(of: selection) }
        #expect(throws: BerthError.self) { try CopyWriter(root: world.target).write(selection) }
    }
}
