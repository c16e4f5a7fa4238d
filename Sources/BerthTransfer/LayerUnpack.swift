// One layer's tar into a directory in overlay form, entry by entry, by descriptor.
import BerthLinux
import BerthModel
import CArchive

/// Unpacks the tar that a stream carries.
final class LayerUnpack {
    private let stream: ArchiveStream
    private let tree: LayerTree
    private let limits: TransferLimits
    private let warn: (String) -> Void
    private let reader: OpaquePointer
    private var failure: (any Error)?

    init(
        _ stream: ArchiveStream, into directory: consuming Descriptor, above lowers: LowerLayers,
        limits: TransferLimits,
        warn: @escaping (String) -> Void
    ) throws {
        self.stream = stream
        self.limits = limits
        self.warn = warn
        tree = LayerTree(SharedDescriptor(directory), above: lowers)
        guard let reader = archive_read_new() else {
            throw BerthError(.exhausted, "reading an archive", cause: "no memory")
        }
        self.reader = reader
        archive_read_support_format_tar(reader)
        archive_read_support_format_empty(reader)
        archive_read_set_read_callback(reader) { _, context, buffer in
            guard let context, let buffer else { return -1 }
            return Unmanaged<LayerUnpack>.fromOpaque(context).takeUnretainedValue().readTar(buffer)
        }
        archive_read_set_callback_data(reader, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { archive_read_free(reader) }

    private func readTar(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            guard let bytes = try stream.next() else { return 0 }
            buffer.pointee = bytes.baseAddress
            return bytes.count
        } catch {
            failure = error
            return -1
        }
    }

    func run() throws {
        try check(archive_read_open1(reader), "")
        var entry: OpaquePointer?
        var count = 0
        while true {
            let code = archive_read_next_header(reader, &entry)
            if code == ARCHIVE_EOF { break }
            try check(code, "")
            count += 1
            guard count <= limits.entriesMax else {
                throw BerthError(
                    .exhausted, "unpacking the archive", cause: "it has more than \(limits.entriesMax) entries")
            }
            guard let entry else { continue }
            try unpack(entry)
        }
        try stream.drain()
        try tree.finish()
    }

    private func unpack(_ entry: OpaquePointer) throws {
        guard let name = text(archive_entry_pathname(entry)), !name.isEmpty, name.utf8.count <= limits.pathBytesMax
        else {
            throw BerthError(
                .invalid, "unpacking the archive",
                cause: "an entry has no name, or one beyond \(limits.pathBytesMax) bytes")
        }
        let path = try LayerTree.components(name)
        do {
            if let last = path.last, last.hasPrefix(".wh.") { return try tree.whiteout(path) }
            let metadata = EntryMetadata(
                userID: UInt32(truncatingIfNeeded: archive_entry_uid(entry)),
                groupID: UInt32(truncatingIfNeeded: archive_entry_gid(entry)), mode: UInt32(archive_entry_perm(entry)),
                seconds: Int64(archive_entry_mtime(entry)), nanoseconds: Int64(archive_entry_mtime_nsec(entry)),
                attributes: try attributes(entry))
            if let target = text(archive_entry_hardlink(entry)) {
                return try tree.hardLink(path, to: try LayerTree.components(target))
            }
            switch UInt32(archive_entry_filetype(entry)) {
            case 0o040000: try tree.directory(path, metadata)
            case 0o120000: try tree.symbolicLink(path, to: text(archive_entry_symlink(entry)) ?? "", metadata)
            case 0o100000: try unpackFile(entry, path, metadata)
            case 0o020000, 0o060000, 0o010000:
                try tree.node(
                    path, kind: UInt32(archive_entry_filetype(entry)), major: UInt32(archive_entry_rdevmajor(entry)),
                    minor: UInt32(archive_entry_rdevminor(entry)), metadata)
            default: return
            }
        } catch let error as SystemError {
            throw BerthError(.invalid, "unpacking \(name)", subject: name, cause: "\(error)")
        }
    }

    private func unpackFile(_ entry: OpaquePointer, _ path: [String], _ metadata: EntryMetadata) throws {
        let declared = Int64(archive_entry_size(entry))
        guard declared <= limits.uncompressedBytesMax else { throw tooLarge(path) }
        let file = try tree.beginFile(path)
        var block: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        var position: Int64 = 0
        while true {
            let code = archive_read_data_block(reader, &block, &size, &offset)
            if code == ARCHIVE_EOF { break }
            try check(code, path.joined(separator: "/"))
            guard offset >= 0, offset <= limits.uncompressedBytesMax,
                Int64(size) <= limits.uncompressedBytesMax - offset
            else { throw tooLarge(path) }
            if offset != position { NewEntry.seek(file.number, offset) }
            if let block { try FileIO.write(number: file.number, UnsafeRawBufferPointer(start: block, count: size)) }
            position = offset + Int64(size)
        }
        if declared > position { try NewEntry.truncate(file.number, declared) }
        try tree.finishFile(path, file, metadata)
    }

    private func tooLarge(_ path: [String]) -> BerthError {
        let name = path.joined(separator: "/")
        return BerthError(
            .exhausted, "unpacking \(name)", subject: name, cause: "the file is larger than a layer may be")
    }

    /// What may be kept: capabilities and user attributes. The overlay's and the host's own policies may not.
    private func attributes(_ entry: OpaquePointer) throws -> [(String, [UInt8])] {
        var kept: [(String, [UInt8])] = []
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == 0 {
            guard let name, let value else { continue }
            let key = String(cString: name)
            guard size <= limits.attributeBytesMax else {
                throw BerthError(.invalid, "unpacking the archive", cause: "an attribute \(key) of \(size) bytes")
            }
            guard key == "security.capability" || key.hasPrefix("user.") && !key.hasPrefix("user.overlay.") else {
                continue
            }
            kept.append((key, Array(UnsafeRawBufferPointer(start: value, count: size))))
        }
        return kept
    }

    private func check(_ code: Int32, _ subject: String) throws {
        if code >= ARCHIVE_WARN { return }
        if let failure { throw failure }
        let text = archive_error_string(reader).map { String(cString: $0) } ?? "it is damaged"
        throw BerthError(.invalid, "unpacking the archive", subject: subject, cause: text)
    }

    /// Names are bytes to the kernel and text to us: other encodings are shown for what they are, not kept in silence.
    private func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer else { return nil }
        if let valid = String(validatingCString: pointer) { return valid }
        let repaired = String(cString: pointer)
        warn("a file name in the archive is not UTF-8 and was stored as \(repaired)")
        return repaired
    }
}
