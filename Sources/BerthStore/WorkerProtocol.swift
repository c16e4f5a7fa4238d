// The words between the agent and a worker: one request as JSON, reports as JSON lines.
import BerthModel

/// What a worker is to do. The archive is descriptor 3; the ingest directory is the only place it writes to.
package struct WorkerRequest: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        case importTree, load, save, pull, push, resolve, login, build, pack, export, fetch, commit, take
    }

    package var kind: Kind
    /// Absolute; made by the agent, removed by the agent.
    package var ingest: String
    /// Import: the name of the image.
    package var reference: String?
    /// Import: Dockerfile-style changes.
    package var changes: [String] = []
    package var message: String?
    /// RFC 3339, for the image config of an import.
    package var created: String
    /// Save: what to write, with the blobs' paths by digest text.
    package var images: [SavedImage] = []
    package var blobs: [String: String] = [:]
    /// Layers without a blob, by digest: the trees that are packed to be one.
    package var trees: [String: String] = [:]
    /// Push: repositories of the same registry that are known to have a blob, by its digest text.
    package var sources: [String: String] = [:]
    package var pull: PullRequest?
    package var build: BuildWork?
    package var export: TreeExport?
    package var commit: CommitWork?
    package var fetch: WebRequest?
    package var take: TakeWork?

    package init(kind: Kind, ingest: String, created: String) {
        self.kind = kind
        self.ingest = ingest
        self.created = created
    }
}

/// What to pull or push, or to ask about; and what is in the store.
package struct PullRequest: Codable, Sendable, Equatable {
    /// Canonical; for a login: the registry's name.
    package var reference: String
    /// Nil: this host's.
    package var platform: Platform?
    package var access: RegistryAccess
    /// The store's directories: what lies there is not fetched again.
    package var blobs: String
    package var layers: String
    /// Beginnings of blobs, by digest.
    package var partials: String
    package init(reference: String, platform: Platform?, access: RegistryAccess, layout: StateLayout) {
        self.reference = reference
        self.platform = platform
        self.access = access
        blobs = layout.blobs
        layers = layout.layers
        partials = layout.partials
    }
}

/// What to build, and where the store keeps layers.
package struct BuildWork: Codable, Sendable, Equatable {
    package var targets: [BuildTarget]
    package var layers: String
    /// Where digests of files are remembered.
    package var fileBook: String
    package init(targets: [BuildTarget], layout: StateLayout) {
        self.targets = targets
        layers = layout.layers
        fileBook = layout.fileBook
    }
}

/// A tree to write to descriptor 3: a tar, or files of the directory that it is.
package struct TreeExport: Codable, Sendable, Equatable {
    /// Directories of layers, uppermost first.
    package var lowers: [String]
    package var isArchive: Bool
    package init(lowers: [String], isArchive: Bool) {
        self.lowers = lowers
        self.isArchive = isArchive
    }
}

/// A container's changes, to be a layer upon its image's.
package struct CommitWork: Codable, Sendable, Equatable {
    /// The snapshot's upper directory.
    package var upper: String
    /// Directories of the image's layers whose `diff` they are, uppermost first.
    package var lowers: [String]
    /// The image's layers, base first.
    package var layers: [ContentDescriptor]
    /// The new image's config but for the new layer.
    package var config: ImageConfig
    package init(upper: String, lowers: [String], layers: [ContentDescriptor], config: ImageConfig) {
        self.upper = upper
        self.lowers = lowers
        self.layers = layers
        self.config = config
    }
}

/// What a client of the local registry has sent, and where the store has what it does not bring.
package struct TakeWork: Codable, Sendable, Equatable {
    package var upload: SharedUpload
    package var blobs: String
    package var layers: String
    package init(upload: SharedUpload, layout: StateLayout) {
        self.upload = upload
        blobs = layout.blobs
        layers = layout.layers
    }
}

/// A file of the web, and the directory that it goes into.
package struct WebRequest: Codable, Sendable, Equatable {
    package var address: String
    package var directory: String
    package var access: RegistryAccess
    /// It is a repository; nil: a file.
    package var git: GitRequest?
    package init(address: String, directory: String, access: RegistryAccess) {
        self.address = address
        self.directory = directory
        self.access = access
    }
}

package struct GitRequest: Codable, Sendable, Equatable {
    /// A branch, a tag or a commit; nil: the remote's head.
    package var reference: String?
    /// `--keep-git-dir`
    package var keepsHistory: Bool
    package init(reference: String?, keepsHistory: Bool) {
        self.reference = reference
        self.keepsHistory = keepsHistory
    }
}

/// What came of it: a file in its directory, mode 0600, as old as the server says; or a directory of a repository's.
package struct FetchedFile: Codable, Sendable, Equatable {
    package var name: String
    /// Of a repository.
    package var commit: String?
    package var digest: Digest
    package var sizeBytes: Int64
    package init(name: String, digest: Digest, sizeBytes: Int64) {
        self.name = name
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

/// One image of a save.
package struct SavedImage: Codable, Sendable, Equatable {
    package var manifest: Digest
    package var manifestSize: Int64
    package var references: [String]
    package init(manifest: Digest, manifestSize: Int64, references: [String]) {
        self.manifest = manifest
        self.manifestSize = manifestSize
        self.references = references
    }
}

/// An image that lies complete in the ingest directory.
package struct IngestedImage: Codable, Sendable, Equatable {
    package var manifest: Digest
    package var config: Digest
    package var references: [String]
    /// DiffIDs, base first; `layers/<chainid hex>/diff` in the ingest directory holds each.
    package var layers: [Digest]
    package init(manifest: Digest, config: Digest, references: [String], layers: [Digest]) {
        self.manifest = manifest
        self.config = config
        self.references = references
        self.layers = layers
    }
}

package enum WorkerReport: Codable, Sendable, Equatable {
    case progress(String)
    case layer(LayerProgress)
    case resolved(Digest)
    case fetched(FetchedFile)
    case build(BuildProgress)
    case question(Int, BuildQuestion)
    case finished([IngestedImage])
    case failed(BerthError)
}
