// The pipeline, top to bottom: environment, files, name, read and merge, normalise, type, profiles, checks, decode.
import BerthModel

/// What a loader may see of the world. The command line reads the disk; tests keep files in memory.
package protocol FileSource {
    /// The content; throws a `BerthError` that says why not.
    func read(_ path: String) throws -> [UInt8]
    func isFile(_ path: String) -> Bool
    /// Whether anything is there, a directory too.
    func exists(_ path: String) -> Bool
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
    /// Phases that `config` can leave out.
    package var skips: Set<Phase> = []
    /// Resources that no service uses are kept.
    package var keepsUnusedResources = false
    /// False: the model is all that is asked for.
    package var decodesStack = true
    /// Where each variable of each container is from is noted: `env explain`.
    package var tracesEnvironment = false

    package enum Phase: Sendable { case interpolation, normalisation, consistency, paths, environment }

    package init(workingDirectory: String, environment: [String: String]) {
        self.workingDirectory = workingDirectory
        self.environment = environment
    }
}

package struct LoadResult: Sendable {
    /// What `config` prints. Nil where there are errors.
    package var model: StackModel?
    /// Nil where there are errors, or where this host cannot do what is asked.
    package var stack: Stack?
    /// About the files, whatever they are for.
    package var diagnostics: [Diagnostic] = []
    /// About what this host cannot do: for commands that act.
    package var hostDiagnostics: [Diagnostic] = []
    /// Known even where the files are wrong, if it could be found at all.
    package var stackName: String?
    package var files: [String] = []
    package var environment = ResolvedEnvironment(values: [:])
}

package struct StackLoader {
    let source: any FileSource

    package init(files source: any FileSource) { self.source = source }

    package func load(_ options: LoadOptions) -> LoadResult {
        let remarks = Remarks()
        var result = LoadResult()
        let resolver = EnvironmentResolver(source: source, remarks: remarks)
        var environment = resolver.resolve(options)
        result.environment = environment
        result.stackName = options.stackName ?? environment["COMPOSE_PROJECT_NAME"]
        let discovery = FileDiscovery(
            source: source, options: options, environment: environment.values, remarks: remarks)
        guard !remarks.hasErrors, let files = discovery.files() else { return finish(result, remarks) }
        let directory = discovery.directory(files)
        if options.files.isEmpty, options.environmentFiles.isEmpty, directory != options.workingDirectory,
            options.environment["COMPOSE_ENV_FILES"] ?? "" == ""
        {
            resolver.addDefault(directory, options, to: &environment)
        }
        result.files = files
        let cached = CachedFiles(source)
        var reader = StackReader(
            source: cached, remarks: remarks, directory: directory, displayDirectory: options.workingDirectory,
            environment: environment.values, interpolator: nil)
        let documents = files.map { file in reader.documents(of: file) ?? [] }
        let named = documents.flatMap { $0 }.compactMap { $0["name"] }.last { $0.string.map { !$0.isEmpty } ?? false }
        let interpolates = !options.skips.contains(.interpolation)
        guard !remarks.hasErrors, let name = discovery.name(directory, named, interpolates: interpolates) else {
            return finish(result, remarks)
        }
        result.stackName = name
        environment.values["COMPOSE_PROJECT_NAME"] = name
        result.environment = environment
        reader = StackReader(
            source: cached, remarks: remarks, directory: directory, displayDirectory: options.workingDirectory,
            environment: environment.values,
            interpolator: interpolates ? interpolator(environment.values, remarks, documents, directory, options) : nil)
        reader.resolvesPaths = !options.skips.contains(.paths)
        guard let tree = reader.read(zip(files, documents).map { ($0, $1) }) else {
            remarks.error(
                Mark(
                    file: remarks.register(PathText.display(files[0], from: options.workingDirectory)), line: 1,
                    column: 1), "",
                "empty compose file", suggestion: "a stack file has services:")
            return finish(result, remarks)
        }
        build(tree, reader, name, options, &result)
        return finish(result, remarks)
    }

    private func interpolator(
        _ environment: [String: String], _ remarks: Remarks, _ documents: [[Node]], _ directory: String,
        _ options: LoadOptions
    ) -> Interpolator {
        let hints = EnvFileHints(
            documents: documents.flatMap { $0 }, source: source, directory: directory,
            displayDirectory: options.workingDirectory)
        return Interpolator(environment: environment, remarks: remarks) { name in
            if let hint = hints.hint(name) { return hint }
            guard options.environment["SUDO_UID"] != nil else { return nil }
            return "sudo passes no variables of yours on: sudo --preserve-env=\(name) berth …"
        }
    }

    private func finish(_ result: LoadResult, _ remarks: Remarks) -> LoadResult {
        var result = result
        result.diagnostics = remarks.diagnostics
        if remarks.hasErrors {
            result.model = nil
            result.stack = nil
        }
        return result
    }

    private func resolveEnvironment(
        of tree: inout Node, _ reader: StackReader, _ options: LoadOptions, _ result: inout LoadResult
    ) {
        var files = EnvFiles(
            source: source, remarks: reader.remarks, environment: reader.environment,
            displayDirectory: options.workingDirectory)
        var traced: [String: [String: [ResolvedEnvironment.Origin]]] = [:]
        if options.tracesEnvironment {
            files.trace = { service, name, origin in
                let known = traced[service]?[name] ?? []
                if !known.contains(origin) { traced[service, default: [:]][name] = [origin] + known }
            }
        }
        files.apply(to: &tree)
        result.environment.containers = traced
    }

    /// From the merged tree to the model and the stack.
    private func build(
        _ merged: Node, _ reader: StackReader, _ name: String, _ options: LoadOptions, _ result: inout LoadResult
    ) {
        let remarks = reader.remarks
        var tree = merged
        reader.complete(&tree)
        let isRaw = options.skips.contains(.interpolation)
        if !isRaw { EnvironmentResolution.apply(to: &tree, reader.environment) }
        if !options.skips.contains(.normalisation) {
            Normalisation(stackName: name, environment: isRaw ? [:] : reader.environment).apply(to: &tree)
        } else if !isRaw {
            tree.set("name", .string(name, at: tree.keyMark("name") ?? .none))
        }
        if isRaw {
            // A template has no type yet, and so neither has anything else.
            result.model = StackModel(root: tree, beforeEnvFiles: tree, inactive: [], name: name, isRaw: true)
            return
        }
        Typing(remarks: remarks).apply(to: &tree)
        Normalisation.spreadScale(in: &tree)
        let inactive = Profiles(options, reader.environment).split(&tree)
        if !options.skips.contains(.consistency) {
            Consistency(
                root: tree, inactive: Dictionary(inactive.map { ($0.key, $0.value) }) { first, _ in first },
                remarks: remarks
            ).run()
        }
        if remarks.hasErrors { return }
        let beforeEnvFiles = tree
        if !options.skips.contains(.environment) {
            resolveEnvironment(of: &tree, reader, options, &result)
        }
        if remarks.hasErrors { return }
        if !options.keepsUnusedResources { UnusedResources.drop(from: &tree) }
        result.model = StackModel(
            root: tree, beforeEnvFiles: beforeEnvFiles, inactive: inactive, name: name)
        guard options.decodesStack else { return }
        let hostRemarks = Remarks(after: remarks)
        var stack = Stack(name: name, workingDirectory: reader.directory)
        stack.files = result.files
        stack.environmentFiles = options.environmentFiles
        StackDecoder(remarks: hostRemarks).decode(tree, inactive: inactive, into: &stack)
        for service in stack.services.keys {
            stack.services[service]?.configHash = result.model?.labelHash(of: service)?.hex
        }
        result.hostDiagnostics = hostRemarks.diagnostics
        result.stack = hostRemarks.hasErrors ? nil : stack
    }
}

/// Each file is read once, standard input too.
final class CachedFiles: FileSource {
    private let source: any FileSource
    private var contents: [String: [UInt8]] = [:]

    init(_ source: any FileSource) { self.source = source }

    func read(_ path: String) throws -> [UInt8] {
        if let bytes = contents[path] { return bytes }
        let bytes = try source.read(path)
        contents[path] = bytes
        return bytes
    }

    func isFile(_ path: String) -> Bool { source.isFile(path) }
    func exists(_ path: String) -> Bool { source.exists(path) }
    func readStandardInput() throws -> [UInt8] { try source.readStandardInput() }
}
