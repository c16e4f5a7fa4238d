// Housekeeping: what the state takes, what may go, and whether it is whole.
import BerthLinux
import BerthModel
import BerthStore

extension Engine {
    private var inUse: (images: Set<Digest>, layers: Set<Digest>) {
        let records = parts.registry.all().map(\.record)
        // Ignored: a cache that cannot be read is no cache.
        let cached = (try? cachedLayers()) ?? []
        return (
            Set(records.flatMap(\.usedImages).map(\.id)),
            Set(records.flatMap(\.usedImages).flatMap { ContentHash.chainIDs(of: $0.layers) }).union(cached)
        )
    }

    package func pruneImages(_ filter: PruneFilter) async throws -> PruneResult {
        try await offPool {
            let used = self.inUse
            let before = self.parts.images.storedBytes
            let leased = try self.parts.store.leasedImages()
            PartialBlobs(self.parts.layout).remove(olderThan: nil)
            try self.parts.images.forgetUnreachableDocuments()
            self.removeStaleUploads()
            var lines: [String] = []
            if let budget = filter.keepBytes {
                try self.collectLayers()
                for image in try self.longestUnused() where self.parts.images.storedBytes > budget {
                    lines += try self.parts.images.forgetUnused(all: filter.all, inUse: used.images, leased: leased) {
                        $0.manifestDigest == image && filter.admits($0.config)
                    }
                    try self.collectLayers()
                }
            } else {
                lines = try self.parts.images.forgetUnused(all: filter.all, inUse: used.images, leased: leased) {
                    filter.admits($0.config)
                }
                try self.collectLayers()
            }
            return PruneResult(lines: lines, freedBytes: max(0, before - self.parts.images.storedBytes))
        }
    }

    /// What a registry left behind that was killed; one that runs cleans up by itself.
    private func removeStaleUploads() {
        // Ignored: what stays is removed when the next registry starts.
        guard (try? FileStatus.of(parts.layout.uploads)) != nil,
            let lock = try? FileLock.tryTake(parts.layout.uploadsLock)
        else { return }
        try? Directory.remove(parts.layout.uploads)
        _ = consume lock
    }

    /// Manifests, those first that were pulled, or else made, longest ago.
    private func longestUnused() throws -> [Digest] {
        try parts.images.list().map { image -> (time: Int64, manifest: Digest) in
            let pulls = try image.references.compactMap { try parts.store.pulled($0)?.nanosecondsSinceEpoch }
            let made = image.config.created.flatMap { Timestamp(rfc3339: $0) }?.nanosecondsSinceEpoch ?? 0
            return (pulls.max() ?? made, image.manifestDigest)
        }.sorted { ($0.time, $0.manifest) < ($1.time, $1.manifest) }.map(\.manifest)
    }

    package func diskReport() async throws -> DiskReport {
        var running: Set<ContainerID> = []
        for (driver, record) in parts.registry.all() where await driver.status.isRunning { running.insert(record.id) }
        return try await offPool { [running] in
            let used = self.inUse
            let records = self.parts.registry.all().map(\.record)
            let images = try self.parts.images.list()
            var lines = [
                DiskReport.Line(
                    type: "Images", total: images.count, active: images.filter { used.images.contains($0.id) }.count,
                    sizeBytes: self.parts.images.storedBytes,
                    reclaimableBytes: try self.parts.images.reclaimableBytes(
                        inUse: used.images, usedLayers: used.layers))
            ]
            func size(_ record: ContainerRecord) -> Int64 {
                DiskUsage.bytes(of: self.parts.layout.snapshotUpper(record.id.text))
                    + DiskUsage.bytes(of: self.parts.layout.logDirectory(record.id))
            }
            let sizes = records.map { (isRunning: running.contains($0.id), bytes: size($0)) }
            lines.append(
                DiskReport.Line(
                    type: "Containers", total: records.count, active: running.count,
                    sizeBytes: sizes.reduce(0) { $0 + $1.bytes },
                    reclaimableBytes: sizes.reduce(0) { $0 + ($1.isRunning ? 0 : $1.bytes) }))
            let mounted = Set(
                records.flatMap(\.mounts).compactMap { mount -> String? in
                    if case .volume(let name, _, _, _) = mount.source { name } else { nil }
                })
            let volumes = try self.parts.store.volumes().map {
                (isUsed: mounted.contains($0.name), bytes: DiskUsage.bytes(of: self.parts.layout.volume($0.name)))
            }
            lines.append(
                DiskReport.Line(
                    type: "Local Volumes", total: volumes.count, active: volumes.filter(\.isUsed).count,
                    sizeBytes: volumes.reduce(0) { $0 + $1.bytes },
                    reclaimableBytes: volumes.reduce(0) { $0 + ($1.isUsed ? 0 : $1.bytes) }))
            let steps = try self.parts.store.cachedSteps()
            let cacheBytes = steps.reduce(Int64(0)) { $0 + ($1.step.layer?.sizeBytes ?? 0) }
            lines.append(
                DiskReport.Line(
                    type: "Build Cache", total: steps.count, active: 0,
                    sizeBytes: cacheBytes + DiskUsage.bytes(of: self.parts.layout.cacheMounts),
                    reclaimableBytes: cacheBytes + DiskUsage.bytes(of: self.parts.layout.cacheMounts)))
            return DiskReport(lines: lines)
        }
    }

    /// - Parameter repairs: unknown content goes, and names of damaged images, so that a pull makes them whole.
    package func checkStore(repairs: Bool) async throws -> [StoreProblem] {
        try await offPool {
            let used = self.inUse
            let problems = try self.parts.images.check(
                usedLayers: used.layers, leased: try self.parts.store.leasedImages())
            if repairs && !problems.isEmpty {
                _ = try self.parts.images.forgetDamaged()
                try self.collectLayers()
            }
            return problems
        }
    }
}
