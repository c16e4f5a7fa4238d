// Paths below a directory, resolved by descriptor: the only way berth touches anything that a container may have
// shaped.
import CLinux

/// Operations on paths that are resolved *inside* a directory, whatever symbolic links say (`RESOLVE_IN_ROOT`), and
/// never
/// through magic links. Absolute paths start at the directory.
package enum Directory {
    private static let resolveInRoot = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    /// Concurrent renames make the kernel give up with EAGAIN; after so many tries somebody is playing with us.
    private static let attemptsMax = 128
    /// Longer chains of directories than this are refused.
    private static let componentsMax = 1024

    /// Opens a path on the host's own terms, close-on-exec.
    package static func open(_ path: String, flags: Int32 = O_RDONLY, mode: UInt32 = 0) throws(SystemError)
        -> Descriptor
    {
        let number = try systemCall("open", path) { clinux_open(path, flags | O_CLOEXEC, mode) }
        return Descriptor(owning: number)
    }

    /// Opens `path` below `root`, close-on-exec.
    package static func open(
        inRoot root: borrowing Descriptor, _ path: String, flags: Int32, mode: UInt32 = 0
    ) throws(SystemError) -> Descriptor {
        try open(inRootNumber: root.number, path, flags: flags, mode: mode)
    }

    package static func open(
        inRootNumber root: Int32, _ path: String, flags: Int32, mode: UInt32 = 0
    ) throws(SystemError) -> Descriptor {
        // A path of "/" or "" is the root itself; openat2 wants a name.
        let name = path.isEmpty || path == "/" ? "." : path
        var attempts = 0
        while true {
            do {
                let number = try systemCall("openat2", path) {
                    clinux_openat2(root, name, UInt64(flags | O_CLOEXEC), UInt64(mode), resolveInRoot)
                }
                return Descriptor(owning: number)
            } catch {
                attempts += 1
                if error.errno != EAGAIN || attempts >= attemptsMax { throw error }
            }
        }
    }

    /// True where the path leads to something inside the root.
    package static func exists(inRootNumber root: Int32, _ path: String) -> Bool {
        // Ignored: any failure to resolve is "not there" for this question.
        (try? open(inRootNumber: root, path, flags: O_PATH)) != nil
    }

    /// True where the last component is there, a dangling link included.
    package static func existsWithoutFollowing(inRootNumber root: Int32, _ path: String) -> Bool {
        // Ignored: any failure to resolve is "not there" for this question.
        (try? open(inRootNumber: root, path, flags: O_PATH | O_NOFOLLOW)) != nil
    }

    /// Makes every missing component of a directory path, mode `mode`, owned by the caller. Existing ones are kept, and
    /// symbolic links are followed inside the root. Returns the last one, opened as O_PATH.
    package static func makeDirectories(
        inRootNumber root: Int32, _ path: String, mode: UInt32 = 0o755
    ) throws(SystemError) -> Descriptor {
        let components = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        guard components.count <= componentsMax else {
            throw SystemError(call: "mkdir", errno: ENAMETOOLONG, subject: path)
        }
        var reached = ""
        for component in components {
            let next = reached + "/" + component
            if !exists(inRootNumber: root, next) {
                guard component != ".." else { throw SystemError(call: "mkdir", errno: EINVAL, subject: path) }
                let parent = try open(inRootNumber: root, reached, flags: O_PATH | O_DIRECTORY)
                let made = mkdirat(parent.number, component, mode)
                if made != 0 && lastErrno != EEXIST {
                    throw SystemError(call: "mkdirat", errno: lastErrno, subject: next)
                }
            }
            reached = next
        }
        return try open(inRootNumber: root, reached, flags: O_PATH | O_DIRECTORY)
    }

    /// Makes a directory and its missing parents on the host (state directories of our own).
    package static func make(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        if mkdir(path, mode) != 0 {
            switch lastErrno {
            case ENOENT:
                guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                    throw SystemError(call: "mkdir", errno: ENOENT, subject: path)
                }
                try make(String(path[..<slash]), mode: mode)
                if mkdir(path, mode) != 0 && lastErrno != EEXIST {
                    throw SystemError(call: "mkdir", errno: lastErrno, subject: path)
                }
            case EEXIST, EISDIR, EROFS: break
            default: throw SystemError(call: "mkdir", errno: lastErrno, subject: path)
            }
        }
        // What is there may be something else.
        let probe = try open(path, flags: O_PATH | O_DIRECTORY)
        _ = probe.number
    }

    /// The names in a directory, without `.` and `..`, in no particular order.
    package static func names(_ path: String) throws(SystemError) -> [String] {
        try names(open(path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// The names in an open directory; takes the descriptor.
    package static func names(_ directory: consuming Descriptor) throws(SystemError) -> [String] {
        guard let stream = fdopendir(directory.release()) else {
            throw SystemError(call: "fdopendir", errno: lastErrno)
        }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { found.append(name) }
        }
        return found
    }

    /// The target of a symbolic link.
    package static func readLink(_ path: String) throws(SystemError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var text = [CChar](repeating: 0, count: buffer.count)
        let length = try systemCall("readlink", path) { clinux_readlinkat(AT_FDCWD, path, &text, text.count) }
        for index in 0..<length { buffer[index] = UInt8(bitPattern: text[index]) }
        return String(decoding: buffer[..<length], as: UTF8.self)
    }

    /// The target of a symbolic link in an open directory.
    package static func readLink(in directory: Int32, _ name: String) throws(SystemError) -> String {
        var text = [CChar](repeating: 0, count: 4097)
        let length = try systemCall("readlinkat", name) { clinux_readlinkat(directory, name, &text, 4096) }
        return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path with every symbolic link resolved.
    package static func realPath(_ path: String) throws(SystemError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw SystemError(call: "realpath", errno: lastErrno, subject: path)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// What kind of file a `stat` describes.
package enum FileKind: Sendable {
    case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket

    package init(mode: UInt32) {
        switch mode & UInt32(S_IFMT) {
        case UInt32(S_IFDIR): self = .directory
        case UInt32(S_IFLNK): self = .symbolicLink
        case UInt32(S_IFCHR): self = .characterDevice
        case UInt32(S_IFBLK): self = .blockDevice
        case UInt32(S_IFIFO): self = .fifo
        case UInt32(S_IFSOCK): self = .socket
        default: self = .regular
        }
    }

    init(_ status: stat) { self.init(mode: status.st_mode) }
}
