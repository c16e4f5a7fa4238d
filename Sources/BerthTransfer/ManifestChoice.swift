// What manifests and indexes say: checked for being what they are said to be, and the one for a platform chosen.
import BerthModel

enum ManifestChoice {
    static let indexDepthMax = 4
    static let layersMax = 500
    static let indexTypes: Set<String> = [MediaType.index, MediaType.dockerIndex]
    static let manifestTypes: Set<String> = [MediaType.manifest, MediaType.dockerManifest]
    private static let configTypes: Set<String> = [MediaType.config, MediaType.dockerConfig]
    private static let layerTypePrefixes = [
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ]

    /// What a document is by its keys: one that is both a manifest and an index means something else to everybody.
    struct Shape: Decodable {
        enum CodingKeys: String, CodingKey { case mediaType, manifests, layers, config, fsLayers }
        var mediaType: String?
        var isIndex: Bool
        var isManifest: Bool
        var isSchema1: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            mediaType = try container.decodeIfPresent(String.self, forKey: .mediaType)
            isIndex = container.contains(.manifests)
            isManifest = container.contains(.layers) || container.contains(.config)
            isSchema1 = container.contains(.fsLayers)
        }
    }

    /// - Parameter mediaType: what the descriptor or the registry says.
    static func check(_ shape: Shape, _ mediaType: String, _ name: String) throws {
        if shape.isSchema1 {
            throw BerthError(
                .unsupported, "reading \(name)", subject: name, cause: "it is an image of Docker's old schema 1",
                hint: "push it again with a present-day client")
        }
        guard !(shape.isIndex && shape.isManifest), shape.mediaType == nil || shape.mediaType == mediaType,
            indexTypes.contains(mediaType) != shape.isManifest || !manifestTypes.contains(mediaType) || shape.isManifest
        else {
            throw BerthError(
                .invalid, "reading \(name)", subject: name, cause: "\(name) is not the \(mediaType) it is said to be")
        }
    }

    /// Only what makes a container: a config and layers of known types.
    static func check(_ manifest: ImageManifest) throws {
        guard configTypes.contains(manifest.config.mediaType) else { throw noImage(manifest.config.mediaType) }
        guard manifest.layers.count <= layersMax else {
            throw BerthError(.exhausted, "reading an image", cause: "it has more than \(layersMax) layers")
        }
        for layer in manifest.layers {
            guard layerTypePrefixes.contains(where: { layer.mediaType.hasPrefix($0) }) else {
                throw noImage(layer.mediaType)
            }
            guard layer.size >= 0 else {
                throw BerthError(.invalid, "reading an image", cause: "a layer of \(layer.size) bytes")
            }
        }
    }

    static func noImage(_ type: String) -> BerthError {
        BerthError(.unsupported, "reading an image", cause: "\(type.prefix(200)) is no part of a container image")
    }

    /// BuildKit puts its attestations beside the images, for a platform that nobody has.
    static func isAttestation(_ descriptor: ContentDescriptor) -> Bool {
        descriptor.annotations?["vnd.docker.reference.type"] != nil || descriptor.platform?.os == "unknown"
    }

    /// The manifest of an index that fits a platform best.
    ///
    /// - Parameter isAsked: false: a single image of another platform is taken too.
    static func choose(_ index: ImageIndex, for platform: Platform, isAsked: Bool) throws -> ContentDescriptor {
        let images = index.manifests.filter { !isAttestation($0) }
        for wanted in platform.fallbacks {
            if let found = images.first(where: { $0.platform.map { $0.fits(wanted) } ?? false }) { return found }
        }
        if images.count == 1, !isAsked { return images[0] }
        let there = images.compactMap { $0.platform.map { "\($0)" } }.joined(separator: ", ")
        throw BerthError(
            .notFound, "choosing an image",
            cause: "no image for \(platform)" + (there.isEmpty ? "" : "; there are \(there)"))
    }
}
