// What the registry of one's own says to whom started it, and what it is told: it serves, the agent decides.

/// One name that is served, and the manifest or index that it leads to.
package struct SharedName: Codable, Sendable, Equatable {
    /// Canonical, with a tag or a digest.
    package var reference: String
    package var manifest: Digest
    package init(reference: String, manifest: Digest) {
        self.reference = reference
        self.manifest = manifest
    }
}

/// A manifest that a client has sent; it and its blobs lie in a directory, by digest.
package struct SharedUpload: Codable, Sendable, Equatable {
    /// Canonical, with a tag or the manifest's own digest.
    package var reference: String
    package var manifest: Digest
    package var mediaType: String
    /// Below the uploads of the world that takes it.
    package var directory: String
    package init(reference: String, manifest: Digest, mediaType: String, directory: String) {
        self.reference = reference
        self.manifest = manifest
        self.mediaType = mediaType
        self.directory = directory
    }
}

package enum SharingQuestion: Codable, Sendable, Equatable {
    case names
    /// A name whose image has layers without blobs: they are packed, and the name leads to what was made.
    case pack(String)
    case take(SharedUpload)
    /// A tag, or by digest everything of one repository that leads to it.
    case remove(String)
}

package enum SharingAnswer: Codable, Sendable, Equatable {
    case names([SharedName])
    case packed(Digest)
    case done
    case failed(BerthError)
}

package struct NumberedSharingQuestion: Codable, Sendable {
    package var number: Int
    package var question: SharingQuestion
    package init(number: Int, question: SharingQuestion) {
        self.number = number
        self.question = question
    }
}

package struct NumberedSharingAnswer: Codable, Sendable {
    package var number: Int
    package var answer: SharingAnswer
    package init(number: Int, answer: SharingAnswer) {
        self.number = number
        self.answer = answer
    }
}

/// How the registry of one's own is to be: read by who starts it, with that one's rights.
package struct ServeRequest: Codable, Sendable {
    /// The store's blobs, to be read.
    package var blobs: String
    /// Nil: nothing can be pushed and nothing deleted.
    package var uploads: String?
    /// The registry's name in the names of images; nil: repositories are called as images are called here.
    package var name: String?
    /// PEM.
    package var certificate: [UInt8]?
    package var key: [UInt8]?
    /// Lines of `USER:HASH`, bcrypt.
    package var passwords: String?
    package init(blobs: String, uploads: String?) {
        self.blobs = blobs
        self.uploads = uploads
    }
}

/// A manifest or an index as far as what it needs goes: the same for images, artifacts and lists of them.
package struct ManifestLinks: Codable, Sendable, Equatable {
    package var mediaType: String?
    package var artifactType: String?
    package var config: ContentDescriptor?
    package var layers: [ContentDescriptor]?
    package var blobs: [ContentDescriptor]?
    package var manifests: [ContentDescriptor]?
    package var subject: ContentDescriptor?
    package var annotations: [String: String]?

    package init(manifests: [ContentDescriptor]? = nil, subject: ContentDescriptor? = nil) {
        self.manifests = manifests
        self.subject = subject
    }

    /// Content that is no manifest, without which this one is not whole.
    package var content: [ContentDescriptor] { (config.map { [$0] } ?? []) + (layers ?? []) + (blobs ?? []) }
    package var isIndex: Bool { manifests != nil }
    package var isImage: Bool {
        let configs = [MediaType.config, MediaType.dockerConfig]
        let prefixes = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."]
        return !isIndex && artifactType == nil && config.map { configs.contains($0.mediaType) } ?? false
            && (layers ?? []).allSatisfy { layer in prefixes.contains { layer.mediaType.hasPrefix($0) } }
    }
    /// What it is where it does not say so itself.
    package var type: String { mediaType ?? (isIndex ? MediaType.index : MediaType.manifest) }
}
