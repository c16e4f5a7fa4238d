// Stopping, killing, pausing, and looking at what runs.
import BerthLinux
import BerthModel

extension ContainerRuntime {
    /// Sends a signal to the main process, through its shim.
    package func signal(_ id: ContainerID, _ number: Int32) throws {
        try container(id).send(.signal(number))
    }

    package func setPaused(_ id: ContainerID, _ paused: Bool) throws {
        do {
            try groups(of: id).setFrozen(id.text, paused)
        } catch {
            throw BerthError(
                .internal, paused ? "pausing container \(id.short)" : "unpausing container \(id.short)",
                cause: "\(error)")
        }
    }

    /// Kills everything in the container.
    package func kill(_ id: ContainerID) {
        // Ignored: a frozen group takes the kill all the same, an absent one needs none.
        try? groups(of: id).setFrozen(id.text, false)
        try? signal(id, Signal.kill)
    }

    /// The root of a running container as its processes see it, mounts included.
    package func root(_ id: ContainerID) throws -> SharedDescriptor {
        let container = try container(id)
        do {
            return SharedDescriptor(
                try Directory.open("/proc/\(container.processID)/root", flags: FileFlags.pathOnly))
        } catch {
            throw BerthError(.conflict, "opening the root of \(id.short)", cause: "\(error)")
        }
    }

    package func processIDs(_ id: ContainerID) -> [Int32] { groups(of: id).processes(id.text) }
    package func usage(_ id: ContainerID) -> CgroupUsage { groups(of: id).usage(id.text) }

    /// Signal masks of the main process, for judging whether a stop signal can be heard at all.
    package func signalMasks(_ id: ContainerID) -> SignalMasks? {
        guard let processID = processID(id), processID > 0 else { return nil }
        return SignalMasks.read(processID)
    }

    /// A namespace of a running container, held open by the caller.
    package func namespace(_ id: ContainerID, _ type: String) throws -> SharedDescriptor {
        let processID = try container(id).processID
        do {
            return SharedDescriptor(try NamespaceFlags.open(processID, type))
        } catch {
            throw BerthError(.conflict, "joining the \(type) namespace of \(id.short)", cause: "\(error)")
        }
    }
}
