// `image load`: images of an archive, and straight out of the Docker that runs beside berth.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct ImageLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load images from an archive (docker-archive or OCI layout)",
        discussion: """
            Examples:
              berth image load -i images.tar
              berth image load --from-docker app:1     what Docker on this host has, without a registry
            """)
    @Option(name: [.customShort("i"), .customLong("input")], help: "Archive; - or none: standard input") var input = "-"
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: .hidden) var quiet = false
    @Flag(help: "Load local images of Docker's instead of an archive") var fromDocker = false
    @Argument(help: "With --from-docker: images; none: all that have a name") var references: [String] = []

    func validate() throws {
        if !fromDocker && !references.isEmpty {
            throw ValidationError("load takes images only with --from-docker; an archive is given with -i")
        }
        if fromDocker && input != "-" { throw ValidationError("--from-docker reads no archive") }
    }

    func run() async throws {
        let client = try await AgentConnection.client()
        func load(_ path: String) async throws {
            let result = try await ProgressView(title: "load").follow(client.loadImages(ImageLoadRequest(path: path)))
            result.lines.forEach { Console.shared.out($0) }
        }
        guard fromDocker else { return try await ArchivePath.input(input, load) }
        let docker = try LocalDocker()
        let wanted = references.isEmpty ? try docker.images() : references
        if wanted.isEmpty { return Console.shared.warn("docker has no image with a name") }
        let spool = try ArchivePath.temporary()
        defer { try? Directory.remove(spool) }
        try docker.save(wanted, to: spool)
        try await load(spool)
    }
}

/// The caller's docker, asked with the caller's rights.
struct LocalDocker {
    private let program: String

    init() throws {
        let folders = (EnvironmentVariables.value("PATH") ?? "").split(separator: ":").map(String.init)
        guard let found = folders.map({ "\($0)/docker" }).first(where: { (try? FileStatus.of($0)) != nil }) else {
            throw BerthError(
                .notFound, "loading images from docker", cause: "there is no docker on PATH",
                hint: "save the images where it is, and load the archive with -i")
        }
        program = found
    }

    /// All that have a name.
    func images() throws -> [String] {
        let spool = try ArchivePath.temporary()
        defer { try? Directory.remove(spool) }
        try run(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], to: spool)
        return try FileIO.readText(spool).split(separator: "\n").map(String.init).filter { !$0.contains("<none>") }
    }

    /// A docker-archive.
    func save(_ references: [String], to path: String) throws {
        for name in references where ImageReference(name) == nil {
            throw BerthError(
                .invalid, "loading \(name) from docker", subject: name, cause: "invalid reference format")
        }
        try run(["image", "save"] + references, to: path)
    }

    private func run(_ arguments: [String], to path: String) throws {
        let output = try Directory.open(path, flags: FileFlags.writeNew, mode: 0o600)
        let null = try Directory.open("/dev/null", flags: FileFlags.readWrite)
        let environment = EnvironmentVariables.all.map { "\($0.key)=\($0.value)" }.sorted()
        let child = try BerthLinux.Process.spawn(
            program, ["docker"] + arguments, environment: environment, descriptors: [null.number, output.number, 2])
        let code = try BerthLinux.Process.wait(child)
        guard code == 0 else {
            throw BerthError(
                .unavailable, "loading images from docker",
                cause: "docker \(arguments.prefix(2).joined(separator: " ")) ended with \(code)",
                hint: "is Docker running, and does it have the images?")
        }
    }
}
