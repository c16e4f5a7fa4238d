// One snapshot of what really exists, taken before reconciling so that the reconciler asks nobody.

/// What the host holds of one stack (and of the names it shares with others).
package struct ObservedState: Codable, Sendable, Equatable {
    package var containers: [ObservedContainer] = []
    /// By real name: the stack's own and the external ones it refers to.
    package var networks: [String: NetworkRecord] = [:]
    package var volumes: [String: VolumeRecord] = [:]
    /// The image id that each reference of the stack resolves to now; absent: not in the store.
    package var images: [String: ObservedImage] = [:]
    package init() {}
}

package struct ObservedImage: Codable, Sendable, Equatable {
    package var id: Digest
    package var execution: ImageConfig.Execution
    package var layers: [Digest]
    package init(id: Digest, execution: ImageConfig.Execution, layers: [Digest]) {
        self.id = id
        self.execution = execution
        self.layers = layers
    }
}

/// A container's record with what the kernel and its shim say of it now.
package struct ObservedContainer: Codable, Sendable, Equatable {
    package var record: ContainerRecord
    package var status: ContainerStatus
    package init(record: ContainerRecord, status: ContainerStatus) {
        self.record = record
        self.status = status
    }
}

/// The state machine's present of one container, in Docker's words.
package struct ContainerStatus: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable { case created, running, paused, restarting, exited, removing, dead }
    package enum Health: String, Codable, Sendable { case none, starting, healthy, unhealthy }

    package var state: State
    package var health: Health
    package var processID: Int32?
    package var exitCode: Int32
    package var oomKilled: Bool
    /// Stopped or killed by the user: no restart policy applies until started again.
    package var manuallyStopped: Bool
    package var restartCount: Int
    package var started: Timestamp
    package var finished: Timestamp
    /// Why the last start failed; empty where it did not.
    package var error: String
    /// The last five probe results, oldest first.
    package var probes: [ProbeResult]

    package init(state: State = .created, health: Health = .none) {
        self.state = state
        self.health = health
        processID = nil
        exitCode = 0
        oomKilled = false
        manuallyStopped = false
        restartCount = 0
        started = .never
        finished = .never
        error = ""
        probes = []
    }

    package var isRunning: Bool { state == .running || state == .paused }
}

package struct ProbeResult: Codable, Sendable, Equatable {
    package var start: Timestamp
    package var end: Timestamp
    /// -1: the probe timed out or could not be started.
    package var exitCode: Int32
    /// At most 4096 bytes.
    package var output: String
    package init(start: Timestamp, end: Timestamp, exitCode: Int32, output: String) {
        self.start = start
        self.end = end
        self.exitCode = exitCode
        self.output = output
    }
}

/// The labels that compose puts on what it makes; scripts select by them.
package enum ComposeLabel {
    package static let project = "com.docker.compose.project"
    package static let service = "com.docker.compose.service"
    package static let containerNumber = "com.docker.compose.container-number"
    package static let oneOff = "com.docker.compose.oneoff"
    package static let configHash = "com.docker.compose.config-hash"
    package static let workingDirectory = "com.docker.compose.project.working_dir"
    package static let configFiles = "com.docker.compose.project.config_files"
    package static let environmentFile = "com.docker.compose.project.environment_file"
    package static let image = "com.docker.compose.image"
    package static let dependsOn = "com.docker.compose.depends_on"
    package static let version = "com.docker.compose.version"
    package static let network = "com.docker.compose.network"
    package static let volume = "com.docker.compose.volume"
    package static let slug = "com.docker.compose.slug"
}
