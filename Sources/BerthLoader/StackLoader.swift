// The pipeline, top to bottom: find files, read, interpolate, extend, merge, decode, check.
import BerthModel

/// What a loader may see of the world. The command line reads the disk; tests keep files in memory.
package protocol FileSource {
    /// The content; throws a `BerthError` that says why not.
    func read(_ path: String) throws -> [UInt8]
    func isFile(_ path: String) -> Bool
    func readStandardInput() throws -> [UInt8]
}

package struct LoadOptions: Sendable {
    package var files: [String] = []
    package var stackName: String?
    package var profiles: [String] = []
    package var environmentFiles: [String] = []
    package var projectDirectory: String?
    package var workingDirectory: String
    /// The caller's environment.
    package var environment: [String: String]
    /// Named services activate their own profiles.
    package var selectedServices: [String] = []
    package init(workingDirectory: String, environment: [String: String]) {
        self.workingDirectory = workingDirectory
        self.environment = environment
    }
}

package struct LoadResult: Sendable {
    /// Nil where there are errors.
    package var stack: Stack?
    package var diagnostics: [Diagnostic]
    /// Known even where the files are wrong, if it could be found at all.
    package var stackName: String?
    package var files: [String] = []
}

package struct StackLoader {
    private let source: any FileSource
    static let fileNames = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]
    static let overrideNames = [
        "compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml",
    ]

    package init(files source: any FileSource) { self.source = source }

    package func load(_ options: LoadOptions) -> LoadResult {
        let remarks = Remarks()
        var result = LoadResult(stack: nil, diagnostics: [], stackName: nil)
        defer { result.diagnostics = remarks.diagnostics }
        let environment = EnvironmentResolver(source: source, remarks: remarks).resolve(options)
        guard let files = findFiles(options, environment, remarks) else {
            result.stackName = options.stackName ?? environment["COMPOSE_PROJECT_NAME"]
            result.diagnostics = remarks.diagnostics
            return result
        }
        let directory = projectDirectory(options, files)
        result.files = files
        let interpolator = Interpolator(environment: environment, remarks: remarks)
        var root: Node?
        for file in files {
            guard let tree = read(file, remarks) else { continue }
            let values = interpolator.interpolate(tree)
            let extended = Extends(source: source, remarks: remarks, environment: environment, directory: directory)
                .apply(values, file: file)
            root = root.map { Merger(remarks: remarks).merge($0, extended) } ?? extended
        }
        guard let root else { result.diagnostics = remarks.diagnostics; return result }
        let field = Field(node: root, path: "", remarks: remarks)
        let name = stackName(options, environment, field, directory, remarks)
        result.stackName = name
        if let name { result.stack = decode(field, name, directory, files, environment, options, remarks) }
        if remarks.hasErrors { result.stack = nil }
        result.diagnostics = remarks.diagnostics
        return result
    }

    private func decode(
        _ field: Field, _ name: String, _ directory: String, _ files: [String], _ environment: [String: String],
        _ options: LoadOptions, _ remarks: Remarks
    ) -> Stack {
        let mounts = MountSyntax(directory: directory, home: environment["HOME"])
        let services = ServiceDecoder(mounts: mounts, environment: environment) { place, path, required, raw in
            guard let bytes = try? source.read(path) else {
                if required {
                    place.fail("env file \(path) not found", suggestion: "create it, or say required: false")
                }
                return nil
            }
            if raw { return Dotenv.parseRaw(bytes) }
            return Dotenv.parse(bytes, file: path, lookup: { environment[$0] }, remarks: remarks)
        }
        var stack = Stack(name: name, workingDirectory: directory)
        stack.files = files
        stack.environmentFiles = options.environmentFiles
        guard field.node.entries != nil, field["services"] != nil || field["networks"] != nil || field["volumes"] != nil
        else {
            StackDecoder.checkTopLevel(field)
            field.fail(
                field.node.isNull || field.node.entries?.isEmpty == true
                    ? "empty compose file" : "there are no services")
            return stack
        }
        StackDecoder(services: services, mounts: mounts, stackName: name).decode(field, into: &stack)
        Profiles.apply(to: &stack, options, environment)
        StackChecks(root: field, remarks: remarks).run(&stack)
        return stack
    }

    private func read(_ file: String, _ remarks: Remarks) -> Node? {
        do {
            let bytes = file == "-" ? try source.readStandardInput() : try source.read(file)
            guard let node = YAMLReader.read(bytes, file: PathText.display(file), remarks: remarks) else { return nil }
            if node.isNull {
                remarks.error(node.place, "", "empty compose file", suggestion: "a stack file has services:");
                return nil
            }
            return node
        } catch {
            remarks.error(nil, "", "cannot read \(file): \((error as? BerthError)?.cause ?? "\(error)")")
            return nil
        }
    }

    // MARK: Identity

    private func findFiles(_ options: LoadOptions, _ environment: [String: String], _ remarks: Remarks) -> [String]? {
        let base = options.workingDirectory
        func absolute(_ path: String) -> String {
            path == "-" ? path : PathText.clean(path.hasPrefix("/") ? path : base + "/" + path)
        }
        if !options.files.isEmpty { return options.files.map(absolute) }
        if let list = environment["COMPOSE_FILE"], !list.isEmpty {
            let separator = environment["COMPOSE_PATH_SEPARATOR"].flatMap(\.first) ?? ":"
            return list.split(separator: separator).map { absolute(String($0)) }
        }
        var directory = options.projectDirectory.map(absolute) ?? base
        while true {
            let found = StackLoader.fileNames.filter { source.isFile("\(directory)/\($0)") }
            if let first = found.first {
                if found.count > 1 {
                    remarks.warning(
                        nil, "",
                        "several stack files in \(directory): \(found.joined(separator: ", ")); \(first) is used")
                }
                let over = StackLoader.overrideNames.first { source.isFile("\(directory)/\($0)") }
                return (["\(directory)/\(first)"] + (over.map { ["\(directory)/\($0)"] } ?? [])).map(PathText.clean)
            }
            if directory == "/" || options.projectDirectory != nil { break }
            directory = PathText.parent(directory)
        }
        remarks.error(
            nil, "", "no stack file found in \(base) or above it",
            suggestion: "looked for \(StackLoader.fileNames.joined(separator: ", ")); name another with -f")
        return nil
    }

    private func projectDirectory(_ options: LoadOptions, _ files: [String]) -> String {
        if let given = options.projectDirectory {
            return PathText.clean(given.hasPrefix("/") ? given : options.workingDirectory + "/" + given)
        }
        guard let first = files.first, first != "-" else { return options.workingDirectory }
        return PathText.parent(first)
    }

    private func stackName(
        _ options: LoadOptions, _ environment: [String: String], _ root: Field, _ directory: String, _ remarks: Remarks
    ) -> String? {
        let given =
            options.stackName ?? environment["COMPOSE_PROJECT_NAME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? root["name"]?.string()
        guard let given else {
            let derived = StackLoader.normalName(PathText.name(directory))
            if derived.isEmpty {
                remarks.error(
                    nil, "", "the directory \(directory) gives no stack name", suggestion: "give one with -p or name:")
                return nil
            }
            return derived
        }
        guard NameRules.isStackName(given) else {
            remarks.error(
                options.stackName == nil ? root["name"]?.node.place : nil, "name", "invalid stack name \"\(given)\"",
                suggestion: "lower-case letters, digits, - and _, beginning with a letter or digit")
            return nil
        }
        return given
    }

    static func normalName(_ text: String) -> String {
        let kept = text.lowercased().filter { ($0.isASCII && ($0.isLetter || $0.isNumber)) || $0 == "-" || $0 == "_" }
        return String(kept.drop { $0 == "-" || $0 == "_" })
    }
}

enum Profiles {
    /// Services without profiles are always on; `*` means all; a service that is named turns its own profiles on.
    static func apply(to stack: inout Stack, _ options: LoadOptions, _ environment: [String: String]) {
        var active = Set(options.profiles)
        if active.isEmpty, let list = environment["COMPOSE_PROFILES"] {
            active = Set(list.split(separator: ",").map { String($0).trimmed })
        }
        for name in options.selectedServices { active.formUnion(stack.services[name]?.profiles ?? []) }
        if active.contains("*") { return }
        for (name, service) in stack.services
        where !service.profiles.isEmpty && active.isDisjoint(with: service.profiles) {
            stack.services[name] = nil
            stack.inactiveServices[name] = service
        }
    }
}

extension PathText {
    /// Messages name files as the user sees them: the last part, or `-` for standard input.
    static func display(_ path: String) -> String { path == "-" ? "-" : name(path) }
}
