// The `.dockerignore` of a build: the Dockerfile's own, else the context's.
import BerthLinux
import BerthModel

package struct IgnoreFile: Sendable {
    package static let name = ".dockerignore"
    private static let bytesMax = 4 << 20

    /// Relative to the context.
    package var path: String
    package var patterns: IgnorePatterns

    /// `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the context; nil where there is none.
    /// `dockerfile` is relative to the context; nil: it is not in there, and its own file is given as text.
    package static func find(
        in context: SharedDescriptor, dockerfile: String?, besideDockerfile: String? = nil
    ) throws -> IgnoreFile? {
        if let besideDockerfile { return try read("Dockerfile" + name, besideDockerfile) }
        for path in [dockerfile.map { $0 + name }, name].compactMap({ $0 }) {
            guard let text = try text(context, path) else { continue }
            return try read(path, text)
        }
        return nil
    }

    private static func read(_ path: String, _ text: String) throws -> IgnoreFile {
        let patterns = IgnorePatterns(text: text)
        if let malformed = patterns.malformed {
            throw BerthError(
                .invalid, "reading \(path)", subject: path, cause: "\"\(malformed)\" is no pattern",
                hint: "a backslash before [ or ! takes it literally")
        }
        return IgnoreFile(path: path, patterns: patterns)
    }

    private static func text(_ context: SharedDescriptor, _ path: String) throws -> String? {
        var walk = PathWalk(root: context)
        switch try walk.walk(PathWalk.parts(path)) {
        case .missing: return nil
        case .entry(let parent, let name, let status) where status.kind == .regular:
            let file = try DirectoryEntry.openFile(name, in: parent.number)
            guard try FileStatus.of(file.number).kind == .regular else { break }
            return String(decoding: try FileIO.read(file, limit: bytesMax), as: UTF8.self)
        default: break
        }
        throw BerthError(.invalid, "reading \(path)", subject: path, cause: "it is not a file")
    }
}
