// `commit` and `export`: a container's changes as an image, its tree as an archive; by service, or by container.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

/// What both kinds of `commit` take.
struct CommitFlags: ParsableArguments {
    @Option(name: [.customShort("a"), .customLong("author")], help: "Author of the image") var author: String?
    @Option(name: [.customShort("c"), .customLong("change")], help: "Dockerfile instruction to apply; repeatable")
    var change: [String] = []
    @Option(name: [.customShort("m"), .customLong("message")], help: "Comment of the layer") var message: String?
    @Flag(
        name: [.customShort("p"), .customLong("pause")], inversion: .prefixedNo,
        help: "Hold the container still meanwhile")
    var pause = true

    func commit(_ client: ControlClient, _ container: ContainerDocument, _ reference: String?) async throws {
        var request = CommitRequest(container: container.record.id)
        request.reference = reference
        request.author = author
        request.message = message
        request.changes = change
        request.pauses = pause
        let result = try await ProgressView(title: "commit").follow(client.commit(request))
        result.lines.forEach { Console.shared.out($0) }
    }
}

/// What both kinds of `export` take.
struct ExportFlags: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "File; none: standard output") var output: String?

    func export(_ client: ControlClient, _ container: ContainerDocument) async throws {
        if output == nil && Console.shared.outIsTerminal {
            throw BerthError(
                .invalid, "exporting a container", cause: "standard output is a terminal", hint: "name a file with -o")
        }
        let spool =
            try output.map { $0.hasPrefix("/") ? $0 : EnvironmentVariables.workingDirectory + "/" + $0 }
            ?? ArchivePath.temporary()
        try await ProgressView(title: "export").follow(
            client.exportContainer(ContainerExportRequest(container: container.record.id, path: spool)))
        guard output == nil else { return }
        defer { try? Directory.remove(spool) }
        try ArchivePath.deliver(spool)
    }
}

struct Commit: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Make an image of a service's container",
        discussion: "Example: berth commit -m 'with data' db localhost/db:seeded")
    @Option(help: "Number of the replica") var index: Int?
    @OptionGroup var flags: CommitFlags
    @Argument var service: String
    @Argument(help: "NAME[:TAG]") var reference: String?

    func run() async throws {
        let (client, container) = try await ContainerChoice.find(service, index: index, all: true)
        try await flags.commit(client, container, reference)
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Export the tree of a service's container as a tar archive",
        discussion: "Example: berth export -o web.tar web")
    @Option(help: "Number of the replica") var index: Int?
    @OptionGroup var flags: ExportFlags
    @Argument var service: String

    func run() async throws {
        let (client, container) = try await ContainerChoice.find(service, index: index, all: true)
        try await flags.export(client, container)
    }
}

struct ContainerGroup: AsyncParsableCommand {
    static let configuration = subcommand(
        name: "container", abstract: "Commit and export containers by name, of any stack",
        subcommands: [ContainerCommitCommand.self, ContainerExportCommand.self])
}

struct ContainerCommitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Make an image of a container",
        discussion: "Example: berth container commit shop-db-1 localhost/db:seeded")
    @OptionGroup var flags: CommitFlags
    @Argument(help: "Name or id") var container: String
    @Argument(help: "NAME[:TAG]") var reference: String?

    func run() async throws {
        let (client, found) = try await ContainerChoice.named(container)
        try await flags.commit(client, found, reference)
    }
}

struct ContainerExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export a container's tree as a tar archive",
        discussion: "Example: berth container export shop-web-1 > web.tar")
    @OptionGroup var flags: ExportFlags
    @Argument(help: "Name or id") var container: String

    func run() async throws {
        let (client, found) = try await ContainerChoice.named(container)
        try await flags.export(client, found)
    }
}
