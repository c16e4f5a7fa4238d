// Writing what was selected into a tree, by descriptor, inside its root whatever links are there.
import BerthLinux
import BerthModel

struct CopyWriter {
    /// The tree that is written to.
    let root: Int32
    /// Nil: as the source has it.
    var owner: FileOwnerIDs?
    var mode: FileMode?
    var warn: @Sendable (String) -> Void = { _ in }

    /// One source into a destination.
    ///
    /// - Parameters:
    ///   - destination: absolute; a slash at the end means a directory.
    ///   - excludes: of a directory, what is left out.
    func copy(
        _ source: SelectedSource, of tree: CopyTree, to destination: String, excludes: IgnorePatterns
    ) throws {
        let entries = try tree.walk(source.place, excludes: excludes)
        guard let first = entries.first else { return }
        if first.status.kind == .directory {
            let target = try directory(destination, shown: source.name)
            try write(entries.dropFirst(), of: tree, source.place, into: target.number, destination)
            return
        }
        let isDirectory = destination.hasSuffix("/") || kind(destination) == .directory
        let path = isDirectory ? "\(destination)/\(source.name)" : destination
        let (parent, name) = try parent(path)
        let (above, sourceName) = CopyWriter.split(source.place)
        let from = try Directory.open(inRootNumber: tree.root.number, above, flags: FileFlags.directory)
        try write(first, sourceName, from: from.number, to: parent.number, name, tree, shown: path)
    }

    /// A file that is written in the Dockerfile.
    func write(_ content: [UInt8], named name: String, to destination: String) throws {
        let isDirectory = destination.hasSuffix("/") || kind(destination) == .directory
        let path = isDirectory ? "\(destination)/\(name)" : destination
        let (parent, last) = try parent(path)
        try clear(last, in: parent.number, shown: path)
        let file = try NewEntry.file(in: parent.number, last)
        try FileIO.write(file, content)
        let bits = mode?.applied(to: 0o644, isDirectory: false) ?? 0o644
        // The file's time is when it was written: nobody else's.
        let now = wallClockNanoseconds()
        try NewEntry.setMetadata(
            in: parent.number, last, userID: owner?.userID ?? 0, groupID: owner?.groupID ?? 0, mode: bits,
            seconds: now / 1_000_000_000, nanoseconds: now % 1_000_000_000)
    }

    // MARK: Places

    static func split(_ path: String) -> (above: String, name: String) {
        let parts = path.split(separator: "/").map(String.init)
        return ("/" + parts.dropLast().joined(separator: "/"), parts.last ?? ".")
    }

    /// What a path leads to, inside the root; nil: nothing.
    private func kind(_ path: String) -> FileKind? {
        guard let found = try? Directory.open(inRootNumber: root, path, flags: FileFlags.pathOnly) else { return nil }
        return try? FileStatus.of(found.number).kind
    }

    private func parent(_ path: String) throws -> (SharedDescriptor, String) {
        // A link that is there is followed inside the root, whether what it leads to is there or not.
        let (above, name) = CopyWriter.split(path)
        let parent = try directory(above, shown: path)
        if (try? FileStatus.of(name, in: parent.number))?.kind == .symbolicLink {
            if let found = try? Directory.open(inRootNumber: root, "\(above)/\(name)", flags: FileFlags.pathOnly) {
                let real = try Directory.readLink("/proc/self/fd/\(found.number)")
                let top = try Directory.readLink("/proc/self/fd/\(root)")
                let inside = top == "/" ? real : String(real.dropFirst(top.count))
                let (realAbove, realName) = CopyWriter.split(inside)
                return (try directory(realAbove, shown: path), realName)
            }
        }
        return (parent, name)
    }

    /// A directory, made where it is missing, with the parents that it needs.
    private func directory(_ path: String, shown: String) throws -> SharedDescriptor {
        var reached = ""
        for part in path.split(separator: "/") where part != "." {
            let next = "\(reached)/\(part)"
            if !Directory.exists(inRootNumber: root, next) {
                let above = try Directory.open(inRootNumber: root, reached, flags: FileFlags.directory)
                do throws(SystemError) { try NewEntry.directory(in: above.number, String(part)) } catch {
                    guard error.isAlreadyThere else { throw failure(shown, error) }
                    throw BerthError(
                        .conflict, "copying to \(shown)", subject: next, cause: "\(next) is a link that leads nowhere")
                }
                try FileOwner.set(
                    String(part), in: above.number, userID: owner?.userID ?? 0, groupID: owner?.groupID ?? 0)
            }
            reached = next
        }
        do throws(SystemError) {
            return SharedDescriptor(try Directory.open(inRootNumber: root, reached, flags: FileFlags.directory))
        } catch {
            if error.isNotFound {
                throw BerthError(
                    .conflict, "copying to \(shown)", subject: path,
                    cause: "cannot copy to non-directory: \(path.isEmpty ? "/" : path)")
            }
            throw failure(shown, error)
        }
    }

    private func failure(_ path: String, _ error: SystemError) -> BerthError {
        BerthError(.internal, "copying to \(path)", subject: path, cause: "\(error)")
    }

    // MARK: Entries

    /// The content of a directory. Directories get their times when everything is in them.
    private func write(
        _ entries: ArraySlice<CopyTree.Entry>, of tree: CopyTree, _ place: String, into target: Int32, _ shown: String
    ) throws {
        var sources = DirectoryStack(inside: tree.root.number, place)
        var targets = DirectoryStack(at: target)
        var made: [CopyTree.Entry] = []
        for entry in entries {
            let (above, name) = DirectoryStack.split(entry.path)
            let to = try targets.open(above)
            if entry.status.kind == .directory {
                do throws(SystemError) { try NewEntry.directory(in: to, name) } catch {
                    guard error.isAlreadyThere else { throw failure("\(shown)/\(entry.path)", error) }
                    guard try FileStatus.of(name, in: to).kind == .directory else {
                        throw BerthError(
                            .conflict, "copying to \(shown)/\(entry.path)", subject: entry.path,
                            cause: "cannot copy a directory over what is no directory: \(shown)/\(entry.path)")
                    }
                }
                made.append(entry)
            } else {
                let from = try sources.open(above)
                try write(entry, name, from: from, to: to, name, tree, shown: "\(shown)/\(entry.path)")
            }
        }
        for entry in made.reversed() {
            let (above, name) = DirectoryStack.split(entry.path)
            try finish(entry, in: try targets.open(above), name, tree)
        }
    }

    private func write(
        _ entry: CopyTree.Entry, _ sourceName: String, from: Int32, to: Int32, _ name: String, _ tree: CopyTree,
        shown: String
    ) throws {
        try clear(name, in: to, shown: shown)
        do throws(SystemError) { try FileCopy.entry(from: from, sourceName, to: to, name) } catch {
            throw failure(shown, error)
        }
        try finish(entry, in: to, name, tree)
    }

    /// Whatever stands there and is no directory gives way.
    private func clear(_ name: String, in directory: Int32, shown: String) throws {
        guard let status = try? FileStatus.of(name, in: directory) else { return }
        if status.kind == .directory {
            throw BerthError(
                .conflict, "copying to \(shown)", subject: shown,
                cause: "cannot replace the directory \(shown) with a file")
        }
        NewEntry.remove(in: directory, name)
    }

    private func finish(_ entry: CopyTree.Entry, in directory: Int32, _ name: String, _ tree: CopyTree) throws {
        let status = entry.status
        let ids = owner ?? (tree.hidesOwners ? FileOwnerIDs(userID: 0, groupID: 0) : nil)
        let isLink = status.kind == .symbolicLink
        let bits = mode?.applied(to: status.mode, isDirectory: status.kind == .directory) ?? status.mode
        try NewEntry.setMetadata(
            in: directory, name, userID: ids?.userID ?? status.userID, groupID: ids?.groupID ?? status.groupID,
            mode: isLink ? nil : bits, seconds: status.modifiedSeconds, nanoseconds: status.modifiedNanoseconds)
    }
}

/// Open directories from a place down to where the last entry was: entries come parents first, so few are opened twice.
struct DirectoryStack {
    private var opened: [(name: String, directory: SharedDescriptor)] = []
    private let base: Int32
    private let place: String?

    init(at base: Int32) {
        self.base = base
        place = nil
    }

    /// Below a path that is resolved inside a root.
    init(inside root: Int32, _ place: String) {
        base = root
        self.place = place
    }

    static func split(_ path: String) -> (above: [String], name: String) {
        let parts = path.split(separator: "/").map(String.init)
        return (Array(parts.dropLast()), parts.last ?? "")
    }

    mutating func open(_ path: [String]) throws -> Int32 {
        var common = 0
        while common < opened.count - 1, common < path.count, opened[common + 1].name == path[common] { common += 1 }
        if opened.isEmpty {
            let first = try Directory.open(inRootNumber: base, place ?? ".", flags: FileFlags.directory)
            opened.append(("", SharedDescriptor(first)))
        }
        opened.removeLast(opened.count - 1 - common)
        for name in path[common...] {
            let next = try Directory.open(
                inRootNumber: opened[opened.count - 1].directory.number, name, flags: FileFlags.directoryNoFollow)
            opened.append((name, SharedDescriptor(next)))
        }
        return opened[opened.count - 1].directory.number
    }
}
