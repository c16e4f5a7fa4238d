// One image of a build: its Dockerfile's stages, each evaluated once, when something needs it.
import BerthLinux
import BerthModel
import BerthStore

final class TargetBuild: Sendable {
    let session: BuildSession
    let target: BuildTarget
    let dockerfile: Dockerfile
    /// As messages name it.
    let file: String
    let lines: [String]
    let platform: Platform
    let expansion: WordExpansion
    /// `ARG`s before the first `FROM`, with their values.
    let globals: BuildArguments
    /// Nil: the Dockerfile stands alone.
    let context: ContextTree?
    /// Other targets of the build, by name.
    let sibling: @Sendable (String) async throws -> StageState
    private let stages = DeferredMap<Int, StageState>()
    private let trees = DeferredMap<String, ContextTree>()

    init(
        session: BuildSession, target: BuildTarget, source: DockerfileSource, context: ContextTree?,
        sibling: @escaping @Sendable (String) async throws -> StageState
    ) throws {
        self.session = session
        self.target = target
        self.sibling = sibling
        self.context = context
        dockerfile = source.dockerfile
        file = source.file
        lines = source.lines
        platform = target.platform ?? .host
        expansion = WordExpansion(escape: dockerfile.directives.escape)
        globals = try TargetBuild.globals(dockerfile, target, platform, expansion)
    }

    private static func globals(
        _ dockerfile: Dockerfile, _ target: BuildTarget, _ platform: Platform, _ expansion: WordExpansion
    ) throws -> BuildArguments {
        var all = BuildArguments()
        let given = PredefinedArguments.platforms(platform, stage: target.stage ?? "")
        for instruction in dockerfile.globalArguments {
            guard case .arg(let declarations) = instruction.kind else { continue }
            for declaration in declarations {
                var value = target.arguments[declaration.name]
                if value == nil, let text = declaration.defaultValue {
                    do { value = try expansion.word(text) { all[$0] ?? given[$0] }.text } catch {
                        throw BerthError(
                            .invalid, "building \(target.name)", subject: "\(instruction.place)",
                            cause: "\(instruction.place): ARG \(declaration.name): \(error)")
                    }
                }
                all.declare(declaration.name, value ?? given[declaration.name])
            }
        }
        return all
    }

    /// The stage that was asked for; nil: the last.
    func goal() throws -> Int {
        guard let wanted = target.stage, !wanted.isEmpty else { return dockerfile.stages.count - 1 }
        if let named = dockerfile.stages.lastIndex(where: { $0.name == wanted.lowercased() }) { return named }
        if let number = Int(wanted), dockerfile.stages.indices.contains(number) { return number }
        let names = dockerfile.stages.compactMap(\.name)
        throw BerthError(
            .notFound, "building \(target.name)", subject: wanted,
            cause: "target stage \"\(wanted)\" could not be found in \(file)",
            hint: names.isEmpty ? "its stages have no names" : "its stages are \(names.joined(separator: ", "))")
    }

    func state(of number: Int) async throws -> StageState { try await begin(number).value }

    /// Begins a stage, and what it is seen to need, at once: stages that need nothing of each other run side by side.
    @discardableResult
    func begin(_ number: Int) -> Deferred<StageState> {
        stages.begin(number) { [self] in
            let stage = dockerfile.stages[number]
            for needed in StageNeeds.names(of: stage) {
                if target.contexts[needed] == nil, let earlier = self.stage(named: needed, before: number) {
                    begin(earlier)
                }
            }
            var build = StageBuild(self, stage)
            return try await build.run()
        }
    }

    /// The stage of a name or number that stands before another.
    func stage(named name: String, before limit: Int) -> Int? {
        let lower = name.lowercased()
        if let found = dockerfile.stages[..<limit].lastIndex(where: { $0.name == lower }) { return found }
        return Int(name).flatMap { (0..<limit).contains($0) ? $0 : nil }
    }

    // MARK: Trees by name

    /// What `FROM NAME` and `--from=NAME` find when it is no stage: a context that was given, or an image.
    func base(_ name: String, platform: Platform, vertex: String) async throws -> StageState {
        switch target.contexts[name] {
        case .image(let reference): return try await image(reference, platform, vertex)
        case .target(let other): return try await sibling(other)
        case .some: throw unsupported(name)
        case nil: return try await image(name, platform, vertex)
        }
    }

    /// A context of a name that is a directory; nil: it is none.
    func contextTree(_ name: String) async throws -> ContextTree? {
        guard let context = target.contexts[name], let path = try await session.directory(of: context) else {
            return nil
        }
        return try await trees.value(path) { [self] in
            try ContextTree.open(path, dockerfile: nil, title: "the context \(name)", book: session.fileBook)
        }
    }

    private func unsupported(_ name: String) -> BerthError {
        BerthError(
            .unsupported, "building \(target.name)", subject: name,
            cause: "the context \(name) is of a kind that cannot be a base",
            hint: "docker-image://NAME and service:NAME can")
    }

    func image(_ reference: String, _ platform: Platform, _ vertex: String) async throws -> StageState {
        try await session.base("\(reference) \(platform) \(target.pulls)") { [self] in
            let step = session.begin(vertex)
            do {
                let found = try await session.sandbox.image(
                    reference, platform == .host ? nil : platform, pulls: target.pulls)
                let state = try self.state(of: found, platform)
                session.end(step, .done)
                return state
            } catch {
                session.end(step, .failed, (error as? BerthError)?.cause ?? "\(error)")
                throw error
            }
        }
    }

    private func state(of image: BaseImage, _ platform: Platform) throws -> StageState {
        var top: BuildLayer?
        var chainID: Digest?
        for (diffID, descriptor) in zip(image.config.rootfs.diff_ids, image.layers) {
            let chain = ContentHash.chain(diffID, above: chainID)
            let path = "\(session.layers)/\(chain.hex)/diff"
            let tree = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
            top = BuildLayer(above: top, path: path, tree: tree) { .init(diffID: diffID, descriptor: descriptor) }
            chainID = chain
        }
        var key = StepKey("image")
        key.add("id", image.id)
        key.add("chain", chainID)
        var state = StageState(
            top: top, key: key.digest, execution: image.config.config ?? ImageConfig.Execution(),
            platform: image.config.platform)
        state.author = image.config.author
        state.history = image.config.history ?? []
        state.created = image.config.created
        state.onbuild = state.execution.OnBuild ?? []
        state.execution.OnBuild = nil
        if EnvironmentList.value(state.environment, "PATH") == nil {
            EnvironmentList.set(&state.environment, "PATH", TargetBuild.defaultPath)
        }
        return state
    }

    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    func scratch(_ platform: Platform) -> StageState {
        var key = StepKey("scratch")
        key.add("platform", "\(platform)")
        var execution = ImageConfig.Execution()
        execution.Env = ["PATH=\(TargetBuild.defaultPath)"]
        execution.WorkingDir = "/"
        return StageState(top: nil, key: key.digest, execution: execution, platform: platform)
    }
}
