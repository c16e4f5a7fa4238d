// `image import`: a root tree becomes an image of one layer.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

package enum ArchiveImport {
    package static func run(
        _ request: WorkerRequest, archive: Int32, limits: TransferLimits = TransferLimits(),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> [IngestedImage] {
        let ingest = Ingest(request.ingest, limits: limits, warn: warn)
        let execution = try ImportChanges.apply(request.changes)
        var layer = try ingest.layer(from: archive)
        try ingest.name(&layer, layer.diffID)
        var config = ImageConfig(platform: .host, rootfs: .init(diffIDs: [layer.diffID]))
        config.created = request.created
        config.config = execution
        var history = ImageConfig.History()
        history.created = request.created
        history.comment = request.message ?? "Imported from -"
        config.history = [history]
        let stored = try ingest.document(config)
        let manifest = ImageManifest(
            config: ContentDescriptor(mediaType: MediaType.config, digest: stored.digest, size: stored.sizeBytes),
            layers: [layer.descriptor])
        let written = try ingest.document(manifest)
        return [
            IngestedImage(
                manifest: written.digest, config: stored.digest, references: request.reference.map { [$0] } ?? [],
                layers: [layer.diffID])
        ]
    }
}
