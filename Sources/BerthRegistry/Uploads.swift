// Blobs on their way in: sessions that a client appends to, then blobs by digest that wait for a manifest.
import BerthLinux
import BerthModel
import BerthStore
import NIOHTTP1

/// One upload under way. One request at a time has it (`Uploads` sees to that).
final class UploadSession: Sendable {
    let id: String
    let repository: String
    let file: SharedDescriptor

    init(id: String, repository: String, file: SharedDescriptor) {
        self.id = id
        self.repository = repository
        self.file = file
    }
}

/// How far an upload has come: the bytes that are written, and their hash.
struct UploadProgress: Sendable {
    var hash = ContentHash()
    var offset: Int64 { hash.byteCount }
}

actor Uploads {
    private struct Entry {
        var session: UploadSession
        var progress = UploadProgress()
        var isTaken = false
        var usedNanoseconds: Int64
    }

    private struct Waiting: Hashable {
        var repository: String
        var digest: Digest
    }

    private let root: String
    private var entries: [String: Entry] = [:]
    /// Blobs that a repository may name: sent to it, or mounted from another one; and when.
    private var waiting: [Waiting: Int64] = [:]
    private static let sessionsMax = 256
    private static let waitingMax = 10_000
    /// What nobody comes back to for so long goes.
    private static let patienceNanoseconds: Int64 = 3_600_000_000_000

    init(root: String) throws {
        self.root = root
        for name in try Directory.names(root) { try Directory.remove("\(root)/\(name)") }
        try Directory.make("\(root)/blobs")
        try Directory.make("\(root)/sessions")
    }

    nonisolated var directory: String { "\(root)/blobs" }
    nonisolated func path(_ digest: Digest) -> String { "\(root)/blobs/\(digest.hex)" }
    private func path(_ id: String) -> String { "\(root)/sessions/\(id)" }

    func removeAll() {
        entries = [:]
        waiting = [:]
        // Ignored: what stays is removed at the next start.
        for name in (try? Directory.names(root)) ?? [] { try? Directory.remove("\(root)/\(name)") }
    }

    // MARK: Sessions

    func begin(_ repository: String) throws -> String {
        sweep()
        guard entries.count < Uploads.sessionsMax else {
            throw RegistryError(.tooManyRequests, "TOOMANYREQUESTS", "too many uploads are under way")
        }
        let id = Hex.encode(randomBytes(16))
        let file = SharedDescriptor(try Directory.open(path(id), flags: FileFlags.create, mode: 0o600))
        entries[id] = Entry(
            session: UploadSession(id: id, repository: repository, file: file), usedNanoseconds: monotonicNanoseconds())
        return id
    }

    private static let unknown = RegistryError(.notFound, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")

    func offset(_ repository: String, _ id: String) throws -> Int64 {
        guard let entry = entries[id], entry.session.repository == repository else { throw Uploads.unknown }
        return entry.progress.offset
    }

    /// Gives an upload to one request until `giveBack` or `finish`.
    func take(_ repository: String, _ id: String) throws -> (UploadSession, UploadProgress) {
        guard let entry = entries[id], entry.session.repository == repository else { throw Uploads.unknown }
        guard !entry.isTaken else {
            throw RegistryError(.conflict, "BLOB_UPLOAD_INVALID", "another request is writing this upload")
        }
        entries[id]?.isTaken = true
        return (entry.session, entry.progress)
    }

    func giveBack(_ id: String, _ progress: UploadProgress) {
        entries[id]?.progress = progress
        entries[id]?.isTaken = false
        entries[id]?.usedNanoseconds = monotonicNanoseconds()
    }

    func cancel(_ repository: String, _ id: String) throws {
        guard let entry = entries[id], entry.session.repository == repository else { throw Uploads.unknown }
        end(id)
    }

    private func end(_ id: String) {
        entries[id] = nil
        // Ignored: what stays is removed at the next start.
        try? Directory.remove(path(id))
    }

    /// Makes an upload the blob that it is said to be.
    func finish(_ id: String, _ progress: UploadProgress, as digest: Digest) throws {
        guard let entry = entries[id] else { throw Uploads.unknown }
        guard progress.hash.finish() == digest else {
            end(id)
            throw RegistryError(
                .badRequest, "DIGEST_INVALID", "what was sent has the digest \(progress.hash.finish())")
        }
        guard waiting.count < Uploads.waitingMax else {
            throw RegistryError(.tooManyRequests, "TOOMANYREQUESTS", "too many blobs wait for their manifests")
        }
        try FileMove.rename(path(id), path(digest))
        entries[id] = nil
        waiting[Waiting(repository: entry.session.repository, digest: digest)] = monotonicNanoseconds()
    }

    // MARK: Blobs that wait for a manifest

    func permit(_ repository: String, _ digest: Digest) throws {
        guard waiting.count < Uploads.waitingMax else {
            throw RegistryError(.tooManyRequests, "TOOMANYREQUESTS", "too many blobs wait for their manifests")
        }
        waiting[Waiting(repository: repository, digest: digest)] = monotonicNanoseconds()
    }

    func isPermitted(_ repository: String, _ digest: Digest) -> Bool {
        waiting[Waiting(repository: repository, digest: digest)] != nil
    }

    /// They are in the store now, or not wanted any more.
    func forget(_ repository: String, _ digests: [Digest]) {
        for digest in digests { waiting[Waiting(repository: repository, digest: digest)] = nil }
        removeUnpermitted(digests)
    }

    private func removeUnpermitted(_ digests: [Digest]) {
        let wanted = Set(waiting.keys.map(\.digest))
        // Ignored: what stays is removed at the next start.
        for digest in digests where !wanted.contains(digest) { try? Directory.remove(path(digest)) }
    }

    private func sweep() {
        let oldest = monotonicNanoseconds() - Uploads.patienceNanoseconds
        for (id, entry) in entries where !entry.isTaken && entry.usedNanoseconds < oldest { end(id) }
        let late = waiting.filter { $0.value < oldest }.keys
        for key in late { waiting[key] = nil }
        removeUnpermitted(late.map(\.digest))
    }
}
