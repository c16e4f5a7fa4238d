// Things that happened, as values on one stream: the CLI renders them, the database keeps them. Operations never print.

/// Progress and lifecycle of one object.
package struct Event: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable { case stack, network, volume, image, layer, container, service }

    /// What happened. The raw values are the words compose prints for progress.
    package enum Status: String, Codable, Sendable {
        case creating = "Creating", created = "Created", recreate = "Recreate", recreated = "Recreated"
        case starting = "Starting", started = "Started", running = "Running"
        case waiting = "Waiting", healthy = "Healthy", unhealthy = "Unhealthy", exited = "Exited"
        case stopping = "Stopping", stopped = "Stopped", killing = "Killing", killed = "Killed"
        case removing = "Removing", removed = "Removed"
        case pausing = "Pausing", paused = "Paused", unpausing = "Unpausing", unpaused = "Unpaused"
        case restarting = "Restarting", pulling = "Pulling", pulled = "Pulled", pushing = "Pushing", pushed = "Pushed",
            building = "Building", built = "Built"
        case skipped = "Skipped", warning = "Warning", error = "Error", died = "Died", oom = "OOM"
    }

    package var time: Timestamp
    package var kind: Kind
    /// The object's name as users know it: `demo-web-1`, `demo_default`.
    package var name: String
    package var status: Status
    package var stack: String?
    package var service: String?
    package var containerID: ContainerID?
    /// Why, or what went wrong; empty where there is nothing to add.
    package var detail: String
    /// Milliseconds the step took, on events that end one.
    package var elapsedMilliseconds: Double?
    package var exitCode: Int32?
    /// Of a container: the reference that its service names.
    package var image: String?
    /// Of a layer: how far it has come.
    package var layer: LayerProgress?

    package init(
        time: Timestamp, kind: Kind, name: String, status: Status, stack: String? = nil, service: String? = nil,
        containerID: ContainerID? = nil, detail: String = "", elapsedMilliseconds: Double? = nil,
        exitCode: Int32? = nil, image: String? = nil, layer: LayerProgress? = nil
    ) {
        self.time = time
        self.kind = kind
        self.name = name
        self.status = status
        self.stack = stack
        self.service = service
        self.containerID = containerID
        self.detail = detail
        self.elapsedMilliseconds = elapsedMilliseconds
        self.exitCode = exitCode
        self.image = image
        self.layer = layer
    }
}
