// `pull`: the images of the stack's services; `image pull`: images by name.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Pull: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Pull the images of services",
        discussion: """
            Examples:
              berth pull                        all of the stack
              berth pull --policy missing db    only if it is not here yet
            """)
    @Flag(help: "Pull what can be pulled, warn about the rest") var ignorePullFailures = false
    @Flag(help: "Leave out what can be built") var ignoreBuildable = false
    @Flag(help: "What the services depend on too") var includeDeps = false
    @Option(help: "missing or always") var policy: String?
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Argument(help: "Services; none: all") var services: [String] = []

    func validate() throws {
        if let policy, !["missing", "always"].contains(policy) {
            throw ValidationError("unsupported policy \"\(policy)\": missing or always")
        }
    }

    func run() async throws {
        let stack = try StackContext.load(services: services)
        let names = includeDeps || services.isEmpty ? Array(stack.services.keys) : services
        var items: [PullRequestDocument.Item] = []
        for service in names.sorted().compactMap({ stack.services[$0] }) where service.image != nil {
            if ignoreBuildable && service.build != nil { continue }
            let own = service.pullPolicy ?? "always"
            // A service that is never pulled for `up` is pulled when asked by name alone, as compose does.
            if policy == nil && (own == "build" || own == "never") { continue }
            items.append(
                .init(
                    reference: stack.imageReference(of: service), platform: service.platform.flatMap { Platform($0) },
                    policy: policy ?? (["missing", "if_not_present"].contains(own) ? "missing" : "always")))
        }
        var request = PullRequestDocument(
            items: items, caller: StackContext.caller(pulling: items.map(\.reference)))
        request.ignoresFailures = ignorePullFailures
        let client = try await AgentConnection.client()
        try await ProgressView(title: "pull", quiet: quiet).follow(client.pull(request))
    }
}

struct ImagePull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Pull images from a registry",
        discussion: """
            Examples:
              berth image pull redis:7
              berth image pull --platform linux/arm64 debian:trixie
            """)
    @Option(help: "OS/ARCHITECTURE[/VARIANT] instead of this host's") var platform: String?
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Argument(help: "NAME[:TAG|@DIGEST]") var references: [String]

    func run() async throws {
        let wanted = try platform.map { text in
            guard let platform = Platform(text) else {
                throw BerthError(
                    .invalid, "reading --platform", subject: text, cause: "\"\(text)\" is no platform",
                    hint: "write OS/ARCHITECTURE[/VARIANT], such as linux/arm64")
            }
            return platform
        }
        for name in references where ImageReference(name) == nil {
            throw BerthError(
                .invalid, "pulling \(name)", subject: name, cause: "invalid reference format",
                hint: "names are lower case: [registry/]path[:tag]")
        }
        let request = PullRequestDocument(
            items: references.map { .init(reference: $0, platform: wanted) },
            caller: StackContext.caller(pulling: references))
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "pull", quiet: quiet).follow(client.pull(request))
        result.lines.forEach { Console.shared.out($0) }
    }
}
