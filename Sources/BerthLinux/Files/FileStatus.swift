// What the kernel says of a file, and the flags that rooms above pass without knowing C's names.
import CLinux

package struct FileStatus: Sendable, Equatable {
    package var kind: FileKind
    package var mode: UInt32
    package var userID: UInt32
    package var groupID: UInt32
    package var sizeBytes: Int64
    package var device: UInt64
    package var inode: UInt64
    package var linkCount: UInt64
    /// Of a device node.
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    package var modifiedSeconds: Int64
    package var modifiedNanoseconds: Int64
    /// When anything of the file last changed, its name and owner included; nobody can set it.
    package var changedSeconds: Int64
    package var changedNanoseconds: Int64
    /// What it takes on the disk: less than its size where it has holes.
    package var allocatedBytes: Int64

    init(_ status: stat) {
        kind = FileKind(status)
        mode = status.st_mode & 0o7777
        userID = status.st_uid
        groupID = status.st_gid
        sizeBytes = Int64(status.st_size)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        linkCount = UInt64(status.st_nlink)
        deviceMajor = clinux_major(status.st_rdev)
        deviceMinor = clinux_minor(status.st_rdev)
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
        changedSeconds = Int64(status.st_ctim.tv_sec)
        changedNanoseconds = Int64(status.st_ctim.tv_nsec)
        allocatedBytes = Int64(status.st_blocks) * 512
    }

    package static func of(_ number: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        try systemCall("fstat") { fstat(number, &status) }
        return FileStatus(status)
    }

    /// Follows symbolic links unless told not to.
    package static func of(_ path: String, following: Bool = true) throws(SystemError) -> FileStatus {
        var status = stat()
        try systemCall("fstatat", path) { fstatat(AT_FDCWD, path, &status, following ? 0 : AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    package static func of(_ name: String, in directory: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        try systemCall("fstatat", name) { fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }
}

extension FileStatus {
    /// The overlay's mark for "not here, whatever is below".
    package var isWhiteout: Bool { kind == .characterDevice && deviceMajor == 0 && deviceMinor == 0 }
}

/// Room on the file system that holds an open file.
package struct FileSystemSpace: Sendable {
    package var sizeBytes: Int64
    package var availableBytes: Int64

    package static func of(_ number: Int32) throws(SystemError) -> FileSystemSpace {
        var status = statvfs()
        try systemCall("fstatvfs") { fstatvfs(number, &status) }
        let block = Int64(status.f_frsize)
        return FileSystemSpace(
            sizeBytes: Int64(status.f_blocks) * block, availableBytes: Int64(status.f_bavail) * block)
    }
}

package enum FileFlags {
    package static let pathOnly = O_PATH
    package static let noFollow = O_NOFOLLOW
    package static let directory = O_RDONLY | O_DIRECTORY
    package static let directoryNoFollow = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    package static let readNonBlocking = O_RDONLY | O_NONBLOCK | O_NOCTTY
    package static let readNoFollow = O_RDONLY | O_NOFOLLOW
    package static let create = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    package static let write = O_WRONLY
    package static let readWrite = O_RDWR
    package static let writeNew = O_WRONLY | O_CREAT | O_TRUNC
    package static let readWriteCreate = O_RDWR | O_CREAT | O_NOFOLLOW
    package static let append = O_WRONLY | O_CREAT | O_APPEND
}

extension SystemError {
    package var isNotFound: Bool { errno == ENOENT || errno == ENOTDIR }
    package var isUnsupported: Bool { errno == EOPNOTSUPP || errno == ENOSYS }
    package var isBusy: Bool { errno == EBUSY }
    package var isAlreadyThere: Bool { errno == EEXIST }
    package var isDenied: Bool { errno == EPERM || errno == EACCES }
}

/// The running kernel's release: `6.18.44`.
package enum KernelRelease {
    package static let current: String = {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()
}

extension FileIO {
    /// What a pipe holds now, without waiting for its end.
    package static func readAvailable(number: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var content = [UInt8](repeating: 0, count: limit)
        var available: Int32 = 0
        try systemCall("ioctl", "FIONREAD") { clinux_ioctl_pointer(number, UInt(FIONREAD), &available) }
        var total = 0
        while total < min(Int(available), limit) {
            let room = limit - total
            let count = try systemCall("read") {
                content.withUnsafeMutableBytes { CLinux.read(number, $0.baseAddress?.advanced(by: total), room) }
            }
            if count == 0 { break }
            total += count
        }
        return Array(content[..<total])
    }
}
