// `down`: stop and remove the stack's containers and networks; named volumes only when asked.
import ArgumentParser
import BerthControl
import BerthModel

struct Down: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Stop and remove containers and networks",
        discussion: """
            Examples:
              berth down          named volumes stay
              berth down -v       named volumes go too
            """)
    @Flag(
        name: [.customShort("v"), .customLong("volumes")], help: "Remove named volumes of the file, and anonymous ones")
    var volumes = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Option(help: "Remove images: local or all") var rmi: String?
    @Option(name: [.customShort("t"), .customLong("timeout")], help: "Seconds to wait for containers to stop")
    var timeout: Int?
    @Argument(help: "Services; none: all") var services: [String] = []

    func validate() throws {
        if let rmi, !["local", "all"].contains(rmi) { throw ValidationError("invalid value for --rmi: \"\(rmi)\"") }
    }

    func run() async throws {
        let context = try StackContext.identify(services: services)
        var request = DownRequest(stackName: context.name)
        request.stack = context.stack
        request.services = services
        request.removeVolumes = volumes
        request.removeOrphans = removeOrphans || context.stack == nil
        request.removeImages = rmi.flatMap { DownRequest.ImageRemoval(rawValue: $0) }
        request.stopTimeoutSeconds = timeout
        request.dryRun = GlobalOptions.current.dryRun
        let client = try await AgentConnection.client()
        try await ProgressView(title: "down").follow(client.down(request))
    }
}
