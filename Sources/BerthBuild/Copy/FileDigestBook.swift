// What files hold, remembered by what the kernel says of them: a file that has not changed is not read again.
import BerthLinux
import BerthModel
import BerthStore
import Synchronization

/// SHA-256 of contents by device, inode, size and both times. Safe for several threads; one file on the disk.
package final class FileDigestBook: Sendable {
    private struct Key: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private struct Line {
        var sizeBytes: Int64
        var modified: Int64
        var changed: Int64
        var digest: [UInt8]
        /// Counts down to being forgotten when there is no room: runs since it was of use.
        var age: UInt32
        var isFresh = true
    }

    private static let magic = Array("berth file digests 1\n".utf8)
    private static let lineBytes = 5 * 8 + 32 + 4
    /// The kernel's clock of files is coarse: a file that changed so shortly before it was read may change again
    /// without a sign.
    private static let racyNanoseconds: Int64 = 2_000_000_000

    private let lines: Mutex<[Key: Line]>
    private let isChanged = Atomic(false)
    private let linesMax: Int
    private let now: @Sendable () -> Int64

    package init(linesMax: Int = 1_000_000, now: @escaping @Sendable () -> Int64 = { wallClockNanoseconds() }) {
        lines = Mutex([:])
        self.linesMax = linesMax
        self.now = now
    }

    package var count: Int { lines.withLock { $0.count } }

    func digest(of status: FileStatus) -> [UInt8]? {
        lines.withLock { lines in
            let key = Key(device: status.device, inode: status.inode)
            guard var line = lines[key], line.sizeBytes == status.sizeBytes, line.modified == status.modified,
                line.changed == status.changed
            else { return nil }
            if line.age != 0 || !line.isFresh {
                line.age = 0
                line.isFresh = true
                lines[key] = line
            }
            return line.digest
        }
    }

    func remember(_ digest: [UInt8], of status: FileStatus) {
        if now() - max(status.modified, status.changed) < FileDigestBook.racyNanoseconds { return }
        let line = Line(
            sizeBytes: status.sizeBytes, modified: status.modified, changed: status.changed, digest: digest, age: 0)
        lines.withLock { $0[Key(device: status.device, inode: status.inode)] = line }
        isChanged.store(true, ordering: .relaxed)
    }

    // MARK: On the disk

    /// What is missing or damaged is an empty book.
    package static func load(
        _ path: String, linesMax: Int = 1_000_000, now: @escaping @Sendable () -> Int64 = { wallClockNanoseconds() }
    ) -> FileDigestBook {
        let book = FileDigestBook(linesMax: linesMax, now: now)
        let bytesMax = magic.count + linesMax * lineBytes + 32
        guard let bytes = try? FileIO.read(path, limit: bytesMax), let lines = parse(bytes) else { return book }
        book.lines.withLock { $0 = lines }
        return book
    }

    private static func parse(_ bytes: [UInt8]) -> [Key: Line]? {
        let body = bytes.count - magic.count - 32
        guard body >= 0, body % lineBytes == 0, bytes.starts(with: magic) else { return nil }
        guard seal(bytes[..<(bytes.count - 32)]) == Array(bytes[(bytes.count - 32)...]) else { return nil }
        var lines: [Key: Line] = [:]
        lines.reserveCapacity(body / lineBytes)
        var at = magic.count
        func number() -> UInt64 {
            defer { at += 8 }
            return (0..<8).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
        }
        while at < bytes.count - 32 {
            let key = Key(device: number(), inode: number())
            let numbers = (Int64(bitPattern: number()), Int64(bitPattern: number()), Int64(bitPattern: number()))
            let digest = Array(bytes[at..<(at + 32)])
            let age = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 32 + $1]) << (8 * UInt32($1)) }
            at += 36
            lines[key] = Line(
                sizeBytes: numbers.0, modified: numbers.1, changed: numbers.2, digest: digest, age: age, isFresh: false)
        }
        return lines
    }

    /// Writes the book, if anything new was learnt. Where there is no room for all, what was of no use for longest goes
    /// first.
    package func save(_ path: String) throws {
        if !isChanged.exchange(false, ordering: .relaxed) { return }
        let all = lines.withLock { lines in
            lines.map { key, line in (key, line, line.isFresh ? 0 : line.age &+ 1) }
        }
        let kept = all.count <= linesMax ? all : Array(all.sorted { $0.2 < $1.2 }.prefix(linesMax))
        var bytes = FileDigestBook.magic
        bytes.reserveCapacity(bytes.count + kept.count * FileDigestBook.lineBytes + 32)
        for (key, line, age) in kept {
            let numbers = [
                key.device, key.inode, UInt64(bitPattern: line.sizeBytes), UInt64(bitPattern: line.modified),
                UInt64(bitPattern: line.changed),
            ]
            for number in numbers { bytes.append(number) }
            bytes += line.digest
            for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: age >> (8 * UInt32(shift)))) }
        }
        bytes += FileDigestBook.seal(bytes[...])
        try FileIO.replace(path, bytes, durable: false)
    }

    private static func seal(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hash = ContentHash()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finish().bytes
    }
}

extension FileStatus {
    fileprivate var modified: Int64 { modifiedSeconds &* 1_000_000_000 &+ modifiedNanoseconds }
    fileprivate var changed: Int64 { changedSeconds &* 1_000_000_000 &+ changedNanoseconds }
}

extension Digest {
    /// The 32 bytes.
    var bytes: [UInt8] {
        let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return (0..<digits.count / 2).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
    }
}

extension [UInt8] {
    /// Little-endian.
    mutating func append(_ number: UInt64) {
        for shift in 0..<8 { append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(shift)))) }
    }
}
