// One service of a stack: what its containers are made of. Field order follows the compose reference.

/// A `services` entry in canonical form. Optional means "not given": the image or Docker's default decides.
package struct Service: Codable, Sendable, Equatable {
    package var name: String

    // MARK: Image and process
    package var image: String?
    package var build: BuildDefinition?
    package var pullPolicy: String?
    package var platform: String?
    package var containerName: String?
    /// Nil: the image's CMD. Empty: cleared.
    package var command: [String]?
    /// Nil: the image's ENTRYPOINT. Non-nil also drops the image's CMD.
    package var entrypoint: [String]?
    /// Resolved, `env_file` folded in; a nil value means "unset in the container".
    package var environment: [String: String?] = [:]
    package var user: String?
    package var workingDirectory: String?
    package var hostname: String?
    package var domainName: String?
    package var initProcess = false
    package var tty = false
    package var standardInputOpen = false
    package var stopSignal: String?
    /// Nil: Docker's 10 s.
    package var stopGracePeriod: Duration?
    package var restart: RestartPolicy = .no
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var profiles: [String] = []
    /// False: not in the log stream of a foreground `up`.
    package var attach = true
    package var replicas = 1
    /// Nil: all containers are replaced at once.
    package var update: UpdatePolicy?
    /// How an update that failed is undone, where `update` asks for that; nil: one at a time.
    package var rollback: UpdatePolicy?
    package var logging: Logging?
    package var postStart: [Hook] = []
    package var preStop: [Hook] = []
    package var watch: [WatchRule] = []

    // MARK: Dependencies and health
    package var dependsOn: [String: Dependency] = [:]
    package var healthcheck: Healthcheck?

    // MARK: Network
    /// Keyed by the network's key in the stack; empty with a `networkMode`.
    package var networks: [String: NetworkAttachment] = [:]
    package var networkMode: NetworkMode?
    package var ports: [PortMapping] = []
    package var expose: [ExposedPort] = []
    package var extraHosts: [HostEntry] = []
    /// `service[:alias]` pairs, visible to this service only.
    package var links: [Link] = []
    package var dns: [String] = []
    package var dnsSearch: [String] = []
    package var dnsOptions: [String] = []
    package var macAddress: String?

    // MARK: Storage
    package var mounts: [MountDefinition] = []
    package var volumesFrom: [VolumesFrom] = []
    package var secrets: [MaterialReference] = []
    package var configs: [MaterialReference] = []
    package var readOnlyRoot = false
    package var shmSizeBytes: Int64?

    // MARK: Resources
    package var resources = Resources()
    /// Keyed by the name without RLIMIT_, lower case: `nofile`.
    package var ulimits: [String: Ulimit] = [:]
    package var oomScoreAdjustment: Int?
    package var oomKillDisable = false

    // MARK: Security and namespaces
    package var capabilitiesAdded: [String] = []
    package var capabilitiesDropped: [String] = []
    package var privileged = false
    package var securityOptions: [String] = []
    package var devices: [DeviceMapping] = []
    package var deviceCgroupRules: [String] = []
    package var additionalGroups: [String] = []
    package var sysctls: [String: String] = [:]
    package var pidMode: String?
    package var ipcMode: String?
    package var utsMode: String?
    package var cgroupMode: String?
    package var userNamespaceMode: String?
    package var cgroupParent: String?
    package var runtime: String?
    /// compose's own hash of the service (64 hex digits), for its label; nil: nobody computed it. No part of drift.
    package var configHash: String?

    package init(name: String) { self.name = name }
}

/// `depends_on` in long form.
package struct Dependency: Codable, Sendable, Equatable {
    package enum Condition: String, Codable, Sendable {
        case started = "service_started"
        case healthy = "service_healthy"
        case completedSuccessfully = "service_completed_successfully"
    }

    package var condition: Condition
    /// False: warn and go on when the dependency is missing or fails.
    package var required: Bool
    /// True: restart the dependant after an explicit restart or recreation of the dependency.
    package var restart: Bool

    package init(condition: Condition = .started, required: Bool = true, restart: Bool = false) {
        self.condition = condition
        self.required = required
        self.restart = restart
    }
}

/// When a container that ended is started again.
package enum RestartPolicy: Codable, Sendable, Equatable {
    case no
    case always
    case unlessStopped
    /// Non-zero exits only; at most that many restarts, nil for no limit.
    case onFailure(maximumRetries: Int?)
}

/// `healthcheck`, merged over the image's by whoever creates the container. Nil fields take Docker's defaults.
package struct Healthcheck: Codable, Sendable, Equatable {
    package enum Test: Codable, Sendable, Equatable {
        case none
        case command([String])
        /// Run by the image's SHELL, `/bin/sh -c` by default.
        case shell(String)
    }

    package var test: Test?
    package var interval: Duration?
    package var timeout: Duration?
    package var retries: Int?
    package var startPeriod: Duration?
    package var startInterval: Duration?

    package init() {}
}

/// A command that runs inside the container after start or before stop.
package struct Hook: Codable, Sendable, Equatable {
    package var command: [String]
    package var user: String?
    package var privileged = false
    package var workingDirectory: String?
    package var environment: [String: String?] = [:]
    package init(command: [String]) { self.command = command }
}

/// One rule of `develop.watch` (compose-spec, develop).
package struct WatchRule: Codable, Sendable, Equatable {
    package enum Action: String, Codable, Sendable {
        case sync, restart, rebuild
        case syncRestart = "sync+restart"
        case syncExec = "sync+exec"
    }

    /// Absolute, on the host.
    package var path: String
    package var action: Action
    /// Where in the container `path` is copied to; empty for actions that copy nothing.
    package var target = ""
    package var ignore: [String] = []
    package var include: [String] = []
    package var initialSync = false
    package var exec: Hook?
    package init(path: String, action: Action) {
        self.path = path
        self.action = action
    }
}

/// `deploy.update_config` and `rollback_config`: how running containers are replaced by others (compose-spec, deploy
/// §update_config).
package struct UpdatePolicy: Codable, Sendable, Equatable {
    package enum FailureAction: String, Codable, Sendable {
        /// Those that are not replaced yet stay as they are.
        case pause
        case `continue`
        /// Those that were replaced come back; the containers before are kept until the last new one is ready.
        case rollback
    }

    package enum Order: String, Codable, Sendable {
        case stopFirst = "stop-first"
        /// The old one serves until the new one is ready: no moment without either.
        case startFirst = "start-first"
    }

    /// How many at a time; 0: all.
    package var parallelism = 1
    /// Between one batch and the next.
    package var delay: Duration = .zero
    /// How long new containers are watched before the next batch.
    package var monitor: Duration = .zero
    package var failureAction: FailureAction = .pause
    package var order: Order = .stopFirst
    package init() {}
}

/// `logging`.
package struct Logging: Codable, Sendable, Equatable {
    package var driver: String?
    package var options: [String: String] = [:]
    package init() {}
}
