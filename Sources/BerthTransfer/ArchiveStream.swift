// A layer's bytes on their way: read, hashed as they came, decompressed, hashed again, handed to the tar reader.
import BerthLinux
import BerthModel
import BerthStore
import CArchive

/// Bounds for one layer. Beyond them the archive is an attack or a mistake; both are an error.
package struct TransferLimits: Sendable {
    package var uncompressedBytesMax: Int64 = 64 << 30
    package var entriesMax = 5_000_000
    package var pathBytesMax = 4096
    package var attributeBytesMax = 64 << 10
    package init() {}
}

/// Reads a descriptor through libarchive's decompressors. The blob's digest is of the bytes as given, the DiffID of the
/// bytes that come out. Blob bytes can be copied to a file on the way.
final class ArchiveStream {
    private let source: Int32
    private let copy: Int32
    private let limits: TransferLimits
    private let raw: OpaquePointer
    private var input = [UInt8](repeating: 0, count: 256 << 10)
    private var output = [UInt8](repeating: 0, count: 256 << 10)
    private var given = ContentHash()
    private var produced = ContentHash()
    private var failure: BerthError?

    /// - Parameter copy: a file that takes the bytes as given; -1: none.
    init(source: Int32, copyTo copy: Int32, limits: TransferLimits) throws {
        self.source = source
        self.copy = copy
        self.limits = limits
        guard let raw = archive_read_new() else { throw BerthError(.exhausted, "reading an archive", cause: "no memory") }
        self.raw = raw
        archive_read_support_filter_gzip(raw)
        archive_read_support_filter_zstd(raw)
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
    }

    deinit { archive_read_free(raw) }

    /// `+gzip`, `+zstd`, or nothing: what the media type says of the compression.
    var compression: String {
        switch archive_filter_code(raw, 0) {
        case 1: "+gzip"
        case 14: "+zstd"
        default: ""
        }
    }

    private func readGiven(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            let count = try FileIO.readSome(source, &input)
            input.withUnsafeBytes { given.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if copy >= 0 { try FileIO.write(number: copy, Array(input[..<count])) }
            buffer.pointee = input.withUnsafeBytes { $0.baseAddress }
            return count
        } catch {
            failure = BerthError(.unavailable, "reading the archive", cause: "\(error)")
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
            throw BerthError(.exhausted, "unpacking the archive", cause: "it holds more than \(limits.uncompressedBytesMax) bytes")
        }
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

    var blob: (digest: Digest, sizeBytes: Int64) { (given.finish(), given.byteCount) }
    var diffID: Digest { produced.finish() }
    var uncompressedBytes: Int64 { produced.byteCount }

    private func check(_ code: Int32) throws {
        if code < ARCHIVE_WARN { throw failure ?? error("opening the archive") }
    }

    private func error(_ doing: String) -> BerthError {
        let text = archive_error_string(raw).map { String(cString: $0) } ?? "it is damaged"
        return BerthError(.invalid, doing, cause: text, hint: "berth reads tar archives, plain or compressed with gzip or zstd")
    }
}
