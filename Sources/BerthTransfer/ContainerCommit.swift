// `commit`: what a container has changed becomes a layer, and with its image's layers a new image.
import BerthLinux
import BerthModel
import BerthStore

package enum ContainerCommit {
    package static func run(
        _ request: WorkerRequest, limits: TransferLimits = TransferLimits(),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> [IngestedImage] {
        guard let work = request.commit else {
            throw BerthError(.internal, "committing a container", cause: "nothing was asked for")
        }
        let ingest = Ingest(request.ingest, limits: limits, warn: warn)
        // Packed and unpacked again: the layer is then what everybody makes of its tar, hard links and marks included.
        let archive = "\(request.ingest)/changes.tar"
        let file = try Directory.open(archive, flags: FileFlags.readWriteCreate, mode: 0o600)
        try LayerPack.writeChanges(work.upper) { try FileIO.write(number: file.number, $0) }
        NewEntry.seek(file.number, 0)
        var layer = try ingest.layer(from: file.number, file: archive, above: work.lowers)
        var config = work.config
        config.rootfs.diff_ids.append(layer.diffID)
        config.config = try ImportChanges.apply(request.changes, to: config.config ?? ImageConfig.Execution())
        let chainIDs = ContentHash.chainIDs(of: config.rootfs.diff_ids)
        try ingest.name(&layer, chainIDs.last ?? layer.diffID)
        let stored = try ingest.document(config)
        let written = try ingest.document(
            ImageManifest(
                config: ContentDescriptor(mediaType: MediaType.config, digest: stored.digest, size: stored.sizeBytes),
                layers: work.layers + [layer.descriptor]))
        return [
            IngestedImage(
                manifest: written.digest, config: stored.digest, references: request.reference.map { [$0] } ?? [],
                layers: config.rootfs.diff_ids)
        ]
    }
}
