// `volume`: volumes that no stack file makes, for `external: true`; and a look at all of them.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Volume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create, list, inspect and remove volumes",
        discussion: """
            Examples:
              berth volume create archive                          for stacks with {external: true, name: archive}
              berth volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch
              berth volume prune                                   anonymous ones that nobody uses
            """,
        subcommands: [VolumeCreate.self, VolumeLs.self, VolumeInspect.self, VolumeRm.self, VolumePrune.self])
}

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Create a volume")
    @Option(name: .shortAndLong, help: "Only local") var driver = "local"
    @Option(help: "KEY=VALUE; repeatable") var label: [String] = []
    @Option(
        name: [.customShort("o"), .customLong("opt")], help: "Mount option KEY=VALUE (type, device, o); repeatable")
    var opt: [String] = []
    @Argument(help: "Left out: a name is made up") var name: String?

    func run() async throws {
        guard driver == "local" else { throw ValidationError("the volume driver \"\(driver)\" is not there; local is") }
        var definition = VolumeDefinition(key: name ?? "", name: name ?? "")
        definition.labels = try PairWords.read(label, "--label")
        definition.driverOptions = try PairWords.read(opt, "--opt", needsValue: true)
        let made = try await AgentConnection.client().changeVolumes(.create(definition))
        for line in made.lines { Console.shared.out(line) }
    }
}

struct VolumeLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the volumes of all stacks, and those of none", aliases: ["list"])
    @Flag(name: .shortAndLong, help: "Names only") var quiet = false
    @Option(help: "table or json") var format = "table"

    func run() async throws {
        let volumes = try await AgentConnection.client().volumes(stack: nil).sorted { $0.name < $1.name }
        if quiet { return volumes.forEach { Console.shared.out($0.name) } }
        if format == "json" {
            for volume in volumes {
                let labels = volume.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                Console.shared.out(
                    JSONText.object([
                        ("Name", .string(volume.name)), ("Driver", .string("local")), ("Scope", .string("local")),
                        ("Labels", .string(labels.joined(separator: ","))),
                    ]).text)
            }
            return
        }
        Console.shared.out(Table.text(["DRIVER", "VOLUME NAME"], volumes.map { ["local", Console.safe($0.name)] }))
    }
}

struct VolumeInspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show volumes as JSON")
    @Argument var names: [String]

    func run() async throws {
        let all = try await AgentConnection.client().volumes(stack: nil)
        let layout = StateLayout(dataRoot: GlobalOptions.current.dataRoot, runRoot: "", world: "")
        let found = try names.map { name -> JSONText in
            guard let volume = all.first(where: { $0.name == name }) else {
                throw BerthError(.notFound, "no such volume: \(name)", subject: name)
            }
            return .object([
                ("CreatedAt", .string("\(volume.created)")), ("Driver", .string("local")),
                ("Labels", PairText.object(volume.labels)),
                ("Mountpoint", .string(layout.volumeContent(volume.name))), ("Name", .string(volume.name)),
                ("Options", PairText.object(volume.driverOptions)), ("Scope", .string("local")),
            ])
        }
        Console.shared.out(JSONText.array(found).text)
    }
}

struct VolumeRm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove volumes, with what is in them", aliases: ["remove"])
    @Flag(name: .shortAndLong, help: "One that is not there is no error") var force = false
    @Argument var names: [String]

    func run() async throws {
        let client = try await AgentConnection.client()
        try await ResourceRemoval.each(names, force: force) { name in
            _ = try await client.changeVolumes(.remove(name))
        }
    }
}

struct VolumePrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove anonymous volumes that no container uses",
        discussion: "With --all, those with a name go too. What is in them is gone.")
    @Flag(name: .shortAndLong, help: "Those with a name too") var all = false
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false

    func run() async throws {
        let what = all ? "all volumes that no container uses" : "anonymous volumes that no container uses"
        guard try Pruning.isMeant(what, force: force) else { return }
        let result = try await AgentConnection.client().changeVolumes(.prune(all: all))
        Pruning.tell(result, "Volumes")
        Console.shared.out("Total reclaimed space: \(ContainerText.bytes(result.freedBytes))")
    }
}
