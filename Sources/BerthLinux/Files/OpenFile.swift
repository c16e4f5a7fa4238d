// What is done to a file that is open: owner, mode and times, attributes, and its content to another file.
import CLinux

package struct FileAttribute: Sendable, Equatable {
    package var name: String
    package var value: [UInt8]
    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

package enum OpenFile {
    /// Owner before mode, because chown clears the set-id bits and capabilities.
    package static func setOwner(
        _ file: Int32, userID: UInt32, groupID: UInt32, mode: UInt32
    ) throws(SystemError) {
        try systemCall("fchown") { fchown(file, userID, groupID) }
        try systemCall("fchmod") { fchmod(file, mode) }
    }

    package static func setModified(_ file: Int32, seconds: Int64, nanoseconds: Int64) throws(SystemError) {
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        try systemCall("futimens") { futimens(file, [time, time]) }
    }

    /// The attributes that travel with a file: its capability and the user's, in the order of their names.
    package static func attributes(_ file: Int32) -> [FileAttribute] {
        travelling("/proc/self/fd/\(file)")
    }

    /// The same of an entry that need not be opened for it; the directory's descriptor is ours.
    package static func attributes(of name: EntryName, in directory: Int32) -> [FileAttribute] {
        var path = Array("/proc/self/fd/\(directory)/".utf8.map { CChar(bitPattern: $0) })
        path += name.characters
        var list = [CChar](repeating: 0, count: 1024)
        var length = llistxattr(path, &list, list.count)
        if length < 0 && lastErrno == ERANGE {
            list = [CChar](repeating: 0, count: 65536)
            length = llistxattr(path, &list, list.count)
        }
        guard length > 0 else { return [] }
        return wanted(list[..<length]).compactMap { key in
            var value = [UInt8](repeating: 0, count: 65536)
            let size = lgetxattr(path, key, &value, value.count)
            return size < 0 ? nil : FileAttribute(name: key, value: Array(value[..<size]))
        }
    }

    private static func travelling(_ path: String) -> [FileAttribute] {
        var list = [CChar](repeating: 0, count: 65536)
        let length = listxattr(path, &list, list.count)
        guard length > 0 else { return [] }
        return wanted(list[..<length]).compactMap { key in
            var value = [UInt8](repeating: 0, count: 65536)
            let size = getxattr(path, key, &value, value.count)
            return size < 0 ? nil : FileAttribute(name: key, value: Array(value[..<size]))
        }
    }

    private static func wanted(_ list: ArraySlice<CChar>) -> [String] {
        list.split(separator: 0).map { String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
            .filter { key in
                // `user.overlay.` could make the target's overlay see a whiteout.
                key == "security.capability" || key.hasPrefix("user.") && !key.hasPrefix("user.overlay.")
            }.sorted()
    }
}

/// The bytes of one open file into another: shared blocks where the file system can, holes kept, memory bounded.
package enum FileContent {
    private static let clone: UInt = 0x4004_9409  // FICLONE
    private static let bufferBytes = 256 << 10

    package static func copy(from source: Int32, to target: Int32, status: FileStatus) throws(SystemError) {
        if status.sizeBytes == 0 { return }
        if clinux_ioctl_int(target, clone, UInt(source)) == 0 { return }
        guard status.allocatedBytes < status.sizeBytes else { return try copyRange(source, target, status.sizeBytes) }
        try copySparse(source, target, status.sizeBytes)
    }

    private static func copySparse(_ source: Int32, _ target: Int32, _ size: Int64) throws(SystemError) {
        var offset = 0
        while offset < Int(size) {
            let start = lseek(source, offset, SEEK_DATA)
            // ENXIO: only a hole is left. Others: a file system that does not know.
            if start < 0 {
                if lastErrno == ENXIO { break }
                lseek(source, offset, SEEK_SET)
                lseek(target, offset, SEEK_SET)
                try copyRange(source, target, size - Int64(offset))
                break
            }
            let end = try systemCall("lseek") { lseek(source, start, SEEK_HOLE) }
            lseek(source, start, SEEK_SET)
            lseek(target, start, SEEK_SET)
            try copyRange(source, target, Int64(end - start))
            offset = end
        }
        try systemCall("ftruncate") { ftruncate(target, Int(size)) }
    }

    /// From where both files stand.
    private static func copyRange(_ source: Int32, _ target: Int32, _ count: Int64) throws(SystemError) {
        var left = Int(count)
        while left > 0 {
            let copied = copy_file_range(source, nil, target, nil, left, 0)
            if copied == 0 { return }
            if copied < 0 {
                if lastErrno == EINTR { continue }
                let byHand = [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM]
                guard byHand.contains(lastErrno) else { throw SystemError(call: "copy_file_range", errno: lastErrno) }
                return try copyByHand(source, target, left)
            }
            left -= copied
        }
    }

    private static func copyByHand(_ source: Int32, _ target: Int32, _ count: Int) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: min(count, bufferBytes))
        var left = count
        while left > 0 {
            let room = min(left, buffer.count)
            let got = try systemCall("read") { buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, room) } }
            if got == 0 { return }
            var written = 0
            while written < got {
                written += try systemCall("write") {
                    buffer.withUnsafeBytes { write(target, $0.baseAddress?.advanced(by: written), got - written) }
                }
            }
            left -= got
        }
    }
}
