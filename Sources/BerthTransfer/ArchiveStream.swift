// A layer's bytes on their way: read, hashed as they came, decompressed, hashed again, handed to the tar reader.
import BerthLinux
import BerthModel
import BerthStore
import CArchive

/// Reads a descriptor through libarchive's decompressors. The DiffID is of the bytes that come out.
///
/// The blob is what is kept to give the layer away again: the bytes as given where registries know their compression
/// (none, gzip, zstd), the plain tar otherwise (xz, bzip2).
final class ArchiveStream {
    private let source: Int32
    private let blobFile: Int32
    private let writesGiven: Bool
    private let limits: TransferLimits
    private let raw: OpaquePointer
    private var input = [UInt8](repeating: 0, count: 256 << 10)
    private var output = [UInt8](repeating: 0, count: 256 << 10)
    private var given = ContentHash()
    private var produced = ContentHash()
    /// Bytes read before the compression was known.
    private var held: [UInt8]? = []
    private var reserve: DiskReserve
    private var failure: (any Error)?
    private(set) var keepsGiven = false

    /// - Parameters:
    ///   - blobFile: takes the blob.
    ///   - writesGiven: false where the source is a file that becomes the blob itself, if its bytes are kept as given.
    init(source: Int32, blobFile: Int32, writesGiven: Bool, limits: TransferLimits) throws {
        self.source = source
        self.blobFile = blobFile
        self.writesGiven = writesGiven
        self.limits = limits
        reserve = try DiskReserve(blobFile, limits)
        guard let raw = archive_read_new() else {
            throw BerthError(.exhausted, "reading an archive", cause: "no memory")
        }
        self.raw = raw
        ArchiveStream.supportFilters(raw)
        archive_read_support_format_raw(raw)
        // An empty archive is an archive.
        archive_read_support_format_empty(raw)
        archive_read_set_read_callback(raw) { _, context, buffer in
            guard let context, let buffer else { return -1 }
            return Unmanaged<ArchiveStream>.fromOpaque(context).takeUnretainedValue().readGiven(buffer)
        }
        archive_read_set_callback_data(raw, Unmanaged.passUnretained(self).toOpaque())
        try check(archive_read_open1(raw))
        var entry: OpaquePointer?
        let code = archive_read_next_header(raw, &entry)
        if code != ARCHIVE_EOF { try check(code) }
        keepsGiven = [0, 1, 14].contains(archive_filter_code(raw, 0)) && archive_filter_count(raw) <= 2
        if keepsGiven && writesGiven { try FileIO.write(number: blobFile, held ?? []) }
        held = nil
    }

    deinit { archive_read_free(raw) }

    /// Never all of libarchive's: some of those start programs.
    static func supportFilters(_ reader: OpaquePointer) {
        archive_read_support_filter_gzip(reader)
        archive_read_support_filter_zstd(reader)
        archive_read_support_filter_xz(reader)
        archive_read_support_filter_bzip2(reader)
    }

    /// `+gzip`, `+zstd`, or nothing: what the blob's media type says of its compression.
    var compression: String {
        guard keepsGiven else { return "" }
        switch archive_filter_code(raw, 0) {
        case 1: return "+gzip"
        case 14: return "+zstd"
        default: return ""
        }
    }

    private func readGiven(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            let count = try FileIO.readSome(source, &input)
            try input.withUnsafeBytes { all in
                let bytes = UnsafeRawBufferPointer(rebasing: all[..<count])
                given.update(bytes)
                buffer.pointee = bytes.baseAddress
                if held != nil {
                    held?.append(contentsOf: bytes)
                } else if keepsGiven && writesGiven {
                    try FileIO.write(number: blobFile, bytes)
                    try reserve.spend(Int64(count))
                }
            }
            return count
        } catch {
            failure = (error as? BerthError) ?? BerthError(.unavailable, "reading the archive", cause: "\(error)")
            return -1
        }
    }

    /// The next uncompressed bytes; nil at the end.
    func next() throws -> UnsafeRawBufferPointer? {
        let capacity = output.count
        let count = output.withUnsafeMutableBytes { archive_read_data(raw, $0.baseAddress, capacity) }
        if count < 0 { throw failure ?? error("reading the archive") }
        if count == 0 { return nil }
        let bytes = output.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[..<count]) }
        produced.update(bytes)
        guard produced.byteCount <= limits.uncompressedBytesMax else {
            throw BerthError(
                .exhausted, "unpacking the archive", cause: "it holds more than \(limits.uncompressedBytesMax) bytes")
        }
        if !keepsGiven { try FileIO.write(number: blobFile, bytes) }
        try reserve.spend(Int64(count) * (keepsGiven ? 1 : 2))
        return bytes
    }

    /// Reads what is left, so that the digests cover everything.
    func drain() throws {
        while try next() != nil {}
        // Bytes behind the compressed stream belong to the blob as well.
        var unused: UnsafeRawPointer?
        while readGiven(&unused) > 0 {}
        if let failure { throw failure }
    }

    var blob: (digest: Digest, sizeBytes: Int64) {
        keepsGiven ? (given.finish(), given.byteCount) : (produced.finish(), produced.byteCount)
    }
    var diffID: Digest { produced.finish() }
    var uncompressedBytes: Int64 { produced.byteCount }

    private func check(_ code: Int32) throws {
        if code < ARCHIVE_WARN { throw failure ?? error("opening the archive") }
    }

    private func error(_ doing: String) -> BerthError {
        let text = archive_error_string(raw).map { String(cString: $0) } ?? "it is damaged"
        return BerthError(
            .invalid, doing, cause: text,
            hint: "berth reads tar archives, plain or compressed with gzip, zstd, xz or bzip2")
    }
}
