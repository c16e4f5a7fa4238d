// A container's tree for whoever copies files: of a running one as its processes see it, of a stopped one mounted for
// as long as that takes.
import BerthLinux
import BerthModel
import BerthRuntime
import BerthStore

extension Engine {
    /// Ends when its task is cancelled.
    ///
    /// - Parameter reached: gets the path of the tree's root, which holds until then.
    package func holdRoot(of id: ContainerID, _ reached: @escaping @Sendable (String) -> Void) async throws {
        guard let driver = parts.registry.driver(id) else {
            throw BerthError(.notFound, "copying files", subject: id.short, cause: "no such container: \(id.short)")
        }
        let (left, leave) = AsyncStream<Void>.makeStream()
        try await withTaskCancellationHandler {
            if await driver.status.isRunning, let process = parts.runtime.processID(id) {
                reached("/proc/\(process)/root")
                for await _ in left {}
                return
            }
            let record = await driver.record
            // Nothing starts it meanwhile: two mounts of what it has written would spoil it.
            try await turns.take(record.stack) {
                let state = await driver.status
                guard !state.isRunning, state.state != .restarting else {
                    throw BerthError(
                        .conflict, "copying files of \(record.name)", subject: record.name,
                        cause: "it is just being started", hint: "try again")
                }
                let root = try self.parts.snapshotter.mount(id.text, layers: record.layers)
                defer { root.closeEarly() }
                reached("/proc/\(Process.ownID)/fd/\(root.number)")
                for await _ in left {}
            }
        } onCancel: {
            leave.finish()
        }
    }
}
