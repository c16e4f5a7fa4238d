// The door: all targets of a request, built as one graph.
import BerthLinux
import BerthModel
import BerthStore
import Synchronization

package enum ImageBuild {
    /// Builds the targets; their images lie in the ingest directory, in the order of the request.
    package static func run(
        _ work: BuildWork, ingest: String, now: String, sandbox: any BuildSandbox, packer: any LayerPacker,
        report: @escaping @Sendable (BuildProgress) -> Void
    ) async throws -> [IngestedImage] {
        try TargetCycle.check(work.targets)
        let session = try BuildSession(
            sandbox: sandbox, packer: packer, ingest: ingest, work: work, now: now, report: report)
        let set = TargetSet(session, work.targets)
        if work.targets.contains(where: \.checksOnly) {
            for target in work.targets { try await set.check(target) }
            return []
        }
        do {
            let images = try await withThrowingTaskGroup(of: (Int, IngestedImage).self) { group in
                for (index, target) in work.targets.enumerated() {
                    group.addTask {
                        let state = try await set.result(target.name)
                        return (index, try await ImageAssembly(session: session, target: target).image(state))
                    }
                }
                var all: [Int: IngestedImage] = [:]
                for try await (index, image) in group { all[index] = image }
                return work.targets.indices.compactMap { all[$0] }
            }
            try await session.settle()
            session.saveBook()
            return images
        } catch {
            // What was made before the failure is kept for the next build; the failure is what is told.
            try? await session.settle()
            session.saveBook()
            throw error
        }
    }
}

/// The targets of a build by name, each begun when it is first needed.
final class TargetSet: Sendable {
    private let session: BuildSession
    private let targets: [String: BuildTarget]
    private let builds = DeferredMap<String, StageState>()
    private let contexts = Mutex<[String: ContextTree]>([:])

    init(_ session: BuildSession, _ targets: [BuildTarget]) {
        self.session = session
        self.targets = Dictionary(targets.map { ($0.name, $0) }) { $1 }
    }

    func result(_ name: String) async throws -> StageState {
        guard let target = targets[name] else {
            throw BerthError(
                .notFound, "building", subject: name, cause: "there is no target \(name) in this build",
                hint: "a context service:NAME names a service that is built too")
        }
        return try await builds.value(name) { [self] in
            let build = try await open(target)
            return try await build.state(of: try build.goal())
        }
    }

    private func open(_ given: BuildTarget) async throws -> TargetBuild {
        let target = try await session.located(given)
        let source = try DockerfileSource.read(target, isForeign: target.context != given.context)
        let context = try context(of: target, source)
        let checks = source.checks(target, ignored: context?.source.ignored)
        let errors = checks.filter { $0.severity == .error }
        for check in checks where check.severity == .warning { session.warn("\(check)") }
        if !errors.isEmpty {
            throw BerthError(
                .invalid, "checking the Dockerfile of \(target.name)", subject: source.file,
                cause: errors.map { "\($0)" }.joined(separator: "\n"), hint: "`# check=error=true` asks for this")
        }
        return try TargetBuild(session: session, target: target, source: source, context: context) { [self] in
            try await result($0)
        }
    }

    /// `--check`: remarks are told, nothing is built; any is a failure.
    func check(_ given: BuildTarget) async throws {
        let target = try await session.located(given)
        let source = try DockerfileSource.read(target, isForeign: target.context != given.context)
        let checks = source.checks(target, ignored: try context(of: target, source)?.source.ignored)
        for check in checks { session.warn("\(check)") }
        if checks.isEmpty { return }
        let count = checks.count == 1 ? "1 warning has" : "\(checks.count) warnings have"
        throw BerthError(
            .invalid, "checking the Dockerfile of \(target.name)", subject: source.file, cause: "\(count) been found",
            hint: "`# check=skip=RULE` in its first line leaves a rule out")
    }

    private func context(of target: BuildTarget, _ source: DockerfileSource) throws -> ContextTree? {
        guard case .directory(let path) = target.context else { return nil }
        return try tree(path, dockerfile: source.ignoreName)
    }

    /// Targets of the same context share it, and what is known of its files.
    private func tree(_ path: String, dockerfile: String?) throws -> ContextTree {
        let key = "\(path)\n\(dockerfile ?? "")"
        if let found = contexts.withLock({ $0[key] }) { return found }
        let made = try ContextTree.open(path, dockerfile: dockerfile, book: session.fileBook)
        return contexts.withLock { contexts in
            if let found = contexts[key] { return found }
            contexts[key] = made
            return made
        }
    }
}

/// Targets that are each other's contexts.
enum TargetCycle {
    static func check(_ targets: [BuildTarget]) throws {
        let edges = Dictionary(
            targets.map { target in
                (
                    target.name,
                    target.contexts.values.compactMap { context -> String? in
                        if case .target(let name) = context { name } else { nil }
                    }.sorted()
                )
            }
        ) { $1 }
        var done: Set<String> = []
        func visit(_ name: String, _ path: [String]) throws {
            if let index = path.firstIndex(of: name) {
                let cycle = (path[index...] + [name]).joined(separator: " → ")
                throw BerthError(
                    .invalid, "building \(name)", subject: name, cause: "the builds need each other: \(cycle)",
                    hint: "take one of the contexts service:… away")
            }
            if done.contains(name) { return }
            for next in edges[name] ?? [] { try visit(next, path + [name]) }
            done.insert(name)
        }
        for target in targets { try visit(target.name, []) }
    }
}
