// Times of whole trees.
import CLinux

package enum FileTimes {
    private static let depthMax = 2048

    /// Sets back what was modified after a moment, in a tree that nobody else writes to. Links are not followed.
    package static func limit(below directory: Int32, toSeconds limit: Int64, depth: Int = 0) throws(SystemError) {
        guard depth < depthMax else { throw SystemError(call: "utimensat", errno: ENAMETOOLONG) }
        let listing = try Directory.open(inRootNumber: directory, ".", flags: O_RDONLY | O_DIRECTORY)
        for name in try Directory.names(listing) {
            let status = try FileStatus.of(name, in: directory)
            if status.kind == .directory {
                let inside = try Directory.open(
                    inRootNumber: directory, name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try self.limit(below: inside.number, toSeconds: limit, depth: depth + 1)
            }
            if status.modifiedSeconds < limit { continue }
            let time = timespec(tv_sec: Int(limit), tv_nsec: 0)
            try systemCall("utimensat", name) { utimensat(directory, name, [time, time], AT_SYMLINK_NOFOLLOW) }
        }
    }
}
