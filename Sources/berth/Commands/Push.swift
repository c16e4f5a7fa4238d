// `push`: the images that the stack builds; `image push`: images by name.
import ArgumentParser
import BerthControl
import BerthModel

struct Push: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Push the images of services that are built", discussion: "Example: berth push api")
    @Flag(help: "Push what can be pushed, warn about the rest") var ignorePushFailures = false
    @Flag(help: "What the services depend on too") var includeDeps = false
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Argument(help: "Services; none: all") var services: [String] = []

    func run() async throws {
        let stack = try StackContext.load(services: services)
        let names = includeDeps || services.isEmpty ? Array(stack.services.keys) : services
        var references: [String] = []
        for service in names.sorted().compactMap({ stack.services[$0] }) where service.build != nil {
            guard service.image != nil else {
                Console.shared.warn("service \(service.name) has no image: it is not pushed")
                continue
            }
            references.append(stack.imageReference(of: service))
        }
        var request = PullRequestDocument(
            items: references.map { .init(reference: $0) }, caller: StackContext.caller(pulling: references))
        request.ignoresFailures = ignorePushFailures
        let client = try await AgentConnection.client()
        try await ProgressView(title: "push", quiet: quiet).follow(client.push(request))
    }
}

struct ImagePush: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Push images to the registries that their names say",
        discussion: "Example: berth image push example.org/team/app:1")
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Argument(help: "NAME[:TAG]") var references: [String]

    func run() async throws {
        for name in references where ImageReference(name) == nil {
            throw BerthError(
                .invalid, "pushing \(name)", subject: name, cause: "invalid reference format",
                hint: "names are lower case: [registry/]path[:tag]")
        }
        let request = PullRequestDocument(
            items: references.map { .init(reference: $0) }, caller: StackContext.caller(pulling: references))
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "push", quiet: quiet).follow(client.push(request))
        result.lines.forEach { Console.shared.out($0) }
    }
}

struct ImageIndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Push images of several platforms, and an index of them under one name",
        discussion: "Example: berth image index example.org/team/app:1 localhost/app:amd64 localhost/app:arm64")
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "No progress") var quiet = false
    @Argument(help: "NAME[:TAG]") var reference: String
    @Argument(help: "Images, one for each platform") var members: [String]

    func run() async throws {
        var item = PullRequestDocument.Item(reference: reference)
        item.members = members
        let request = PullRequestDocument(items: [item], caller: StackContext.caller(pulling: [reference]))
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "push", quiet: quiet).follow(client.push(request))
        result.lines.forEach { Console.shared.out($0) }
    }
}
