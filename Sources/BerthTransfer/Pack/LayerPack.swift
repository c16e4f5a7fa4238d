// A layer's tree as a tar stream: the same tree, the same bytes, whenever and wherever it is packed.
import BerthLinux
import BerthModel
import BerthStore

package enum LayerPack {
    /// The digest of the stream, and its size.
    package static func digest(of diff: String) throws -> (diffID: Digest, sizeBytes: Int64) {
        var hash = ContentHash()
        try write(diff) { hash.update($0) }
        return (hash.finish(), hash.byteCount)
    }

    /// - Parameter diff: an overlay's upper directory, as it was left.
    package static func write(_ diff: String, to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let root = SharedDescriptor(try Directory.open(diff, flags: FileFlags.directory))
        try withoutActuallyEscaping(sink) { sink in
            var walk = try PackWalk(root, sink: sink)
            try walk.run()
        }
    }

    static func changed(_ digest: Digest) -> BerthError {
        BerthError(
            .corrupt, "packing layer \(digest.short)", subject: "\(digest)",
            cause: "its files are not what they were when it was made", hint: "build the image again")
    }
}

/// One pass over a tree, parents before their entries, entries by the bytes of their names.
private struct PackWalk {
    private let root: SharedDescriptor
    private let device: UInt64
    private let sink: (UnsafeRawBufferPointer) throws -> Void
    /// First paths of files with several names.
    private var links: [UInt64: [UInt8]] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private static let depthMax = 2048
    /// Attributes that belong to a file's content; the rest is the host's or the overlay's own.
    private static func isKept(_ name: String) -> Bool { name == "security.capability" || name.hasPrefix("user.") }

    init(_ root: SharedDescriptor, sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        self.root = root
        self.sink = sink
        device = try FileStatus.of(root.number).device
    }

    mutating func run() throws {
        try walk(root.number, prefix: [], depth: 0)
        try put([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
    }

    private func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try sink($0) } }

    private func failure(_ path: [UInt8], _ cause: String) -> BerthError {
        let shown = String(decoding: path, as: UTF8.self)
        return BerthError(.corrupt, "packing a layer", subject: shown, cause: "\(shown): \(cause)")
    }

    private mutating func walk(_ directory: Int32, prefix: [UInt8], depth: Int) throws {
        guard depth < PackWalk.depthMax else { throw failure(prefix, "nested too deeply") }
        let listing = try Directory.open(inRootNumber: directory, ".", flags: FileFlags.directory)
        let names = try Directory.names(listing).map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        // What hides lower entries stands before what replaces them.
        var rest: [([UInt8], FileStatus)] = []
        for name in names {
            let status = try FileStatus.of(String(decoding: name, as: UTF8.self), in: directory)
            if status.isWhiteout {
                try put(TarHeader(path: prefix + Array(".wh.".utf8) + name, kind: .file).encoded())
            } else {
                rest.append((name, status))
            }
        }
        for (name, status) in rest { try entry(name, status, in: directory, prefix: prefix, depth: depth) }
    }

    private mutating func entry(
        _ name: [UInt8], _ status: FileStatus, in directory: Int32, prefix: [UInt8], depth: Int
    ) throws {
        let text = String(decoding: name, as: UTF8.self)
        let path = prefix + name
        // A mount is no part of the tree.
        if status.device != device && status.kind != .regular { return }
        var header = TarHeader(path: path, kind: .file)
        header.mode = status.mode
        header.userID = status.userID
        header.groupID = status.groupID
        header.modified = status.modifiedSeconds
        if status.kind != .directory && status.linkCount > 1 {
            if let first = links[status.inode] {
                header.kind = .hardLink
                header.link = first
                return try put(header.encoded())
            }
            links[status.inode] = path
        }
        switch status.kind {
        case .socket: return
        case .symbolicLink:
            header.kind = .symbolicLink
            header.mode = 0o777
            header.link = Array(try Directory.readLink(in: directory, text).utf8)
            try put(header.encoded())
        case .characterDevice, .blockDevice:
            header.kind = status.kind == .characterDevice ? .characterDevice : .blockDevice
            header.deviceMajor = status.deviceMajor
            header.deviceMinor = status.deviceMinor
            try put(header.encoded())
        case .fifo:
            header.kind = .fifo
            try put(header.encoded())
        case .regular: try file(text, status, header, in: directory)
        case .directory:
            header.kind = .directory
            header.path.append(0x2F)
            let inside = try Directory.open(inRootNumber: directory, text, flags: FileFlags.directoryNoFollow)
            header.attributes = try attributes(inside.number)
            try put(header.encoded())
            if NewEntry.attribute(inside.number, "trusted.overlay.opaque") == [0x79] {
                try put(TarHeader(path: header.path + Array(".wh..wh..opq".utf8), kind: .file).encoded())
            }
            try walk(inside.number, prefix: header.path, depth: depth + 1)
        }
    }

    private func attributes(_ file: Int32) throws -> [(name: String, value: [UInt8])] {
        try FileAttributes.names(file).filter(PackWalk.isKept).map { name in
            (name, NewEntry.attribute(file, name) ?? [])
        }
    }

    private mutating func file(_ name: String, _ status: FileStatus, _ given: TarHeader, in directory: Int32) throws {
        let file = try Directory.open(inRootNumber: directory, name, flags: FileFlags.readNoFollow)
        var header = given
        header.sizeBytes = status.sizeBytes
        header.attributes = try attributes(file.number)
        try put(header.encoded())
        var left = status.sizeBytes
        while true {
            let count = try FileIO.readSome(file.number, &buffer)
            if count == 0 { break }
            left -= Int64(count)
            if left < 0 { break }
            try buffer.withUnsafeBytes { try sink(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        guard left == 0 else { throw failure(header.path, "it changed while it was read") }
        try put(TarHeader.padding(status.sizeBytes))
    }
}
