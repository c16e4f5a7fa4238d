// The directory that a layer becomes: entries below it and nowhere else, whatever names and links say.
import BerthLinux
import BerthModel

/// Parents are opened inside the layer's root; the last component is never followed.
final class LayerTree {
    static let opaqueAttribute = "trusted.overlay.opaque"
    private static let linksMax = 40

    private let root: SharedDescriptor
    private let lowers: LowerLayers
    /// Directory times are set at the end, or each new entry would change them.
    private var directoryTimes: [[String]: (seconds: Int64, nanoseconds: Int64)] = [:]
    /// The directory of the last entry: archives list neighbours together.
    private var cached: (path: [String], reached: [String], directory: SharedDescriptor)?
    /// Where the last parent really is, links of lower layers followed.
    private var parentPath: [String] = []

    init(_ root: SharedDescriptor, above lowers: LowerLayers) {
        self.root = root
        self.lowers = lowers
    }

    /// The parts of an entry's name: `.` and empty parts dropped; `..` and NUL refused.
    static func components(_ name: String) throws -> [String] {
        let parts = name.split(separator: "/").map(String.init).filter { $0 != "." }
        if parts.contains("..") || name.utf8.contains(0) {
            throw BerthError(.invalid, "unpacking \(name)", subject: name, cause: "the name leads out of the archive")
        }
        return parts
    }

    // MARK: Parents

    private func parent(of path: [String]) throws -> SharedDescriptor {
        let above = Array(path.dropLast())
        if let cached, cached.path == above {
            parentPath = cached.reached
            return cached.directory
        }
        let directory: SharedDescriptor
        parentPath = above
        if let there = try? Directory.open(
            inRootNumber: root.number, above.joined(separator: "/"), flags: FileFlags.directory)
        {
            directory = SharedDescriptor(there)
        } else {
            (directory, parentPath) = try makeDirectories(above)
        }
        cached = (above, parentPath, directory)
        return directory
    }

    /// Walks to a directory of which something is missing here. What a lower layer has is taken over: a link leads on
    /// (`bin` is `usr/bin` below), a directory keeps its owner and mode.
    private func makeDirectories(_ path: [String]) throws -> (SharedDescriptor, [String]) {
        var pending = Array(path.reversed())
        var reached: [String] = []
        var links = 0
        while let name = pending.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = reached.popLast()
                continue
            }
            let parent = try open(reached)
            if let target = try step(parent, reached, name) {
                links += 1
                guard links <= LayerTree.linksMax else { throw SystemError.tooManyLinks(path.joined(separator: "/")) }
                if target.hasPrefix("/") { reached = [] }
                pending += target.split(separator: "/").map(String.init).reversed()
            } else {
                reached.append(name)
            }
        }
        return (try open(reached), reached)
    }

    private func open(_ path: [String]) throws -> SharedDescriptor {
        SharedDescriptor(
            try Directory.open(inRootNumber: root.number, path.joined(separator: "/"), flags: FileFlags.directory))
    }

    /// Makes sure of one directory; where a symbolic link is in its place, returns the link's target instead.
    private func step(_ parent: SharedDescriptor, _ reached: [String], _ name: String) throws -> String? {
        if let status = try? FileStatus.of(name, in: parent.number) {
            if status.kind == .directory { return nil }
            if status.kind == .symbolicLink { return try Directory.readLink(in: parent.number, name) }
            guard status.isWhiteout else { throw SystemError.notADirectory((reached + [name]).joined(separator: "/")) }
            // Removed by this layer and there again: nothing of below shows through.
            NewEntry.remove(in: parent.number, name)
            try NewEntry.directory(in: parent.number, name)
            try setOpaque(parent, name)
            return nil
        }
        let below = try lowers.find(reached + [name])
        if let below, below.status.kind == .symbolicLink {
            return try Directory.readLink(in: below.directory.number, name)
        }
        try NewEntry.directory(in: parent.number, name)
        if let below, below.status.kind == .directory {
            let from = try Directory.open(inRootNumber: below.directory.number, name, flags: FileFlags.directory)
            let to = try Directory.open(inRootNumber: parent.number, name, flags: FileFlags.directory)
            try FileCopy.directoryMetadata(from: from.number, to: to.number)
            let status = try FileStatus.of(from.number)
            directoryTimes[reached + [name]] = (status.modifiedSeconds, status.modifiedNanoseconds)
        }
        return nil
    }

    private func setOpaque(_ parent: SharedDescriptor, _ name: String) throws {
        let directory = try Directory.open(inRootNumber: parent.number, name, flags: FileFlags.directory)
        try NewEntry.setAttribute(directory.number, LayerTree.opaqueAttribute, Array("y".utf8))
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

    // MARK: Entries

    func directory(_ path: [String], _ metadata: EntryMetadata) throws {
        guard let name = path.last else { return try setRoot(metadata) }
        let parent = try parent(of: path)
        let existing = try? FileStatus.of(name, in: parent.number)
        if existing?.kind != .directory {
            try clear(parent, name)
            try NewEntry.directory(in: parent.number, name)
            // What was here, a whiteout or a file, had hidden what is below; it stays hidden.
            if existing != nil { try setOpaque(parent, name) }
        }
        try set(metadata, parent, name)
        if !metadata.attributes.isEmpty {
            let directory = try Directory.open(inRootNumber: parent.number, name, flags: FileFlags.directory)
            try set(metadata.attributes, directory.number)
        }
        directoryTimes[parentPath + [name]] = (metadata.seconds, metadata.nanoseconds)
    }

    private func setRoot(_ metadata: EntryMetadata) throws {
        try set(metadata, root, ".")
        directoryTimes[[]] = (metadata.seconds, metadata.nanoseconds)
    }

    private func set(_ metadata: EntryMetadata, _ parent: SharedDescriptor, _ name: String, mode: Bool = true) throws {
        try NewEntry.setMetadata(
            in: parent.number, name, userID: metadata.userID, groupID: metadata.groupID,
            mode: mode ? metadata.mode : nil,
            seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
    }

    private func set(_ attributes: [(String, [UInt8])], _ file: Int32) throws {
        for (key, value) in attributes {
            do { try NewEntry.setAttribute(file, key, value) } catch {
                // A file system without user attributes loses them; a capability is never lost in silence.
                guard key.hasPrefix("user."), error.isUnsupported else { throw error }
            }
        }
    }

    func beginFile(_ path: [String]) throws -> Descriptor {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        let parent = try parent(of: path)
        try clear(parent, name)
        return try NewEntry.file(in: parent.number, name)
    }

    func finishFile(_ path: [String], _ file: borrowing Descriptor, _ metadata: EntryMetadata) throws {
        try set(metadata, try parent(of: path), path.last ?? "")
        try set(metadata.attributes, file.number)
    }

    func symbolicLink(_ path: [String], to target: String, _ metadata: EntryMetadata) throws {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        let parent = try parent(of: path)
        try clear(parent, name)
        try NewEntry.symbolicLink(in: parent.number, name, to: target)
        try set(metadata, parent, name, mode: false)
    }

    /// A link to a file of a lower layer takes a copy of it into this one, as the overlay would.
    func hardLink(_ path: [String], to target: [String]) throws {
        guard let name = path.last, let targetName = target.last else { throw SystemError.notADirectory("/") }
        if path == target { return }
        let source = try parent(of: target)
        let status = try? FileStatus.of(targetName, in: source.number)
        if status == nil, let below = try lowers.find(parentPath + [targetName]) {
            try FileCopy.entry(from: below.directory.number, below.name, to: source.number, targetName)
        } else if status?.isWhiteout ?? true {
            throw BerthError(
                .invalid, "unpacking \(path.joined(separator: "/"))",
                cause: "a hard link to \(target.joined(separator: "/")), which is not there")
        }
        let parent = try parent(of: path)
        try clear(parent, name)
        try NewEntry.hardLink(in: parent.number, name, to: source.number, targetName)
    }

    func node(_ path: [String], kind: UInt32, major: UInt32, minor: UInt32, _ metadata: EntryMetadata) throws {
        guard let name = path.last else { throw SystemError.notADirectory("/") }
        // 0:0 would delete a file of a lower layer: only a whiteout may do that.
        if kind == 0o020000 && major == 0 && minor == 0 {
            throw BerthError(
                .invalid, "unpacking \(path.joined(separator: "/"))", cause: "a device 0:0 in an archive is not allowed"
            )
        }
        let parent = try parent(of: path)
        try clear(parent, name)
        try NewEntry.node(in: parent.number, name, mode: kind | 0o600, major: major, minor: minor)
        try set(metadata, parent, name)
    }

    // MARK: Whiteouts

    /// `.wh.NAME` hides NAME of the layers below; `.wh..wh..opq` hides all of a directory's lower content. Neither
    /// touches what this layer itself has.
    func whiteout(_ path: [String]) throws {
        let marker = path.last ?? ""
        if marker == ".wh..wh..opq" { return try opaque(Array(path.dropLast())) }
        // AUFS kept its own books under these names.
        if marker.hasPrefix(".wh..wh.") { return }
        let name = String(marker.dropFirst(4))
        guard !name.isEmpty, name != ".", name != ".." else {
            throw BerthError(.invalid, "unpacking \(path.joined(separator: "/"))", cause: "a whiteout of nothing")
        }
        try hide(name, in: try parent(of: path))
    }

    private func hide(_ name: String, in parent: SharedDescriptor) throws {
        guard let status = try? FileStatus.of(name, in: parent.number) else {
            return try NewEntry.whiteout(in: parent.number, name)
        }
        if status.kind == .directory { try setOpaque(parent, name) }
    }

    private func opaque(_ path: [String]) throws {
        if !path.isEmpty { return try setOpaque(try parent(of: path + ["."]), ".") }
        // The overlay merges the roots of all layers whatever their attributes say.
        for name in try lowers.topNames().sorted() { try hide(name, in: root) }
    }

    func finish() throws {
        for (path, time) in directoryTimes {
            // Ignored: what is not a directory any more was replaced by a later entry.
            guard
                let directory = try? Directory.open(
                    inRootNumber: root.number, path.joined(separator: "/"), flags: FileFlags.directoryNoFollow)
            else { continue }
            let status = try FileStatus.of(directory.number)
            try NewEntry.setMetadata(
                in: directory.number, ".", userID: status.userID, groupID: status.groupID, mode: status.mode,
                seconds: time.seconds, nanoseconds: time.nanoseconds)
        }
        NewEntry.syncFileSystem(root.number)
    }
}

struct EntryMetadata {
    var userID: UInt32
    var groupID: UInt32
    var mode: UInt32
    var seconds: Int64
    var nanoseconds: Int64
    var attributes: [(String, [UInt8])]
}
