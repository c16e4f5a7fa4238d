// The regular members of an archive of images: each in a numbered file, found by the name that the archive gives it.
import BerthLinux
import BerthModel
import CArchive

/// Names are keys of a table, never paths on disk; links lead to other keys.
final class ArchiveMembers {
    private var files: [String: String] = [:]
    private var links: [String: String] = [:]
    private let directory: String
    private static let chainMax = 16

    init(_ archive: Int32, directory: String, limits: TransferLimits) throws {
        self.directory = directory
        try Directory.make("\(directory)/members")
        guard let reader = archive_read_new() else {
            throw BerthError(.exhausted, "reading an archive", cause: "no memory")
        }
        defer { archive_read_free(reader) }
        Decompression.supportFilters(reader)
        archive_read_support_format_tar(reader)
        guard archive_read_open_fd(reader, archive, 1 << 18) == ARCHIVE_OK else { throw ArchiveMembers.failure(reader) }
        var left = limits.memberBytesMax
        var count = 0
        var entry: OpaquePointer?
        while true {
            let code = archive_read_next_header(reader, &entry)
            if code == ARCHIVE_EOF { return }
            guard code >= ARCHIVE_WARN, let entry, let raw = archive_entry_pathname(entry) else {
                throw ArchiveMembers.failure(reader)
            }
            count += 1
            guard count <= limits.membersMax else {
                throw BerthError(
                    .exhausted, "reading the archive", cause: "it has more than \(limits.membersMax) members")
            }
            try take(reader, entry, ArchiveMembers.normal(String(cString: raw)), number: count, &left, limits)
        }
    }

    private func take(
        _ reader: OpaquePointer, _ entry: OpaquePointer, _ name: String, number: Int, _ left: inout Int64,
        _ limits: TransferLimits
    ) throws {
        if let target = archive_entry_symlink(entry) {
            let base = name.split(separator: "/").dropLast().joined(separator: "/")
            let text = String(cString: target)
            links[name] = ArchiveMembers.normal(text.hasPrefix("/") ? text : base + "/" + text)
            files[name] = nil
            return
        }
        if let target = archive_entry_hardlink(entry) {
            links[name] = ArchiveMembers.normal(String(cString: target))
            files[name] = nil
            return
        }
        guard UInt32(archive_entry_filetype(entry)) == 0o100000 else { return }
        let path = "\(directory)/members/\(number)"
        let file = try Directory.open(path, flags: FileFlags.create, mode: 0o600)
        var reserve = try DiskReserve(file.number, limits)
        var block: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        var position: Int64 = 0
        while true {
            let code = archive_read_data_block(reader, &block, &size, &offset)
            if code == ARCHIVE_EOF { break }
            guard code >= ARCHIVE_WARN else { throw ArchiveMembers.failure(reader) }
            // A member with holes is no blob of ours.
            guard offset == position else {
                throw BerthError(.invalid, "reading the archive", subject: name, cause: "\(name) is a sparse file")
            }
            left -= Int64(size)
            guard left >= 0 else { throw BerthError(.exhausted, "reading the archive", cause: "it is too large") }
            if let block { try FileIO.write(number: file.number, UnsafeRawBufferPointer(start: block, count: size)) }
            try reserve.spend(Int64(size))
            position += Int64(size)
        }
        files[name] = path
        links[name] = nil
    }

    /// A name inside the archive: parts resolved, `..` never above the top.
    private static func normal(_ name: String) -> String {
        var parts: [Substring] = []
        for part in name.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private func member(_ name: String) -> String? {
        var current = ArchiveMembers.normal(name)
        for _ in 0..<ArchiveMembers.chainMax {
            if files[current] != nil { return current }
            guard let next = links[current] else { return nil }
            current = next
        }
        return nil
    }

    /// The name at the end of links, the same for every name of one member.
    func resolve(_ name: String) throws -> String {
        if let found = member(name) { return found }
        throw BerthError(.invalid, "reading the archive", subject: name, cause: "\(name) is named but not in it")
    }

    func has(_ name: String) -> Bool { member(name) != nil }

    /// Where a member lies now.
    func path(_ name: String) throws -> String { files[try resolve(name)] ?? "" }

    /// A member's file got another name: it became a blob.
    func moved(_ name: String, to path: String) throws { files[try resolve(name)] = path }

    func read(_ name: String, limit: Int) throws -> [UInt8] {
        do { return try FileIO.read(try path(name), limit: limit) } catch let error as SystemError {
            throw BerthError(.invalid, "reading the archive", subject: name, cause: "\(name): \(error.reason)")
        }
    }

    private static func failure(_ reader: OpaquePointer) -> BerthError {
        let text = archive_error_string(reader).map { String(cString: $0) } ?? "it is damaged"
        return BerthError(.invalid, "reading the archive", cause: text)
    }
}
