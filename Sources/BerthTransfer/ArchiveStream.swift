// A layer's bytes on their way: read, hashed as they came, decompressed, hashed again, handed to the tar reader.
import BerthLinux
import BerthModel
import BerthStore

/// Reads a descriptor through libarchive's decompressors. The DiffID is of the bytes that come out.
///
/// The blob is what is kept to give the layer away again: the bytes as given where registries know their compression
/// (none, gzip, zstd), the plain tar otherwise (xz, bzip2).
///
/// Decompressing goes on in a thread of its own while what has come out is hashed and written; `stop` ends it, and has
/// to be called before the descriptors are closed.
final class ArchiveStream {
    private let ahead: Decompression
    private let blobFile: Int32
    private let limits: TransferLimits
    private var produced = ContentHash()
    private var reserve: DiskReserve

    /// - Parameters:
    ///   - blobFile: takes the blob.
    ///   - writesGiven: false where the source is a file that becomes the blob itself, if its bytes are kept as given.
    init(source: Int32, blobFile: Int32, writesGiven: Bool, limits: TransferLimits) throws {
        self.blobFile = blobFile
        self.limits = limits
        reserve = try DiskReserve(blobFile, limits)
        ahead = try Decompression(source: source, blobFile: blobFile, writesGiven: writesGiven, limits: limits)
        try ahead.start()
    }

    deinit { stop() }

    func stop() { ahead.stop() }

    /// True where the blob is the bytes as given.
    var keepsGiven: Bool { ahead.keepsGiven }

    /// `+gzip`, `+zstd`, or nothing: what the blob's media type says of its compression.
    var compression: String { ahead.compression }

    /// The next uncompressed bytes, valid until the next call; nil at the end.
    func next() throws -> UnsafeRawBufferPointer? {
        guard let bytes = try ahead.take() else { return nil }
        produced.update(bytes)
        guard produced.byteCount <= limits.uncompressedBytesMax else {
            throw BerthError(
                .exhausted, "unpacking the archive", cause: "it holds more than \(limits.uncompressedBytesMax) bytes")
        }
        if !keepsGiven { try FileIO.write(number: blobFile, bytes) }
        try reserve.spend(Int64(bytes.count) * (keepsGiven ? 1 : 2))
        return bytes
    }

    /// Reads what is left, so that the digests cover everything.
    func drain() throws {
        while try next() != nil {}
        try ahead.readRest()
    }

    /// After `drain`.
    var blob: (digest: Digest, sizeBytes: Int64) {
        keepsGiven ? ahead.whatWasGiven : (produced.finish(), produced.byteCount)
    }
    var diffID: Digest { produced.finish() }
    var uncompressedBytes: Int64 { produced.byteCount }
}
