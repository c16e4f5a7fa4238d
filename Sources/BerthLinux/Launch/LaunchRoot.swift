// The container's root during its launch: every target is resolved here, by descriptor, and nowhere else.
import CLinux

/// The directory that all targets are inside of: the attached root, or `/` of a joined namespace.
struct LaunchRoot: ~Copyable {
    let base: Descriptor

    /// A directory to mount on: real, never reached through a symbolic link in its last component, made where missing.
    func directory(_ target: String) throws(SystemError) -> Descriptor {
        let (parent, name) = LaunchRoot.split(target)
        let above = try Directory.makeDirectories(inRootNumber: base.number, parent)
        if mkdirat(above.number, name, 0o755) != 0 && lastErrno != EEXIST {
            throw SystemError(call: "mkdirat", errno: lastErrno, subject: target)
        }
        return try realEntry(above, name, target, extra: O_DIRECTORY)
    }

    /// A destination for a bind: links are followed inside the root, as image authors expect of /var/run.
    func destination(_ target: String, isDirectory: Bool) throws(SystemError) -> Descriptor {
        if isDirectory { return try Directory.makeDirectories(inRootNumber: base.number, target) }
        do {
            return try Directory.open(inRootNumber: base.number, target, flags: O_PATH)
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
        let (parent, name) = LaunchRoot.split(target)
        let above = try Directory.makeDirectories(inRootNumber: base.number, parent)
        let made = clinux_openat(above.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard made >= 0 else { throw SystemError(call: "openat", errno: lastErrno, subject: target) }
        _ = close(made)
        return try Directory.open(inRootNumber: base.number, target, flags: O_PATH)
    }

    /// The directory that an entry is made in, by descriptor, with the entry's name.
    func parent(of target: String) throws(SystemError) -> Descriptor {
        try Directory.makeDirectories(inRootNumber: base.number, LaunchRoot.split(target).parent)
    }

    func existing(_ target: String) throws(SystemError) -> Descriptor {
        let (parent, name) = LaunchRoot.split(target)
        let above = try Directory.open(inRootNumber: base.number, parent, flags: O_PATH | O_DIRECTORY)
        return try realEntry(above, name, target, extra: 0)
    }

    /// Opens an entry without following it; a symbolic link is ELOOP.
    private func realEntry(_ parent: borrowing Descriptor, _ name: String, _ target: String, extra: Int32)
        throws(SystemError) -> Descriptor
    {
        let number = clinux_openat(parent.number, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
        guard number >= 0 else { throw SystemError(call: "openat", errno: lastErrno, subject: target) }
        let entry = Descriptor(owning: number)
        var status = stat()
        try systemCall("fstat", target) { fstat(entry.number, &status) }
        if FileKind(status) == .symbolicLink { throw SystemError(call: "openat", errno: ELOOP, subject: target) }
        if extra & O_DIRECTORY != 0 && FileKind(status) != .directory {
            throw SystemError(call: "openat", errno: ENOTDIR, subject: target)
        }
        // What was mounted over the entry is reached by walking there, not by the covered descriptor.
        return try Directory.open(inRootNumber: entry.number, ".", flags: O_PATH, orSelf: entry)
    }

    /// What is mounted on a file of procfs would stand between us and the kernel: only the places that are known to be
    /// harmless, and those only by their names. A link that leads there is refused.
    static func refuseProcess(_ place: Int32, _ target: String, type: String = "") throws(SystemError) {
        var kind = statfs()
        try systemCall("fstatfs", target) { fstatfs(place, &kind) }
        if kind.f_type != 0x9fa0 || ProcessFiles.mayBeCovered(target) || type == "proc" { return }
        throw SystemError(call: "move_mount", errno: EPERM, subject: target)
    }

    static func split(_ target: String) -> (parent: String, name: String) {
        let parts = target.split(separator: "/").map(String.init)
        guard let name = parts.last else { return ("/", ".") }
        return ("/" + parts.dropLast().joined(separator: "/"), name)
    }
}

extension Directory {
    /// Opens `path` below a directory; for anything but a directory, a duplicate of the descriptor itself.
    static func open(inRootNumber root: Int32, _ path: String, flags: Int32, orSelf entry: borrowing Descriptor)
        throws(SystemError) -> Descriptor
    {
        do { return try open(inRootNumber: root, path, flags: flags) } catch {
            guard error.errno == ENOTDIR else { throw error }
            return try entry.duplicate()
        }
    }
}

/// Which places in /proc a container may have covered.
package enum ProcessFiles {
    private static let replaceable: Set<String> = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
        "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",
        "/proc/sys/crypto/fips_enabled",
    ]

    /// - Parameter target: absolute, inside the container.
    package static func mayBeCovered(_ target: String) -> Bool { replaceable.contains(target) }

    /// `/proc` itself or something in it.
    package static func isInside(_ target: String) -> Bool { target == "/proc" || target.hasPrefix("/proc/") }
}
