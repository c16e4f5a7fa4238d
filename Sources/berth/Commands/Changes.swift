// start, stop, restart, kill, rm, pause, unpause: one request with another verb each.
import ArgumentParser
import BerthControl
import BerthModel

enum Change {
    static func run(
        _ verb: ChangeRequest.Verb, _ services: [String], _ adjust: (inout ChangeRequest) -> Void = { _ in }
    ) async throws {
        let context = try StackContext.identify(services: services)
        var request = ChangeRequest(verb: verb, stackName: context.name)
        request.stack = context.stack
        request.services = services
        request.dryRun = GlobalOptions.current.dryRun
        adjust(&request)
        let client = try await AgentConnection.client()
        try await ProgressView(title: verb == .remove ? "rm" : verb.rawValue).follow(client.change(request))
    }
}

struct Start: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Start stopped containers")
    @Flag(help: "Wait until services are running or healthy") var wait = false
    @Option(help: "Give up waiting after so many seconds") var waitTimeout: Int?
    @Argument var services: [String] = []
    func run() async throws {
        try await Change.run(.start, services) {
            $0.wait = wait
            $0.waitTimeoutSeconds = waitTimeout
        }
    }
}

struct Stop: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Stop containers")
    @Option(name: [.customShort("t"), .customLong("timeout")], help: "Seconds to wait before killing") var timeout: Int?
    @Argument var services: [String] = []
    func run() async throws { try await Change.run(.stop, services) { $0.stopTimeoutSeconds = timeout } }
}

struct Restart: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Restart containers")
    @Flag(help: "Do not restart dependants") var noDeps = false
    @Option(name: [.customShort("t"), .customLong("timeout")], help: "Seconds to wait before killing") var timeout: Int?
    @Argument var services: [String] = []
    func run() async throws {
        try await Change.run(.restart, services) {
            $0.includeDependencies = !noDeps
            $0.stopTimeoutSeconds = timeout
        }
    }
}

struct Kill: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Kill containers", discussion: "Example: berth kill -s HUP web")
    @Option(name: [.customShort("s"), .customLong("signal")], help: "Signal to send") var signal = "SIGKILL"
    @Flag(help: .hidden) var removeOrphans = false
    @Argument var services: [String] = []
    func validate() throws {
        if Signal.number(signal) == nil { throw ValidationError("there is no signal \"\(signal)\"") }
    }
    func run() async throws { try await Change.run(.kill, services) { $0.signal = signal } }
}

struct Rm: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Remove stopped containers")
    @Flag(name: [.customShort("f"), .customLong("force")], help: "Do not ask") var force = false
    @Flag(name: [.customShort("s"), .customLong("stop")], help: "Stop them first") var stop = false
    @Flag(name: [.customShort("v"), .customLong("volumes")], help: "Remove anonymous volumes too") var volumes = false
    @Argument var services: [String] = []
    func run() async throws {
        try await Change.run(.remove, services) {
            $0.stopFirst = stop
            $0.removeVolumes = volumes
        }
    }
}

struct Pause: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Freeze containers")
    @Argument var services: [String] = []
    func run() async throws { try await Change.run(.pause, services) }
}

struct Unpause: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Let frozen containers go on")
    @Argument var services: [String] = []
    func run() async throws { try await Change.run(.unpause, services) }
}

struct Create: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Create containers without starting them")
    @Flag(help: "Recreate containers even if nothing changed") var forceRecreate = false
    @Flag(help: "Leave existing containers as they are") var noRecreate = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Flag(help: "Build images although they are here") var build = false
    @Flag(help: "Build no image, even if it is missing") var noBuild = false
    @Flag(help: "No progress of pulls") var quietPull = false
    @Option(help: "Pull images: always, missing or never; else as each service says") var pull: String?
    @Option(help: "Replicas: NAME=NUMBER") var scale: [String] = []
    @Argument var services: [String] = []
    func run() async throws {
        var arguments = ["--no-start"] + services
        if build { arguments.insert("--build", at: 0) }
        if noBuild { arguments.insert("--no-build", at: 0) }
        if quietPull { arguments.insert("--quiet-pull", at: 0) }
        if let pull { arguments = ["--pull", pull] + arguments }
        if forceRecreate { arguments.insert("--force-recreate", at: 0) }
        if noRecreate { arguments.insert("--no-recreate", at: 0) }
        if removeOrphans { arguments.insert("--remove-orphans", at: 0) }
        for pair in scale { arguments = ["--scale", pair] + arguments }
        let up = try Up.parse(arguments)
        try await up.run()
    }
}

struct Scale: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Set the number of replicas", discussion: "Example: berth scale worker=3")
    @Flag(help: "Do not start what the services depend on") var noDeps = false
    @Argument(help: "SERVICE=NUMBER") var pairs: [String]
    func run() async throws {
        var arguments = ["--detach"]
        if noDeps { arguments.append("--no-deps") }
        for pair in pairs { arguments += ["--scale", pair] }
        let up = try Up.parse(arguments + pairs.compactMap { $0.split(separator: "=").first.map(String.init) })
        try await up.run()
    }
}
