// Moving finished things into their place, and making entries one by one for who unpacks archives.
import CLinux

package enum FileMove {
    package static func rename(_ from: String, _ to: String) throws(SystemError) {
        try systemCall("rename", to) { CLinux.rename(from, to) }
    }

    /// Renames unless the place is taken: content-named things that are there already are the same things.
    package static func intoPlace(_ from: String, _ to: String) throws(SystemError) {
        if renameat2(AT_FDCWD, from, AT_FDCWD, to, UInt32(RENAME_NOREPLACE)) == 0 { return }
        guard lastErrno == EEXIST || lastErrno == ENOTEMPTY else {
            throw SystemError(call: "renameat2", errno: lastErrno, subject: to)
        }
    }
}

/// Entries made by name in an open directory. Nothing here follows a symbolic link.
package enum NewEntry {
    package static func file(in directory: Int32, _ name: String) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try systemCall("openat", name) {
                clinux_openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            })
    }

    package static func directory(in directory: Int32, _ name: String, mode: UInt32 = 0o755) throws(SystemError) {
        try systemCall("mkdirat", name) { mkdirat(directory, name, mode) }
    }

    package static func symbolicLink(in directory: Int32, _ name: String, to target: String) throws(SystemError) {
        try systemCall("symlinkat", name) { symlinkat(target, directory, name) }
    }

    package static func hardLink(in directory: Int32, _ name: String, to target: Int32, _ targetName: String)
        throws(SystemError)
    {
        try systemCall("linkat", name) { linkat(target, targetName, directory, name, 0) }
    }

    /// A device, fifo or, as 0:0, an overlay's whiteout.
    package static func node(in directory: Int32, _ name: String, mode: UInt32, major: UInt32, minor: UInt32)
        throws(SystemError)
    {
        try systemCall("mknodat", name) { mknodat(directory, name, mode, clinux_makedev(major, minor)) }
    }

    package static func whiteout(in directory: Int32, _ name: String) throws(SystemError) {
        try node(in: directory, name, mode: UInt32(S_IFCHR), major: 0, minor: 0)
    }

    /// Owner before mode, because chown clears the set-id bits; times last.
    package static func setMetadata(
        in directory: Int32, _ name: String, userID: UInt32, groupID: UInt32, mode: UInt32?, seconds: Int64,
        nanoseconds: Int64
    ) throws(SystemError) {
        try systemCall("fchownat", name) { fchownat(directory, name, userID, groupID, AT_SYMLINK_NOFOLLOW) }
        if let mode { try systemCall("fchmodat", name) { fchmodat(directory, name, mode, 0) } }
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        try systemCall("utimensat", name) { utimensat(directory, name, [time, time], AT_SYMLINK_NOFOLLOW) }
    }

    package static func setAttribute(_ file: Int32, _ name: String, _ value: [UInt8]) throws(SystemError) {
        try systemCall("fsetxattr", name) { fsetxattr(file, name, value, value.count, 0) }
    }

    /// Nil: there is no such attribute.
    package static func attribute(_ file: Int32, _ name: String) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 65536)
        let size = fgetxattr(file, name, &value, value.count)
        return size >= 0 ? Array(value[..<size]) : nil
    }

    package static func remove(in directory: Int32, _ name: String) {
        if unlinkat(directory, name, 0) != 0 { unlinkat(directory, name, AT_REMOVEDIR) }
    }

    package static func seek(_ file: Int32, _ offset: Int64) { lseek(file, Int(offset), SEEK_SET) }
    package static func truncate(_ file: Int32, _ size: Int64) throws(SystemError) {
        try systemCall("ftruncate") { ftruncate(file, Int(size)) }
    }
    /// Everything of the file system that holds the descriptor reaches the disk.
    package static func syncFileSystem(_ file: Int32) { syncfs(file) }
}
