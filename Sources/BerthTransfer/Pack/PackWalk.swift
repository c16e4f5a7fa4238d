// One pass over a tree on its way into a tar: parents before their entries, entries by the bytes of their names.
import BerthLinux
import BerthModel

struct PackWalk {
    enum Form {
        /// An overlay's upper directory: its marks become those of OCI.
        case layer
        /// What a mount shows.
        case tree
    }

    private struct FileKey: Hashable { var device: UInt64, inode: UInt64 }

    private let root: Int32
    private let device: UInt64
    private let form: Form
    /// Paths that are left out where nothing is at them but an empty file or directory.
    private let places: Set<[UInt8]>
    private let sink: (UnsafeRawBufferPointer) throws -> Void
    /// First paths of files with several names.
    private var links: [FileKey: [UInt8]] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private static let depthMax = 2048
    private static let whiteout = Array(".wh.".utf8)
    /// With these a directory or file is not all that there is of it: other layers have the rest.
    private static let partial = ["redirect", "metacopy", "whiteout"].map { "trusted.overlay.\($0)" }

    /// - Parameter root: open as long as this lives.
    init(
        _ root: Int32, _ form: Form, leavingOut places: Set<[UInt8]> = [],
        sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        self.root = root
        self.form = form
        self.places = places
        self.sink = sink
        device = try FileStatus.of(root).device
    }

    mutating func run() throws {
        try walk(root, prefix: [], depth: 0)
        try put([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
    }

    private func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try sink($0) } }

    private func failure(_ path: [UInt8], _ cause: String) -> BerthError {
        let shown = String(decoding: path, as: UTF8.self)
        return BerthError(.corrupt, "packing a tree", subject: shown, cause: "\(shown): \(cause)")
    }

    private func changed(_ path: [UInt8]) -> BerthError { failure(path, "it changed while it was read") }

    private mutating func walk(_ directory: Int32, prefix: [UInt8], depth: Int) throws {
        guard depth < PackWalk.depthMax else { throw failure(prefix, "nested too deeply") }
        // What hides lower entries stands before what replaces them.
        var rest: [(EntryName, FileStatus)] = []
        for name in try DirectoryEntry.names(in: directory) {
            guard let status = try DirectoryEntry.status(name, in: directory) else {
                throw changed(prefix + name.bytes)
            }
            if form == .layer && status.isWhiteout {
                try put(TarHeader(path: prefix + PackWalk.whiteout + name.bytes, kind: .file).encoded())
            } else {
                rest.append((name, status))
            }
        }
        for (name, status) in rest { try entry(name, status, in: directory, prefix: prefix, depth: depth) }
    }

    private mutating func entry(
        _ name: EntryName, _ status: FileStatus, in directory: Int32, prefix: [UInt8], depth: Int
    ) throws {
        if status.kind == .socket { return }
        let path = prefix + name.bytes
        if try places.contains(path) && isEmpty(name, status, in: directory) { return }
        if form == .layer && name.bytes.starts(with: PackWalk.whiteout) {
            throw failure(path, "in a layer, a name that begins with .wh. says that something is removed")
        }
        var header = TarHeader(path: path, kind: .file)
        header.mode = status.mode
        header.userID = status.userID
        header.groupID = status.groupID
        header.modified = status.modifiedSeconds
        switch status.kind {
        case .directory: return try self.directory(name, status, header, in: directory, depth: depth)
        case .regular: break
        default: if form == .layer && status.device != device { throw mounted(path) }
        }
        if status.linkCount > 1 {
            let key = FileKey(device: status.device, inode: status.inode)
            if let first = links[key] {
                header.kind = .hardLink
                header.link = first
                return try put(header.encoded())
            }
            links[key] = path
        }
        switch status.kind {
        case .regular: return try file(name, status, header, in: directory)
        case .symbolicLink:
            header.kind = .symbolicLink
            header.mode = 0o777
            header.link = try DirectoryEntry.readLink(name, in: directory).bytes
        case .characterDevice, .blockDevice:
            header.kind = status.kind == .characterDevice ? .characterDevice : .blockDevice
            header.deviceMajor = status.deviceMajor
            header.deviceMinor = status.deviceMinor
        case .fifo: header.kind = .fifo
        case .directory, .socket: return
        }
        try put(header.encoded())
    }

    private func isEmpty(_ name: EntryName, _ status: FileStatus, in directory: Int32) throws -> Bool {
        if status.kind == .regular { return status.sizeBytes == 0 }
        guard status.kind == .directory, let inside = try DirectoryEntry.openHere(name, in: directory) else {
            return false
        }
        return try DirectoryEntry.names(in: inside.number).isEmpty
    }

    private func mounted(_ path: [UInt8]) -> BerthError { failure(path, "something is mounted there") }

    private mutating func directory(
        _ name: EntryName, _ status: FileStatus, _ given: TarHeader, in directory: Int32, depth: Int
    ) throws {
        var header = given
        header.kind = .directory
        header.path.append(0x2F)
        guard let inside = try DirectoryEntry.openHere(name, in: directory) else {
            if form == .layer { throw mounted(header.path) }
            return try put(header.encoded())
        }
        guard try isSame(inside.number, status) else { throw changed(header.path) }
        let names = try attributeNames(inside.number, header.path)
        header.attributes = try kept(names, inside.number, header.path)
        try put(header.encoded())
        if form == .layer, names.contains(LayerTree.opaqueAttribute),
            try FileAttributes.value(inside.number, LayerTree.opaqueAttribute) == [0x79]
        {
            try put(TarHeader(path: header.path + Array(".wh..wh..opq".utf8), kind: .file).encoded())
        }
        try walk(inside.number, prefix: header.path, depth: depth + 1)
    }

    private mutating func file(
        _ name: EntryName, _ status: FileStatus, _ given: TarHeader, in directory: Int32
    ) throws {
        // Left out: a mount on a file shows another file.
        guard let file = try DirectoryEntry.openHere(name, in: directory) else {
            if form == .layer { throw mounted(given.path) }
            return
        }
        guard try isSame(file.number, status) else { throw changed(given.path) }
        var header = given
        header.sizeBytes = status.sizeBytes
        header.attributes = try kept(try attributeNames(file.number, header.path), file.number, header.path)
        try put(header.encoded())
        var left = status.sizeBytes
        while true {
            let count = try FileIO.readSome(file.number, &buffer)
            if count == 0 { break }
            left -= Int64(count)
            if left < 0 { break }
            try buffer.withUnsafeBytes { try sink(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        guard left == 0, try isSame(file.number, status) else { throw changed(header.path) }
        try put(TarHeader.padding(status.sizeBytes))
    }

    /// What was opened is what was seen by its name, as it was then.
    private func isSame(_ file: Int32, _ status: FileStatus) throws -> Bool {
        let now = try FileStatus.of(file)
        return now.device == status.device && now.inode == status.inode && now.kind == status.kind
            && now.sizeBytes == status.sizeBytes && now.modifiedSeconds == status.modifiedSeconds
            && now.modifiedNanoseconds == status.modifiedNanoseconds
    }

    private func attributeNames(_ file: Int32, _ path: [UInt8]) throws -> [String] {
        let names = try FileAttributes.names(file)
        if form == .layer, let partial = names.first(where: PackWalk.partial.contains) {
            throw failure(path, "it is only a part of what the overlay shows (\(partial))")
        }
        return names
    }

    /// Attributes that belong to a file's content; the rest is the host's or the overlay's own.
    private func kept(
        _ names: [String], _ file: Int32, _ path: [UInt8]
    ) throws -> [(name: String, value: [UInt8])] {
        try names.filter {
            $0 == "security.capability" || $0.hasPrefix("user.") && !$0.hasPrefix("user.overlay.")
        }.map { name in
            if name.contains("=") { throw failure(path, "a tar has no way to say its attribute \(name)") }
            return (name, try FileAttributes.value(file, name))
        }
    }
}
