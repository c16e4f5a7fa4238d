// `watch`: files that change on the host change in the containers.
import ArgumentParser
import BerthControl
import BerthModel

struct Watch: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Copy changed files into containers, restart what must be restarted",
        discussion: """
            The rules are develop.watch of the services.

            Examples:
              berth watch               start the stack, then watch until Ctrl-C
              berth watch --no-up api   one service that runs already
            """)
    @Flag(help: "Do not start the services first") var noUp = false
    @Flag(inversion: .prefixedNo, help: .hidden) var prune = true
    @Flag(help: "Say errors only") var quiet = false
    @Argument(help: "Services; none: all that have rules") var services: [String] = []

    func run() async throws {
        let stack = try StackContext.load(services: services)
        let client = try await AgentConnection.client()
        if !noUp {
            var copy = stack
            let materials = try StackContext.materials(of: &copy)
            var request = UpRequest(
                stack: copy, materials: materials,
                caller: StackContext.caller(pulling: StackContext.references(stack)))
            request.services = services
            try await ProgressView(title: "up", quiet: quiet).follow(client.up(request))
        }
        try await WatchSession(stack, services, client, quiet: quiet).run()
    }
}
