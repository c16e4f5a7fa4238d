// What was read once is known: digests of files by what the kernel says of them.
import BerthLinux
import BerthModel
import BerthStore
import Synchronization

/// A file whose inode, size and times are the same holds the same bytes. Kept in one file, which anything may happen
/// to: what cannot be read is an empty book.
final class FileDigestBook: Sendable {
    private struct Key: Hashable {
        var device: UInt64
        var inode: UInt64
        var sizeBytes: Int64
        var modified: Int64
        var changed: Int64
    }
    private struct State {
        var digests: [Key: [UInt8]] = [:]
        var used: Set<Key> = []
        var isChanged = false
    }

    private let path: String
    private let state: Mutex<State>
    private static let magic = Array("berth files 1\n".utf8)
    private static let recordBytes = 5 * 8 + 32
    private static let recordsMax = 500_000
    /// A file that changed so shortly ago could change again within one tick of its clock.
    private static let settlingNanoseconds: Int64 = 2_000_000_000

    init(_ path: String) {
        self.path = path
        state = Mutex(State(digests: FileDigestBook.read(path)))
    }

    private static func key(_ status: FileStatus) -> Key {
        Key(
            device: status.device, inode: status.inode, sizeBytes: status.sizeBytes,
            modified: status.modifiedSeconds &* 1_000_000_000 &+ status.modifiedNanoseconds,
            changed: status.changedNanoseconds)
    }

    func digest(_ status: FileStatus) -> [UInt8]? {
        let key = FileDigestBook.key(status)
        return state.withLock { state in
            guard let digest = state.digests[key] else { return nil }
            state.used.insert(key)
            return digest
        }
    }

    func remember(_ status: FileStatus, _ digest: [UInt8], now: Int64 = wallClockNanoseconds()) {
        let key = FileDigestBook.key(status)
        let newest = max(key.modified, key.changed)
        if now - newest < FileDigestBook.settlingNanoseconds { return }
        state.withLock { state in
            state.digests[key] = digest
            state.used.insert(key)
            state.isChanged = true
        }
    }

    private static func read(_ path: String) -> [Key: [UInt8]] {
        guard let bytes = try? FileIO.read(path, limit: magic.count + recordsMax * recordBytes),
            bytes.starts(with: magic), (bytes.count - magic.count) % recordBytes == 0
        else { return [:] }
        var digests: [Key: [UInt8]] = [:]
        digests.reserveCapacity((bytes.count - magic.count) / recordBytes)
        bytes.withUnsafeBytes { raw in
            for offset in stride(from: magic.count, to: raw.count, by: recordBytes) {
                func number(_ index: Int) -> UInt64 {
                    UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset + 8 * index, as: UInt64.self))
                }
                let key = Key(
                    device: number(0), inode: number(1), sizeBytes: Int64(bitPattern: number(2)),
                    modified: Int64(bitPattern: number(3)), changed: Int64(bitPattern: number(4)))
                digests[key] = Array(raw[(offset + 40)..<(offset + recordBytes)])
            }
        }
        return digests
    }

    /// Writes what is known, what was used now first. A book that cannot be written costs reading, and no more.
    func save() {
        let (digests, used, isChanged) = state.withLock { ($0.digests, $0.used, $0.isChanged) }
        if !isChanged { return }
        let rest = digests.keys.filter { !used.contains($0) }
        var bytes = FileDigestBook.magic
        for key in (Array(used) + rest).prefix(FileDigestBook.recordsMax) {
            guard let digest = digests[key] else { continue }
            for number in [
                key.device, key.inode, UInt64(bitPattern: key.sizeBytes), UInt64(bitPattern: key.modified),
                UInt64(bitPattern: key.changed),
            ] {
                withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
            }
            bytes += digest
        }
        try? FileIO.replace(path, bytes, mode: 0o600, durable: false)
    }
}
