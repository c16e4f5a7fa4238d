// `commit` and `export` of containers: their changes as an image, their tree as an archive.
import BerthLinux
import BerthModel
import BerthStore

/// What `commit` is told beside the container.
package struct CommitOptions: Sendable {
    /// Nil: an image without a name.
    package var reference: String?
    package var author: String?
    package var message: String?
    /// Dockerfile-style.
    package var changes: [String] = []
    /// The container stands still meanwhile.
    package var pauses = true
    package init() {}
}

extension Engine {
    /// Returns the image's id.
    package func commit(_ id: ContainerID, _ options: CommitOptions) async throws -> Digest {
        let driver = try driver(id)
        let record = await driver.record
        let reference = try options.reference.map(ImageStore.canonical)
        guard let base = try parts.images.find(record.imageID.hex) else {
            throw BerthError(
                .conflict, "committing \(record.name)", subject: record.name,
                cause: "the image that it was made from is not in the store any more",
                hint: "pull or load \(record.imageReference) again")
        }
        var request = WorkerRequest(
            kind: .commit, ingest: "",
            created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()).description)
        request.reference = reference
        request.changes = options.changes
        request.commit = CommitWork(
            upper: parts.layout.snapshotUpper(id.text),
            lowers: ContentHash.chainIDs(of: record.layers).reversed().map { parts.layout.layer(chainID: $0) },
            layers: base.manifest.layers, config: Engine.config(of: record, base, options, created: request.created))
        let finished = request
        let status = await driver.status
        let stops = options.pauses && status.isRunning && status.state != .paused
        if stops { try await driver.setPaused(true) }
        let result = await Result.of {
            try await self.offPool {
                try self.parts.images.keepingAll {
                    var made: Digest?
                    try self.parts.worker.run(finished, archive: nil, progress: { _ in }) { images, ingest in
                        try self.parts.images.commit(images, from: ingest)
                        made = images.first?.config
                    }
                    return made
                }
            }
        }
        if stops { try await driver.setPaused(false) }
        guard let made = try result.get() else {
            throw BerthError(.internal, "committing \(record.name)", cause: "the worker made no image")
        }
        return made
    }

    /// The image's config as the container ran it.
    private static func config(
        of record: ContainerRecord, _ base: StoredImage, _ options: CommitOptions, created: String
    ) -> ImageConfig {
        var config = base.config
        config.created = created
        if let author = options.author { config.author = author }
        let service = record.service
        var execution = record.imageExecution
        if let entrypoint = service.entrypoint {
            execution.Entrypoint = entrypoint
            execution.Cmd = nil
        }
        if let command = service.command { execution.Cmd = command }
        for key in service.environment.keys.sorted() {
            var kept = (execution.Env ?? []).filter { !$0.hasPrefix("\(key)=") }
            if let value = service.environment[key] ?? nil { kept.append("\(key)=\(value)") }
            execution.Env = kept
        }
        execution.WorkingDir = service.workingDirectory ?? execution.WorkingDir
        execution.User = service.user ?? execution.User
        execution.StopSignal = service.stopSignal ?? execution.StopSignal
        if !record.labels.isEmpty { execution.Labels = (execution.Labels ?? [:]).merging(record.labels) { $1 } }
        config.config = execution
        var step = ImageConfig.History()
        step.created = created
        step.created_by = ((execution.Entrypoint ?? []) + (execution.Cmd ?? [])).joined(separator: " ")
        step.author = options.author
        step.comment = options.message
        // Layers without a step would take this one for theirs.
        let known = (config.history ?? []).filter { $0.empty_layer != true }.count
        let missing = max(0, config.rootfs.diff_ids.count - known)
        config.history = (config.history ?? []) + Array(repeating: ImageConfig.History(), count: missing) + [step]
        return config
    }

    /// Writes a container's whole tree as a tar, without what is mounted in it.
    package func exportContainer(_ id: ContainerID, path: String) async throws {
        let record = await (try driver(id)).record
        let layers = ContentHash.chainIDs(of: record.layers).reversed().map {
            "\(parts.layout.layer(chainID: $0))/diff"
        }
        try await writeTree([parts.layout.snapshotUpper(id.text)] + layers, isArchive: true, path: path)
    }
}

extension Result where Failure == any Error {
    static func of(_ body: () async throws -> sending Success) async -> sending Result {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
