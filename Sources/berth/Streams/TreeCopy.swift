// Copying a file or a tree between two places, each below a root of its own that no link leads out of.
import BerthLinux
import BerthModel

/// A path below a root: the host's own, or a container's.
struct TreePlace {
    var root: SharedDescriptor
    /// Absolute in the root.
    var path: String
    /// As the user wrote it, for messages.
    var shown: String

    /// The path ends with a slash or a dot: it must be a directory, of which the content is meant.
    var wantsContent: Bool { shown.hasSuffix("/.") || shown == "." }
    var wantsDirectory: Bool { wantsContent || shown.hasSuffix("/") }
    var name: String { path.split(separator: "/").last.map(String.init) ?? "/" }

    /// The directory that has the last part of the path, opened; links on the way are followed inside the root.
    func parent() throws(SystemError) -> (directory: SharedDescriptor, name: EntryName) {
        let parts = path.split(separator: "/").map(String.init)
        let above = parts.dropLast().joined(separator: "/")
        let directory = try Directory.open(inRootNumber: root.number, above, flags: FileFlags.directory)
        return (SharedDescriptor(directory), EntryName(parts.last ?? "."))
    }

    /// What is there, a link at the end followed; nil: nothing.
    func status() throws(SystemError) -> FileStatus? {
        do {
            let found = try Directory.open(inRootNumber: root.number, path, flags: FileFlags.pathOnly)
            return try FileStatus.of(found.number)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}

/// `docker cp`'s rules: what lands where, and whose it is then.
struct TreeCopy {
    /// Owners are kept; else everything belongs to whoever copies.
    var keepsOwners: Bool
    /// A link at the end of the source is followed.
    var followsLink: Bool

    func copy(_ source: TreePlace, to target: TreePlace) throws {
        do { try place(source, target) } catch let error as SystemError {
            throw BerthError(
                error.isNotFound ? .notFound : .denied, "copying \(source.shown) to \(target.shown)",
                subject: error.subject, cause: error.reason)
        }
    }

    private func place(_ source: TreePlace, _ target: TreePlace) throws {
        var source = source
        var (from, name) = try source.parent()
        guard var status = try DirectoryEntry.status(name, in: from.number) else { throw missing(source) }
        if status.kind == .symbolicLink && (followsLink || source.wantsDirectory) {
            // The place that the link leads to, found inside the root.
            source.path = try resolved(source)
            (from, name) = try source.parent()
            guard let found = try DirectoryEntry.status(name, in: from.number) else { throw missing(source) }
            status = found
        }
        if source.wantsDirectory && status.kind != .directory {
            throw BerthError(.invalid, "copying \(source.shown)", subject: source.shown, cause: "it is not a directory")
        }
        let there = try target.status()
        if status.kind == .directory {
            try copyDirectory(source, from, name, to: target, there)
        } else {
            try copyEntry(source, from, name, status, to: target, there)
        }
    }

    private func copyDirectory(
        _ source: TreePlace, _ from: SharedDescriptor, _ name: EntryName, to target: TreePlace, _ there: FileStatus?
    ) throws {
        guard there == nil || there?.kind == .directory else {
            throw BerthError(
                .conflict, "copying the directory \(source.shown) to \(target.shown)", subject: target.shown,
                cause: "that is a file")
        }
        let inner = try DirectoryEntry.openDirectory(name, in: from.number)
        let into: Descriptor
        if there != nil {
            let whole = try Directory.open(inRootNumber: target.root.number, target.path, flags: FileFlags.directory)
            into =
                source.wantsContent || source.path == "/"
                ? whole : try open(EntryName(source.name), in: whole.number, like: inner.number)
        } else {
            let (parent, newName) = try target.parent()
            into = try open(newName, in: parent.number, like: inner.number)
        }
        try copyContent(inner.number, into.number, depth: 0)
    }

    private func copyEntry(
        _ source: TreePlace, _ from: SharedDescriptor, _ name: EntryName, _ status: FileStatus,
        to target: TreePlace, _ there: FileStatus?
    ) throws {
        if there?.kind == .directory {
            let into = try Directory.open(inRootNumber: target.root.number, target.path, flags: FileFlags.directory)
            return try entry(from.number, name, status, into.number, EntryName(source.name))
        }
        if target.wantsDirectory {
            throw BerthError(
                .notFound, "copying \(source.shown) to \(target.shown)", subject: target.shown,
                cause: "no such directory")
        }
        let (into, newName) = try target.parent()
        try entry(from.number, name, status, into.number, newName)
    }

    private func missing(_ place: TreePlace) -> BerthError {
        BerthError(.notFound, "copying \(place.shown)", subject: place.shown, cause: "no such file or directory")
    }

    /// Where a path ends up inside its root, links followed.
    private func resolved(_ place: TreePlace) throws(SystemError) -> String {
        let found = try Directory.open(inRootNumber: place.root.number, place.path, flags: FileFlags.pathOnly)
        let whole = try Directory.readLink("/proc/self/fd/\(found.number)")
        let root = try Directory.readLink("/proc/self/fd/\(place.root.number)")
        if root == "/" || !whole.hasPrefix(root) { return whole }
        return String(whole.dropFirst(root.count))
    }

    // MARK: Entries

    private static let depthMax = 1000

    private func copyContent(_ source: Int32, _ target: Int32, depth: Int) throws(SystemError) {
        guard depth < TreeCopy.depthMax else { throw SystemError.tooDeep }
        for name in try DirectoryEntry.names(in: source) {
            guard let status = try DirectoryEntry.status(name, in: source) else { continue }
            if status.kind == .directory {
                let inner = try DirectoryEntry.openDirectory(name, in: source)
                let into = try open(name, in: target, like: inner.number)
                try copyContent(inner.number, into.number, depth: depth + 1)
            } else {
                try entry(source, name, status, target, name)
            }
        }
    }

    /// A directory that is there already keeps its owner and mode.
    private func open(_ name: EntryName, in target: Int32, like source: Int32) throws(SystemError) -> Descriptor {
        if let there = try DirectoryEntry.status(name, in: target) {
            if there.kind == .directory { return try DirectoryEntry.openDirectory(name, in: target) }
            try DirectoryEntry.unlink(name, in: target)
        }
        try DirectoryEntry.createDirectory(name, in: target)
        let made = try DirectoryEntry.openDirectory(name, in: target)
        let status = try FileStatus.of(source)
        try OpenFile.setOwner(
            made.number, userID: keepsOwners ? status.userID : Process.effectiveUserID,
            groupID: keepsOwners ? status.groupID : Process.effectiveGroupID, mode: status.mode)
        return made
    }

    private func entry(
        _ source: Int32, _ name: EntryName, _ status: FileStatus, _ target: Int32, _ newName: EntryName
    ) throws(SystemError) {
        if status.kind == .socket { return }
        if let there = try DirectoryEntry.status(newName, in: target), there.kind != .directory {
            try DirectoryEntry.unlink(newName, in: target)
        }
        let userID = keepsOwners ? status.userID : Process.effectiveUserID
        let groupID = keepsOwners ? status.groupID : Process.effectiveGroupID
        switch status.kind {
        case .regular:
            let from = try DirectoryEntry.openRegular(name, in: source)
            let to = try DirectoryEntry.createFile(newName, in: target)
            try FileContent.copy(from: from.number, to: to.number, status: status)
            try OpenFile.setOwner(to.number, userID: userID, groupID: groupID, mode: status.mode)
            try OpenFile.setModified(
                to.number, seconds: status.modifiedSeconds, nanoseconds: status.modifiedNanoseconds)
        case .symbolicLink:
            try DirectoryEntry.createLink(newName, to: try DirectoryEntry.readLink(name, in: source), in: target)
            try DirectoryEntry.setOwner(newName, in: target, userID: userID, groupID: groupID, mode: nil)
        default:
            try DirectoryEntry.createNode(newName, like: status, in: target)
            try DirectoryEntry.setOwner(newName, in: target, userID: userID, groupID: groupID, mode: status.mode)
        }
    }
}
