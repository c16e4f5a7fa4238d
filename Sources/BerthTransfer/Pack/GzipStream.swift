// Compressing with gzip, always to the same bytes: no time and no name in its header, one level.
import BerthLinux
import BerthModel
import BerthStore
import CArchive

enum GzipStream {
    private final class Output {
        let file: Int32
        var hash = ContentHash()
        var failure: (any Error)?
        var reserve: DiskReserve
        init(_ file: Int32, _ limits: TransferLimits) throws {
            self.file = file
            reserve = try DiskReserve(file, limits)
        }
    }

    /// - Returns: the digest and size of what was written.
    static func compress(
        into file: Int32, _ limits: TransferLimits, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws -> (digest: Digest, sizeBytes: Int64) {
        guard let writer = archive_write_new() else {
            throw BerthError(.exhausted, "compressing a layer", cause: "no memory")
        }
        defer { archive_write_free(writer) }
        archive_write_set_format_raw(writer)
        archive_write_add_filter_gzip(writer)
        archive_write_set_options(writer, "gzip:compression-level=6,gzip:!timestamp")
        archive_write_set_bytes_per_block(writer, 1 << 18)
        archive_write_set_bytes_in_last_block(writer, 1)
        let output = try Output(file, limits)
        let context = Unmanaged.passUnretained(output).toOpaque()
        let opened = archive_write_open(
            writer, context, nil,
            { _, context, buffer, count in
                guard let context, let buffer else { return -1 }
                let output = Unmanaged<Output>.fromOpaque(context).takeUnretainedValue()
                let bytes = UnsafeRawBufferPointer(start: buffer, count: count)
                do {
                    try FileIO.write(number: output.file, bytes)
                    output.hash.update(bytes)
                    try output.reserve.spend(Int64(count))
                    return count
                } catch {
                    output.failure = error
                    return -1
                }
            }, nil)
        try check(opened, writer, output)
        let entry = archive_entry_new()
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, "layer")
        archive_entry_set_filetype(entry, 0o100000)
        try check(archive_write_header(writer, entry), writer, output)
        do {
            try body { bytes in
                guard archive_write_data(writer, bytes.baseAddress, bytes.count) >= 0 else {
                    throw failure(writer, output)
                }
            }
        } catch {
            archive_write_fail(writer)
            throw error
        }
        try check(archive_write_close(writer), writer, output)
        return withExtendedLifetime(output) { (output.hash.finish(), output.hash.byteCount) }
    }

    private static func check(_ code: Int32, _ writer: OpaquePointer, _ output: Output) throws {
        if code != ARCHIVE_OK { throw failure(writer, output) }
    }

    private static func failure(_ writer: OpaquePointer, _ output: Output) -> any Error {
        if let failure = output.failure { return failure }
        let text = archive_error_string(writer).map { String(cString: $0) } ?? "unknown"
        return BerthError(.unavailable, "compressing a layer", cause: text)
    }
}
