// `exec`, `run`, `attach`: programs with our terminal or pipes.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

/// Finds the one container that a command means.
enum ContainerChoice {
    /// - Parameter all: one that does not run will do.
    static func find(
        _ service: String, index: Int?, all: Bool = false
    ) async throws -> (ControlClient, ContainerDocument) {
        let context = try StackContext.identify()
        if let stack = context.stack, stack.services[service] == nil, stack.inactiveServices[service] == nil {
            throw BerthError(.notFound, "no such service: \(service)", subject: service)
        }
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: context.name)
        filter.all = all
        let found = try await client.containers(filter).filter { $0.record.slot.service == service }
        // Of two containers in a slot, the one that serves is meant.
        let replicas = found.filter { $0.record.slot.oneOff == nil }
            .sorted { !$0.record.isStandby && $1.record.isStandby }
        let choice =
            index.map { number in replicas.first { $0.record.slot.number == number } }
            ?? (replicas.first ?? found.first)
        guard let choice else {
            throw BerthError(
                .notFound,
                "service \"\(service)\" \(all ? "has no container" : "is not running")"
                    + (index.map { " container #\($0)" } ?? ""),
                subject: service,
                hint: "berth ps -a shows why; berth up -d \(service) starts it")
        }
        return (client, choice)
    }

    /// A container of any stack, by its name or the beginning of its id.
    static func named(_ name: String) async throws -> (ControlClient, ContainerDocument) {
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: nil)
        filter.all = true
        filter.includeOneOff = true
        let all = try await client.containers(filter)
        let found = all.filter { $0.record.name == name }
        let matches = found.isEmpty && name.count >= 4 ? all.filter { $0.record.id.text.hasPrefix(name) } : found
        guard matches.count == 1, let match = matches.first else {
            throw BerthError(
                .notFound, "looking for container \(name)", subject: name,
                cause: matches.isEmpty ? "no such container: \(name)" : "the digits begin several ids")
        }
        return (client, match)
    }
}

struct Exec: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Run a command in a running container",
        discussion: """
            Examples:
              berth exec web sh
              berth exec -T db pg_dump app > dump.sql
              berth exec -u root -w /srv web ls -l
            """)
    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Do not wait for it") var detach = false
    @Flag(name: [.customShort("T"), .customLong("no-TTY"), .customLong("no-tty")], help: "No terminal") var noTTY =
        false
    @Flag(name: [.customShort("i"), .customLong("interactive")], help: .hidden) var interactive = false
    @Flag(name: [.customShort("t"), .customLong("tty")], help: .hidden) var tty = false
    @Option(name: [.customShort("e"), .customLong("env")], help: "KEY=VALUE; repeatable") var environment: [String] = []
    @Option(name: [.customShort("u"), .customLong("user")], help: "User, uid, user:group or uid:gid") var user: String?
    @Option(name: [.customShort("w"), .customLong("workdir")], help: "Directory to run in") var workdir: String?
    @Option(help: "Number of the replica") var index: Int?
    @Flag(help: "All capabilities") var privileged = false
    @Argument var service: String
    @Argument(parsing: .captureForPassthrough) var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("exec needs a service and a command") }
    }

    func run() async throws {
        let (client, document) = try await ContainerChoice.find(service, index: index)
        var request = ExecRequest(container: document.record.id, command: command)
        request.environment = environment.map { pair in
            pair.contains("=") ? pair : EnvironmentVariables.all[pair].map { "\(pair)=\($0)" } ?? pair
        }
        request.user = user
        request.workingDirectory = workdir
        request.tty = !noTTY && !detach && Terminal.isTerminal(0) && Terminal.isTerminal(1)
        request.privileged = privileged
        request.detach = detach
        if request.tty, let size = Terminal.size(0) {
            request.rows = size.rows
            request.columns = size.columns
        }
        let stream = try ShimStream(try await client.exec(request), interactive: !detach)
        let code = try stream.run()
        if code != 0 { throw ExitCode(code) }
    }
}

struct Attach: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Attach to a container's main process")
    @Option(help: "Number of the replica") var index: Int?
    @Flag(help: "Do not send input") var noStdin = false
    @Argument var service: String

    func run() async throws {
        let (client, document) = try await ContainerChoice.find(service, index: index)
        let ticket = try await client.attach(container: document.record.id)
        let code = try ShimStream(ticket, interactive: !noStdin && document.record.service.standardInputOpen).run()
        if code != 0 { throw ExitCode(code) }
    }
}

struct Run: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Run a one-off command in a service's container",
        discussion: """
            Examples:
              berth run --rm web sh
              berth run --rm -e DEBUG=1 job ./migrate --dry-run
            """)
    @Flag(help: "Remove the container afterwards") var rm = false
    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Run in the background") var detach = false
    @Option(name: [.customShort("e"), .customLong("env")], help: "KEY=VALUE; repeatable") var environment: [String] = []
    @Flag(name: [.customShort("T"), .customLong("no-TTY"), .customLong("no-tty")], help: "No terminal") var noTTY =
        false
    @Flag(name: [.customShort("i"), .customLong("interactive")], help: .hidden) var interactive = false
    @Flag(name: [.customShort("t"), .customLong("tty")], help: .hidden) var tty = false
    @Option(name: [.customShort("u"), .customLong("user")], help: "User to run as") var user: String?
    @Option(name: [.customShort("w"), .customLong("workdir")], help: "Directory to run in") var workdir: String?
    @Option(name: [.customShort("v"), .customLong("volume")], help: "SOURCE:TARGET[:MODE] bind; repeatable") var volume:
        [String] = []
    @Option(name: [.customShort("p"), .customLong("publish")], help: "[HOST:]CONTAINER port; repeatable") var publish:
        [String] = []
    @Flag(name: [.customShort("P"), .customLong("service-ports")], help: "Publish the service's ports")
    var servicePorts = false
    @Option(help: "Entrypoint instead of the image's") var entrypoint: String?
    @Option(help: "Name of the container") var name: String?
    @Option(name: [.customShort("l"), .customLong("label")], help: "KEY=VALUE; repeatable") var label: [String] = []
    @Flag(help: "Do not start what the service depends on") var noDeps = false
    @Flag(help: "Answer to the service's names") var useAliases = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Option(help: "Capability to add; repeatable") var capAdd: [String] = []
    @Option(help: "Capability to drop; repeatable") var capDrop: [String] = []
    @Option(help: "Pull images: always, missing or never; else as each service says") var pull: String?
    @Flag(help: "No progress of pulls") var quietPull = false
    @Flag(help: "Build the image although it is here") var build = false
    @Flag(help: "No progress of builds") var quietBuild = false
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: .hidden) var quiet = false
    @Argument var service: String
    @Argument(parsing: .captureForPassthrough) var command: [String] = []

    func validate() throws {
        if let pull, PullPolicy(pull) == nil || pull == "build" {
            throw ValidationError("invalid --pull option \"\(pull)\": always, missing or never")
        }
    }

    func run() async throws {
        var stack = try StackContext.load(services: [service])
        guard var definition = stack.services[service] else {
            throw BerthError(.notFound, "no such service: \(service)", subject: service)
        }
        try adjust(&definition)
        let materials = try StackContext.materials(of: &stack)
        var request = RunRequest(
            stack: stack, materials: materials, caller: StackContext.caller(pulling: StackContext.references(stack)),
            service: definition)
        request.name = name
        request.autoRemove = rm
        request.detach = detach
        request.includeDependencies = !noDeps
        request.publishServicePorts = servicePorts || !publish.isEmpty
        request.useAliases = useAliases
        request.removeOrphans = removeOrphans
        request.pull = pull
        request.builds = try StackBuild.builds(of: stack, BuildFlags(isCertain: false))
        if build { request.builds.policy = .always }
        let client = try await AgentConnection.client()
        let result = try await ProgressView(title: "run", hidesPulls: quietPull, hidesBuilds: quietBuild).follow(
            client.run(request))
        guard let ticket = result.ticket else { return }
        if detach { return Console.shared.out(ticket.container.text) }
        let code = try ShimStream(ticket, interactive: true).run()
        if code != 0 { throw ExitCode(code) }
    }

    private func adjust(_ definition: inout Service) throws {
        let loader = RunOverrides(environment: EnvironmentVariables.all)
        if !command.isEmpty { definition.command = command }
        if let entrypoint {
            definition.entrypoint = entrypoint.isEmpty ? [] : entrypoint.split(separator: " ").map(String.init)
            if command.isEmpty { definition.command = nil }
        }
        for pair in environment { loader.set(pair, in: &definition.environment) }
        for pair in label {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            definition.labels[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        if let user { definition.user = user }
        if let workdir { definition.workingDirectory = workdir }
        definition.capabilitiesAdded += capAdd
        definition.capabilitiesDropped += capDrop
        definition.tty = !noTTY && !detach && Terminal.isTerminal(0) && Terminal.isTerminal(1)
        definition.standardInputOpen = !detach
        definition.restart = .no
        definition.containerName = nil
        definition.replicas = 1
        for text in volume {
            let mount = try loader.mount(text)
            definition.mounts.removeAll { $0.target == mount.target }
            definition.mounts.append(mount)
        }
        if !publish.isEmpty { definition.ports = try publish.flatMap(loader.ports) }
    }
}

/// Short forms that `run` takes on the command line.
struct RunOverrides {
    let environment: [String: String]

    func set(_ pair: String, in values: inout [String: String?]) {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        values[parts[0]] = .some(parts.count == 2 ? parts[1] : environment[parts[0]])
    }

    func mount(_ text: String) throws -> MountDefinition {
        let parts = text.split(separator: ":").map(String.init)
        guard parts.count >= 2, parts[1].hasPrefix("/") else {
            throw BerthError(.invalid, "reading --volume \(text)", cause: "expected SOURCE:TARGET[:MODE]")
        }
        let source = parts[0].hasPrefix("/") ? parts[0] : EnvironmentVariables.workingDirectory + "/" + parts[0]
        return MountDefinition(
            kind: .bind(source: source, createHostPath: true, propagation: nil), target: parts[1],
            readOnly: parts.count > 2 && parts[2] == "ro")
    }

    func ports(_ text: String) throws -> [PortMapping] {
        let parts = text.split(separator: ":").map(String.init)
        guard let last = parts.last, let target = UInt16(last), target > 0, parts.count <= 3 else {
            throw BerthError(.invalid, "reading --publish \(text)", cause: "expected [[ADDRESS:]HOST:]CONTAINER")
        }
        var mapping = PortMapping(target: target)
        if parts.count >= 2, let port = UInt16(parts[parts.count - 2]) { mapping.published = port...port }
        if parts.count == 3 { mapping.hostAddress = parts[0] }
        return [mapping]
    }
}
