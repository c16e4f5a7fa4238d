// The OCI image documents that berth reads and writes (image-spec 1.1; Docker schema 2 has the same shape).

/// A pointer to content: type, digest, size.
package struct ContentDescriptor: Codable, Sendable, Equatable {
    package var mediaType: String
    package var digest: Digest
    package var size: Int64
    package var annotations: [String: String]?
    package var platform: Platform?

    package init(mediaType: String, digest: Digest, size: Int64, platform: Platform? = nil) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
    }
}

/// An image manifest: one config, layers from the base upwards.
package struct ImageManifest: Codable, Sendable, Equatable {
    package var schemaVersion = 2
    package var mediaType: String?
    package var config: ContentDescriptor
    package var layers: [ContentDescriptor]
    package var annotations: [String: String]?
    package init(config: ContentDescriptor, layers: [ContentDescriptor]) {
        mediaType = MediaType.manifest
        self.config = config
        self.layers = layers
    }
}

/// An index: manifests by platform.
package struct ImageIndex: Codable, Sendable, Equatable {
    package var schemaVersion = 2
    package var mediaType: String?
    package var manifests: [ContentDescriptor]
    package var annotations: [String: String]?
    package init(manifests: [ContentDescriptor]) {
        mediaType = MediaType.index
        self.manifests = manifests
    }
}

package enum MediaType {
    package static let manifest = "application/vnd.oci.image.manifest.v1+json"
    package static let index = "application/vnd.oci.image.index.v1+json"
    package static let config = "application/vnd.oci.image.config.v1+json"
    package static let layer = "application/vnd.oci.image.layer.v1.tar"
    package static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    package static let layerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    package static let dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json"
    package static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    package static let dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
}

/// The image configuration document. Its digest is the image id.
package struct ImageConfig: Codable, Sendable, Equatable {
    /// What the image says about running it. Keys are capitalised in the document.
    package struct Execution: Codable, Sendable, Equatable {
        package struct Healthcheck: Codable, Sendable, Equatable {
            package var Test: [String]?
            /// Nanoseconds.
            package var Interval: Int64?
            package var Timeout: Int64?
            package var StartPeriod: Int64?
            package var StartInterval: Int64?
            package var Retries: Int?
            package init() {}
        }
        package struct Empty: Codable, Sendable, Equatable { package init() {} }

        package var User: String?
        package var ExposedPorts: [String: Empty]?
        package var Env: [String]?
        package var Entrypoint: [String]?
        package var Cmd: [String]?
        package var Volumes: [String: Empty]?
        package var WorkingDir: String?
        package var Labels: [String: String]?
        package var StopSignal: String?
        package var Healthcheck: Healthcheck?
        package var Shell: [String]?
        /// Instructions that a build upon the image runs first.
        package var OnBuild: [String]?
        package init() {}
    }
    package struct RootFS: Codable, Sendable, Equatable {
        package var type = "layers"
        /// DiffIDs: digests of the uncompressed layers, base first.
        package var diff_ids: [Digest]
        package init(diffIDs: [Digest]) { diff_ids = diffIDs }
    }
    package struct History: Codable, Sendable, Equatable {
        package var created: String?
        package var created_by: String?
        package var author: String?
        package var comment: String?
        package var empty_layer: Bool?
        package init() {}
    }

    package var created: String?
    package var author: String?
    package var architecture: String
    package var os: String
    package var variant: String?
    package var config: Execution?
    package var rootfs: RootFS
    package var history: [History]?

    package init(platform: Platform, rootfs: RootFS) {
        architecture = platform.architecture
        os = platform.os
        variant = platform.variant
        self.rootfs = rootfs
    }

    package var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }
}
