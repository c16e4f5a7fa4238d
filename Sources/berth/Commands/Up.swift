// `up`: make the stack true, then stay with its logs unless detached.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Up: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Create and start containers",
        discussion: """
            Examples:
              berth up                          start, and show the logs until Ctrl-C
              berth up -d --wait                return when everything is ready
              berth up -d --build               build again what services are built as
              berth up -d --scale worker=3      three replicas of worker
              berth up --dry-run                what would be done, and why
            """)

    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Run in the background") var detach = false
    @Flag(help: "Build images although they are here") var build = false
    @Flag(help: "Build no image, even if it is missing") var noBuild = false
    @Flag(help: "No progress of builds") var quietBuild = false
    @Flag(help: "Recreate containers even if nothing changed") var forceRecreate = false
    @Flag(help: "Leave existing containers as they are") var noRecreate = false
    @Flag(help: "Recreate what the services depend on too") var alwaysRecreateDeps = false
    @Flag(name: [.customShort("V"), .customLong("renew-anon-volumes")], help: "New anonymous volumes")
    var renewAnonVolumes = false
    @Flag(help: "Do not start what the services depend on") var noDeps = false
    @Flag(help: "Create only") var noStart = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Option(help: "Replicas of a service: NAME=NUMBER; repeatable") var scale: [String] = []
    @Option(help: "Pull images: always, missing or never; else as each service says") var pull: String?
    @Flag(help: "No progress of pulls") var quietPull = false
    @Option(name: [.customShort("t"), .customLong("timeout")], help: "Seconds to wait for containers to stop")
    var timeout: Int?
    @Flag(help: "Wait until services are running or healthy; implies --detach") var wait = false
    @Option(help: "Give up waiting after so many seconds") var waitTimeout: Int?
    @Flag(help: "Stop everything when one container ends") var abortOnContainerExit = false
    @Flag(help: "Stop everything when one container fails") var abortOnContainerFailure = false
    @Option(help: "Return the exit code of this service's container; implies --abort-on-container-exit")
    var exitCodeFrom: String?
    @Option(help: "Show the logs of these services only; repeatable") var attach: [String] = []
    @Option(help: "Do not show the logs of these services; repeatable") var noAttach: [String] = []
    @Flag(help: "Show the logs of dependencies too") var attachDependencies = false
    @Flag(name: [.customShort("w"), .customLong("watch")], help: "Copy changed files into containers, as berth watch")
    var watch = false
    @Flag(help: "No colours") var noColor = false
    @Flag(help: "No prefixes") var noLogPrefix = false
    @Flag(help: "Show times") var timestamps = false
    @Flag(name: [.customShort("y"), .customLong("yes")], help: .hidden) var yes = false
    @Argument(help: "Services; none: all") var services: [String] = []

    func validate() throws {
        let follows = abortOnContainerExit || abortOnContainerFailure || exitCodeFrom != nil || !attach.isEmpty
        if detach && follows {
            throw ValidationError(
                "--detach cannot be combined with --abort-on-container-exit, --exit-code-from or --attach")
        }
        if (detach || wait) && watch { throw ValidationError("--watch cannot be combined with --detach or --wait") }
        if wait && follows {
            throw ValidationError(
                "--wait cannot be combined with --abort-on-container-exit, --exit-code-from or --attach")
        }
        if forceRecreate && noRecreate { throw ValidationError("--force-recreate and --no-recreate are incompatible") }
        if noRecreate && renewAnonVolumes {
            throw ValidationError("--no-recreate and --renew-anon-volumes are incompatible")
        }
        if build && noBuild { throw ValidationError("--build and --no-build are incompatible") }
        if let pull, PullPolicy(pull) == nil || pull == "build" {
            throw ValidationError("invalid --pull option \"\(pull)\": always, missing or never")
        }
        _ = try scales()
    }

    func run() async throws {
        let stack = try StackContext.load(services: services)
        if let from = exitCodeFrom, stack.services[from] == nil {
            throw BerthError(.notFound, "no such service: \(from)", subject: from)
        }
        let request = try request(for: stack)
        let client = try await AgentConnection.client()
        if request.removeOrphans, !yes { try await OrphanQuestion.ask(stack, client) }
        let progress = ProgressView(title: "up", hidesPulls: quietPull, hidesBuilds: quietBuild)
        if detach || wait || noStart || GlobalOptions.current.dryRun {
            try await progress.follow(client.up(request))
            if !noStart && !GlobalOptions.current.dryRun { BootStart.warnOnce(stack) }
            return
        }
        let style = LogStyle(prefix: !noLogPrefix, timestamps: timestamps, colour: !noColor, separatesErrors: true)
        var policy = ForegroundSession.Policy(
            abortOnExit: abortOnContainerExit || exitCodeFrom != nil, abortOnFailure: abortOnContainerFailure,
            exitCodeFrom: exitCodeFrom, shown: shown(stack))
        if watch { policy.afterUp = { [services] in WatchSession.begin(stack, services, client) } }
        let session = try ForegroundSession(
            client: client, request: request, progress: progress, style: style, policy: policy)
        let code = try await session.run()
        if code != 0 { throw ExitCode(code) }
    }

    private func shown(_ stack: Stack) -> Set<String> {
        var names = Set(
            attach.isEmpty ? (services.isEmpty || attachDependencies ? Array(stack.services.keys) : services) : attach)
        if attach.isEmpty { names = names.filter { stack.services[$0]?.attach ?? true } }
        return names.subtracting(noAttach)
    }

    private func scales() throws -> [String: Int] {
        var result: [String: Int] = [:]
        for pair in scale {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let number = Int(parts[1]), number >= 0 else {
                throw ValidationError("invalid --scale option \"\(pair)\". Should be SERVICE=NUM")
            }
            result[parts[0]] = number
        }
        return result
    }

    private func request(for stack: Stack) throws -> UpRequest {
        var stack = stack
        let materials = try StackContext.materials(of: &stack)
        var request = UpRequest(
            stack: stack, materials: materials, caller: StackContext.caller(pulling: StackContext.references(stack)))
        request.services = services
        request.includeDependencies = !noDeps
        request.start = !noStart
        request.recreate = forceRecreate ? .force : noRecreate ? .never : .diverged
        request.alwaysRecreateDependencies = alwaysRecreateDeps
        request.renewAnonymousVolumes = renewAnonVolumes
        request.removeOrphans = removeOrphans || EnvironmentVariables.value("COMPOSE_REMOVE_ORPHANS") == "1"
        request.ignoreOrphans = ["1", "true"].contains(EnvironmentVariables.value("COMPOSE_IGNORE_ORPHANS") ?? "")
        request.scale = try scales()
        for name in request.scale.keys where stack.services[name] == nil {
            throw BerthError(.notFound, "no such service: \(name)", subject: name)
        }
        request.stopTimeoutSeconds = timeout
        request.pull = pull
        request.builds = try StackBuild.builds(of: stack, BuildFlags(isCertain: false))
        request.builds.policy = build ? .always : noBuild ? .never : .missing
        request.wait = wait
        request.waitTimeoutSeconds = waitTimeout
        request.dryRun = GlobalOptions.current.dryRun
        return request
    }
}
