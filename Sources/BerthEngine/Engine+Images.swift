// Images: what a worker prepares, the store commits.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch

extension Engine {
    /// Import or load: the worker reads the archive, the store takes what it made. Lines are Docker's.
    package func ingest(
        _ kind: WorkerRequest.Kind, path: String, reference: String?, changes: [String], message: String?,
        report: @escaping ProgressReport
    ) async throws -> [String] {
        if let reference { _ = try ImageStore.canonical(reference) }
        let archive: SharedDescriptor
        do { archive = SharedDescriptor(try Directory.open(path)) } catch {
            throw BerthError(.notFound, "opening \(path)", subject: path, cause: "\(error)")
        }
        var request = WorkerRequest(
            kind: kind, ingest: "", created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()).description)
        request.reference = reference
        request.changes = changes
        request.message = message
        let finished = request
        return try await offPool {
            var lines: [String] = []
            try self.parts.worker.run(finished, archive: archive, progress: Engine.warnings(report)) {
                images, ingest in
                try self.parts.images.commit(images, from: ingest)
                for image in images {
                    if kind == .importTree {
                        lines.append("\(image.config)")
                    } else if image.references.isEmpty {
                        lines.append("Loaded image ID: \(image.config)")
                    } else {
                        lines += image.references.map { "Loaded image: \(ImageReference($0)?.familiar ?? $0)" }
                    }
                }
            }
            return lines
        }
    }

    /// What a worker says on the way, for people.
    static func warnings(_ report: @escaping ProgressReport) -> (WorkerReport) -> Void {
        { if case .progress(let text) = $0 { report(.warning(text)) } }
    }

    package func save(_ references: [String], path: String) async throws {
        let images = try references.map { name in
            guard let image = try parts.images.find(name) else { throw ImageStore.noSuchImage(name) }
            let names = ImageReference(name).map {
                image.references.contains($0.canonical) ? [$0.canonical] : image.references
            }
            return (image, names ?? [])
        }
        try await save(images, path: path)
    }

    /// Writes images, each under the names that are given.
    func save(_ images: [(image: StoredImage, names: [String])], path: String) async throws {
        var request = WorkerRequest(kind: .save, ingest: "", created: "")
        for (image, names) in images {
            parts.images.places(of: image, &request)
            let size = try FileStatus.of(parts.layout.blob(image.manifestDigest)).sizeBytes
            request.images.append(
                SavedImage(manifest: image.manifestDigest, manifestSize: size, references: names))
        }
        let output: SharedDescriptor
        do { output = SharedDescriptor(try Directory.open(path, flags: FileFlags.writeNew, mode: 0o600)) } catch {
            throw BerthError(.denied, "writing \(path)", subject: path, cause: "\(error)")
        }
        let finished = request
        do {
            try await offPool {
                try self.parts.worker.run(finished, archive: output, progress: { _ in }, commit: { _, _ in })
            }
        } catch {
            Engine.removeHalf(output, path)
            throw error
        }
    }

    /// Half an archive is none. Only the file itself goes, and only under its own name; what is no file stays.
    static func removeHalf(_ file: SharedDescriptor, _ path: String) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        // Ignored: one that stays is refused by who loads it.
        guard let directory = try? Directory.open(parent, flags: FileFlags.directory),
            let named = try? FileStatus.of(name, in: directory.number), let open = try? FileStatus.of(file.number),
            named.kind == .regular, named.device == open.device, named.inode == open.inode
        else { return }
        NewEntry.remove(in: directory.number, name)
    }

    /// Blocking work beside the cooperative pool.
    func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    package func images() throws -> [StoredImage] { try parts.images.list() }

    package func image(_ name: String) throws -> StoredImage {
        guard let found = try parts.images.find(name) else { throw ImageStore.noSuchImage(name) }
        return found
    }

    package func removeImage(_ name: String, force: Bool) async throws -> [String] {
        let used = parts.registry.all().map(\.record)
        let lines = try parts.images.remove(
            name, force: force, inUse: Set(used.flatMap(\.usedImages).map(\.id)),
            leased: force ? [] : try parts.store.leasedImages())
        try collectLayers()
        return lines
    }
}
