// The first half of reading a layer: its bytes as they come, hashed and kept, and what they decompress to, a few
// buffers ahead of who uses it.
import BerthLinux
import BerthModel
import BerthStore
import CArchive
import Dispatch
import Synchronization

/// Guarded by its turns: a buffer, and all else but `isStopped`, belongs to the thread from `free` to `full`, and to
/// who takes from `full` to `free`. When the thread has ended, all belongs to who takes.
final class Decompression: @unchecked Sendable {
    private let source: Int32
    private let blobFile: Int32
    private let writesGiven: Bool
    private let raw: OpaquePointer
    private var input = [UInt8](repeating: 0, count: 256 << 10)
    private var given = ContentHash()
    /// Bytes read before the compression was known.
    private var held: [UInt8]? = []
    private var reserve: DiskReserve
    private var failure: (any Error)?
    private(set) var keepsGiven = false

    private static let buffersMax = 4
    private static let bufferBytes = 256 << 10
    /// Memory and not arrays: two threads are in it at once, in different buffers.
    private let buffers = UnsafeMutableRawPointer.allocate(byteCount: buffersMax * bufferBytes, alignment: 64)
    /// Of each buffer: bytes in it; 0: the end; less: a failure.
    private let counts = UnsafeMutablePointer<Int>.allocate(capacity: buffersMax)
    /// From nothing, since a semaphore may not end below what it began with.
    private let free = DispatchSemaphore(value: 0)
    private let full = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let isStopped = Atomic(false)
    private var isStarted = false
    private var hasEnded = false
    /// The buffer that is being used.
    private var taken: Int?
    private var nextTaken = 0

    init(source: Int32, blobFile: Int32, writesGiven: Bool, limits: TransferLimits) throws {
        counts.initialize(repeating: 0, count: Decompression.buffersMax)
        self.source = source
        self.blobFile = blobFile
        self.writesGiven = writesGiven
        reserve = try DiskReserve(blobFile, limits)
        guard let raw = archive_read_new() else {
            throw BerthError(.exhausted, "reading an archive", cause: "no memory")
        }
        self.raw = raw
        Decompression.supportFilters(raw)
        archive_read_support_format_raw(raw)
        // An empty archive is an archive.
        archive_read_support_format_empty(raw)
        archive_read_set_read_callback(raw) { _, context, buffer in
            guard let context, let buffer else { return -1 }
            return Unmanaged<Decompression>.fromOpaque(context).takeUnretainedValue().readGiven(buffer)
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

    deinit {
        archive_read_free(raw)
        buffers.deallocate()
        counts.deallocate()
    }

    /// Never all of libarchive's: some of those start programs.
    static func supportFilters(_ reader: OpaquePointer) {
        archive_read_support_filter_gzip(reader)
        archive_read_support_filter_zstd(reader)
        archive_read_support_filter_xz(reader)
        archive_read_support_filter_bzip2(reader)
    }

    var compression: String {
        guard keepsGiven else { return "" }
        switch archive_filter_code(raw, 0) {
        case 1: return "+gzip"
        case 14: return "+zstd"
        default: return ""
        }
    }

    var whatWasGiven: (Digest, Int64) { (given.finish(), given.byteCount) }

    // MARK: The thread

    func start() throws {
        for _ in 0..<Decompression.buffersMax { free.signal() }
        isStarted = BackgroundThread.start { [self] in
            var index = 0
            while true {
                free.wait()
                if isStopped.load(ordering: .acquiring) { break }
                let place = buffers + index * Decompression.bufferBytes
                let count = archive_read_data(raw, place, Decompression.bufferBytes)
                counts[index] = count
                let isOver = count <= 0
                full.signal()
                if isOver { break }
                index = (index + 1) % Decompression.buffersMax
            }
            ended.signal()
        }
        if !isStarted { throw BerthError(.exhausted, "reading an archive", cause: "there is no thread to be had") }
    }

    /// Returns when the thread uses nothing any more.
    func stop() {
        guard isStarted, !hasEnded else { return }
        isStopped.store(true, ordering: .releasing)
        free.signal()
        ended.wait()
        hasEnded = true
    }

    /// The next bytes, valid until the next call; nil at the end.
    func take() throws -> UnsafeRawBufferPointer? {
        if taken != nil {
            taken = nil
            free.signal()
        }
        if hasEnded { return nil }
        full.wait()
        let index = nextTaken
        let count = counts[index]
        if count <= 0 {
            ended.wait()
            hasEnded = true
            if count < 0 { throw failure ?? error("reading the archive") }
            return nil
        }
        taken = index
        nextTaken = (index + 1) % Decompression.buffersMax
        return UnsafeRawBufferPointer(start: buffers + index * Decompression.bufferBytes, count: count)
    }

    // MARK: Bytes as they come

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

    /// Bytes behind the compressed stream belong to the blob as well. After the end.
    func readRest() throws {
        var unused: UnsafeRawPointer?
        while readGiven(&unused) > 0 {}
        if let failure { throw failure }
    }

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
