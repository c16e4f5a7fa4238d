// A finished stage as an image: its config and manifest, as blobs in the ingest directory.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

struct ImageAssembly {
    let session: BuildSession
    let target: BuildTarget

    func image(_ state: StageState) async throws -> IngestedImage {
        var contents: [BuildLayer.Content] = []
        for layer in (state.top?.chain ?? []).reversed() { contents.append(try await layer.content.value) }
        var config = ImageConfig(platform: state.platform, rootfs: .init(diffIDs: contents.map(\.diffID)))
        var execution = state.execution
        if !target.labels.isEmpty { execution.Labels = (execution.Labels ?? [:]).merging(target.labels) { $1 } }
        config.config = execution
        config.author = state.author
        config.history = state.history
        // Nothing was made, and nothing of the base says when: then it is made now, each time anew.
        config.created = epoch ?? state.created ?? session.now
        let stored = try document(config)
        var manifest = ImageManifest(
            config: ContentDescriptor(mediaType: MediaType.config, digest: stored.digest, size: stored.sizeBytes),
            layers: contents.map { ImageAssembly.plain($0.descriptor) })
        if !target.annotations.isEmpty { manifest.annotations = target.annotations }
        let written = try document(manifest)
        return IngestedImage(
            manifest: written.digest, config: stored.digest, references: target.tags, layers: contents.map(\.diffID))
    }

    private var epoch: String? {
        target.arguments["SOURCE_DATE_EPOCH"].flatMap { Int64($0) }.map(BuildSession.text)
    }

    /// In an OCI manifest all layers have OCI's names.
    private static func plain(_ descriptor: ContentDescriptor) -> ContentDescriptor {
        var plain = ContentDescriptor(
            mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size)
        if plain.mediaType == MediaType.dockerLayerGzip { plain.mediaType = MediaType.layerGzip }
        return plain
    }

    /// Keys are sorted, so equal documents have equal digests.
    private func document(_ value: some Encodable) throws -> (digest: Digest, sizeBytes: Int64) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(value))
        let digest = ContentHash.digest(of: bytes)
        try FileIO.replace("\(session.ingest)/blobs/\(digest.hex)", bytes)
        return (digest, Int64(bytes.count))
    }
}
