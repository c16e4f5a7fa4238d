// `build`: the images of the stack's services; `image build`: one image from a directory.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Build: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Build the images of services",
        discussion: """
            Examples:
              berth build                        all services that have build:
              berth build --no-cache api         one, every step anew
              berth build --build-arg V=2 web
            """)
    @Option(help: "NAME=VALUE for the Dockerfile's ARGs; repeatable") var buildArg: [String] = []
    @Flag(help: "Run every step anew") var noCache = false
    @Flag(help: "Pull base images although they are here") var pull = false
    @Flag(help: "Push the images when they are built") var push = false
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Flag(help: "What the services depend on too") var withDependencies = false
    @Option(help: "default, or ID=SOCKET: an SSH agent for RUN --mount=type=ssh") var ssh: [String] = []
    @Flag(help: "Look at the Dockerfiles, build nothing") var check = false
    @Option(help: .hidden) var builder: String?
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Option(help: .hidden) var provenance: String?
    @Option(help: .hidden) var sbom: String?
    @Option(help: .hidden) var progress: String?
    @Argument(help: "Services; none: all") var services: [String] = []

    func run() async throws {
        let stack = try StackContext.load(services: services)
        for name in services where stack.services[name]?.build == nil {
            Console.shared.warn("service \(name) has no build: there is nothing to build")
        }
        var names: Set<String>?
        if !services.isEmpty {
            names = Set(services)
            if withDependencies { names = StackBuild.withDependencies(services, stack) }
        }
        if memory != nil { Console.shared.warn("--memory has no effect: RUN may use what the host has") }
        if [provenance, sbom].contains(where: { $0 != nil && $0 != "false" }) {
            Console.shared.warn("attestations (--provenance, --sbom) are not made")
        }
        var flags = BuildFlags()
        flags.arguments = buildArg
        flags.noCache = noCache
        flags.pulls = pull
        flags.ssh = ssh
        flags.checksOnly = check
        let builds = try StackBuild.builds(of: stack, services: names, flags)
        if builds.targets.isEmpty {
            Console.shared.error("No services to build")
            return
        }
        if GlobalOptions.current.dryRun {
            for target in builds.targets { Console.shared.out("build \(target.name) as \(target.tags[0])") }
            return
        }
        var request = BuildRequest(
            targets: builds.targets, secrets: builds.secrets,
            caller: StackContext.caller(pulling: builds.targets.flatMap(\.tags)))
        request.pushes = push
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "build", quiet: quiet).follow(client.build(request))
        if check { return Console.shared.out("Check complete, no warnings found.") }
        if quiet { result.built.forEach { Console.shared.out("\($0.image)") } }
    }
}

struct ImageBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image from a Dockerfile",
        discussion: """
            Examples:
              berth image build -t app:1 .
              berth image build -f ops/Dockerfile --target test .
              berth image build -t app:1 - < Dockerfile
              tar -c . | berth image build -t app:1 -
              berth image build -o out .      the files of the image, no image
            """)
    @Option(name: [.customShort("f"), .customLong("file")], help: "The Dockerfile (default CONTEXT/Dockerfile)")
    var file: String?
    @Option(name: [.customShort("t"), .customLong("tag")], help: "NAME[:TAG]; repeatable") var tag: [String] = []
    @Option(help: "NAME=VALUE for the Dockerfile's ARGs; repeatable") var buildArg: [String] = []
    @Option(help: "NAME=PATH, NAME=docker-image://IMAGE; repeatable") var buildContext: [String] = []
    @Option(help: "The stage to build") var target: String?
    @Option(help: "KEY=VALUE; repeatable") var label: [String] = []
    @Option(help: "id=ID,src=FILE or id=ID,env=NAME; repeatable") var secret: [String] = []
    @Option(help: "default, or ID=SOCKET") var ssh: [String] = []
    @Option(help: "OS/ARCHITECTURE[/VARIANT]") var platform: String?
    @Option(help: "network.host or security.insecure; repeatable") var allow: [String] = []
    @Option(help: "default, none or host: the network of RUN") var network: String?
    @Option(help: "NAME:ADDRESS; repeatable") var addHost: [String] = []
    @Flag(help: "Run every step anew") var noCache = false
    @Option(help: "Stages whose steps are run anew; repeatable") var noCacheFilter: [String] = []
    @Flag(help: "Pull base images although they are here") var pull = false
    @Flag(help: "Push the image when it is built") var push = false
    @Option(help: "Write the image's id to a file") var iidfile: String?
    @Option(help: "Write what was built to a file, as JSON") var metadataFile: String?
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Only the image's id") var quiet = false
    @Flag(help: "Look at the Dockerfile, build nothing") var check = false
    @Option(help: "auto, plain, tty, json or quiet") var progress: String?
    @Option(
        name: [.customShort("o"), .customLong("output")], help: "DIRECTORY, -, or type=local|tar|oci|docker,dest=PATH")
    var output: String?
    @OptionGroup var extras: BuildExtras
    @Argument(help: "A directory, the address of a tar or Dockerfile, or -: either from standard input") var context:
        String

    func run() async throws {
        if let progress { GlobalOptions.current.progress = progress }
        var secrets: [String: [UInt8]] = [:]
        var wish = try buildTarget(&secrets)
        defer { if case .archive(let path) = wish.context { try? Directory.remove(path) } }
        let output = try BuildOutputPlan(output, for: &wish)
        var request = BuildRequest(targets: [wish], secrets: [:], caller: StackContext.caller(pulling: wish.tags))
        request.secrets = secrets
        request.pushes = push || output.pushes
        defer { output.close() }
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "build", quiet: quiet).follow(client.build(request))
        try output.deliver()
        if check { return Console.shared.out("Check complete, no warnings found.") }
        guard let built = result.built.first else { return }
        if quiet { Console.shared.out("\(built.image)") }
        if let iidfile { try BuildOutputFile.write(iidfile, "\(built.image)") }
        if let metadataFile { try BuildOutputFile.write(metadataFile, BuildOutputFile.metadata(built)) }
    }

    private func buildTarget(_ secrets: inout [String: [UInt8]]) throws -> BuildTarget {
        var wish = BuildTarget(
            name: tag.first ?? "image", context: context == "-" ? .empty : BuildInput.context(context))
        switch (context, file) {
        case ("-", "-"):
            throw BerthError(
                .invalid, "reading the build context", cause: "the context and the Dockerfile are both standard input",
                hint: "put the Dockerfile into the context, or name a directory")
        case ("-", _):
            switch try StandardInputContext.read() {
            case .dockerfile(let text): wish.dockerfileText = text
            case .archive(let path):
                wish.context = .archive(path)
                wish.dockerfile = file
            }
        case (_, "-"):
            wish.dockerfileText = String(decoding: try FileIO.read(number: 0, limit: 1 << 20), as: UTF8.self)
        default:
            // As docker has it: named from here, not from the context; of a context that is elsewhere, from there.
            if case .remote = wish.context {
                wish.dockerfile = file
            } else {
                wish.dockerfile = file.map(BuildInput.absolute)
            }
        }
        for name in tag where ImageReference(name) == nil {
            throw BerthError(
                .invalid, "reading -t \(name)", subject: name, cause: "invalid reference format",
                hint: "names are lower case: [registry/]path[:tag]")
        }
        wish.tags = tag
        BuildInput.addEpoch(&wish)
        for text in buildArg { BuildInput.add(argument: text, to: &wish) }
        for text in buildContext {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            wish.contexts[parts[0]] = try BuildInput.namedContext(parts[0], parts.count == 2 ? parts[1] : "")
        }
        for text in label {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            wish.labels[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        for text in secret { try BuildInput.add(secret: text, to: &wish, &secrets) }
        for text in ssh { try BuildInput.add(ssh: text, to: &wish) }
        wish.stage = target
        wish.platform = try platform.map { text in
            guard let found = Platform(text) else {
                throw BerthError(
                    .invalid, "reading --platform", subject: text, cause: "\"\(text)\" is no platform",
                    hint: "write OS/ARCHITECTURE[/VARIANT], such as linux/arm64")
            }
            return found
        }
        wish.entitlements = Set(allow)
        wish.network = network
        // Asked for by the operator, on the command line.
        if network == "host" { wish.entitlements.insert("network.host") }
        for text in addHost {
            let parts = text.split(separator: text.contains("=") ? "=" : ":", maxSplits: 1).map(String.init)
            wish.extraHosts.append(HostEntry(name: parts[0], address: parts.count == 2 ? parts[1] : ""))
        }
        wish.noCache = noCache
        wish.noCacheStages = noCacheFilter.flatMap { $0.split(separator: ",").map(String.init) }
        wish.pulls = pull
        wish.checksOnly = check
        try extras.apply(to: &wish)
        extras.warn()
        return wish
    }
}

/// Files that say what was built.
enum BuildOutputFile {
    static func write(_ path: String, _ text: String) throws {
        do { try FileIO.replace(path, Array(text.utf8), mode: 0o644, durable: false) } catch {
            throw BerthError(.denied, "writing \(path)", subject: path, cause: error.reason)
        }
    }

    static func metadata(_ built: BuiltImage) -> String {
        """
        {
          "containerimage.config.digest": \(JSONString.quoted("\(built.image)")),
          "containerimage.digest": \(JSONString.quoted("\(built.manifest)")),
          "image.name": \(JSONString.quoted(built.tags.joined(separator: ",")))
        }
        """
    }
}

/// `builder prune`: what builds have left.
struct Builder: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "The build cache", subcommands: [BuilderPrune.self])
}

struct BuilderPrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove cached steps",
        discussion: "Example: berth builder prune -a    the directories of cache mounts too")
    @Flag(name: [.customShort("a"), .customLong("all")], help: "What cache mounts hold too") var all = false
    @Flag(name: [.customShort("f"), .customLong("force")], help: .hidden) var force = false

    func run() async throws {
        let result = try await AgentConnection.client().pruneBuilds(all: all)
        result.lines.forEach { Console.shared.out($0) }
        Console.shared.out("Total:\t\(ContainerText.bytes(result.freedBytes))")
    }
}
