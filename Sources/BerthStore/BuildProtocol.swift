// The words between a worker that builds and the agent that serves it: what it asks, what it is told.
import BerthModel

/// What a building worker needs of the agent. Questions travel as reports; answers come back in any order.
package enum BuildQuestion: Codable, Sendable, Equatable {
    /// A base image, pulled where it is missing, or `pulls` says so.
    case image(reference: String, platform: Platform?, pulls: Bool)
    /// What a step made the last time that everything about it was the same.
    case cached(Digest)
    /// A step, and the directory in the ingest whose `diff` is its layer.
    case keep(CachedStep, directory: String)
    case run(RunStep)
    /// A file of the web or a repository's files, into a directory of the ingest that is there.
    case fetch(address: String, directory: String, git: GitRequest?)
}

package enum BuildAnswer: Codable, Sendable, Equatable {
    case image(BaseImage)
    /// Nil: nothing that would do.
    case cached(CachedStep?)
    case kept
    case ran(exitCode: Int32, output: [String])
    case fetched(FetchedFile)
    case failed(BerthError)
}

/// An answer with the number of its question.
package struct NumberedAnswer: Codable, Sendable, Equatable {
    package var number: Int
    package var answer: BuildAnswer
    package init(number: Int, answer: BuildAnswer) {
        self.number = number
        self.answer = answer
    }
}

package struct BaseImage: Codable, Sendable, Equatable {
    package var id: Digest
    package var config: ImageConfig
    /// Descriptors of its layers, base first.
    package var layers: [ContentDescriptor]
    package init(id: Digest, config: ImageConfig, layers: [ContentDescriptor]) {
        self.id = id
        self.config = config
        self.layers = layers
    }
}

/// A step that was run: a row of the build cache.
package struct CachedStep: Codable, Sendable, Equatable {
    package var key: Digest
    /// ChainID of what it was run upon; nil: nothing (`scratch`).
    package var parent: Digest?
    /// Nil: it changed no file.
    package var layer: PackedLayer?
    /// The instruction, for people.
    package var summary: String
    /// RFC 3339: when it was run. An image from the cache alone is the same image again.
    package var created: String
    package init(key: Digest, parent: Digest?, layer: PackedLayer?, summary: String, created: String) {
        self.created = created
        self.key = key
        self.parent = parent
        self.layer = layer
        self.summary = summary
    }
}

/// A layer that is kept unpacked, and can be packed to exactly this digest.
package struct PackedLayer: Codable, Sendable, Equatable {
    package var diffID: Digest
    /// Of its tar.
    package var sizeBytes: Int64
    package init(diffID: Digest, sizeBytes: Int64) {
        self.diffID = diffID
        self.sizeBytes = sizeBytes
    }
    package var descriptor: ContentDescriptor {
        ContentDescriptor(mediaType: MediaType.layer, digest: diffID, size: sizeBytes)
    }
}

/// One command to run over a tree.
package struct RunStep: Codable, Sendable, Equatable {
    /// The step's number in the progress, and its name.
    package var step: Int
    package var name: String
    /// The target whose rights it has.
    package var target: String
    /// Directories of layers, the nearest first.
    package var lowers: [String]
    package var upper: String
    package var work: String
    package var arguments: [String]
    /// The whole environment, `NAME=value`.
    package var environment: [String]
    package var user: String
    package var workingDirectory: String
    package var mounts: [StepMount] = []
    package var network = "default"
    package var isPrivileged = false
    /// Variables that hold secrets, with the secrets' ids: the agent fills them in.
    package var secretNames: [String: String] = [:]

    package init(
        step: Int, name: String, target: String, lowers: [String], upper: String, work: String, arguments: [String],
        environment: [String], user: String, workingDirectory: String
    ) {
        self.step = step
        self.name = name
        self.target = target
        self.lowers = lowers
        self.upper = upper
        self.work = work
        self.arguments = arguments
        self.environment = environment
        self.user = user
        self.workingDirectory = workingDirectory
    }
}

/// What a command sees beside its tree (`RUN --mount`).
package struct StepMount: Codable, Sendable, Equatable {
    package enum Source: Codable, Sendable, Equatable {
        /// A path in a tree of layers, the nearest first, or in one directory. What is written to it is discarded.
        case tree(lowers: [String], path: String, scratch: String)
        /// A directory that lives on from build to build.
        case cache(id: String, sharing: String, mode: UInt32, userID: UInt32, groupID: UInt32)
        case tmpfs(sizeBytes: Int64?)
        case secret(id: String, userID: UInt32, groupID: UInt32, mode: UInt32)
        case ssh(id: String)
    }

    package var source: Source
    /// Absolute.
    package var target: String
    package var readOnly: Bool
    package init(source: Source, target: String, readOnly: Bool) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}
