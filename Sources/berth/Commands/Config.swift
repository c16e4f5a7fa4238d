// `config`: the stack file as berth understands it.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthLoader
import BerthModel

struct Config: QuickCommand {
    static let configuration = subcommand(
        abstract: "Check the stack file and show what it means",
        discussion: """
            Examples:
              berth config -q && echo fine       check only
              berth config web                   that service and what it depends on
              berth config --services            names, one a line
              berth config --variables           what the file asks for
              berth config --no-interpolate      with ${…} as written
            """,
        aliases: ["convert"])
    @Option(help: "yaml or json") var format: String?
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Check only") var quiet = false
    @Option(name: [.customShort("o"), .customLong("output")], help: "Write to a file") var output: String?
    @Flag(help: "Names of services") var services = false
    @Flag(help: "Names of images") var images = false
    @Flag(help: "Names of volumes") var volumes = false
    @Flag(help: "Names of networks") var networks = false
    @Flag(help: "Names of models") var models = false
    @Flag(help: "Names of profiles") var profiles = false
    @Option(help: "Configuration hashes: of services, separated by commas, or of all: *") var hash: String?
    @Flag(help: "Variables that the file refers to") var variables = false
    @Flag(help: "The environment that variables are taken from") var environment = false
    @Flag(help: "Leave variables as they are written") var noInterpolate = false
    @Flag(help: "Leave out what the whole stack implies") var noNormalize = false
    @Flag(help: "Do not check that the parts agree") var noConsistency = false
    @Flag(help: "Leave paths as they are written") var noPathResolution = false
    @Flag(help: "Do not read env files") var noEnvResolution = false
    @Option(help: "What is said about the files, on standard output: json") var diagnostics: String?
    @Flag(help: "Pin images to the digests that their tags lead to now") var resolveImageDigests = false
    @Flag(help: "Only the pinned images, as a file that goes on top") var lockImageDigests = false
    @Argument(help: "Services; none: all") var names: [String] = []

    func validate() throws {
        if let format, !["yaml", "json"].contains(format) {
            throw ValidationError("unsupported format \"\(format)\": yaml or json")
        }
        if let diagnostics, diagnostics != "json" {
            throw ValidationError("unsupported format \"\(diagnostics)\": json")
        }
        if (resolveImageDigests || lockImageDigests) && noInterpolate {
            throw ValidationError("image names cannot be resolved with --no-interpolate")
        }
    }

    func runAtOnce() throws -> Bool {
        if resolveImageDigests || lockImageDigests { return false }
        if let (model, result) = try load() { try emit(try text(model, result)) }
        return true
    }

    func run() async throws {
        guard let (model, result) = try load() else { return }
        let references = model.imageReferences
        let wanted = Set(references.filter { ImageReference($0)?.digest == nil })
        let client = try await AgentConnection.client()
        let digests = try await client.resolve(
            ResolveRequest(references: wanted.sorted(), caller: StackContext.caller(pulling: references)))
        var pinned: [String: String] = [:]
        for name in Set(references) {
            guard var reference = ImageReference(name) else { continue }
            // As compose prints them: where the digest is written in the file, the tag beside it is dropped.
            if reference.digest != nil { reference.tag = nil } else { reference.digest = digests[name] }
            pinned[name] = reference.canonical
        }
        let replaced = model.replacingImages(pinned)
        try emit(try text(lockImageDigests ? replaced.imagesOnly : replaced, result))
    }

    /// What is shown; nil: nothing is.
    private func load() throws -> (StackModel, LoadResult)? {
        var options = StackContext.options(names)
        options.decodesStack = diagnostics != nil
        // Lists and hashes are of what the file means, as compose has them.
        let isList = services || images || volumes || networks || models || profiles || environment || hash != nil
        let isRaw = noInterpolate && !isList && diagnostics == nil
        if isRaw { options.skips.insert(.interpolation) }
        if noNormalize || GlobalOptions.current.compatibility { options.skips.insert(.normalisation) }
        if noConsistency { options.skips.insert(.consistency) }
        if noPathResolution { options.skips.insert(.paths) }
        if noEnvResolution { options.skips.insert(.environment) }
        if variables {
            try emit(VariableTable.text(StackLoader(files: DiskFiles()).variables(options), format))
            return nil
        }
        let result = StackLoader(files: DiskFiles()).load(options)
        if diagnostics != nil {
            Console.shared.outRaw(DiagnosticView.json(result.diagnostics + result.hostDiagnostics))
            if result.stack == nil { throw ExitCode(1) }
            return nil
        }
        StackContext.show(result.diagnostics, warnings: true)
        guard let model = result.model else { throw ExitCode(1) }
        for name in names where !isRaw && !model.services.contains(name) {
            throw BerthError(.notFound, "no such service: \(name)", subject: name)
        }
        if quiet { return nil }
        // As compose: lists of services, networks and hashes, and what is not interpolated, are of the whole stack.
        let isOfWholeStack = names.isEmpty || services || networks || hash != nil || isRaw
        let shown =
            isOfWholeStack ? model : model.selecting(names, keepsUnusedResources: options.keepsUnusedResources)
        return (shown, result)
    }

    private func text(_ model: StackModel, _ result: LoadResult) throws -> String {
        func lines(_ values: [String]) -> String { values.map { $0 + "\n" }.joined() }
        if services { return lines(model.services) }
        if images { return lines(model.images) }
        if volumes { return lines(model.volumes) }
        if networks { return lines(model.networks) }
        if models { return lines(model.models) }
        if profiles { return lines(model.profiles) }
        if environment { return lines(result.environment.values.map { "\($0.key)=\($0.value)" }.sorted()) }
        if let hash {
            let wanted = hash == "*" ? model.services : hash.split(separator: ",").map(String.init)
            return try lines(
                wanted.map { name in
                    guard let digest = model.hash(of: name) else {
                        throw BerthError(.notFound, "no such service: \(name)", subject: name)
                    }
                    return "\(name) \(digest.hex)"
                })
        }
        return format == "json" ? model.json : model.yaml
    }

    private func emit(_ text: String) throws {
        guard let output else { return Console.shared.outRaw(text) }
        do { try FileIO.replace(output, Array(text.utf8), mode: 0o644) } catch {
            throw BerthError(.denied, "writing \(output)", subject: output, cause: error.reason)
        }
    }
}

/// compose's table of variables.
enum VariableTable {
    static func text(_ variables: [VariableReference], _ format: String?) -> String {
        if format == "json" {
            return JSONText.object(
                variables.map { variable in
                    (
                        variable.name,
                        .object([
                            ("Name", .string(variable.name)), ("DefaultValue", .string(variable.defaultValue)),
                            ("PresenceValue", .string(variable.alternative)), ("Required", .bool(variable.isRequired)),
                        ])
                    )
                }
            ).text + "\n"
        }
        let rows = variables.map { [$0.name, "\($0.isRequired)", $0.defaultValue, $0.alternative] }
        return Table.text(["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"], rows) + "\n"
    }
}
