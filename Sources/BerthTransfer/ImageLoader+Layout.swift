// OCI layouts: from index.json through nested indexes to the manifest for this host.
import BerthModel
import BerthStore

extension ImageLoader {
    private static let indexDepthMax = 4
    private static let indexTypes: Set<String> = [MediaType.index, MediaType.dockerIndex]
    private static let manifestTypes: Set<String> = [MediaType.manifest, MediaType.dockerManifest]
    private static let configTypes: Set<String> = [MediaType.config, MediaType.dockerConfig]
    private static let layerTypePrefixes = [
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ]

    private struct LayoutVersion: Decodable { var imageLayoutVersion: String }

    /// What a document is by its keys: one that is both a manifest and an index means something else to everybody.
    private struct Shape: Decodable {
        enum CodingKeys: String, CodingKey { case mediaType, manifests, layers, config }
        var mediaType: String?
        var isIndex: Bool
        var isManifest: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            mediaType = try container.decodeIfPresent(String.self, forKey: .mediaType)
            isIndex = container.contains(.manifests)
            isManifest = container.contains(.layers) || container.contains(.config)
        }
    }

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
        return try index.manifests.filter { !ImageLoader.isAttestation($0) }.map { descriptor in
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

    /// BuildKit puts its attestations beside the images, for a platform that nobody has.
    private static func isAttestation(_ descriptor: ContentDescriptor) -> Bool {
        descriptor.annotations?["vnd.docker.reference.type"] != nil || descriptor.platform?.os == "unknown"
    }

    private func load(_ descriptor: ContentDescriptor, references: [String], depth: Int) throws -> IngestedImage {
        guard depth < ImageLoader.indexDepthMax else {
            throw BerthError(.invalid, "loading images", cause: "indexes are nested too deeply")
        }
        let bytes = try verified(descriptor)
        let name = "\(descriptor.digest)"
        let shape: Shape = try decode(bytes, name)
        guard !(shape.isIndex && shape.isManifest), shape.mediaType == nil || shape.mediaType == descriptor.mediaType
        else {
            throw BerthError(
                .invalid, "loading images", subject: name,
                cause: "\(name) is not the \(descriptor.mediaType) it is said to be")
        }
        if ImageLoader.indexTypes.contains(descriptor.mediaType) {
            return try load(try choose(try decode(bytes, name)), references: references, depth: depth + 1)
        }
        guard ImageLoader.manifestTypes.contains(descriptor.mediaType) else {
            throw ImageLoader.noImage(descriptor.mediaType)
        }
        let manifest: ImageManifest = try decode(bytes, name)
        guard ImageLoader.configTypes.contains(manifest.config.mediaType) else {
            throw ImageLoader.noImage(manifest.config.mediaType)
        }
        for layer in manifest.layers
        where !ImageLoader.layerTypePrefixes.contains(where: { layer.mediaType.hasPrefix($0) }) {
            throw ImageLoader.noImage(layer.mediaType)
        }
        let config = try verified(manifest.config)
        try store(config)
        try store(bytes)
        let layers = try unpack(
            manifest.layers.map { "blobs/sha256/\($0.digest.hex)" }, config, expected: manifest.layers)
        return IngestedImage(
            manifest: descriptor.digest, config: manifest.config.digest, references: references,
            layers: layers.map(\.diffID))
    }

    private func choose(_ index: ImageIndex) throws -> ContentDescriptor {
        let host = Platform.host
        let images = index.manifests.filter { !ImageLoader.isAttestation($0) }
        let fitting = images.filter { $0.platform?.os == host.os && $0.platform?.architecture == host.architecture }
        if let choice = fitting.first(where: { $0.platform?.variant == host.variant }) ?? fitting.first {
            return choice
        }
        if images.count == 1 { return images[0] }
        throw BerthError(.notFound, "loading images", cause: "no image for \(host) among \(images.count)")
    }

    private static func noImage(_ type: String) -> BerthError {
        BerthError(.unsupported, "loading images", cause: "\(type) is no part of a container image")
    }
}
