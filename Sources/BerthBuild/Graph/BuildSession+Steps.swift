// One step: from the cache where everything about it was the same before, else run, packed and kept.
import BerthLinux
import BerthModel
import BerthStore

/// A step that is about to be taken.
struct PlannedStep: Sendable {
    /// For progress: `[web 2/5] RUN make`.
    var name: String
    var key: Digest
    /// The instruction, for who lists the cache.
    var summary: String
    var usesCache: Bool
    /// Seconds since the epoch that no time in its layer may be after.
    var timestampMax: Int64?
    /// Its lines in the Dockerfile, for who sees it fail.
    var excerpt = ""
}

/// Where a step writes.
struct StepPlace: Sendable {
    var vertex: BuildSession.Vertex
    /// In the ingest.
    var name: String
    var upper: String
    var work: String
}

extension BuildSession {
    func take(
        _ step: PlannedStep, above top: BuildLayer?, _ body: @escaping @Sendable (StepPlace) async throws -> Void
    ) async throws -> StepResult {
        try await once(step.key, above: top) { [self] in
            if step.usesCache, let found = try await sandbox.cached(step.key),
                let result = try await result(of: found, step, above: top)
            {
                end(begin(step.name), .cached)
                return result
            }
            let vertex = begin(step.name)
            do {
                let result = try await make(step, vertex, above: top, body)
                end(vertex, .done)
                return result
            } catch {
                let cause = (error as? BerthError)?.cause ?? "\(error)"
                end(vertex, .failed, "\(step.excerpt)\n\(cause)")
                throw error
            }
        }
    }

    /// A row fits where it was made upon the very tree that is here now.
    private func result(
        of found: CachedStep, _ step: PlannedStep, above top: BuildLayer?
    ) async throws -> StepResult? {
        guard try await found.parent == top?.chainID.value else { return nil }
        guard let layer = found.layer else { return StepResult(top: top, isEmpty: true, created: found.created) }
        let chain = ContentHash.chain(layer.diffID, above: found.parent)
        let path = "\(layers)/\(chain.hex)/diff"
        // Ignored: a layer that is gone is made again.
        guard let tree = try? Directory.open(path, flags: FileFlags.directory) else { return nil }
        let made = BuildLayer(above: top, path: path, tree: SharedDescriptor(tree)) {
            .init(diffID: layer.diffID, descriptor: layer.descriptor)
        }
        return StepResult(top: made, isEmpty: false, created: found.created)
    }

    private func make(
        _ step: PlannedStep, _ vertex: Vertex, above top: BuildLayer?,
        _ body: @Sendable (StepPlace) async throws -> Void
    ) async throws -> StepResult {
        let name = newName("step")
        let place = StepPlace(
            vertex: vertex, name: name, upper: "\(ingest)/\(name)/diff", work: "\(ingest)/\(name)-work")
        try Directory.make(place.upper, mode: 0o755)
        try Directory.make(place.work)
        try await body(place)
        let created = step.timestampMax.map(Self.text) ?? now
        let tree = try Directory.open(place.upper, flags: FileFlags.directory)
        if try Directory.names(place.upper).isEmpty {
            keep(step, nil, above: top, name, created)
            return StepResult(top: top, isEmpty: true, created: created)
        }
        let shared = SharedDescriptor(tree)
        if let timestampMax = step.timestampMax {
            try await offPool { try FileTimes.limit(below: shared.number, toSeconds: timestampMax) }
        }
        let packed = Deferred { [self, packer] in
            try await offPool {
                try packer.pack("/proc/self/fd/\(shared.number)")
            }
        }
        let made = BuildLayer(above: top, path: place.upper, tree: shared) {
            let packed = try await packed.value
            return .init(diffID: packed.diffID, descriptor: packed.descriptor)
        }
        keep(step, packed, above: top, name, created)
        return StepResult(top: made, isEmpty: false, created: created)
    }

    private func keep(
        _ step: PlannedStep, _ packed: Deferred<PackedLayer>?, above top: BuildLayer?, _ name: String,
        _ created: String
    ) {
        beside { [self] in
            let layer = try await packed?.value
            let parent = try await top?.chainID.value
            try await sandbox.keep(
                CachedStep(key: step.key, parent: parent, layer: layer, summary: step.summary, created: created),
                directory: name)
        }
    }

    /// RFC 3339 of seconds since the epoch.
    static func text(_ seconds: Int64) -> String {
        Timestamp(nanosecondsSinceEpoch: seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
            .description
    }
}
