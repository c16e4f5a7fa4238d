// A directory of the user's as `init` looks at it: by descriptor, nothing outside of it, no link followed.
import BerthInit
import BerthLinux
import BerthModel

final class DiskProject: ProjectSource {
    private static let entriesMax = 20_001
    let root: SharedDescriptor
    /// What people call the directory.
    let name: String

    init(_ path: String) throws {
        do throws(SystemError) {
            root = try DiskProject.opened(path)
            let real = try Directory.realPath(path)
            name = real.split(separator: "/").last.map(String.init) ?? "/"
        } catch {
            throw BerthError(
                .notFound, "looking at \(path)", subject: path, cause: error.reason,
                hint: "berth init [DIR] takes the directory of a project")
        }
    }

    private static func opened(_ path: String) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
    }

    func entries(of directory: String) -> [ProjectEntry] {
        guard let opened = try? open(directory), let names = try? Directory.names(opened.duplicate()) else { return [] }
        return names.sorted().prefix(DiskProject.entriesMax).compactMap { name in
            // Ignored: what went away meanwhile, or has a name that is no text, is not there.
            guard let status = try? FileStatus.of(name, in: opened.number) else { return nil }
            switch status.kind {
            case .regular: return ProjectEntry(name, .file, sizeBytes: Int(status.sizeBytes))
            case .directory: return ProjectEntry(name, .directory)
            default: return ProjectEntry(name, .other)
            }
        }
    }

    private func open(_ directory: String) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(
            try Directory.open(inRootNumber: root.number, directory, flags: FileFlags.directoryNoFollow))
    }

    func read(_ path: String, limit: Int) -> [UInt8]? { try? content(path, limit: limit) }

    private func content(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let flags = FileFlags.readNonBlocking | FileFlags.noFollow
        let file = try Directory.open(inRootNumber: root.number, path, flags: flags)
        let status = try FileStatus.of(file.number)
        guard status.kind == .regular, status.sizeBytes <= limit else { return nil }
        return try FileIO.read(file, limit: limit)
    }
}
