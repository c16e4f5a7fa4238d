// Looking at containers, and running programs in them.
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime

extension Engine {
    package func containers(stack: String?) async -> [(record: ContainerRecord, status: ContainerStatus)] {
        var found: [(record: ContainerRecord, status: ContainerStatus)] = []
        for (driver, _) in parts.registry.all(stack: stack) { found.append((await driver.record, await driver.status)) }
        return found
    }

    func driver(_ id: ContainerID) throws -> ContainerDriver {
        guard let found = parts.registry.driver(id) else {
            throw BerthError(.notFound, "looking for container \(id.short)", cause: "no such container: \(id.short)")
        }
        return found
    }

    /// Prepares a program; the client starts it at the shim by the returned name.
    package func prepareExec(_ id: ContainerID, _ exec: ExecSpec) async throws -> String {
        let driver = try driver(id)
        let record = await driver.record
        let status = await driver.status
        guard status.isRunning else {
            throw BerthError(
                .conflict, "running a program in \(record.name)", subject: record.name,
                cause: "container \(record.name) is not running")
        }
        if status.state == .paused {
            throw BerthError(
                .conflict, "running a program in \(record.name)", subject: record.name,
                cause: "container \(record.name) is paused", hint: "unpause it first")
        }
        return try parts.runtime.prepareExec(record, exec)
    }

    package func waitForEnd(_ id: ContainerID) async throws -> ContainerStatus { await (try driver(id)).waitForEnd() }

    package func processes(_ id: ContainerID) async throws -> [ProcessRow] {
        let driver = try driver(id)
        guard await driver.status.isRunning else {
            throw BerthError(.conflict, "listing processes of \(id.short)", cause: "the container is not running")
        }
        return parts.runtime.processIDs(id).sorted().compactMap { ProcessRow.read($0) }
    }

    package func events() async -> AsyncStream<Event> { await parts.bus.listen() }
    package func networks(stack: String?) throws -> [NetworkRecord] {
        try parts.store.networks().filter { stack == nil || $0.stack == stack }
    }
    package func volumes(stack: String?) throws -> [VolumeRecord] {
        try parts.store.volumes().filter { stack == nil || $0.stack == stack }
    }
}
