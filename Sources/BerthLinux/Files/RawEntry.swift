// Entries by the bytes of their names: who packs a tree keeps names that are no text as they are.
import CLinux

/// A name is one component. Nothing here follows a link.
package enum RawEntry {
    private static let targetBytesMax = 4096
    private static let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

    private static func text(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }
    private static func shown(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }

    /// All names in an open directory, in the order of their bytes.
    package static func names(in directory: Int32) throws(SystemError) -> [[UInt8]] {
        let listing = Descriptor(
            owning: try systemCall("openat") { clinux_openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) })
        guard let stream = fdopendir(listing.release()) else {
            throw SystemError(call: "fdopendir", errno: lastErrno)
        }
        defer { closedir(stream) }
        var found: [[UInt8]] = []
        while true {
            // The end and an error look the same but for this.
            clinux_clear_errno()
            guard let entry = readdir(stream) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E] && name != [0x2E, 0x2E] { found.append(name) }
        }
        if lastErrno != 0 { throw SystemError(call: "readdir", errno: lastErrno) }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    package static func status(_ name: [UInt8], in directory: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        try systemCall("fstatat", shown(name)) { fstatat(directory, text(name), &status, AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    /// The target of a symbolic link.
    package static func target(_ name: [UInt8], in directory: Int32) throws(SystemError) -> [UInt8] {
        var target = [CChar](repeating: 0, count: targetBytesMax)
        let length = try systemCall("readlinkat", shown(name)) {
            clinux_readlinkat(directory, text(name), &target, targetBytesMax)
        }
        return target[..<length].map { UInt8(bitPattern: $0) }
    }

    /// Opens a file or directory for reading; never waits for a fifo. Nil: something is mounted there.
    package static func open(_ name: [UInt8], in directory: Int32) throws(SystemError) -> Descriptor? {
        do {
            let flags = UInt64(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            return Descriptor(
                owning: try systemCall("openat2", shown(name)) {
                    clinux_openat2(directory, text(name), flags, 0, resolve)
                })
        } catch {
            if error.errno == EXDEV { return nil }
            throw error
        }
    }
}
