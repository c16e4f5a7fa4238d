// What a selection holds, as one digest: the part of a step's cache key that its files make up.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch
import Synchronization

/// Names, kinds, modes, owners where they count, links, attributes and contents. Times do not count.
package enum CopyDigest {
    /// So many files are one piece of work.
    private static let chunkFiles = 64
    private static let bufferBytes = 256 << 10

    /// `onRead` hears of the size of every file that had to be read.
    package static func digest(
        of selection: CopySelection, book: FileDigestBook? = nil, onRead: (@Sendable (Int64) -> Void)? = nil
    ) throws -> Digest {
        var hash = Canonical()
        hash.add("berth copy 1")
        for match in selection.matches {
            let contents = try contents(of: match.tree, book, onRead)
            // A directory gives its content only: its own name and metadata go nowhere.
            hash.add(match.tree.isDirectory ? "directory" : "file")
            if !match.tree.isDirectory { hash.add(match.name.bytes) }
            var ends: [Int] = []
            for (index, entry) in match.tree.entries.enumerated() where !(match.tree.isDirectory && index == 0) {
                while let end = ends.last, end <= index { ends.removeLast() }
                hash.add(UInt64(ends.count))
                if match.tree.isDirectory { hash.add(entry.name.bytes) }
                add(entry, contents[index], selection.source.keepsOwners && selection.request.owner == nil, &hash)
                if entry.status.kind == .directory { ends.append(entry.end) }
            }
        }
        for file in selection.request.inlineFiles {
            hash.add("inline")
            hash.add(Array(file.name.utf8))
            hash.add(UInt64(file.mode))
            hash.add(file.content)
        }
        return hash.finish()
    }

    private static func add(_ entry: CopyEntry, _ content: [UInt8]?, _ owners: Bool, _ hash: inout Canonical) {
        let status = entry.status
        hash.add(String(describing: status.kind))
        // A link's mode is always the same, whatever a file system says.
        hash.add(UInt64(status.kind == .symbolicLink ? 0 : status.mode))
        hash.add(UInt64(owners ? status.userID : 0))
        hash.add(UInt64(owners ? status.groupID : 0))
        hash.add(entry.target?.bytes ?? [])
        let isDevice = status.kind == .characterDevice || status.kind == .blockDevice
        hash.add(UInt64(isDevice ? status.deviceMajor : 0))
        hash.add(UInt64(isDevice ? status.deviceMinor : 0))
        hash.add(UInt64(entry.attributes.count))
        for attribute in entry.attributes {
            hash.add(attribute.name)
            hash.add(attribute.value)
        }
        hash.add(UInt64(status.kind == .regular ? status.sizeBytes : 0))
        hash.add(content ?? [])
    }

    // MARK: Contents

    /// Files of one directory, hashed by one thread.
    private struct Chunk {
        var directory: Int
        var files: [Int]
    }

    /// The digest of each regular file, by its place in the tree.
    private static func contents(
        of tree: CopyTree, _ book: FileDigestBook?, _ onRead: (@Sendable (Int64) -> Void)?
    ) throws -> [[UInt8]?] {
        var digests: [[UInt8]?] = Array(repeating: nil, count: tree.entries.count)
        var parents: [Int] = []
        var chunks: [Chunk] = []
        for (index, entry) in tree.entries.enumerated() {
            while let parent = parents.last, tree.entries[parent].end <= index { parents.removeLast() }
            if entry.status.kind == .directory { parents.append(index) }
            guard entry.status.kind == .regular else { continue }
            digests[index] = book?.digest(of: entry.status)
            if digests[index] != nil { continue }
            let directory = parents.last ?? 0
            if let last = chunks.indices.last, chunks[last].directory == directory,
                chunks[last].files.count < chunkFiles
            {
                chunks[last].files.append(index)
            } else {
                chunks.append(Chunk(directory: directory, files: [index]))
            }
        }
        let found = Mutex<(digests: [(Int, [UInt8])], failure: (any Error)?)>(([], nil))
        let work = chunks
        DispatchQueue.concurrentPerform(iterations: work.count) { index in
            if found.withLock({ $0.failure != nil }) { return }
            do {
                let own = try hash(work[index].files, below: work[index].directory, of: tree, book, onRead)
                found.withLock { $0.digests += own }
            } catch {
                found.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let result = found.withLock { $0 }
        if let failure = result.failure { throw failure }
        for (index, digest) in result.digests { digests[index] = digest }
        return digests
    }

    private static func hash(
        _ files: [Int], below directory: Int, of tree: CopyTree, _ book: FileDigestBook?,
        _ onRead: (@Sendable (Int64) -> Void)?
    ) throws -> [(Int, [UInt8])] {
        var buffer = [UInt8](repeating: 0, count: bufferBytes)
        let parent = try tree.openDirectory(directory)
        return try files.map { index in
            let entry = tree.entries[index]
            let file = try entry.open(in: parent.number)
            var hash = ContentHash()
            while true {
                let count = try FileIO.readSome(file.number, &buffer)
                if count == 0 { break }
                buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
            // Written to meanwhile: the digest would be of neither the old nor the new content.
            try entry.mustBe(file.number)
            onRead?(hash.byteCount)
            let digest = hash.finish().bytes
            book?.remember(digest, of: entry.status)
            return (index, digest)
        }
    }
}

extension CopyEntry {
    /// A regular file for reading, the one that was found.
    func open(in directory: Int32) throws -> Descriptor {
        let file: Descriptor
        do { file = try DirectoryEntry.openFile(name, in: directory) } catch {
            throw error.isNotFound ? CopyEntry.changed(name) : error
        }
        try mustBe(file.number)
        return file
    }

    /// Throws where an open file is not the one that was found, or has changed since.
    func mustBe(_ file: Int32) throws {
        let now = try FileStatus.of(file)
        if now.kind == status.kind && now.inode == status.inode && now.sizeBytes == status.sizeBytes
            && now.modifiedSeconds == status.modifiedSeconds && now.modifiedNanoseconds == status.modifiedNanoseconds
            && now.changedSeconds == status.changedSeconds && now.changedNanoseconds == status.changedNanoseconds
        {
            return
        }
        throw CopyEntry.changed(name)
    }

    static func changed(_ name: EntryName) -> BerthError {
        BerthError(
            .conflict, "copying \(name)", subject: name.description, cause: "it changed while it was copied",
            hint: "build again when nothing writes to it, or exclude it")
    }
}

/// SHA-256 over fields that cannot run into each other: each with its length.
private struct Canonical {
    private var hash = ContentHash()
    private var pending: [UInt8] = []

    mutating func add(_ number: UInt64) {
        pending.append(number)
        if pending.count > 1 << 16 { flush() }
    }

    mutating func add(_ bytes: [UInt8]) {
        pending.append(UInt64(bytes.count))
        pending += bytes
        if pending.count > 1 << 16 { flush() }
    }

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    private mutating func flush() {
        pending.withUnsafeBytes { hash.update($0) }
        pending.removeAll(keepingCapacity: true)
    }

    mutating func finish() -> Digest {
        flush()
        return hash.finish()
    }
}
