// Copying a tree with everything that makes it what it is: owners, modes, times, links, attributes, nodes. By
// descriptor.
import CLinux

package enum FileOwner {
    /// Owner first, then mode: chown clears the set-id bits.
    package static func set(_ path: String, userID: UInt32, groupID: UInt32, mode: UInt32) throws(SystemError) {
        try systemCall("lchown", path) { lchown(path, userID, groupID) }
        try systemCall("chmod", path) { chmod(path, mode) }
    }

    /// Makes a directory and what is missing above it; each belongs to whoever owns the one above it, so that a user's
    /// project has no directories of root's in it.
    package static func makeDirectories(_ path: String, mode: UInt32) throws(SystemError) {
        let path = path.hasPrefix("/") ? path : "\(EnvironmentVariables.workingDirectory)/\(path)"
        var reached = ""
        for component in path.split(separator: "/").map(String.init) {
            let above = reached.isEmpty ? "/" : reached
            reached += "/" + component
            if (try? FileStatus.of(reached)) != nil { continue }
            let parent = try Directory.open(above, flags: O_RDONLY | O_DIRECTORY)
            if mkdirat(parent.number, component, mode) != 0 {
                if lastErrno == EEXIST { continue }
                throw SystemError(call: "mkdir", errno: lastErrno, subject: reached)
            }
            let owner = try FileStatus.of(parent.number)
            try set(component, in: parent.number, userID: owner.userID, groupID: owner.groupID)
        }
    }

    /// Of an entry of an open directory; a link itself.
    package static func set(_ name: String, in directory: Int32, userID: UInt32, groupID: UInt32) throws(SystemError) {
        try systemCall("fchownat", name) { fchownat(directory, name, userID, groupID, AT_SYMLINK_NOFOLLOW) }
    }
}

package enum FileCopy {
    private static let depthMax = 4096

    /// Copies the content of one open directory into another, and the directory's own owner, mode and attributes.
    package static func directory(from source: Int32, to target: Int32) throws(SystemError) {
        var links: [UInt64: String] = [:]
        var device: dev_t = 0
        var status = stat()
        try systemCall("fstat") { fstat(source, &status) }
        device = status.st_dev
        try copyEntries(source, target, targetRoot: target, prefix: "", device: device, links: &links, depth: 0)
        try copyMetadata(status, target)
    }

    /// Copies one file, link or node under a new name; directories are refused.
    package static func entry(from source: Int32, _ name: String, to target: Int32, _ newName: String)
        throws(SystemError)
    {
        var status = stat()
        try systemCall("fstatat", name) { fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) }
        switch FileKind(status) {
        case .directory: throw SystemError(call: "linkat", errno: EPERM, subject: name)
        case .regular: try copyFile(source, target, name, newName, status)
        case .symbolicLink: try copyLink(source, target, name, newName, status)
        default:
            try systemCall("mknodat", newName) { mknodat(target, newName, status.st_mode, status.st_rdev) }
            try systemCall("fchownat", newName) {
                fchownat(target, newName, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Owner, mode, times and attributes of one open directory for another.
    package static func directoryMetadata(from source: Int32, to target: Int32) throws(SystemError) {
        var status = stat()
        try systemCall("fstat") { fstat(source, &status) }
        copyAttributes(source, target)
        try copyMetadata(status, target)
    }

    private static func copyEntries(
        _ source: Int32, _ target: Int32, targetRoot: Int32, prefix: String, device: dev_t,
        links: inout [UInt64: String],
        depth: Int
    ) throws(SystemError) {
        guard depth < depthMax else { throw SystemError(call: "copy", errno: ENAMETOOLONG, subject: prefix) }
        let listing = Descriptor(
            owning: try systemCall("openat") { clinux_openat(source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) })
        for name in try Directory.names(listing).sorted() {
            var status = stat()
            try systemCall("fstatat", name) { fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) }
            let path = prefix + "/" + name
            let kind = FileKind(status)
            if kind != .directory && status.st_nlink > 1 {
                if let first = links[UInt64(status.st_ino)] {
                    try link(targetRoot, String(first.dropFirst()), target, name)
                    continue
                }
                links[UInt64(status.st_ino)] = path
            }
            switch kind {
            case .directory:
                try systemCall("mkdirat", path) { mkdirat(target, name, 0o700) }
                let from = Descriptor(
                    owning: try systemCall("openat", path) {
                        clinux_openat(source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
                    })
                let to = Descriptor(
                    owning: try systemCall("openat", path) {
                        clinux_openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
                    })
                if status.st_dev == device {
                    try copyEntries(
                        from.number, to.number, targetRoot: targetRoot, prefix: path, device: device, links: &links,
                        depth: depth + 1)
                }
                copyAttributes(from.number, to.number)
                try copyMetadata(status, to.number)
            case .regular: try copyFile(source, target, name, name, status)
            case .symbolicLink: try copyLink(source, target, name, name, status)
            case .socket: continue
            default:
                try systemCall("mknodat", path) { mknodat(target, name, status.st_mode, status.st_rdev) }
                try systemCall("fchownat", path) {
                    fchownat(target, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
                }
            }
        }
    }

    /// The first name is looked up inside the target again: who shares the tree may have put a link on the way.
    private static func link(_ root: Int32, _ first: String, _ target: Int32, _ name: String) throws(SystemError) {
        let file = try Directory.open(inRootNumber: root, first, flags: O_PATH | O_NOFOLLOW)
        try systemCall("linkat", first) { linkat(file.number, "", target, name, AT_EMPTY_PATH) }
    }

    private static func copyFile(
        _ source: Int32, _ target: Int32, _ name: String, _ newName: String, _ status: stat
    ) throws(SystemError) {
        let from = Descriptor(
            owning: try systemCall("openat", name) {
                clinux_openat(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
            })
        let to = Descriptor(
            owning: try systemCall("openat", name) {
                clinux_openat(target, newName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            })
        var left = Int(status.st_size)
        while left > 0 {
            let count = copy_file_range(from.number, nil, to.number, nil, left, 0)
            if count == 0 { break }
            if count < 0 {
                if lastErrno == EINTR { continue }
                // Between file systems that cannot: by hand, from where it stopped.
                guard lastErrno == EXDEV || lastErrno == EINVAL || lastErrno == ENOSYS || lastErrno == EOPNOTSUPP else {
                    throw SystemError(call: "copy_file_range", errno: lastErrno, subject: name)
                }
                try copyByHand(from.number, to.number)
                break
            }
            left -= count
        }
        copyAttributes(from.number, to.number)
        try copyMetadata(status, to.number)
    }

    private static func copyByHand(_ source: Int32, _ target: Int32) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try FileIO.readSome(source, &buffer)
            if count == 0 { return }
            try FileIO.write(number: target, Array(buffer[..<count]))
        }
    }

    private static func copyLink(
        _ source: Int32, _ target: Int32, _ name: String, _ newName: String, _ status: stat
    ) throws(SystemError) {
        var text = [CChar](repeating: 0, count: 4097)
        try systemCall("readlinkat", name) { clinux_readlinkat(source, name, &text, 4096) }
        try systemCall("symlinkat", newName) { symlinkat(text, target, newName) }
        try systemCall("fchownat", newName) {
            fchownat(target, newName, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
        }
        let times = [status.st_atim, status.st_mtim]
        try systemCall("utimensat", newName) { utimensat(target, newName, times, AT_SYMLINK_NOFOLLOW) }
    }

    private static func copyMetadata(_ status: stat, _ target: Int32) throws(SystemError) {
        try systemCall("fchown") { fchown(target, status.st_uid, status.st_gid) }
        try systemCall("fchmod") { fchmod(target, status.st_mode & 0o7777) }
        let times = [status.st_atim, status.st_mtim]
        try systemCall("futimens") { futimens(target, times) }
    }

    /// Extended attributes, the overlay's own left out. Ignored where the target has none.
    private static func copyAttributes(_ source: Int32, _ target: Int32) {
        var list = [CChar](repeating: 0, count: 65536)
        let length = flistxattr(source, &list, list.count)
        guard length > 0 else { return }
        for part in list[..<length].split(separator: 0) {
            let name = String(decoding: part.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if name.hasPrefix("trusted.overlay.") || name.hasPrefix("security.selinux") { continue }
            var value = [UInt8](repeating: 0, count: 65536)
            let size = fgetxattr(source, name, &value, value.count)
            if size >= 0 { fsetxattr(target, name, value, size, 0) }
        }
    }
}
