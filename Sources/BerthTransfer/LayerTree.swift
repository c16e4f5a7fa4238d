// The directory that a layer becomes: entries below it and nowhere else, whatever names and links say.
import BerthLinux
import BerthModel

/// Parents are opened inside the layer's root; the last component is never followed.
final class LayerTree {
    private let root: SharedDescriptor
    /// Directory times are set at the end, or each new entry would change them. Innermost last.
    private var directoryTimes: [(path: [String], seconds: Int64, nanoseconds: Int64)] = []
    /// The directory of the last entry: archives list neighbours together.
    private var cached: (path: [String], directory: SharedDescriptor)?

    init(_ root: SharedDescriptor) { self.root = root }

    /// The parts of an entry's name: `.` and empty parts dropped; `..` and NUL refused.
    static func components(_ name: String) throws -> [String] {
        let parts = name.split(separator: "/").map(String.init).filter { $0 != "." }
        if parts.contains("..") || name.utf8.contains(0) {
            throw BerthError(.invalid, "unpacking \(name)", subject: name, cause: "the name leads out of the archive")
        }
        return parts
    }

    private func parent(of path: [String]) throws -> SharedDescriptor {
        let above = Array(path.dropLast())
        if let cached, cached.path == above { return cached.directory }
        let directory: SharedDescriptor
        do {
            directory = SharedDescriptor(try Directory.makeDirectories(inRootNumber: root.number, above.joined(separator: "/")))
        } catch let error as SystemError {
            throw BerthError(.invalid, "unpacking \(path.joined(separator: "/"))", cause: "\(error)")
        }
        cached = (above, directory)
        return directory
    }

    /// A later entry of the same name replaces an earlier one; directories merge with directories.
    private func clear(_ parent: SharedDescriptor, _ name: String) throws {
        guard let status = try? FileStatus.of(name, in: parent.number) else { return }
        cached = nil
        if status.kind == .directory {
            let path = try Directory.readLink("/proc/self/fd/\(parent.number)")
            try Directory.remove("\(path)/\(name)")
        } else {
            NewEntry.remove(in: parent.number, name)
        }
    }

    func directory(_ path: [String], _ metadata: EntryMetadata) throws {
        guard let name = path.last else { return try setRoot(metadata) }
        let parent = try parent(of: path)
        let existing = try? FileStatus.of(name, in: parent.number)
        if existing?.kind != .directory {
            try clear(parent, name)
            try NewEntry.directory(in: parent.number, name)
        }
        try NewEntry.setMetadata(
            in: parent.number, name, userID: metadata.userID, groupID: metadata.groupID, mode: metadata.mode,
            seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
        directoryTimes.append((path, metadata.seconds, metadata.nanoseconds))
    }

    private func setRoot(_ metadata: EntryMetadata) throws {
        try NewEntry.setMetadata(
            in: root.number, ".", userID: metadata.userID, groupID: metadata.groupID, mode: metadata.mode,
            seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
    }

    func beginFile(_ path: [String]) throws -> Descriptor {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        let parent = try parent(of: path)
        try clear(parent, name)
        return try NewEntry.file(in: parent.number, name)
    }

    func finishFile(_ path: [String], _ file: borrowing Descriptor, _ metadata: EntryMetadata) throws {
        let name = path.last ?? ""
        let parent = try parent(of: path)
        try NewEntry.setMetadata(
            in: parent.number, name, userID: metadata.userID, groupID: metadata.groupID, mode: metadata.mode,
            seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
        for (key, value) in metadata.attributes { try NewEntry.setAttribute(file.number, key, value) }
    }

    func symbolicLink(_ path: [String], to target: String, _ metadata: EntryMetadata) throws {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        let parent = try parent(of: path)
        try clear(parent, name)
        try NewEntry.symbolicLink(in: parent.number, name, to: target)
        try NewEntry.setMetadata(
            in: parent.number, name, userID: metadata.userID, groupID: metadata.groupID, mode: nil, seconds: metadata.seconds,
            nanoseconds: metadata.nanoseconds)
    }

    func hardLink(_ path: [String], to target: [String]) throws {
        guard let name = path.last, let targetName = target.last else { throw SystemError.notADirectory("/") }
        let source = SharedDescriptor(
            try Directory.open(inRootNumber: root.number, target.dropLast().joined(separator: "/"), flags: FileFlags.pathOnly))
        let parent = try parent(of: path)
        if path == target { return }
        try clear(parent, name)
        try NewEntry.hardLink(in: parent.number, name, to: source.number, targetName)
    }

    func node(_ path: [String], kind: UInt32, major: UInt32, minor: UInt32, _ metadata: EntryMetadata) throws {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        // 0:0 would delete a file of a lower layer: only a whiteout may do that.
        if kind == 0o020000 && major == 0 && minor == 0 {
            throw BerthError(.invalid, "unpacking \(path.joined(separator: "/"))", cause: "a device 0:0 in an archive is not allowed")
        }
        let parent = try parent(of: path)
        try clear(parent, name)
        try NewEntry.node(in: parent.number, name, mode: kind | 0o600, major: major, minor: minor)
        try NewEntry.setMetadata(
            in: parent.number, name, userID: metadata.userID, groupID: metadata.groupID, mode: metadata.mode,
            seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
    }

    /// `.wh.NAME` hides NAME of the layers below; `.wh..wh..opq` hides all of a directory's lower content.
    func whiteout(_ path: [String]) throws {
        let marker = path.last ?? ""
        if marker == ".wh..wh..opq" {
            let directory = try Directory.open(
                inRootNumber: root.number, path.dropLast().joined(separator: "/"), flags: FileFlags.directory)
            return try NewEntry.setAttribute(directory.number, "trusted.overlay.opaque", Array("y".utf8))
        }
        // AUFS kept its own books under these names.
        if marker.hasPrefix(".wh..wh.") { return }
        let name = String(marker.dropFirst(4))
        guard !name.isEmpty, name != ".", name != ".." else {
            throw BerthError(.invalid, "unpacking \(path.joined(separator: "/"))", cause: "a whiteout of nothing")
        }
        let parent = try parent(of: path)
        // An entry of this same layer is not hidden by its own whiteout.
        if (try? FileStatus.of(name, in: parent.number)) != nil { return }
        try NewEntry.whiteout(in: parent.number, name)
    }

    func finish() throws {
        for (path, seconds, nanoseconds) in directoryTimes.reversed() {
            guard let name = path.last,
                let parent = try? Directory.open(
                    inRootNumber: root.number, path.dropLast().joined(separator: "/"), flags: FileFlags.pathOnly),
                let status = try? FileStatus.of(name, in: parent.number), status.kind == .directory
            else { continue }
            try NewEntry.setMetadata(
                in: parent.number, name, userID: status.userID, groupID: status.groupID, mode: status.mode, seconds: seconds,
                nanoseconds: nanoseconds)
        }
        NewEntry.syncFileSystem(root.number)
    }
}
