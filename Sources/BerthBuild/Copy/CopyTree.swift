// Where files are copied from: a tree that is never left, seen without what is ignored.
import BerthLinux
import BerthModel

/// A build context, or the tree of a stage or image.
struct CopyTree: Sendable {
    let root: SharedDescriptor
    /// Of a context: what matches is not there.
    var ignore = IgnorePatterns([])
    /// Files of a context belong to nobody: owners are the host's, and no part of a build.
    var hidesOwners = false

    /// One entry of a walk.
    struct Entry: Sendable {
        /// Relative to where the walk began; empty: that place itself.
        var path: String
        var status: FileStatus
        /// Of a symbolic link.
        var link: String?
    }

    private static let depthMax = 512

    /// The place of a path in the tree, by its real name. The last part is followed like the others.
    ///
    /// - Returns: nil where nothing is there.
    func place(_ path: String) throws(SystemError) -> String? {
        let opened: Descriptor
        do { opened = try Directory.open(inRootNumber: root.number, path, flags: FileFlags.pathOnly) } catch {
            if error.isNotFound { return nil }
            throw error
        }
        let real = try Directory.readLink("/proc/self/fd/\(opened.number)")
        let top = try Directory.readLink("/proc/self/fd/\(root.number)")
        // Of a mount that is attached nowhere, names begin at its root.
        if top == "/" { return real }
        return real == top ? "/" : real.hasPrefix(top + "/") ? String(real.dropFirst(top.count)) : nil
    }

    /// True: it would be there, were it not ignored.
    func isIgnored(_ path: String) -> Bool { !ignore.isEmpty && ignore.matches(path) }

    func status(_ path: String) throws(SystemError) -> FileStatus {
        let opened = try Directory.open(
            inRootNumber: root.number, path, flags: FileFlags.pathOnly | FileFlags.noFollow)
        return try FileStatus.of(opened.number)
    }

    /// Everything below a place, parents before their entries, entries by name; the place itself first.
    ///
    /// - Parameter excludes: more that is left out, relative to the place.
    func walk(_ place: String, excludes: IgnorePatterns = IgnorePatterns([])) throws -> [Entry] {
        let status = try status(place)
        guard status.kind == .directory else { return [Entry(path: "", status: status)] }
        var found = [Entry(path: "", status: status)]
        let directory = try Directory.open(inRootNumber: root.number, place, flags: FileFlags.directory)
        try walk(directory.number, inTree: place == "/" ? "" : place, prefix: "", excludes, &found, depth: 0)
        return found
    }

    private func walk(
        _ directory: Int32, inTree: String, prefix: String, _ excludes: IgnorePatterns, _ found: inout [Entry],
        depth: Int
    ) throws {
        guard depth < CopyTree.depthMax else { throw SystemErrorText.tooDeep(inTree) }
        let listing = try Directory.open(inRootNumber: directory, ".", flags: FileFlags.directory)
        for name in try Directory.names(listing).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let whole = "\(inTree)/\(name)"
            let relative = prefix.isEmpty ? name : "\(prefix)/\(name)"
            let isHidden = isIgnored(whole) || !excludes.isEmpty && excludes.matches(relative)
            if isHidden && !ignore.hasExceptions && !excludes.hasExceptions { continue }
            let status = try FileStatus.of(name, in: directory)
            // Nothing can be read from a socket that is not served.
            if status.kind == .socket { continue }
            var entry = Entry(path: relative, status: status)
            if status.kind == .symbolicLink { entry.link = try Directory.readLink(in: directory, name) }
            let index = found.count
            if !isHidden { found.append(entry) }
            guard status.kind == .directory else { continue }
            let inside = try Directory.open(inRootNumber: directory, name, flags: FileFlags.directoryNoFollow)
            try walk(inside.number, inTree: whole, prefix: relative, excludes, &found, depth: depth + 1)
            // A directory that is ignored is there for what is let back in below it.
            if isHidden && found.count > index { found.insert(entry, at: index) }
        }
    }
}

enum SystemErrorText {
    static func tooDeep(_ path: String) -> BerthError {
        BerthError(.invalid, "reading \(path)", subject: path, cause: "it is nested too deeply")
    }
}
