// One source as it was found: a file, or a directory with everything below it, in an order that never changes.
import BerthLinux
import BerthModel

/// What is known of one file, link, node or directory.
package struct CopyEntry: Sendable {
    package var name: EntryName
    package var status: FileStatus
    /// Of a symbolic link.
    package var target: EntryName?
    package var attributes: [FileAttribute]
    /// In the list of its tree, after the last entry below it.
    var end: Int
    /// A directory that is only there for what is below it (`--parents`): one that exists keeps what it has.
    var isImplied = false
}

/// What decides on entries below a source.
struct CopyFilter {
    var ignored: IgnorePatterns?
    var excluded: IgnorePatterns?
    /// Of `--parents`: only what matches, and what lies below it.
    var included: IgnorePatterns?
}

package struct CopyTree: Sendable {
    /// Each level holds an open directory on both sides.
    static let depthMax = 400

    let root: SharedDescriptor
    /// Where it is below the root, without links. Nothing is held open: a wildcard may match more than a process may
    /// open.
    let place: [EntryName]
    /// The first is the source itself; a directory's entries follow it.
    package fileprivate(set) var entries: [CopyEntry]

    var isDirectory: Bool { entries[0].status.kind == .directory }

    /// The directory itself, or the one that holds the file, found again.
    func openBase() throws -> SharedDescriptor {
        var reached = root
        for name in isDirectory ? place[...] : place.dropLast() { reached = try CopyTree.open(name, in: reached) }
        return reached
    }

    /// A directory of the tree, by its place in the list; of a file, the one that holds it.
    func openDirectory(_ index: Int) throws -> SharedDescriptor {
        var reached = try openBase()
        var at = 0
        while at != index {
            var child = at + 1
            while entries[child].end <= index { child = entries[child].end }
            reached = try CopyTree.open(entries[child].name, in: reached)
            at = child
        }
        return reached
    }

    private static func open(_ name: EntryName, in parent: SharedDescriptor) throws -> SharedDescriptor {
        do { return SharedDescriptor(try DirectoryEntry.openDirectory(name, in: parent.number)) } catch {
            throw error.isNotFound ? CopyEntry.changed(name) : error
        }
    }

    static func tooDeep(_ path: String) -> BerthError {
        BerthError(
            .unsupported, "copying \(path)", subject: path, cause: "directories more than \(depthMax) levels deep")
    }
}

/// Walks a directory. Sockets are left out and told of; nothing is opened but directories.
struct TreeWalk {
    struct Trails {
        var ignored = IgnorePatterns.Trail()
        var excluded = IgnorePatterns.Trail()
        var included = IgnorePatterns.Trail()
    }

    let filter: CopyFilter
    let warn: (String) -> Void
    private var tree: CopyTree

    /// `place`: where the directory is in its source, without links, for the patterns that stand there.
    static func directory(
        _ directory: SharedDescriptor, below root: SharedDescriptor, at place: [EntryName], _ filter: CopyFilter,
        warn: @escaping (String) -> Void
    ) throws -> CopyTree {
        let top = CopyEntry(
            name: place.last ?? PathWalk.here, status: try FileStatus.of(directory.number),
            attributes: OpenFile.attributes(directory.number), end: 1)
        var walk = TreeWalk(filter: filter, warn: warn, tree: CopyTree(root: root, place: place, entries: [top]))
        var trails = Trails()
        if let ignored = filter.ignored {
            for part in place { trails.ignored = ignored.trail(to: part.description, below: trails.ignored) }
        }
        try walk.visit(directory.number, 0, trails, path: "", depth: place.count)
        return walk.tree
    }

    static func file(
        _ name: EntryName, in parent: SharedDescriptor, _ status: FileStatus, below root: SharedDescriptor,
        at place: [EntryName]
    ) throws -> CopyTree {
        var entry = CopyEntry(name: name, status: status, attributes: [], end: 1)
        if status.kind == .symbolicLink { entry.target = try DirectoryEntry.readLink(name, in: parent.number) }
        if status.kind == .regular { entry.attributes = OpenFile.attributes(of: name, in: parent.number) }
        return CopyTree(root: root, place: place, entries: [entry])
    }

    private mutating func visit(
        _ directory: Int32, _ own: Int, _ trails: Trails, path: String, depth: Int
    ) throws {
        guard depth < CopyTree.depthMax else { throw CopyTree.tooDeep(path) }
        for name in try DirectoryEntry.names(in: directory) {
            // Gone since it was listed: as if it had never been there.
            guard let status = try DirectoryEntry.status(name, in: directory) else { continue }
            let isDirectory = status.kind == .directory
            let below = advance(trails, name)
            guard let isWanted = verdict(below, isDirectory) else { continue }
            let isImplied = filter.included != nil && !below.included.isMatched
            let here = path.isEmpty ? name.description : "\(path)/\(name)"
            if status.kind == .socket {
                warn("\(here) is a socket and is not copied")
                continue
            }
            let index = tree.entries.count
            var entry = CopyEntry(
                name: name, status: status, attributes: [], end: index + 1, isImplied: isImplied)
            if status.kind == .symbolicLink { entry.target = try DirectoryEntry.readLink(name, in: directory) }
            if isDirectory || status.kind == .regular {
                entry.attributes = OpenFile.attributes(of: name, in: directory)
            }
            tree.entries.append(entry)
            if isDirectory {
                let opened = try DirectoryEntry.openDirectory(name, in: directory)
                try visit(opened.number, index, below, path: here, depth: depth + 1)
                // Kept only for what is below it, and there is nothing.
                if !isWanted && tree.entries.count == index + 1 { tree.entries.removeLast() }
            }
        }
        tree.entries[own].end = tree.entries.count
    }

    private func advance(_ trails: Trails, _ name: EntryName) -> Trails {
        var below = trails
        let text = name.description
        if let ignored = filter.ignored { below.ignored = ignored.trail(to: text, below: trails.ignored) }
        if let excluded = filter.excluded { below.excluded = excluded.trail(to: text, below: trails.excluded) }
        if let included = filter.included { below.included = included.trail(to: text, below: trails.included) }
        return below
    }

    /// Nil: left out with all below it. False: a directory that is there if something below it is.
    private func verdict(_ trails: Trails, _ isDirectory: Bool) -> Bool? {
        var isWanted = true
        if let ignored = filter.ignored, trails.ignored.isMatched {
            guard isDirectory, ignored.mayMatchBelow(trails.ignored) else { return nil }
            isWanted = false
        }
        if let excluded = filter.excluded, trails.excluded.isMatched {
            guard isDirectory, excluded.mayMatchBelow(trails.excluded) else { return nil }
            isWanted = false
        }
        if let included = filter.included, !trails.included.isMatched {
            guard isDirectory, included.mayReachBelow(trails.included) else { return nil }
            isWanted = false
        }
        return isWanted
    }
}
