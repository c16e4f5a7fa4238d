// Putting files into a tree that somebody else shapes, and taking them out: by descriptor, inside the root.
import CLinux

package enum RootedFiles {
    /// Writes a file; what reads it sees the old content or the new. Parents are made, links on the way are followed
    /// inside the root, a directory in its place is an error.
    package static func write(
        inRootNumber root: Int32, _ path: String, _ bytes: [UInt8], mode: UInt32
    ) throws(SystemError) {
        let (parent, name) = try place(root, path, makes: true)
        guard let parent else { return }
        let temporary = ".berth-" + randomBytes(8).map { String($0, radix: 16) }.joined()
        let file = try NewEntry.file(in: parent.number, temporary)
        do throws(SystemError) {
            try FileIO.write(file, bytes)
            try systemCall("fchmod", path) { fchmod(file.number, mode) }
            if renameat(parent.number, temporary, parent.number, name) == 0 { return }
            let code = lastErrno
            // A mount of its own cannot be replaced: its content is.
            guard code == EBUSY else { throw SystemError(call: "renameat", errno: code, subject: path) }
            let place = try Directory.open(
                inRootNumber: parent.number, name, flags: O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK)
            try FileIO.write(place, bytes)
            NewEntry.remove(in: parent.number, temporary)
        } catch {
            NewEntry.remove(in: parent.number, temporary)
            throw error
        }
    }

    package static func symbolicLink(inRootNumber root: Int32, _ path: String, to target: String) throws(SystemError) {
        let (parent, name) = try place(root, path, makes: true)
        guard let parent else { return }
        NewEntry.remove(in: parent.number, name)
        try NewEntry.symbolicLink(in: parent.number, name, to: target)
    }

    /// Removes a file or a whole tree, across no mount. What is not there is no error.
    package static func remove(inRootNumber root: Int32, _ path: String) throws(SystemError) {
        let (parent, name) = try place(root, path, makes: false)
        guard let parent else { return }
        try Directory.remove("/proc/self/fd/\(parent.number)/\(name)")
    }

    /// The opened parent and the last part; no parent: there is none, or the path is the root itself.
    private static func place(
        _ root: Int32, _ path: String, makes: Bool
    ) throws(SystemError) -> (SharedDescriptor?, String) {
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        guard let name = parts.last, !parts.contains("..") else { return (nil, "") }
        let above = parts.dropLast().joined(separator: "/")
        if makes { return (SharedDescriptor(try Directory.makeDirectories(inRootNumber: root, above)), name) }
        do {
            return (SharedDescriptor(try Directory.open(inRootNumber: root, above, flags: O_PATH | O_DIRECTORY)), name)
        } catch {
            if error.isNotFound { return (nil, name) }
            throw error
        }
    }
}
