// What a build is asked for: images that are made as one graph, each from a Dockerfile and its contexts.

/// Where files of a build come from.
package enum BuildContext: Codable, Sendable, Equatable, Hashable {
    /// An absolute path on this host.
    case directory(String)
    /// A git repository or a tarball; as the user wrote it.
    case remote(String)
    /// A tar on this host, compressed or not; an absolute path.
    case archive(String)
    /// `docker-image://`
    case image(String)
    /// `oci-layout://`: an absolute path, and a tag or digest.
    case layout(String)
    /// `service:` or `target:`: another target of the same request.
    case target(String)
    /// A Dockerfile alone.
    case empty
}

/// One image to make.
package struct BuildTarget: Codable, Sendable, Equatable {
    /// The service, or the image's first name: what progress and results are told of.
    package var name: String
    package var context: BuildContext
    /// Relative to the context, or absolute; nil: `Dockerfile`, then `dockerfile`.
    package var dockerfile: String?
    /// The Dockerfile itself, instead of a file.
    package var dockerfileText: String?
    /// `--build-arg`, with the values that the caller's environment gave.
    package var arguments: [String: String] = [:]
    /// The stage to build, by name or number; nil: the last.
    package var stage: String?
    /// Names that the image gets.
    package var tags: [String] = []
    package var labels: [String: String] = [:]
    /// Of the manifest.
    package var annotations: [String: String] = [:]
    /// Nil: this host's.
    package var platform: Platform?
    package var noCache = false
    /// Stages whose steps are run anew.
    package var noCacheStages: [String] = []
    /// Base images are pulled although they are here.
    package var pulls = false
    package var contexts: [String: BuildContext] = [:]
    /// Secrets by id; the digests of contents that travel beside the request.
    package var secrets: [String: Digest] = [:]
    /// Agent sockets by id.
    package var sshSockets: [String: String] = [:]
    /// `default`, `none` or `host`; nil: default.
    package var network: String?
    package var extraHosts: [HostEntry] = []
    package var shmSizeBytes: Int64?
    package var ulimits: [String: Ulimit] = [:]
    /// What the operator allows beyond a service's rights: `network.host`, `security.insecure`.
    package var entitlements: Set<String> = []
    /// Only the Dockerfile's checks (`--check`).
    package var checksOnly = false
    package var output: BuildOutput?

    package init(name: String, context: BuildContext) {
        self.name = name
        self.context = context
    }
}

extension BuildTarget {
    /// Targets, and those that they name as contexts, however far.
    package static func withContexts(_ wanted: [BuildTarget], of all: [BuildTarget]) -> [BuildTarget] {
        var names: Set<String> = []
        var rest = wanted
        while let target = rest.popLast() {
            if !names.insert(target.name).inserted { continue }
            for case .target(let name) in target.contexts.values { rest += all.filter { $0.name == name } }
        }
        return all.filter { names.contains($0.name) }
    }
}

/// Where a result goes instead of the store (`--output`).
package struct BuildOutput: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable { case local, tar, oci, docker }
    package var kind: Kind
    /// Absolute.
    package var path: String
    /// What the image is called in an archive.
    package var names: [String]
    package init(kind: Kind, path: String, names: [String] = []) {
        self.kind = kind
        self.path = path
        self.names = names
    }
}

/// An image that was made.
package struct BuiltImage: Codable, Sendable, Equatable {
    /// The target's name.
    package var target: String
    package var image: Digest
    package var manifest: Digest
    package var tags: [String]
    package init(target: String, image: Digest, manifest: Digest, tags: [String]) {
        self.target = target
        self.image = image
        self.manifest = manifest
        self.tags = tags
    }
}

/// What happened to one step of a build.
package struct BuildProgress: Codable, Sendable, Equatable {
    package enum Status: String, Codable, Sendable {
        case started, cached, done, failed
        /// Text that a command wrote.
        case output
        case warning
    }

    /// Counted from 1 over the whole build, in the order in which steps began.
    package var step: Int
    /// `[web build 2/5] RUN make`.
    package var name: String
    package var status: Status
    /// Output, a warning, or why it failed.
    package var text: String
    package var elapsedMilliseconds: Double?

    package init(step: Int, name: String, status: Status, text: String = "", elapsedMilliseconds: Double? = nil) {
        self.step = step
        self.name = name
        self.status = status
        self.text = text
        self.elapsedMilliseconds = elapsedMilliseconds
    }
}
