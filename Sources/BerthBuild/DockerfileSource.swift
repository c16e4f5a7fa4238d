// Finding a target's Dockerfile, and reading it.
import BerthLinux
import BerthModel

struct DockerfileSource: Sendable {
    var dockerfile: Dockerfile
    /// As messages name it.
    var file: String
    var text: String
    var lines: [String]
    /// The path, relative to the context, that an ignore file of its own would be named after; nil: it is no file.
    var ignoreName: String?
    /// What the parser warned of.
    var remarks: [Diagnostic]

    private static let bytesMax = 1 << 20

    /// - Parameter isForeign: the context is a stranger's: nothing of this host is read, whatever links it has.
    static func read(_ target: BuildTarget, isForeign: Bool = false) throws -> DockerfileSource {
        let (bytes, file, ignoreName) = try isForeign ? foreign(target) : content(target)
        let text = String(decoding: bytes, as: UTF8.self)
        let (dockerfile, diagnostics) = DockerfileParser.parse(text, file: file)
        let errors = diagnostics.filter { $0.severity == .error }
        guard let dockerfile, errors.isEmpty else {
            throw BerthError(
                .invalid, "reading the Dockerfile of \(target.name)", subject: file,
                cause: errors.map { "\($0)" }.joined(separator: "\n"))
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasSuffix("\r") ? String(line.dropLast()) : String(line)
        }
        return DockerfileSource(
            dockerfile: dockerfile, file: file, text: text, lines: lines, ignoreName: ignoreName,
            remarks: diagnostics)
    }

    /// What is legal and probably not meant, in the order of the file; errors where the file asks for them.
    func checks(_ target: BuildTarget, ignored: IgnorePatterns?) -> [Diagnostic] {
        let arguments = target.arguments.map { "\($0.key)=\($0.value)" }.sorted()
        let found = DockerfileChecks.run(
            dockerfile, text: text, buildArguments: arguments, ignore: ignored?.hasExceptions == true ? nil : ignored
        ) {
            // What a base sets is not asked for here.
            $0.base == "scratch" ? ["PATH"] : nil
        }
        return remarks.filter { remark in !found.contains { $0.place == remark.place && $0.path == remark.path } }
            + found
    }

    private static func foreign(_ target: BuildTarget) throws -> ([UInt8], String, String?) {
        guard target.dockerfileText == nil, case .directory(let context) = target.context else {
            return try content(target)
        }
        let root = try Directory.open(context, flags: FileFlags.directory)
        for name in target.dockerfile.map({ [$0] }) ?? ["Dockerfile", "dockerfile"] {
            guard let file = try? Directory.open(inRootNumber: root.number, name, flags: FileFlags.readNonBlocking),
                try FileStatus.of(file.number).kind == .regular
            else { continue }
            return (try FileIO.read(file, limit: bytesMax), name, name)
        }
        throw BerthError(
            .notFound, "building \(target.name)",
            cause: "failed to read dockerfile: open \(target.dockerfile ?? "Dockerfile"): no such file or directory",
            hint: "the context that was fetched has none; name one with -f")
    }

    private static func content(_ target: BuildTarget) throws -> ([UInt8], String, String?) {
        if let text = target.dockerfileText { return (Array(text.utf8), "Dockerfile", nil) }
        guard case .directory(let context) = target.context else {
            throw BerthError(
                .unsupported, "building \(target.name)", cause: "its context is no directory",
                hint: "clone or unpack it, and name the directory")
        }
        if let name = target.dockerfile, !isDefault(name, in: context) {
            // A name that leads out of the context is the caller's own wish, and is read as such.
            let path = name.hasPrefix("/") ? name : "\(context)/\(name)"
            let inside = path.hasPrefix(context + "/") ? String(path.dropFirst(context.count + 1)) : nil
            return (try read(path, target), inside ?? name, inside)
        }
        for name in ["Dockerfile", "dockerfile"] where (try? FileStatus.of("\(context)/\(name)")) != nil {
            return (try read("\(context)/\(name)", target), name, name)
        }
        guard (try? FileStatus.of(context))?.kind == .directory else {
            throw BerthError(
                .notFound, "building \(target.name)", subject: context,
                cause: "unable to prepare context: path \"\(context)\" not found")
        }
        throw BerthError(
            .notFound, "building \(target.name)", subject: context,
            cause: "failed to read dockerfile: open Dockerfile: no such file or directory",
            hint: "\(context) has no Dockerfile; name one with `dockerfile:` or -f")
    }

    /// The name that is meant where none is given: then other spellings will do.
    private static func isDefault(_ name: String, in context: String) -> Bool {
        name == "Dockerfile" && (try? FileStatus.of("\(context)/Dockerfile")) == nil
    }

    private static func read(_ path: String, _ target: BuildTarget) throws -> [UInt8] {
        do {
            let file = try Directory.open(path, flags: FileFlags.readNonBlocking)
            guard try FileStatus.of(file.number).kind == .regular else {
                throw BerthError(
                    .invalid, "building \(target.name)", subject: path, cause: "\(path) is not a regular file")
            }
            return try FileIO.read(file, limit: bytesMax)
        } catch let error as SystemError {
            throw BerthError(
                error.isNotFound ? .notFound : .invalid, "building \(target.name)", subject: path,
                cause: error.isNotFound
                    ? "failed to read dockerfile: open \(path): no such file or directory" : "\(path): \(error.reason)")
        }
    }
}
