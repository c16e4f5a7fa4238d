// What files are to a cache: names, kinds, modes, links and content. Times are not.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch
import Synchronization

struct CopyDigest {
    let tree: CopyTree
    /// Nil: every file is read.
    let book: FileDigestBook?
    private static let bufferBytes = 1 << 18
    /// Fewer files than this are not worth a second thread.
    private static let parallelMin = 64

    /// The digest of what lies at a place.
    func digest(_ place: String, excludes: IgnorePatterns = IgnorePatterns([])) throws -> Digest {
        let entries = try tree.walk(place, excludes: excludes)
        let contents = try contents(entries, place)
        var hash = ContentHash()
        for (entry, content) in zip(entries, contents) {
            var line = "\(entry.path.utf8.count):\(entry.path)|\(entry.status.kind)|\(entry.status.mode)|"
            if !tree.hidesOwners { line += "\(entry.status.userID):\(entry.status.groupID)|" }
            if let link = entry.link { line += "\(link.utf8.count):\(link)|" }
            if entry.status.kind == .characterDevice || entry.status.kind == .blockDevice {
                line += "\(entry.status.deviceMajor):\(entry.status.deviceMinor)|"
            }
            let bytes = Array(line.utf8) + content
            bytes.withUnsafeBytes { hash.update($0) }
        }
        return hash.finish()
    }

    /// Digests of files and their attributes; empty for everything else.
    private func contents(_ entries: [CopyTree.Entry], _ place: String) throws -> [[UInt8]] {
        var contents = [[UInt8]](repeating: [], count: entries.count)
        var unread: [Int] = []
        for (index, entry) in entries.enumerated() where entry.status.kind == .regular {
            if let known = book?.digest(entry.status) { contents[index] = known } else { unread.append(index) }
        }
        if unread.isEmpty { return contents }
        let results = Mutex<[Int: [UInt8]]>([:])
        let failure = Mutex<(any Error)?>(nil)
        let parts = unread.count < CopyDigest.parallelMin ? 1 : 4
        let list = unread
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            var buffer = [UInt8](repeating: 0, count: CopyDigest.bufferBytes)
            for position in stride(from: part, to: list.count, by: parts) {
                if failure.withLock({ $0 != nil }) { return }
                let entry = entries[list[position]]
                do {
                    let digest = try read(entry, place, &buffer)
                    results.withLock { $0[list[position]] = digest }
                } catch {
                    failure.withLock { $0 = error }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        for (index, digest) in results.withLock({ $0 }) { contents[index] = digest }
        return contents
    }

    private func read(_ entry: CopyTree.Entry, _ place: String, _ buffer: inout [UInt8]) throws -> [UInt8] {
        let path = entry.path.isEmpty ? place : "\(place)/\(entry.path)"
        let file = try Directory.open(
            inRootNumber: tree.root.number, path, flags: FileFlags.readNonBlocking | FileFlags.noFollow)
        let before = try FileStatus.of(file.number)
        var hash = ContentHash()
        while true {
            let count = try FileIO.readSome(file.number, &buffer)
            if count == 0 { break }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        for name in try FileAttributes.names(file.number) where name == "security.capability" || name.hasPrefix("user.")
        {
            let line = Array(name.utf8) + [0] + (NewEntry.attribute(file.number, name) ?? [])
            line.withUnsafeBytes { hash.update($0) }
        }
        let digest = hash.finishBytes()
        // Known only if it was the file that the walk saw, and stayed it.
        if before == entry.status, try FileStatus.of(file.number) == before { book?.remember(before, digest) }
        return digest
    }
}
