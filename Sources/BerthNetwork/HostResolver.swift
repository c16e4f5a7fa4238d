// The host's name servers, read again when their file changes.
import BerthLinux
import BerthModel
import Synchronization

package final class HostResolver: Sendable {
    package let path: String
    private struct Reading { var stamp: [Int64]; var servers: [String] }
    private let reading = Mutex<Reading?>(nil)

    package init(path: String) { self.path = path }

    /// At most three, as the C library has it.
    package var servers: [String] {
        let stamp = HostResolver.stamp(path)
        return reading.withLock { reading in
            if let known = reading, known.stamp == stamp { return known.servers }
            let servers = GeneratedFiles.nameservers((try? FileIO.readText(path, limit: 1 << 20)) ?? "")
            reading = Reading(stamp: stamp, servers: servers)
            return servers
        }
    }

    /// What changes when the file does, also when it is replaced by another or a link is turned.
    private static func stamp(_ path: String) -> [Int64] {
        guard let status = try? FileStatus.of(path) else { return [] }
        return [
            Int64(truncatingIfNeeded: status.inode), status.sizeBytes, status.modifiedSeconds,
            status.modifiedNanoseconds,
        ]
    }
}
