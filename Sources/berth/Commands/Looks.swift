// top, port, ls, images, volumes, wait, events, version: commands that only look.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Top: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Show the processes of containers")
    @Argument var services: [String] = []
    func run() async throws {
        let context = try StackContext.identify(services: services)
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: context.name)
        filter.all = false
        for document in try await client.containers(filter)
        where services.isEmpty || services.contains(document.record.slot.service) {
            let table = try await client.top(container: document.record.id)
            Console.shared.out(Console.safe(document.record.name))
            Console.shared.out(Table.text(table.titles, table.rows.map { $0.map { Console.safe($0) } }) + "\n")
        }
    }
}

struct Port: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Print the public address of a port", discussion: "Example: berth port web 80")
    @Option(help: "Number of the replica") var index: Int?
    @Option(help: "tcp or udp") var `protocol` = "tcp"
    @Argument var service: String
    @Argument var port: UInt16
    func run() async throws {
        let (_, document) = try await ContainerChoice.find(service, index: index)
        guard
            let found = document.record.ports.first(where: {
                $0.containerPort == port && $0.transport.rawValue == `protocol`
            })
        else {
            throw BerthError(
                .notFound, "no port \(port)/\(`protocol`) for container \(document.record.name)",
                subject: document.record.name)
        }
        Console.shared.out("\(found.hostAddress):\(found.hostPort)")
    }
}

struct Ls: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "List stacks")
    @Flag(name: [.customShort("a"), .customLong("all")], help: "Stopped ones too") var all = false
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Names only") var quiet = false
    @Option(help: "table or json") var format = "table"
    @Option(help: .hidden) var filter: String?
    func run() async throws {
        let client = try await AgentConnection.client()
        let stacks = try await client.stacks(all: all)
        if quiet { return stacks.forEach { Console.shared.out($0.name) } }
        if format == "json" {
            let items = stacks.map {
                JSONText.object([
                    ("Name", .string($0.name)), ("Status", .string($0.status)),
                    ("ConfigFiles", .string($0.configFiles)),
                ])
            }
            return Console.shared.out(JSONText.array(items).text)
        }
        Console.shared.out(
            Table.text(["NAME", "STATUS", "CONFIG FILES"], stacks.map { [$0.name, $0.status, $0.configFiles] }))
    }
}

struct Images: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "List the images that containers are made from")
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Ids only") var quiet = false
    @Option(help: "table or json") var format = "table"
    @Argument var services: [String] = []
    func run() async throws {
        let context = try StackContext.identify(services: services)
        let client = try await AgentConnection.client()
        let images = try await client.images()
        let rows = try await client.containers(ContainerFilter(stack: context.name))
            .filter { services.isEmpty || services.contains($0.record.slot.service) }
            .map { document -> (ContainerDocument, ImageReference?, ImageDocument?) in
                (
                    document, ImageReference(document.record.imageReference),
                    images.first { $0.id == document.record.imageID }
                )
            }
        if quiet { return Set(rows.map { $0.0.record.imageID.hex }).sorted().forEach { Console.shared.out($0) } }
        if format == "json" {
            let items = rows.map { document, reference, image in
                JSONText.object([
                    ("ID", .string("\(document.record.imageID)")), ("ContainerName", .string(document.record.name)),
                    ("Repository", .string(reference?.familiarName ?? "<none>")),
                    ("Tag", .string(reference?.tag ?? "<none>")),
                    ("Platform", .string("\(image?.config.platform ?? Platform.host)")),
                    ("Size", .number(image?.sizeBytes ?? 0)),
                ])
            }
            return Console.shared.out(JSONText.array(items).text)
        }
        Console.shared.out(
            Table.text(
                ["CONTAINER", "REPOSITORY", "TAG", "IMAGE ID", "SIZE"],
                rows.map { document, reference, image in
                    [
                        document.record.name, reference?.familiarName ?? "<none>", reference?.tag ?? "<none>",
                        document.record.imageID.short, ContainerText.bytes(image?.sizeBytes ?? 0),
                    ]
                }))
    }
}

struct Volumes: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "List the stack's volumes")
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Names only") var quiet = false
    @Option(help: "table or json") var format = "table"
    func run() async throws {
        let context = try StackContext.identify()
        let client = try await AgentConnection.client()
        // Anonymous ones belong to their containers; docker compose does not list them either.
        let volumes = try await client.volumes(stack: context.name).filter { !$0.isAnonymous }
        if quiet { return volumes.forEach { Console.shared.out($0.name) } }
        if format == "json" {
            for volume in volumes {
                Console.shared.out(
                    JSONText.object([("Name", .string(volume.name)), ("Driver", .string("local"))]).text)
            }
            return
        }
        Console.shared.out(Table.text(["VOLUME NAME", "DRIVER"], volumes.map { [$0.name, "local"] }))
    }
}

struct Wait: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Wait until the first of the containers ends")
    @Flag(help: "Take the stack down then") var downProject = false
    @Argument var services: [String]
    func run() async throws {
        let context = try StackContext.identify(services: services)
        let client = try await AgentConnection.client()
        let documents = try await client.containers(ContainerFilter(stack: context.name)).filter {
            services.contains($0.record.slot.service)
        }
        if documents.isEmpty { throw BerthError(.notFound, "no containers for \(services.joined(separator: ", "))") }
        let first = try await withThrowingTaskGroup(of: (ContainerDocument, ContainerStatus).self) { group in
            for document in documents {
                group.addTask { (document, try await client.wait(container: document.record.id)) }
            }
            defer { group.cancelAll() }
            return try await group.next()
        }
        guard let (document, status) = first else { return }
        Console.shared.out("container \"\(document.record.id.text)\" exited with status code \(status.exitCode)")
        if downProject {
            var request = DownRequest(stackName: context.name)
            request.stack = context.stack
            try await ProgressView(title: "down").follow(client.down(request))
        }
        if status.exitCode != 0 { throw ExitCode(status.exitCode) }
    }
}

struct Events: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Show what happens to containers, as it happens")
    @Flag(help: "One JSON object an event") var json = false
    @Argument var services: [String] = []
    func run() async throws {
        let context = try StackContext.identify(services: services)
        if let unknown = services.first(where: { context.stack?.services[$0] == nil && context.stack != nil }) {
            throw BerthError(.notFound, "no such service: \(unknown)", subject: unknown)
        }
        let client = try await AgentConnection.client()
        for try await event in client.events(stack: context.name)
        where services.isEmpty || services.contains(event.service ?? "") {
            for line in EventLine.lines(event) { Console.shared.out(json ? line.json : line.text) }
        }
    }
}

struct Version: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Show the version")
    @Flag(help: "The number only") var short = false
    @Option(name: [.customShort("f"), .customLong("format")], help: "pretty or json") var format = "pretty"
    func run() async throws {
        if short { return Console.shared.out(BerthVersion.text) }
        if format == "json" {
            return Console.shared.out(JSONText.object([("version", .string("v\(BerthVersion.text)"))]).text)
        }
        Console.shared.out("berth version v\(BerthVersion.text)")
    }
}
