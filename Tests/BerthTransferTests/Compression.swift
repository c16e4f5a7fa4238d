// Compressed bytes for tests, made by libarchive.
import CArchive

enum Compression: CaseIterable {
    case none, gzip, zstd, xz, bzip2

    func compress(_ bytes: [UInt8]) -> [UInt8] {
        if self == .none { return bytes }
        guard let writer = archive_write_new(), let entry = archive_entry_new() else { return [] }
        defer {
            archive_write_free(writer)
            archive_entry_free(entry)
        }
        switch self {
        case .none: break
        case .gzip:
            archive_write_add_filter_gzip(writer)
            // Equal bytes give equal bytes.
            archive_write_set_filter_option(writer, "gzip", "timestamp", nil)
        case .zstd: archive_write_add_filter_zstd(writer)
        case .xz: archive_write_add_filter_xz(writer)
        case .bzip2: archive_write_add_filter_bzip2(writer)
        }
        archive_write_set_format_raw(writer)
        var output = [UInt8](repeating: 0, count: bytes.count + (1 << 16))
        var used = 0
        let capacity = output.count
        return output.withUnsafeMutableBytes { buffer in
            archive_write_set_bytes_in_last_block(writer, 1)
            archive_write_open_memory(writer, buffer.baseAddress, capacity, &used)
            archive_entry_set_filetype(entry, 0o100000)
            archive_write_header(writer, entry)
            archive_write_data(writer, bytes, bytes.count)
            archive_write_close(writer)
            return Array(buffer[..<used])
        }
    }
}
