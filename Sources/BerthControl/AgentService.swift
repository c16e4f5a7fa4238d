// What the agent does for its clients, one method per request. The server end decodes a route and calls one of these;
// the engine implements them; the client end has the same methods over HTTP.
import BerthModel

/// The agent as its clients see it. Streams end with a result or throw a `BerthError`.
package protocol AgentService: Sendable {
    func version() async throws -> AgentVersion

    // MARK: Stacks
    /// `up`, `create` (start: false) and `scale`: reconcile towards the stack.
    func up(_ request: UpRequest) -> ProgressStream
    func down(_ request: DownRequest) -> ProgressStream
    /// start, stop, restart, kill, pause, unpause, rm.
    func change(_ request: ChangeRequest) -> ProgressStream
    func stacks(all: Bool) async throws -> [StackSummary]
    /// Waits until what is to come back after a boot has come back.
    func resume() async throws -> ResumeReport
    /// Stops everything for a shutdown.
    func suspend() async throws

    // MARK: Containers
    func containers(_ filter: ContainerFilter) async throws -> [ContainerDocument]
    /// Creates and starts a one-off container (`run`).
    func run(_ request: RunRequest) -> ProgressStream
    func exec(_ request: ExecRequest) async throws -> ShimTicket
    /// A ticket for the main process's streams (`attach`).
    func attach(container: ContainerID) async throws -> ShimTicket
    /// Returns when the container has ended (at once if it is not running).
    /// Puts files into a running container's tree, and takes some out; then runs a command there.
    func copyIn(_ request: CopyRequest) async throws
    func wait(container: ContainerID) async throws -> ContainerStatus
    func top(container: ContainerID) async throws -> ProcessTable
    /// Events of a stack (nil: all) from now on, until the client goes.
    func events(stack: String?) -> AsyncThrowingStream<Event, any Error>

    // MARK: Images, networks, volumes
    /// Images by name, or those that a stack's services name.
    func pull(_ request: PullRequestDocument) -> ProgressStream
    func push(_ request: PullRequestDocument) -> ProgressStream
    /// The digests that references lead to now.
    func resolve(_ request: ResolveRequest) async throws -> [String: Digest]
    /// Throws why the login is refused.
    func checkLogin(_ request: ResolveRequest) async throws
    /// Builds images as one graph; over when its client leaves.
    func build(_ request: BuildRequest) -> ProgressStream
    /// Forgets what the build cache holds; with `all`, the directories of cache mounts too.
    func pruneBuilds(all: Bool) async throws -> PruneResult
    func importImage(_ request: ImageImportRequest) -> ProgressStream
    func loadImages(_ request: ImageLoadRequest) -> ProgressStream
    func saveImages(_ request: ImageSaveRequest) -> ProgressStream
    /// A container's changes as an image; the line is its id.
    func commit(_ request: CommitRequest) -> ProgressStream
    /// A container's tree as a tar in a file.
    func exportContainer(_ request: ContainerExportRequest) -> ProgressStream
    func images() async throws -> [ImageDocument]
    func inspectImage(_ reference: String) async throws -> ImageDocument
    func tagImage(source: String, target: String) async throws
    func removeImage(_ reference: String, force: Bool) async throws -> [String]
    /// Images without a name; with `all`, every one that no container is made from and no revision ran.
    func pruneImages(_ filter: PruneFilter) async throws -> PruneResult
    func diskReport() async throws -> DiskReport
    func checkStore(repairs: Bool) async throws -> [StoreProblem]
    func networks(stack: String?) async throws -> [NetworkRecord]
    func volumes(stack: String?) async throws -> [VolumeRecord]
    // The registry of one's own: what it may give and what it was given.
    func sharedNames() async throws -> [SharedName]
    /// Packs the layers of a name's image that have no blobs; the manifest that the name leads to then.
    func packShared(_ reference: String) async throws -> Digest
    func takeShared(_ upload: SharedUpload) async throws
    func removeShared(_ reference: String) async throws
    /// One path, below which the container's files are until the client goes.
    func root(container: ContainerID) -> AsyncThrowingStream<String, any Error>
    /// What running containers use now; those that do not run are left out.
    func usage(_ containers: [ContainerID]) async throws -> [ContainerUsage]
    func changeNetworks(_ request: ResourceRequest<NetworkDefinition>) async throws -> PruneResult
    func changeVolumes(_ request: ResourceRequest<VolumeDefinition>) async throws -> PruneResult
    func adoptVolume(_ request: AdoptRequest) async throws -> VolumeAdoption
}

/// Progress of one request: items in order, the last one a `result`; a failure is thrown.
package typealias ProgressStream = AsyncThrowingStream<ProgressItem, any Error>

/// One JSON line of a progress stream.
package enum ProgressItem: Codable, Sendable, Equatable {
    case event(Event)
    case warning(String)
    /// What would be done (`--dry-run`).
    case plan(PlanDocument)
    case build(BuildProgress)
    case result(RequestResult)
}

/// How a request ended.
package struct RequestResult: Codable, Sendable, Equatable {
    /// The containers of the stack after the request.
    package var containers: [ContainerID] = []
    /// Of `run`, and of `up` in the foreground: where to stream.
    package var ticket: ShimTicket?
    /// Lines for people: "Loaded image: x", "sha256:…".
    package var lines: [String] = []
    /// Of `build`: in the order of its targets.
    package var built: [BuiltImage] = []
    package init() {}
}

package struct AgentVersion: Codable, Sendable, Equatable {
    package var version: String
    /// Of the control protocol; a client with another one asks the agent to retire.
    package var protocolNumber: Int
    package var processID: Int32
    package init(version: String, protocolNumber: Int, processID: Int32) {
        self.version = version
        self.protocolNumber = protocolNumber
        self.processID = processID
    }
}

/// What the agent must know of its caller, who read the files with their own rights.
package struct CallerContext: Codable, Sendable, Equatable {
    package var workingDirectory: String
    package var home: String?
    package var userID: UInt32
    package var groupID: UInt32
    package var registries = RegistryAccess()
    package init(workingDirectory: String, home: String?, userID: UInt32, groupID: UInt32) {
        self.workingDirectory = workingDirectory
        self.home = home
        self.userID = userID
        self.groupID = groupID
    }
}

package struct UpRequest: Codable, Sendable, Equatable {
    package enum Recreate: String, Codable, Sendable { case diverged, force, never }

    package var stack: Stack
    /// Contents of the stack's secrets and configs, by digest text; never logged.
    package var materials: [String: [UInt8]]
    package var caller: CallerContext
    /// Empty: all active services.
    package var services: [String] = []
    package var includeDependencies = true
    package var start = true
    package var recreate: Recreate = .diverged
    package var alwaysRecreateDependencies = false
    package var renewAnonymousVolumes = false
    package var removeOrphans = false
    package var ignoreOrphans = false
    /// `--scale`: overrides by service.
    package var scale: [String: Int] = [:]
    /// Seconds; nil: the service's own grace period.
    package var stopTimeoutSeconds: Int?
    /// Wait until every service is running or healthy.
    package var wait = false
    package var waitTimeoutSeconds: Int?
    /// `--pull`: a policy for all services instead of their own.
    package var pull: String?
    package var builds = StackBuilds()
    package var dryRun = false
    package init(stack: Stack, materials: [String: [UInt8]], caller: CallerContext) {
        self.stack = stack
        self.materials = materials
        self.caller = caller
    }
}

/// The images that a stack's services are built as.
package struct StackBuilds: Codable, Sendable, Equatable {
    package enum Policy: String, Codable, Sendable { case missing, always, never }
    package var policy: Policy = .missing
    /// One for each service with `build`, named after it.
    package var targets: [BuildTarget] = []
    /// Contents of build secrets, by digest text; never stored.
    package var secrets: [String: [UInt8]] = [:]
    package init() {}
}

package struct BuildRequest: Codable, Sendable, Equatable {
    package var targets: [BuildTarget]
    /// Contents of build secrets, by digest text; never stored.
    package var secrets: [String: [UInt8]]
    package var caller: CallerContext
    /// Images are pushed to where their names say.
    package var pushes = false
    package init(targets: [BuildTarget], secrets: [String: [UInt8]], caller: CallerContext) {
        self.targets = targets
        self.secrets = secrets
        self.caller = caller
    }
}

package struct PullRequestDocument: Codable, Sendable, Equatable {
    package struct Item: Codable, Sendable, Equatable {
        package var reference: String
        package var platform: Platform?
        /// always, missing, or how long ago the last pull may be.
        package var policy: String
        /// Push: images of several platforms that the name is to be an index of.
        package var members: [String] = []
        package init(reference: String, platform: Platform? = nil, policy: String = "always") {
            self.reference = reference
            self.platform = platform
            self.policy = policy
        }
    }
    package var items: [Item]
    package var caller: CallerContext
    /// Failures are warnings.
    package var ignoresFailures = false
    package init(items: [Item], caller: CallerContext) {
        self.items = items
        self.caller = caller
    }
}

/// References to resolve; of a login: the registry's name.
package struct ResolveRequest: Codable, Sendable, Equatable {
    package var references: [String]
    package var caller: CallerContext
    package init(references: [String], caller: CallerContext) {
        self.references = references
        self.caller = caller
    }
}

/// Changes of files in a container.
package struct CopyRequest: Codable, Sendable, Equatable {
    package struct Entry: Codable, Sendable, Equatable {
        package enum Content: Codable, Sendable, Equatable {
            /// Base64.
            case file(String, mode: UInt32)
            case link(String)
            case directory
            case absent
        }
        /// Absolute, in the container.
        package var path: String
        package var content: Content
        package init(path: String, content: Content) {
            self.path = path
            self.content = content
        }
    }

    package var container: ContainerID
    package var entries: [Entry]
    package var command: Hook?
    package init(container: ContainerID, entries: [Entry]) {
        self.container = container
        self.entries = entries
    }
}

package struct DownRequest: Codable, Sendable, Equatable {
    package enum ImageRemoval: String, Codable, Sendable { case local, all }

    package var stackName: String
    /// Nil when no file was read: the stack is what the labels say.
    package var stack: Stack?
    package var services: [String] = []
    package var removeVolumes = false
    package var removeOrphans = false
    package var removeImages: ImageRemoval?
    package var stopTimeoutSeconds: Int?
    package var dryRun = false
    package init(stackName: String) { self.stackName = stackName }
}

package struct ChangeRequest: Codable, Sendable, Equatable {
    package enum Verb: String, Codable, Sendable { case start, stop, restart, kill, pause, unpause, remove }

    package var verb: Verb
    package var stackName: String
    package var stack: Stack?
    package var services: [String] = []
    package var includeDependencies = true
    package var stopTimeoutSeconds: Int?
    /// `kill -s`; nil: SIGKILL.
    package var signal: String?
    /// `rm -s`: stop first; without it running containers are left alone.
    package var stopFirst = false
    package var removeVolumes = false
    /// `start --wait`.
    package var wait = false
    package var waitTimeoutSeconds: Int?
    package var dryRun = false
    package init(verb: Verb, stackName: String) {
        self.verb = verb
        self.stackName = stackName
    }
}

package struct StackSummary: Codable, Sendable, Equatable {
    package var name: String
    /// Docker compose's words: `running(2)`, `exited(1), running(1)`.
    package var status: String
    package var configFiles: String
    package init(name: String, status: String, configFiles: String) {
        self.name = name
        self.status = status
        self.configFiles = configFiles
    }
}

package struct ContainerFilter: Codable, Sendable, Equatable {
    package var stack: String?
    /// Stopped ones too.
    package var all = true
    package var includeOneOff = true
    package init(stack: String? = nil) { self.stack = stack }
}

/// A container as clients see it: its record, its status, and where its log is.
package struct ContainerDocument: Codable, Sendable, Equatable {
    package var record: ContainerRecord
    package var status: ContainerStatus
    package var logFile: String
    package init(record: ContainerRecord, status: ContainerStatus, logFile: String) {
        self.record = record
        self.status = status
        self.logFile = logFile
    }
}

package struct RunRequest: Codable, Sendable, Equatable {
    /// The whole stack; `service` carries the command line's overrides already applied.
    package var stack: Stack
    package var materials: [String: [UInt8]]
    package var caller: CallerContext
    package var service: Service
    package var name: String?
    package var autoRemove = false
    package var detach = false
    package var includeDependencies = true
    package var publishServicePorts = false
    package var useAliases = false
    package var removeOrphans = false
    package var pull: String?
    package var builds = StackBuilds()
    package init(stack: Stack, materials: [String: [UInt8]], caller: CallerContext, service: Service) {
        self.stack = stack
        self.materials = materials
        self.caller = caller
        self.service = service
    }
}

package struct ExecRequest: Codable, Sendable, Equatable {
    package var container: ContainerID
    package var command: [String]
    /// `KEY=VALUE`, or `KEY` to take it from nowhere (unset).
    package var environment: [String] = []
    package var user: String?
    package var workingDirectory: String?
    package var tty = false
    package var privileged = false
    package var detach = false
    /// The terminal's size from its first moment; 0: unknown.
    package var rows: UInt16 = 0
    package var columns: UInt16 = 0
    package init(container: ContainerID, command: [String]) {
        self.container = container
        self.command = command
    }
}

/// Where a client streams with a container: the shim's socket and the name of the process there.
package struct ShimTicket: Codable, Sendable, Equatable {
    package var container: ContainerID
    package var socket: String
    /// Nil: the container's main process.
    package var exec: String?
    package var tty: Bool
    package init(container: ContainerID, socket: String, exec: String?, tty: Bool) {
        self.container = container
        self.socket = socket
        self.exec = exec
        self.tty = tty
    }
}

/// `top`: ps-like rows with their titles.
package struct ProcessTable: Codable, Sendable, Equatable {
    package var titles: [String]
    package var rows: [[String]]
    package init(titles: [String], rows: [[String]]) {
        self.titles = titles
        self.rows = rows
    }
}

package struct ImageImportRequest: Codable, Sendable, Equatable {
    /// An absolute path that the agent's worker opens, or a pipe path the client fills.
    package var path: String
    package var reference: String
    /// Dockerfile-style changes: `CMD ["sh"]`, `ENV A=b`.
    package var changes: [String] = []
    package var message: String?
    package init(path: String, reference: String) {
        self.path = path
        self.reference = reference
    }
}

package struct ImageLoadRequest: Codable, Sendable, Equatable {
    package var path: String
    package init(path: String) { self.path = path }
}

package struct ImageSaveRequest: Codable, Sendable, Equatable {
    package var references: [String]
    package var path: String
    package init(references: [String], path: String) {
        self.references = references
        self.path = path
    }
}

package struct CommitRequest: Codable, Sendable, Equatable {
    package var container: ContainerID
    package var reference: String?
    package var author: String?
    package var message: String?
    package var changes: [String] = []
    package var pauses = true
    package init(container: ContainerID) { self.container = container }
}

package struct ContainerExportRequest: Codable, Sendable, Equatable {
    package var container: ContainerID
    /// Absolute; made by the agent.
    package var path: String
    package init(container: ContainerID, path: String) {
        self.container = container
        self.path = path
    }
}

package struct ImageDocument: Codable, Sendable, Equatable {
    package var id: Digest
    package var references: [String]
    package var config: ImageConfig
    /// Of each layer as it is unpacked, base first.
    package var layerSizesBytes: [Int64]
    package var sizeBytes: Int64 { layerSizesBytes.reduce(0, +) }
    package var created: Timestamp
    package init(
        id: Digest, references: [String], config: ImageConfig, layerSizesBytes: [Int64], created: Timestamp
    ) {
        self.id = id
        self.references = references
        self.config = config
        self.layerSizesBytes = layerSizesBytes
        self.created = created
    }
}
