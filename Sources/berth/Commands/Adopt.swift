// `adopt`: a stack that ran under Docker goes on under berth, with its volumes and its local images.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Adopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take over this stack's volumes and local images from Docker",
        discussion: """
            Volumes are copied, and Docker's own are left as they are. A volume that berth has with something in it is
            kept. Images that berth has not are loaded from Docker, if it runs.

            Examples:
              docker compose stop && berth adopt && berth up -d
              berth adopt --dry-run                  say what would be copied
              berth adopt --docker-root /srv/docker  where Docker's data is, if its settings do not say
            """)
    @Option(help: ArgumentHelp("Docker's data directory", valueName: "directory")) var dockerRoot: String?
    @Flag(help: "Copy volumes that a process is using: what it writes meanwhile may be torn") var whileUsed = false
    @Flag(help: "Leave images alone") var noImages = false

    func run() async throws {
        let stack = try StackContext.load(quiet: true)
        let client = try await AgentConnection.client()
        let root = try dockerRoot.map { try Directory.realPath($0) }
        for volume in stack.volumes.values.sorted(by: { $0.name < $1.name }) where !volume.isExternal {
            var request = AdoptRequest(stack: stack.name, volume: volume)
            request.dockerRoot = root
            request.whileUsed = whileUsed
            request.dryRun = GlobalOptions.current.dryRun
            show(volume.name, try await client.adoptVolume(request))
        }
        if !noImages { try await adoptImages(stack, client) }
    }

    private func show(_ name: String, _ adoption: VolumeAdoption) {
        let source = Console.safe(adoption.source ?? "")
        let size = ContainerText.bytes(adoption.bytes)
        switch adoption.outcome {
        case .absent: Console.shared.out("volume \(name): Docker has nothing in it")
        case .kept: Console.shared.out("volume \(name): kept as berth has it; Docker's is in \(source)")
        case .copied: Console.shared.out("volume \(name): copied \(size) from \(source)")
        case .wouldCopy: Console.shared.out("volume \(name): would copy \(size) from \(source)")
        }
    }

    /// What the stack runs and berth has not, as far as Docker has it.
    private func adoptImages(_ stack: Stack, _ client: ControlClient) async throws {
        let known = Set(try await client.images().flatMap(\.references).compactMap { ImageReference($0) })
        let wanted = Set(stack.services.values.compactMap { ImageReference(stack.imageReference(of: $0)) })
            .subtracting(known)
        guard !wanted.isEmpty, let docker = try? LocalDocker(), let there = try? docker.images() else { return }
        let found = there.filter { ImageReference($0).map(wanted.contains) ?? false }.sorted()
        if found.isEmpty { return }
        if GlobalOptions.current.dryRun {
            return found.forEach { Console.shared.out("image \($0): would be loaded from Docker") }
        }
        let spool = try ArchivePath.temporary()
        defer { try? Directory.remove(spool) }
        try docker.save(found, to: spool)
        let loaded = try await ProgressView(title: "load").follow(client.loadImages(ImageLoadRequest(path: spool)))
        loaded.lines.forEach { Console.shared.out($0) }
    }
}
