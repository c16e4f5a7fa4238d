// Disk space that is kept back, for what must be written when there is none left.
import CLinux

package struct Ballast: Sendable {
    private let path: String
    private let sizeBytes: Int

    package init(path: String, sizeBytes: Int) {
        self.path = path
        self.sizeBytes = sizeBytes
    }

    /// Takes the space, if it can be had and is not taken already.
    package func take() {
        if let there = try? FileStatus.of(path), there.allocatedBytes >= Int64(sizeBytes) { return }
        guard let file = try? Directory.open(path, flags: O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600) else { return }
        // Without the space it is no ballast.
        if posix_fallocate(file.number, 0, sizeBytes) != 0 { unlink(path) }
    }

    /// False: there was none.
    package func drop() -> Bool { unlink(path) == 0 }
}
