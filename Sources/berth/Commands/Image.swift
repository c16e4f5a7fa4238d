// `image …`: what is in the store.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Image: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Build, pull, push, import, load, save, list and remove images",
        subcommands: [
            ImageBuildCommand.self, ImagePull.self, ImagePush.self, ImageIndexCommand.self, ImageImport.self,
            ImageLoad.self, ImageSave.self, ImageLs.self, ImageInspect.self, ImageHistory.self, ImageRm.self,
            ImageTag.self, ImagePrune.self,
        ])
}

/// A path that the agent can open: `-` is copied into a file first.
enum ArchivePath {
    /// Writes a file to standard output.
    static func deliver(_ path: String) throws {
        let file = try Directory.open(path)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try FileIO.readSome(file.number, &buffer)
            if count == 0 { return }
            try FileIO.write(number: 1, Array(buffer[..<count]))
        }
    }

    static func input(_ path: String, _ body: (String) async throws -> Void) async throws {
        if path != "-" {
            let absolute = path.hasPrefix("/") ? path : EnvironmentVariables.workingDirectory + "/" + path
            if (try? FileStatus.of(absolute)) == nil {
                throw BerthError(.notFound, "opening \(path)", subject: path, cause: "no such file")
            }
            return try await body(absolute)
        }
        let spool = try temporary()
        defer { try? Directory.remove(spool) }
        let file = try Directory.open(spool, flags: FileFlags.writeNew, mode: 0o600)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try FileIO.readSome(0, &buffer)
            if count == 0 { break }
            try FileIO.write(number: file.number, Array(buffer[..<count]))
        }
        try await body(spool)
    }

    static func temporary() throws -> String {
        "\(EnvironmentVariables.value("TMPDIR") ?? "/tmp")/berth-archive-\(Hex.encode(randomBytes(8)))"
    }
}

struct ImageImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make an image from a root tree",
        discussion: """
            Examples:
              berth image import rootfs.tar.zst localhost/base:1
              tar -C tree -cf - . | berth image import --change 'CMD ["sh"]' - localhost/base:1
            """)
    @Option(name: [.customShort("c"), .customLong("change")], help: "Dockerfile instruction to apply; repeatable")
    var change: [String] = []
    @Option(name: [.customShort("m"), .customLong("message")], help: "Comment of the layer") var message: String?
    @Argument(help: "tar, plain or compressed (gzip, zstd); - for standard input") var file: String
    @Argument(help: "NAME[:TAG]") var reference: String
    func run() async throws {
        let client = try await AgentConnection.client()
        try await ArchivePath.input(file) { path in
            var request = ImageImportRequest(path: path, reference: reference)
            request.changes = change
            request.message = message
            let result = try await ProgressView(title: "import").follow(client.importImage(request))
            result.lines.forEach { Console.shared.out($0) }
        }
    }
}

struct ImageSave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save", abstract: "Save images to an archive",
        discussion: "Example: berth image save -o app.tar localhost/app:1")
    @Option(name: [.customShort("o"), .customLong("output")], help: "File; none: standard output") var output: String?
    @Argument(help: "Images") var references: [String]
    func run() async throws {
        if output == nil && Console.shared.outIsTerminal {
            throw BerthError(
                .invalid, "saving images", cause: "standard output is a terminal", hint: "name a file with -o")
        }
        let client = try await AgentConnection.client()
        let spool =
            try output.map { $0.hasPrefix("/") ? $0 : EnvironmentVariables.workingDirectory + "/" + $0 }
            ?? ArchivePath.temporary()
        try await ProgressView(title: "save").follow(
            client.saveImages(ImageSaveRequest(references: references, path: spool)))
        guard output == nil else { return }
        defer { try? Directory.remove(spool) }
        try ArchivePath.deliver(spool)
    }
}

struct ImageRm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove images", aliases: ["remove"])
    @Flag(name: [.customShort("f"), .customLong("force")], help: "Even if containers are made from it") var force =
        false
    @Argument var references: [String]
    func run() async throws {
        let client = try await AgentConnection.client()
        for name in references {
            for line in try await client.removeImage(name, force: force) { Console.shared.out(line) }
        }
    }
}

struct ImageTag: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tag", abstract: "Give an image another name")
    @Argument var source: String
    @Argument var target: String
    func run() async throws {
        let client = try await AgentConnection.client()
        try await client.tagImage(source: source, target: target)
    }
}
