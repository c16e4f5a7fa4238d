// `RUN`: what the command is, what it sees, and what its key is made of.
import BerthLinux
import BerthModel
import BerthStore

extension StageBuild {
    mutating func take(_ run: RunInstruction, _ instruction: Instruction) async throws {
        let (words, script) = command(run, instruction)
        let network = run.network ?? target.target.network ?? "default"
        let isPrivileged = run.security == "insecure"
        try checkEntitlements(network, isPrivileged, instruction)
        let mounts = try await mounts(run, script, instruction)
        let arguments = state.arguments.pairs.filter { EnvironmentList.value(state.environment, $0.name) == nil }
        let environment = state.environment + arguments.map { "\($0.name)=\($0.value)" } + mounts.environment
        var key = StepKey("run")
        key.add("parent", state.key)
        key.add("arguments", words)
        key.add("environment", environment)
        key.add("user", state.execution.User ?? "")
        key.add("directory", state.workingDirectory)
        key.add("network", network)
        key.add("privileged", "\(isPrivileged)")
        key.add("platform", "\(state.platform)")
        key.add("hosts", target.target.extraHosts.map { "\($0.name)=\($0.address)" })
        key.add("mounts", mounts.keys)
        key.add("times", timestampMax.map { "\($0)" } ?? "")
        let step = planned(instruction, key.digest)
        let command = Command(
            words: words, environment: environment + proxies(environment), mounts: mounts.mounts, network: network,
            isPrivileged: isPrivileged, secretNames: mounts.secretNames)
        let result = try await perform(step, command, instruction)
        let given = arguments.isEmpty ? [] : ["|\(arguments.count)"] + arguments.map { "\($0.name)=\($0.value)" }
        adopt(result, step, history: "RUN \((given + words).joined(separator: " ")) # buildkit")
    }

    private struct Command: Sendable {
        var words: [String]
        var environment: [String]
        var mounts: [StepMount]
        var network: String
        var isPrivileged: Bool
        var secretNames: [String: String]
    }

    private func perform(_ step: PlannedStep, _ command: Command, _ instruction: Instruction) async throws -> StepResult
    {
        let top = state.top
        let user = state.execution.User ?? ""
        let directory = state.workingDirectory
        let name = target.target.name
        return try await session.take(step, above: top) { [self] place in
            var request = RunStep(
                step: place.vertex.number, name: step.name, target: name, lowers: top.paths, upper: place.upper,
                work: place.work, arguments: command.words, environment: command.environment, user: user,
                workingDirectory: directory)
            request.mounts = command.mounts
            request.network = command.network
            request.isPrivileged = command.isPrivileged
            request.secretNames = command.secretNames
            let (exitCode, _) = try await session.sandbox.run(request)
            if exitCode == 0 { return }
            throw failure(
                instruction.place,
                "process \"\(command.words.joined(separator: " "))\" did not complete successfully: exit code: \(exitCode)"
            )
        }
    }

    /// The words to execute, and a script that the file holds, with its name.
    private func command(_ run: RunInstruction, _ instruction: Instruction) -> ([String], (String, String)?) {
        guard case .shell(let text) = run.command else { return (arguments(run.command), nil) }
        guard let first = run.heredocs.first else { return (arguments(run.command), nil) }
        if HeredocWord.isAlone(text) {
            // One that begins with #! is a program of its own.
            if first.content.hasPrefix("#!") { return (["/dev/pipes/\(first.name)"], (first.name, first.content)) }
            return (state.shell + [first.content], nil)
        }
        let bodies = run.heredocs.map { "\n\($0.content)\($0.name)" }.joined()
        return (state.shell + [text + bodies], nil)
    }

    /// Proxies that the caller gave: seen, and part of no key.
    private func proxies(_ environment: [String]) -> [String] {
        PredefinedArguments.proxies.compactMap { name in
            guard let value = target.target.arguments[name], EnvironmentList.value(environment, name) == nil else {
                return nil
            }
            return "\(name)=\(value)"
        }
    }

    private func checkEntitlements(_ network: String, _ isPrivileged: Bool, _ instruction: Instruction) throws {
        for (isAsked, name) in [(network == "host", "network.host"), (isPrivileged, "security.insecure")]
        where isAsked && !target.target.entitlements.contains(name) {
            throw failure(
                instruction.place, "\(name) is not allowed",
                hint: "the operator may allow it: --allow \(name), or `entitlements` of the build", code: .denied)
        }
    }

    // MARK: Mounts

    struct Mounts {
        var mounts: [StepMount] = []
        var keys: [String] = []
        var environment: [String] = []
        /// Variables that hold a secret, with its id.
        var secretNames: [String: String] = [:]
    }

    private mutating func mounts(
        _ run: RunInstruction, _ script: (String, String)?, _ instruction: Instruction
    ) async throws -> Mounts {
        var all = Mounts()
        if let (name, content) = script {
            let directory = "\(session.ingest)/\(session.newName("script"))"
            try Directory.make(directory, mode: 0o755)
            try FileIO.replace("\(directory)/\(name)", Array(content.utf8), mode: 0o755, durable: false)
            try FileOwner.set("\(directory)/\(name)", userID: 0, groupID: 0, mode: 0o755)
            all.mounts.append(
                StepMount(
                    source: .tree(lowers: [directory], path: "/", scratch: "\(directory)-scratch"),
                    target: "/dev/pipes", readOnly: true))
            all.keys.append("script \(ContentHash.digest(of: Array(content.utf8)))")
        }
        for text in run.mounts {
            let mount: RunMount
            do { mount = try RunMount(parsing: try expand(text, instruction)) } catch let error as BerthError {
                throw error
            } catch {
                throw failure(instruction.place, "RUN --mount=\(text): \(error)")
            }
            try await add(mount, instruction, to: &all)
        }
        return all
    }

    private mutating func add(_ mount: RunMount, _ instruction: Instruction, to all: inout Mounts) async throws {
        let place = PathText.absolute(mount.target ?? "", below: state.workingDirectory)
        if place == "/" && [.bind, .cache, .tmpfs].contains(mount.kind) {
            throw failure(
                instruction.place, "RUN --mount: invalid mount target \"/\"", hint: "name a directory below it")
        }
        switch mount.kind {
        case .tmpfs:
            all.mounts.append(
                StepMount(source: .tmpfs(sizeBytes: mount.sizeBytes), target: place, readOnly: mount.readOnly))
            all.keys.append("tmpfs \(place) \(mount.sizeBytes ?? 0)")
        case .cache: try await addCache(mount, place, instruction, to: &all)
        case .secret: try addSecret(mount, instruction, to: &all)
        case .ssh: try addAgent(mount, instruction, to: &all)
        case .bind:
            let (source, key) = try await tree(mount, instruction)
            all.mounts.append(StepMount(source: source, target: place, readOnly: mount.readOnly))
            all.keys.append("bind \(place) \(key)")
        }
    }

    private func addCache(
        _ mount: RunMount, _ place: String, _ instruction: Instruction, to all: inout Mounts
    ) async throws {
        if mount.from != nil {
            throw failure(
                instruction.place, "RUN --mount=type=cache,from=…: a cache that begins as a copy is not supported yet",
                hint: "let the command fill it", code: .unsupported)
        }
        let name = target.target.arguments["BUILDKIT_CACHE_MOUNT_NS"].map { "\($0)/" } ?? ""
        let id = "\(name)\(mount.id ?? place)"
        all.mounts.append(
            StepMount(
                source: .cache(
                    id: id, sharing: mount.sharing.rawValue, mode: mount.mode ?? 0o755, userID: mount.userID ?? 0,
                    groupID: mount.groupID ?? 0), target: place, readOnly: mount.readOnly))
        // What it holds is no input: the step must make the same without it.
        all.keys.append("cache \(place) \(id)")
    }

    private func addSecret(_ mount: RunMount, _ instruction: Instruction, to all: inout Mounts) throws {
        let id = mount.id ?? mount.target?.split(separator: "/").last.map(String.init) ?? ""
        if id.isEmpty { throw failure(instruction.place, "RUN --mount=type=secret: expected an id or a target") }
        let place = PathText.absolute(mount.target ?? "/run/secrets/\(id)", below: state.workingDirectory)
        all.keys.append("secret \(mount.environment == nil ? place : "") \(id) \(mount.environment ?? "")")
        guard target.target.secrets[id] != nil else {
            if !mount.required { return }
            throw failure(
                instruction.place, "secret \(id): not found",
                hint: "give it with --secret id=\(id),src=FILE, or under `build.secrets`", code: .notFound)
        }
        // Named here, filled in by the agent: its value never comes this way.
        if let name = mount.environment { all.secretNames[name] = id }
        if mount.environment == nil || mount.target != nil {
            all.mounts.append(
                StepMount(
                    source: .secret(
                        id: id, userID: mount.userID ?? 0, groupID: mount.groupID ?? 0, mode: mount.mode ?? 0o400),
                    target: place, readOnly: true))
        }
    }

    private func addAgent(_ mount: RunMount, _ instruction: Instruction, to all: inout Mounts) throws {
        let id = mount.id ?? "default"
        let number = all.mounts.count { if case .ssh = $0.source { true } else { false } }
        let place = PathText.absolute(
            mount.target ?? "/run/buildkit/ssh_agent.\(number)", below: state.workingDirectory)
        all.keys.append("ssh \(place) \(id)")
        guard target.target.sshSockets[id] != nil else {
            if !mount.required { return }
            throw failure(
                instruction.place, "no SSH agent \(id) was given", hint: "--ssh \(id)", code: .notFound)
        }
        all.mounts.append(StepMount(source: .ssh(id: id), target: place, readOnly: false))
        all.environment.append("SSH_AUTH_SOCK=\(place)")
    }

    /// The tree that a bind shows, and what stands for its content in the key.
    private func tree(_ mount: RunMount, _ instruction: Instruction) async throws -> (StepMount.Source, String) {
        let scratch = "\(session.ingest)/\(session.newName("bind"))"
        let path = PathText.absolute(mount.source ?? "/", below: "/")
        guard let from = mount.from, !from.isEmpty else {
            guard let context = target.context else {
                throw failure(instruction.place, "RUN --mount=type=bind: there is no build context", code: .notFound)
            }
            return try await context.mount(path, scratch: scratch, session)
        }
        let word = from
        if let number = target.stage(named: word, before: stage.number) {
            return try await self.tree(of: try await target.state(of: number), path, scratch)
        }
        if let context = try await target.contextTree(word) {
            return try await context.mount(path, scratch: scratch, session)
        }
        let label = "\(label()) FROM \(word)"
        return try await self.tree(
            of: try await target.base(word, platform: state.platform, vertex: label), path, scratch)
    }

    private func tree(
        of other: StageState, _ path: String, _ scratch: String
    ) async throws -> (StepMount.Source, String) {
        let lowers = other.top.paths
        let chain = try await other.top?.chainID.value
        return (
            .tree(lowers: lowers.isEmpty ? [session.empty] : lowers, path: path, scratch: scratch),
            "\(chain.map { "\($0)" } ?? "scratch") \(path)"
        )
    }
}

/// Paths as instructions write them.
enum PathText {
    /// `..` never leads above the root; a slash at the end is lost.
    static func absolute(_ path: String, below directory: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : "\(directory)/\(path)").split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

/// The lines around an instruction, as messages show them.
enum SourceExcerpt {
    private static let around = 2

    static func text(_ lines: [String], _ instruction: Instruction) -> String {
        let begin = max(1, instruction.place.line - around)
        let end = min(lines.count, max(instruction.lastLine, instruction.place.line) + around)
        guard begin <= end else { return "" }
        let width = "\(end)".count
        return (begin...end).map { number in
            let isOwn = (instruction.place.line...max(instruction.place.line, instruction.lastLine)).contains(number)
            let label = String(repeating: " ", count: width - "\(number)".count) + "\(number)"
            return "  \(label) | \(isOwn ? ">>>" : "   ") \(lines[number - 1])"
        }.joined(separator: "\n")
    }
}
