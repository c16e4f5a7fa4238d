// Which files make the stack, where it lies, what it is called.
import BerthModel

struct FileDiscovery {
    let source: any FileSource
    let options: LoadOptions
    let environment: [String: String]
    let remarks: Remarks

    static let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    static let overrides = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    private func absolute(_ path: String) -> String {
        path == "-" ? path : PathText.join(options.workingDirectory, path)
    }

    private var givenDirectory: String? { options.projectDirectory.flatMap { $0.isEmpty ? nil : absolute($0) } }

    /// Absolute paths, or `-`; nil with a remark.
    func files() -> [String]? {
        if !options.files.isEmpty { return options.files.map(absolute) }
        if let list = environment["COMPOSE_FILE"] {
            let separator = environment["COMPOSE_PATH_SEPARATOR"].flatMap { $0.isEmpty ? nil : $0 } ?? ":"
            let files = list.components(separatedBy: separator)
            if files.contains("") {
                remarks.error(
                    .none, "", "COMPOSE_FILE names nothing: \"\(list)\"",
                    suggestion: "files are separated by \"\(separator)\"; unset it to look for a file")
                return nil
            }
            return files.map(absolute)
        }
        var directory = givenDirectory ?? options.workingDirectory
        while true {
            let found = FileDiscovery.names.filter { source.isFile(PathText.join(directory, $0)) }
            if let first = found.first { return withOverride(first, found, directory) }
            if directory == "/" { break }
            directory = PathText.parent(directory)
        }
        remarks.error(
            .none, "", "no stack file found in \(givenDirectory ?? options.workingDirectory) or above it",
            suggestion: "looked for \(FileDiscovery.names.joined(separator: ", ")); name another with -f")
        return nil
    }

    private func withOverride(_ first: String, _ found: [String], _ directory: String) -> [String] {
        if found.count > 1 {
            remarks.warning(
                .none, "", "several stack files in \(directory): \(found.joined(separator: ", ")); \(first) is used")
        }
        let overrides = FileDiscovery.overrides.filter { source.isFile(PathText.join(directory, $0)) }
        if overrides.count > 1 {
            remarks.warning(
                .none, "",
                "several override files in \(directory): \(overrides.joined(separator: ", ")); \(overrides[0]) is used")
        }
        return ([first] + overrides.prefix(1)).map { PathText.join(directory, $0) }
    }

    func directory(_ files: [String]) -> String {
        if let givenDirectory { return givenDirectory }
        guard let first = files.first, first != "-" else { return options.workingDirectory }
        return PathText.parent(first)
    }

    // MARK: Name

    /// - Parameter named: the last `name:` of the files, not interpolated.
    func name(_ directory: String, _ named: Node?, interpolates: Bool) -> String? {
        if let given = options.stackName, !given.isEmpty { return strict(given, "-p") }
        if let given = environment["COMPOSE_PROJECT_NAME"], !given.isEmpty {
            return strict(given, "COMPOSE_PROJECT_NAME")
        }
        if let named, let text = named.string {
            let template = Template(lookup: { environment[$0] }, unset: { _ in })
            let value = interpolates ? (try? template.substitute(text)) ?? text : text
            let name = FileDiscovery.normal(value)
            if name.isEmpty {
                remarks.error(
                    named.mark, "name", "\"\(text)\" leaves nothing of a stack's name",
                    suggestion: "give it letters or digits, or use -p")
                return nil
            }
            return name
        }
        let derived = FileDiscovery.normal(PathText.name(directory))
        if derived.isEmpty {
            remarks.error(
                .none, "", "the directory \(directory) gives no stack name", suggestion: "give one with -p or name:")
            return nil
        }
        return derived
    }

    private func strict(_ name: String, _ origin: String) -> String? {
        if FileDiscovery.normal(name) == name { return name }
        remarks.error(
            .none, "name", "invalid stack name \"\(name)\" of \(origin)",
            suggestion: "lower-case letters, digits, - and _, beginning with a letter or digit")
        return nil
    }

    static func normal(_ text: String) -> String {
        let kept = text.lowercased().filter { ($0.isASCII && ($0.isLetter || $0.isNumber)) || $0 == "-" || $0 == "_" }
        return String(kept.drop { $0 == "-" || $0 == "_" })
    }
}
