// What an archive may cost: beyond it, it is an attack or a mistake, and both are an error.
import BerthLinux
import BerthModel

/// Bounds for one layer.
package struct TransferLimits: Sendable {
    package var uncompressedBytesMax: Int64 = 64 << 30
    package var entriesMax = 5_000_000
    package var pathBytesMax = 4096
    package var attributeBytesMax = 64 << 10
    /// Members of an archive of images, and their bytes together.
    package var membersMax = 100_000
    package var memberBytesMax: Int64 = 256 << 30
    /// Left free on the disk: this share of it, but never more than so many bytes.
    package var reserveDivisor: Int64 = 20
    package var reserveBytesMax: Int64 = 1 << 30
    package init() {}
}

/// Watches the disk while bytes are written to it: the host must not fill up because of an image.
struct DiskReserve {
    private let number: Int32
    private let limits: TransferLimits
    private var unchecked: Int64 = 0
    private static let stepBytes: Int64 = 32 << 20

    /// - Parameter number: an open file on the disk; valid as long as this is.
    init(_ number: Int32, _ limits: TransferLimits) throws {
        self.number = number
        self.limits = limits
        try check()
    }

    mutating func spend(_ bytes: Int64) throws {
        unchecked += bytes
        if unchecked >= DiskReserve.stepBytes {
            unchecked = 0
            try check()
        }
    }

    private func check() throws {
        // Ignored: a file system that does not tell has no reserve.
        guard let space = try? FileSystemSpace.of(number) else { return }
        let reserve = min(space.sizeBytes / limits.reserveDivisor, limits.reserveBytesMax)
        if space.availableBytes < reserve {
            throw BerthError(
                .exhausted, "unpacking the archive",
                cause: "only \(space.availableBytes >> 20) MiB are left on the disk",
                hint: "free some space, or use a data directory on a larger disk")
        }
    }
}
