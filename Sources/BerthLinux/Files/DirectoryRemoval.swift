// Removing trees of ours: by descriptor, never through a symbolic link, never across a mount.
import CLinux

extension Directory {
    /// Removes a file or a whole tree. A path that is not there is no error. A mount below it is: EXDEV, nothing of the
    /// mount is touched.
    package static func remove(_ path: String) throws(SystemError) {
        let slash = path.lastIndex(of: "/")
        let parentPath = slash.map { String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var status = stat()
        let parent: Descriptor
        do {
            parent = try open(parentPath.isEmpty ? "/" : parentPath, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            if error.errno == ENOENT { return }
            throw error
        }
        if fstatat(parent.number, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
            if lastErrno == ENOENT { return }
            throw SystemError(call: "fstatat", errno: lastErrno, subject: path)
        }
        try removeEntry(parent.number, name, device: status.st_dev, depth: 0)
    }

    /// rmdir; what is not there is no error.
    package static func removeEmpty(_ path: String) throws(SystemError) {
        if rmdir(path) != 0 && lastErrno != ENOENT { throw SystemError(call: "rmdir", errno: lastErrno, subject: path) }
    }

    private static func removeEntry(_ parent: Int32, _ name: String, device: dev_t, depth: Int) throws(SystemError) {
        guard depth < 4096 else { throw SystemError(call: "unlinkat", errno: ENAMETOOLONG, subject: name) }
        if unlinkat(parent, name, 0) == 0 || lastErrno == ENOENT { return }
        let code = lastErrno
        guard code == EISDIR || code == EPERM || code == ENOTEMPTY else {
            throw SystemError(call: "unlinkat", errno: code, subject: name)
        }
        let number = clinux_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
        guard number >= 0 else { throw SystemError(call: "openat", errno: lastErrno, subject: name) }
        let directory = Descriptor(owning: number)
        var status = stat()
        try systemCall("fstat", name) { fstat(directory.number, &status) }
        guard status.st_dev == device else { throw SystemError(call: "unlinkat", errno: EXDEV, subject: name) }
        for entry in try names(directory.duplicate()) {
            try removeEntry(directory.number, entry, device: device, depth: depth + 1)
        }
        if unlinkat(parent, name, AT_REMOVEDIR) != 0 && lastErrno != ENOENT {
            throw SystemError(call: "unlinkat", errno: lastErrno, subject: name)
        }
    }
}
