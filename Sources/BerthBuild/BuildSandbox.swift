// What a build needs of the world: the agent, and a packer of layers. Injected, so that the graph knows neither.
import BerthModel
import BerthStore

/// The agent, as a build sees it.
package protocol BuildSandbox: Sendable {
    func image(_ reference: String, _ platform: Platform?, pulls: Bool) async throws -> BaseImage
    func cached(_ key: Digest) async throws -> CachedStep?
    /// - Parameter directory: the name of the directory in the ingest whose `diff` is the step's layer.
    func keep(_ step: CachedStep, directory: String) async throws
    /// - Parameters:
    ///   - git: it is a repository; nil: a file.
    ///   - directory: a directory in the ingest, and this address's alone.
    func fetch(_ address: String, git: GitRequest?, into directory: String) async throws -> FetchedFile
    func run(_ step: RunStep) async throws -> (exitCode: Int32, output: [String])
}

/// What knows tar: layers to their digests, archives to trees.
package protocol LayerPacker: Sendable {
    /// Unpacks an open file into an empty directory. False: it is no archive.
    func unpack(_ file: Int32, into directory: String) throws -> Bool
    /// The digest and size of a layer's tar, of the directory that it is kept as.
    func pack(_ diff: String) throws -> PackedLayer
}
