// inotify on a whole tree: which paths of it changed. Directories that appear are watched as they appear.
import CLinux

package final class TreeWatch {
    private let descriptor: SharedDescriptor
    package var number: Int32 { descriptor.number }
    private let root: String
    private let skips: (String) -> Bool
    /// Directories by watch, relative to the root; the root is empty.
    private var directories: [Int32: String] = [:]
    private static let mask =
        UInt32(IN_CREATE) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
        | UInt32(IN_ATTRIB) | UInt32(IN_ONLYDIR) | UInt32(IN_DONT_FOLLOW)

    /// - Parameters:
    ///   - root: a directory.
    ///   - skips: directories that are not looked into, by their path relative to the root.
    package init(_ root: String, skips: @escaping (String) -> Bool) throws(SystemError) {
        self.root = root
        self.skips = skips
        descriptor = SharedDescriptor(
            Descriptor(
                owning: try systemCall("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)) }))
        _ = try watch("")
    }

    private func path(_ relative: String) -> String { relative.isEmpty ? root : "\(root)/\(relative)" }

    /// Watches a directory and those below it. Returns the files that are there already.
    private func watch(_ relative: String) throws(SystemError) -> [String] {
        let number = inotify_add_watch(descriptor.number, path(relative), TreeWatch.mask)
        if number < 0 {
            let code = lastErrno
            // Gone again, or no directory after all.
            if code == ENOENT || code == ENOTDIR { return [] }
            throw SystemError(call: "inotify_add_watch", errno: code, subject: path(relative))
        }
        directories[number] = relative
        var found: [String] = []
        // Ignored: a directory that vanished has no names.
        for name in (try? Directory.names(path(relative))) ?? [] {
            let below = relative.isEmpty ? name : "\(relative)/\(name)"
            if skips(below) { continue }
            found.append(below)
            if (try? FileStatus.of(path(below), following: false))?.kind == .directory { found += try watch(below) }
        }
        return found
    }

    /// The paths that changed, relative to the root, each once; nil: too much happened, look at all.
    package func take() throws(SystemError) -> Set<String>? {
        var changed: Set<String> = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor.number, &buffer, buffer.count)
            if count <= 0 { return changed }
            var offset = 0
            while offset + 16 <= count {
                let (event, name) = buffer.withUnsafeBytes { bytes -> (inotify_event, String) in
                    let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let text = bytes[(offset + 16)..<min(count, offset + 16 + Int(event.len))].prefix { $0 != 0 }
                    return (event, String(decoding: text, as: UTF8.self))
                }
                offset += 16 + Int(event.len)
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return nil }
                if event.mask & UInt32(IN_IGNORED) != 0 {
                    directories[event.wd] = nil
                    continue
                }
                guard let directory = directories[event.wd], !name.isEmpty else { continue }
                let path = directory.isEmpty ? name : "\(directory)/\(name)"
                if skips(path) { continue }
                changed.insert(path)
                if event.mask & UInt32(IN_ISDIR) != 0, event.mask & (UInt32(IN_CREATE) | UInt32(IN_MOVED_TO)) != 0 {
                    changed.formUnion(try watch(path))
                }
            }
        }
    }
}
