// Places for mounts that a tree does not have: made in a layer of their own below what a build step writes, so that
// nothing of them is ever in the step's layer, and nothing has to be taken away afterwards.
import BerthLinux
import BerthModel

package enum MountStubs {
    /// Makes what is missing of the targets in `stubs`, an empty directory that is to be the uppermost lower layer.
    ///
    /// Directories that lead there are copies of the tree's own: over them nothing of it looks different.
    ///
    /// - Parameters:
    ///   - root: the tree, mounted.
    ///   - targets: absolute paths, and whether each is a directory.
    /// - Returns: false where nothing was missing.
    package static func make(_ targets: [(path: String, isDirectory: Bool)], missingIn root: Int32, into stubs: String)
        throws(SystemError) -> Bool
    {
        let place = try Directory.open(stubs, flags: FileFlags.directory)
        var copied: [String] = []
        var made = false
        for (path, isDirectory) in targets.sorted(by: { $0.path < $1.path }) {
            guard let (existing, missing) = try split(path, root) else { continue }
            try copyDirectories(existing, root, place.number, &copied)
            let directories = isDirectory ? missing[...] : missing.dropLast()
            let parent = try Directory.makeDirectories(
                inRootNumber: place.number, "\(existing)/\(directories.joined(separator: "/"))")
            // Ignored: it exists where two targets are one.
            if !isDirectory { _ = try? NewEntry.file(in: parent.number, missing[missing.count - 1]) }
            made = true
        }
        // Last, the deepest first: making something in a directory changes its times.
        for path in copied.reversed() {
            let source = try Directory.open(inRootNumber: root, path, flags: FileFlags.directory)
            let target = try Directory.open(inRootNumber: place.number, path, flags: FileFlags.directory)
            try FileCopy.directoryMetadata(from: source.number, to: target.number)
        }
        return made
    }

    /// The deepest directory of a path that is there, by its real name, and the parts that are not. Nil: all is there,
    /// or a link leads to nothing, and then whoever mounts decides.
    private static func split(_ path: String, _ root: Int32) throws(SystemError) -> (String, [String])? {
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        var reached = ""
        for (index, part) in parts.enumerated() {
            let next = "\(reached)/\(part)"
            if Directory.exists(inRootNumber: root, next) {
                reached = next
                continue
            }
            if part == ".." || Directory.existsWithoutFollowing(inRootNumber: root, next) { return nil }
            let above = try Directory.open(inRootNumber: root, reached, flags: FileFlags.directory)
            // Of a mount that is attached nowhere, the kernel says paths from its root.
            let real = try Directory.readLink("/proc/self/fd/\(above.number)")
            let again = try Directory.open(inRootNumber: root, real, flags: FileFlags.directory)
            let (one, other) = (try FileStatus.of(above.number), try FileStatus.of(again.number))
            guard one.inode == other.inode, one.device == other.device else { return nil }
            return (real, Array(parts[index...]))
        }
        return nil
    }

    private static func copyDirectories(
        _ path: String, _ root: Int32, _ stubs: Int32, _ copied: inout [String]
    ) throws(SystemError) {
        if !copied.contains("/") { copied.append("/") }
        var reached = ""
        for part in path.split(separator: "/") {
            reached += "/\(part)"
            if copied.contains(reached) { continue }
            _ = try Directory.makeDirectories(inRootNumber: stubs, reached)
            copied.append(reached)
        }
    }
}
