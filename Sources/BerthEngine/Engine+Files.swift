// Files of running containers: changed by descriptor inside the container's own view, volumes and binds included.
import BerthLinux
import BerthModel
import BerthRuntime

/// What becomes of one path in a container.
package struct FileChange: Sendable {
    package enum Content: Sendable {
        case file([UInt8], mode: UInt32)
        case link(String)
        case directory
        case absent
    }
    package var path: String
    package var content: Content
    package init(path: String, content: Content) {
        self.path = path
        self.content = content
    }
}

extension Engine {
    package func change(_ id: ContainerID, files: [FileChange], then command: Hook?) async throws {
        guard let driver = parts.registry.driver(id) else {
            throw BerthError(.notFound, "changing files", cause: "no such container: \(id.short)")
        }
        let record = await driver.record
        let root = try parts.runtime.root(id)
        for change in files {
            do {
                switch change.content {
                case .file(let bytes, let mode):
                    try RootedFiles.write(inRootNumber: root.number, change.path, bytes, mode: mode)
                case .link(let target):
                    try RootedFiles.symbolicLink(inRootNumber: root.number, change.path, to: target)
                case .directory: _ = try Directory.makeDirectories(inRootNumber: root.number, change.path)
                case .absent: try RootedFiles.remove(inRootNumber: root.number, change.path)
                }
            } catch {
                throw BerthError(
                    .denied, "copying \(change.path) into \(record.name)", subject: change.path,
                    cause: (error as? SystemError)?.reason ?? "\(error)")
            }
        }
        if let command { try await run([command], "sync+exec", of: record) }
    }
}
