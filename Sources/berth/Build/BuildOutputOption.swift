// `-o`, `--output`: where the result of a build goes, as docker build names it.
import BerthLinux
import BerthModel

/// One value of `--output`.
enum BuildOutputOption: Equatable {
    /// Into the store, under more names; pushed where asked for.
    case image(names: [String], pushes: Bool)
    /// Nowhere: only the cache is filled.
    case cacheOnly
    /// To files. A path of nil is standard output.
    case files(BuildOutput.Kind, path: String?)

    static func parse(_ text: String) throws -> BuildOutputOption {
        // A path alone: the directory; - is a tar to standard output.
        if !text.contains("=") {
            if text.isEmpty { throw wrong(text, "it is empty") }
            return text == "-" ? .files(.tar, path: nil) : .files(.local, path: BuildInput.absolute(text))
        }
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard halves.count == 2 else { throw wrong(text, "\(part) is no KEY=VALUE") }
            fields[halves[0].lowercased()] = halves[1]
        }
        let type = fields["type"] ?? ""
        let destination = fields["dest"]
        for key in fields.keys.sorted() where !["type", "dest", "name", "push", "tar"].contains(key) {
            Console.shared.warn("--output: \(key) is ignored")
        }
        let names = (fields["name"] ?? "").split(separator: ",").map(String.init)
        switch type {
        case "local":
            guard let destination else { throw wrong(text, "type=local needs dest=DIRECTORY") }
            return .files(.local, path: BuildInput.absolute(destination))
        case "tar", "oci", "docker":
            if type == "docker" && destination == nil { return .image(names: names, pushes: false) }
            let kind: BuildOutput.Kind = type == "tar" ? .tar : type == "oci" ? .oci : .docker
            let path = destination == "-" ? nil : destination.map(BuildInput.absolute)
            return .files(kind, path: path)
        case "image", "registry":
            return .image(names: names, pushes: type == "registry" || fields["push"] == "true")
        case "cacheonly": return .cacheOnly
        default:
            throw wrong(
                text, type.isEmpty ? "type=… is missing" : "type=\(type) is unknown; did you mean local?")
        }
    }

    private static func wrong(_ text: String, _ cause: String) -> BerthError {
        BerthError(
            .invalid, "reading --output \(text)", subject: text, cause: cause,
            hint: "a directory, - for a tar, or type=local|tar|oci|docker,dest=PATH or type=image|registry|cacheonly")
    }
}

/// What `--output` makes of a build, and what is left to do when it is done.
struct BuildOutputPlan {
    private(set) var pushes = false
    /// What goes to standard output is written here first.
    private var spool: String?

    init(_ text: String?, for target: inout BuildTarget) throws {
        guard let text else { return }
        switch try BuildOutputOption.parse(text) {
        case .image(let names, let pushes):
            target.tags += names
            self.pushes = pushes
        case .cacheOnly: target.tags = []
        case .files(let kind, let path):
            if path == nil {
                if Console.shared.outIsTerminal {
                    throw BerthError(
                        .invalid, "reading --output \(text)", cause: "standard output is a terminal",
                        hint: "name a file with dest=FILE")
                }
                spool = try ArchivePath.temporary()
            }
            target.output = BuildOutput(kind: kind, path: path ?? spool ?? "", names: target.tags)
            target.tags = []
        }
    }

    /// Gives standard output what belongs there.
    func deliver() throws {
        if let spool { try ArchivePath.deliver(spool) }
    }

    func close() {
        if let spool { try? Directory.remove(spool) }
    }
}
