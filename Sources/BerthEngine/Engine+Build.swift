// Building: a worker reads and decides, the agent runs its steps and keeps what they make.
import BerthLinux
import BerthModel
import BerthStore

extension Engine {
    /// Builds images as one graph. Returns them in the order of the targets.
    ///
    /// - Parameter secrets: contents by digest text; they stay in memory.
    package func build(
        _ targets: [BuildTarget], secrets: [String: [UInt8]], _ access: RegistryAccess,
        report: @escaping ProgressReport
    ) async throws -> [BuiltImage] {
        for tag in targets.flatMap(\.tags) { _ = try ImageStore.canonical(tag) }
        var request = WorkerRequest(
            kind: .build, ingest: "",
            created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()).description)
        request.build = BuildWork(targets: targets, layout: parts.layout)
        let finished = request
        let outputs = targets.filter { $0.output != nil }
        let known = outputs.isEmpty ? [] : Set(try parts.images.list().map(\.id))
        let run = try BuildRun(engine: self, targets: targets, secrets: secrets, access: access, report: report)
        let built = try await withTaskCancellationHandler {
            try await offPool { try run.perform(finished) }
        } onCancel: {
            run.cancel()
        }
        for (target, image) in zip(targets, built) {
            if let output = target.output { try await export(image, output, known: known) }
        }
        try trimBuildCache()
        if parts.images.hasUncollected { try await offPool { _ = try self.collectLayers() } }
        return built
    }

    /// Chains of layers that the build cache keeps.
    func cachedLayers() throws -> Set<Digest> {
        Set(try parts.store.cachedSteps().compactMap(\.chainID))
    }

    /// What the build cache may hold before what was used longest ago goes.
    private static let cacheBytesMax: Int64 = 20 << 30

    private func trimBuildCache() throws {
        var total = try parts.store.cachedBytes()
        if total <= Engine.cacheBytesMax { return }
        for row in try parts.store.cachedSteps() where total > Engine.cacheBytesMax {
            try parts.store.removeCachedStep(row.step.key)
            total -= row.step.layer?.sizeBytes ?? 0
        }
        try collectLayers()
    }

    /// Forgets cached steps; with `all`, what cache mounts hold too.
    package func pruneBuilds(all: Bool) async throws -> PruneResult {
        try await offPool {
            let before = self.parts.images.storedBytes + DiskUsage.bytes(of: self.parts.layout.cacheMounts)
            var lines: [String] = []
            for row in try self.parts.store.cachedSteps() {
                try self.parts.store.removeCachedStep(row.step.key)
                lines.append(row.step.key.short)
            }
            if all { try Directory.remove(self.parts.layout.cacheMounts) }
            try self.collectLayers()
            let after = self.parts.images.storedBytes + DiskUsage.bytes(of: self.parts.layout.cacheMounts)
            return PruneResult(lines: lines, freedBytes: max(0, before - after))
        }
    }

    /// Removes layers and blobs that no image, no container and no cached step needs. Returns the bytes freed.
    @discardableResult
    func collectLayers() throws -> Int64 {
        let images = parts.registry.all().flatMap(\.record.usedImages)
        let used = Set(images.flatMap { ContentHash.chainIDs(of: $0.layers) })
        return try parts.images.collect(
            keepingLayers: used.union(try cachedLayers()), leased: try parts.store.leasedImages())
    }
}
