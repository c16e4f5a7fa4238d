// `ps`: the stack's containers.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Ps: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "List containers",
        discussion: """
            Examples:
              berth ps -a                          stopped ones too
              berth ps --format '{{.Name}} {{.State}}'
              berth ps --format json
            """)
    @Flag(name: [.customShort("a"), .customLong("all")], help: "Stopped ones too") var all = false
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Ids only") var quiet = false
    @Flag(help: "Names of services only") var services = false
    @Option(help: "Only containers in this state; repeatable") var status: [String] = []
    @Option(help: "status=STATE") var filter: String?
    @Option(help: "table, json or a template") var format = "table"
    @Flag(help: "Do not cut long fields") var noTrunc = false
    @Flag(inversion: .prefixedNo, help: "Containers of services that are not in the file") var orphans = true
    @Argument(help: "Services; none: all") var names: [String] = []

    func run() async throws {
        let context = try StackContext.identify(services: names)
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: context.name)
        filter.all = true
        let wanted = try states()
        let documents = try await client.containers(filter).filter { document in
            if !names.isEmpty && !names.contains(document.record.slot.service) { return false }
            if !orphans, let stack = context.stack, stack.services[document.record.slot.service] == nil { return false }
            if !wanted.isEmpty { return wanted.contains(document.status.state.rawValue) }
            return all || document.status.isRunning || document.status.state == .restarting
        }
        if quiet { return documents.forEach { Console.shared.out($0.record.id.text) } }
        if services {
            return Set(documents.map(\.record.slot.service)).sorted().forEach { Console.shared.out($0) }
        }
        try show(documents)
    }

    private func states() throws -> Set<String> {
        var wanted = Set(status)
        if let filter {
            guard filter.hasPrefix("status=") else {
                throw BerthError(.invalid, "reading --filter \(filter)", cause: "only status=STATE is known")
            }
            wanted.insert(String(filter.dropFirst(7)))
        }
        let known: Set<String> = ["paused", "restarting", "removing", "running", "dead", "created", "exited"]
        if let wrong = wanted.first(where: { !known.contains($0) }) {
            throw BerthError(
                .invalid, "reading --status \(wrong)", cause: "states are \(known.sorted().joined(separator: ", "))")
        }
        return wanted
    }

    private func show(_ documents: [ContainerDocument]) throws {
        let now = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        switch format {
        case "json": for document in documents { Console.shared.out(JSONText.object(Ps.fields(document, now)).text) }
        case "table", "":
            let rows = documents.map { document in
                [
                    Console.safe(document.record.name), Console.safe(document.record.imageReference),
                    Console.safe(ContainerText.command(document)), document.record.slot.service,
                    ContainerText.age(now.duration(since: document.record.created)) + " ago",
                    ContainerText.status(document, now: now),
                    ContainerText.ports(document),
                ]
            }
            Console.shared.out(Table.text(["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"], rows))
        default:
            let template = try TemplateText(format)
            let rows = documents.map { Ps.fields($0, now) }
            try template.lines(rows, titles: ["ID": "CONTAINER ID", "RunningFor": "CREATED"]).forEach {
                Console.shared.out($0)
            }
        }
    }

    /// Docker compose's fields, in its order.
    static func fields(_ document: ContainerDocument, _ now: Timestamp) -> [(String, JSONText)] {
        let record = document.record
        let publishers = record.ports.map { port in
            JSONText.object([
                ("URL", .string("\(port.hostAddress)")), ("TargetPort", .number(Int64(port.containerPort))),
                ("PublishedPort", .number(Int64(port.hostPort))), ("Protocol", .string(port.transport.rawValue)),
            ])
        }
        let volumes = record.mounts.filter { if case .volume = $0.source { true } else { false } }.count
        return [
            ("Command", .string(ContainerText.command(document))), ("CreatedAt", .string("\(record.created)")),
            ("ExitCode", .number(Int64(document.status.exitCode))),
            ("Health", .string(document.status.health == .none ? "" : document.status.health.rawValue)),
            ("ID", .string(record.id.short)), ("Image", .string(record.imageReference)),
            (
                "Labels",
                .string(record.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))
            ),
            ("LocalVolumes", .string("\(volumes)")),
            ("Mounts", .string(record.mounts.map(\.target).joined(separator: ","))),
            ("Name", .string(record.name)), ("Names", .string(record.name)),
            ("Networks", .string(record.endpoints.map(\.network).joined(separator: ","))),
            ("OOMKilled", .string(document.status.oomKilled ? "true" : "false")),
            ("Ports", .string(ContainerText.ports(document))), ("Project", .string(record.stack)),
            ("Publishers", .array(publishers)),
            ("RunningFor", .string(ContainerText.age(now.duration(since: record.created)) + " ago")),
            ("Service", .string(record.slot.service)), ("Size", .string("0B")),
            ("State", .string(document.status.state.rawValue)),
            ("Status", .string(ContainerText.status(document, now: now))),
        ]
    }
}
