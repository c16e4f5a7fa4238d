// One blob into a file: hashed as it comes, resumed where a connection broke, named only when it is whole and right.
import AsyncHTTPClient
import BerthLinux
import BerthModel
import BerthStore
import NIOCore
import NIOHTTP1

struct BlobDownload {
    let client: RegistryClient
    /// The repository's path.
    let path: String
    let descriptor: ContentDescriptor
    let limits: TransferLimits
    let progress: @Sendable (LayerProgress) -> Void
    /// Broken connections that brought less than this count as failed attempts. Of what was sent before a break, part
    /// may be lost on our side, so it is little.
    private static let headwayBytes: Int64 = 64 << 10
    private static let progressInterval = Duration.milliseconds(100)

    /// Downloads into `partial`, then renames it to `place`.
    ///
    /// - Parameter kept: what an earlier pull left of it, which is not ours to change.
    func run(kept: String, partial: String, place: String) async throws {
        let file = try Directory.open(partial, flags: FileFlags.readWriteCreate, mode: 0o600)
        var reserve = try DiskReserve(file.number, limits)
        var hash = ContentHash()
        // Mostly there is nothing.
        if let earlier = try? Directory.open(kept) { hash = try begun(file.number, earlier.number, &reserve) }
        let isResumed = hash.byteCount > 0
        do {
            try await fill(file.number, &hash, &reserve)
        } catch let error as BerthError where error.code == .corrupt && isResumed {
            // What was kept may have been wrong from the start.
            hash = try restart(file.number)
            try await fill(file.number, &hash, &reserve)
        }
        try FileMove.rename(partial, place)
    }

    /// Copies what is there already; it has to be read for its hash in any case.
    private func begun(_ file: Int32, _ earlier: Int32, _ reserve: inout DiskReserve) throws -> ContentHash {
        var hash = ContentHash()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = try FileIO.readSome(earlier, &buffer)
            if count == 0 { break }
            try buffer.withUnsafeBytes { all in
                let bytes = UnsafeRawBufferPointer(rebasing: all[..<count])
                hash.update(bytes)
                try FileIO.write(number: file, bytes)
            }
            try reserve.spend(Int64(count))
            if hash.byteCount > descriptor.size { return try restart(file) }
        }
        return hash
    }

    private func restart(_ file: Int32) throws -> ContentHash {
        try NewEntry.truncate(file, 0)
        NewEntry.seek(file, 0)
        return ContentHash()
    }

    private func fill(_ file: Int32, _ hash: inout ContentHash, _ reserve: inout DiskReserve) async throws {
        var attempt = 0
        while hash.byteCount < descriptor.size || descriptor.size == 0 {
            let before = hash.byteCount
            do {
                try await stream(file, &hash, &reserve)
                if hash.byteCount == descriptor.size { break }
            } catch let error as BerthError {
                throw error
            } catch {
                guard attempt < RegistryClient.attemptsMax, !(error is CancellationError) else {
                    throw client.unreachable(what, error)
                }
            }
            attempt = hash.byteCount - before >= BlobDownload.headwayBytes ? 1 : attempt + 1
            guard attempt < RegistryClient.attemptsMax else {
                throw BerthError(
                    .unavailable, "pulling \(what)", subject: what,
                    cause: "the connection broke \(attempt) times, at \(hash.byteCount) of \(descriptor.size) bytes")
            }
            progress(
                LayerProgress(
                    layer: descriptor.digest, phase: .retrying, doneBytes: hash.byteCount, totalBytes: descriptor.size))
            try await client.pauseBefore(attempt: attempt)
        }
        guard hash.byteCount == descriptor.size, hash.finish() == descriptor.digest else {
            // Nothing of it is worth going on with.
            _ = try restart(file)
            throw client.disagrees(what, "content and digest disagree")
        }
    }

    private var what: String { "\(descriptor.digest) of \(client.name)/\(path)" }

    private func stream(_ file: Int32, _ hash: inout ContentHash, _ reserve: inout DiskReserve) async throws {
        let response = try await client.blob(path, descriptor.digest, from: hash.byteCount)
        if hash.byteCount > 0, response.status != .partialContent || !starts(response, at: hash.byteCount) {
            // It sends all of it again.
            hash = try restart(file)
        }
        var told = ContinuousClock.now
        for try await part in response.body {
            guard hash.byteCount + Int64(part.readableBytes) <= descriptor.size else {
                throw client.disagrees(what, "it is longer than the \(descriptor.size) bytes it should have")
            }
            try part.withUnsafeReadableBytes { bytes in
                hash.update(bytes)
                try FileIO.write(number: file, bytes)
            }
            try reserve.spend(Int64(part.readableBytes))
            if ContinuousClock.now - told >= BlobDownload.progressInterval {
                told = .now
                progress(
                    LayerProgress(
                        layer: descriptor.digest, phase: .downloading, doneBytes: hash.byteCount,
                        totalBytes: descriptor.size))
            }
        }
        if descriptor.size == 0 && hash.byteCount == 0 { return }
    }

    /// `Content-Range: bytes 100-…`.
    private func starts(_ response: HTTPClientResponse, at offset: Int64) -> Bool {
        guard let range = response.headers.first(name: "Content-Range"), range.hasPrefix("bytes ") else { return false }
        return Int64(range.dropFirst(6).prefix { $0.isNumber }) == offset
    }
}
