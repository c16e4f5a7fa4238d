// Entries of a directory by their names as the kernel has them: any bytes, UTF-8 or not.
import CLinux

/// A name in a directory, or the target of a link: bytes without NUL.
package struct EntryName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// With the NUL at its end, as system calls want it.
    let characters: [CChar]

    package init(_ text: some StringProtocol) {
        characters = text.utf8.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
    }

    init(characters: [CChar]) { self.characters = characters }

    package init(bytes: some Sequence<UInt8>) {
        characters = bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
    }

    package var bytes: [UInt8] { characters.dropLast().map { UInt8(bitPattern: $0) } }
    /// For messages and patterns; what is not UTF-8 is replaced.
    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package static func < (a: EntryName, b: EntryName) -> Bool {
        let count = min(a.characters.count, b.characters.count)
        for index in 0..<count where a.characters[index] != b.characters[index] {
            return UInt8(bitPattern: a.characters[index]) < UInt8(bitPattern: b.characters[index])
        }
        return a.characters.count < b.characters.count
    }
}

/// What is done to one name in an open directory. Nothing here follows a symbolic link.
package enum DirectoryEntry {
    /// All names of a directory, without `.` and `..`, in the order of their bytes.
    package static func names(in directory: Int32) throws(SystemError) -> [EntryName] {
        // An offset of its own: others may list the same descriptor at the same time.
        let number = try systemCall("openat", ".") {
            clinux_openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        guard let stream = fdopendir(number) else {
            let code = lastErrno
            close(number)
            throw SystemError(call: "fdopendir", errno: code)
        }
        defer { closedir(stream) }
        var found: [EntryName] = []
        while true {
            // The end and an error look the same but for this.
            clinux_clear_errno()
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    EntryName(characters: Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1)))
                }
            }
            if name.characters != [0x2E, 0] && name.characters != [0x2E, 0x2E, 0] { found.append(name) }
        }
        if lastErrno != 0 { throw SystemError(call: "readdir", errno: lastErrno) }
        return found.sorted()
    }

    /// Nil: there is no such name.
    package static func status(_ name: EntryName, in directory: Int32) throws(SystemError) -> FileStatus? {
        var status = stat()
        if fstatat(directory, name.characters, &status, AT_SYMLINK_NOFOLLOW) == 0 { return FileStatus(status) }
        if lastErrno == ENOENT { return nil }
        throw SystemError(call: "fstatat", errno: lastErrno, subject: name.description)
    }

    package static func open(
        _ name: EntryName, in directory: Int32, flags: Int32
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try systemCall("openat", name.description) {
                clinux_openat(directory, name.characters, flags | O_NOFOLLOW | O_CLOEXEC, 0)
            })
    }

    private static let resolveHere = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

    /// A file or directory for reading, of this mount alone; nil: something is mounted there.
    package static func openHere(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor? {
        do {
            let flags = UInt64(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            return Descriptor(
                owning: try systemCall("openat2", name.description) {
                    clinux_openat2(directory, name.characters, flags, 0, resolveHere)
                })
        } catch {
            if error.errno == EXDEV { return nil }
            throw error
        }
    }

    /// For reading: a fifo does not block, a terminal does not become ours.
    package static func openFile(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor {
        try open(name, in: directory, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    }

    /// A regular file for reading. Anything else is refused before it is opened: opening a device is an act.
    package static func openRegular(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor {
        let entry = try open(name, in: directory, flags: O_PATH)
        guard try FileStatus.of(entry.number).kind == .regular else {
            throw SystemError(call: "openat", errno: EINVAL, subject: name.description)
        }
        return try Directory.open("/proc/self/fd/\(entry.number)", flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    }

    package static func openDirectory(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor {
        try open(name, in: directory, flags: O_RDONLY | O_DIRECTORY)
    }

    package static func readLink(_ name: EntryName, in directory: Int32) throws(SystemError) -> EntryName {
        var text = [CChar](repeating: 0, count: 4097)
        let length = try systemCall("readlinkat", name.description) {
            clinux_readlinkat(directory, name.characters, &text, 4096)
        }
        return EntryName(characters: Array(text[..<length]) + [0])
    }

    package static func createFile(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try systemCall("openat", name.description) {
                clinux_openat(
                    directory, name.characters, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            })
    }

    package static func createDirectory(_ name: EntryName, in directory: Int32) throws(SystemError) {
        try systemCall("mkdirat", name.description) { mkdirat(directory, name.characters, 0o700) }
    }

    package static func createLink(
        _ name: EntryName, to target: EntryName, in directory: Int32
    ) throws(SystemError) {
        try systemCall("symlinkat", name.description) { symlinkat(target.characters, directory, name.characters) }
    }

    /// A device or fifo like another one.
    package static func createNode(
        _ name: EntryName, like status: FileStatus, in directory: Int32
    ) throws(SystemError) {
        let type: UInt32 =
            switch status.kind {
            case .fifo: UInt32(S_IFIFO)
            case .characterDevice: UInt32(S_IFCHR)
            case .blockDevice: UInt32(S_IFBLK)
            default: UInt32(S_IFREG)
            }
        let device = clinux_makedev(status.deviceMajor, status.deviceMinor)
        try systemCall("mknodat", name.description) { mknodat(directory, name.characters, type | 0o600, device) }
    }

    /// Removes what is not a directory.
    package static func unlink(_ name: EntryName, in directory: Int32) throws(SystemError) {
        try systemCall("unlinkat", name.description) { unlinkat(directory, name.characters, 0) }
    }

    /// Owner before mode, because chown clears the set-id bits. A mode of nil: a link, which has none.
    package static func setOwner(
        _ name: EntryName, in directory: Int32, userID: UInt32, groupID: UInt32, mode: UInt32?
    ) throws(SystemError) {
        try systemCall("fchownat", name.description) {
            fchownat(directory, name.characters, userID, groupID, AT_SYMLINK_NOFOLLOW)
        }
        guard let mode else { return }
        try systemCall("fchmodat", name.description) { fchmodat(directory, name.characters, mode, 0) }
    }

    package static func setModified(
        _ name: EntryName, in directory: Int32, seconds: Int64, nanoseconds: Int64
    ) throws(SystemError) {
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        try systemCall("utimensat", name.description) {
            utimensat(directory, name.characters, [time, time], AT_SYMLINK_NOFOLLOW)
        }
    }
}
