// OCI layouts: from index.json through nested indexes to the manifest for this host.
import BerthModel
import BerthStore

extension ImageLoader {
    private struct LayoutVersion: Decodable { var imageLayoutVersion: String }

    func layout() throws -> [IngestedImage] {
        let version: LayoutVersion = try decode(
            try members.read("oci-layout", limit: ArchiveLoad.documentBytesMax), "oci-layout")
        guard version.imageLayoutVersion.hasPrefix("1.") else {
            throw BerthError(
                .unsupported, "loading images", cause: "an OCI layout of version \(version.imageLayoutVersion)")
        }
        let index: ImageIndex = try decode(
            try members.read("index.json", limit: ArchiveLoad.documentBytesMax), "index.json")
        guard index.manifests.count <= ArchiveLoad.imagesMax else { throw tooMany("images", ArchiveLoad.imagesMax) }
        return try index.manifests.filter { !ManifestChoice.isAttestation($0) }.map { descriptor in
            try load(descriptor, references: try ImageLoader.references(descriptor), depth: 0)
        }
    }

    /// A reference name that is a tag alone names no image.
    private static func references(_ descriptor: ContentDescriptor) throws -> [String] {
        let annotations = descriptor.annotations ?? [:]
        if let name = annotations["io.containerd.image.name"] { return [try ImageStore.canonical(name)] }
        guard let name = annotations["org.opencontainers.image.ref.name"], name.contains("/") || name.contains(":")
        else {
            return []
        }
        return [try ImageStore.canonical(name)]
    }

    private func load(_ descriptor: ContentDescriptor, references: [String], depth: Int) throws -> IngestedImage {
        guard depth < ManifestChoice.indexDepthMax else {
            throw BerthError(.invalid, "loading images", cause: "indexes are nested too deeply")
        }
        let bytes = try verified(descriptor)
        let name = "\(descriptor.digest)"
        let shape: ManifestChoice.Shape = try decode(bytes, name)
        try ManifestChoice.check(shape, descriptor.mediaType, name)
        if ManifestChoice.indexTypes.contains(descriptor.mediaType) {
            let chosen = try ManifestChoice.choose(try decode(bytes, name), for: .host, isAsked: false)
            return try load(chosen, references: references, depth: depth + 1)
        }
        guard ManifestChoice.manifestTypes.contains(descriptor.mediaType) else {
            throw ManifestChoice.noImage(descriptor.mediaType)
        }
        let manifest: ImageManifest = try decode(bytes, name)
        try ManifestChoice.check(manifest)
        let config = try verified(manifest.config)
        try store(config)
        try store(bytes)
        let layers = try unpack(
            manifest.layers.map { "blobs/sha256/\($0.digest.hex)" }, config, expected: manifest.layers)
        return IngestedImage(
            manifest: descriptor.digest, config: manifest.config.digest, references: references,
            layers: layers.map(\.diffID))
    }
}
