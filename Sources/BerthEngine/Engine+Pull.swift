// Pulling: each image once however many ask for it, and what a stack needs before it starts.
import BerthLinux
import BerthModel
import BerthPlan
import BerthStore
import Synchronization

/// Whether services are built although their images are here (`--build`), or never (`--no-build`).
package enum BuildPolicy: String, Sendable { case missing, always, never }

/// What a request says about getting images: by pulling, and by building.
package struct PullOptions: Sendable {
    /// One for each service that can be built, named after it.
    package var builds: [BuildTarget] = []
    package var buildSecrets: [String: [UInt8]] = [:]
    package var buildPolicy: BuildPolicy = .missing
    /// `--pull`: instead of every service's own policy.
    package var policy: PullPolicy?
    package var access: RegistryAccess
    package init(policy: PullPolicy? = nil, access: RegistryAccess) {
        self.policy = policy
        self.access = access
    }
}

extension Engine {
    /// Pulls one image. Returns its canonical reference, and whether it is another one than before.
    @discardableResult
    package func pull(
        _ name: String, platform: Platform?, _ access: RegistryAccess, report: @escaping ProgressReport
    ) async throws -> (reference: String, isNew: Bool) {
        let reference = try ImageStore.canonical(name)
        let before = try parts.images.find(reference)?.manifestDigest
        let begin = parts.clock.monotonic
        let shown = ImageReference(reference)?.familiar ?? reference
        @Sendable func tell(_ status: Event.Status, detail: String = "", layer: LayerProgress? = nil) {
            let elapsed = status == .pulled || status == .error ? parts.clock.monotonic - begin : nil
            report(
                .event(
                    Event(
                        time: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()),
                        kind: layer == nil ? .image : .layer, name: layer?.layer.short ?? shown, status: status,
                        detail: detail, elapsedMilliseconds: elapsed.map(PlanExecutor.milliseconds), image: shown,
                        layer: layer)))
        }
        tell(.pulling)
        var request = WorkerRequest(kind: .pull, ingest: "", created: "")
        request.pull = PullRequest(
            reference: reference, platform: platform, access: access, layout: parts.layout)
        let finished = request
        do {
            try await parts.pulling.run("\(reference) \(platform.map { "\($0)" } ?? "")") {
                try await self.offPool {
                    try self.parts.images.keepingAll {
                        try self.parts.worker.run(finished, archive: nil) { told in
                            switch told {
                            case .layer(let layer): tell(.pulling, layer: layer)
                            case .progress(let text): report(.warning(text))
                            default: break
                            }
                        } commit: { images, ingest in
                            try self.parts.images.commit(images, from: ingest)
                        }
                    }
                }
            }
        } catch {
            // Ignored: the next one tries again; what failed is what counts.
            if parts.images.hasUncollected { _ = try? await offPool { _ = try self.collectLayers() } }
            tell(.error, detail: (error as? BerthError)?.cause ?? "\(error)")
            throw error
        }
        try parts.store.setPulled(reference, Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
        // A removal had to wait for this.
        if parts.images.hasUncollected { try await offPool { _ = try self.collectLayers() } }
        tell(.pulled)
        return (reference, try parts.images.find(reference)?.manifestDigest != before)
    }

    /// What references lead to now: from their registries, several at once.
    package func resolve(_ references: [String], _ access: RegistryAccess) async throws -> [String: Digest] {
        try await withThrowingTaskGroup(of: (String, Digest).self) { group in
            for name in Set(references) {
                group.addTask {
                    let request = self.question(.resolve, try ImageStore.canonical(name), access)
                    guard let digest = try await self.offPool({ try self.parts.worker.ask(request) }) else {
                        throw BerthError(.internal, "looking up \(name)", cause: "the worker gave no digest")
                    }
                    return (name, digest)
                }
            }
            var all: [String: Digest] = [:]
            for try await (name, digest) in group { all[name] = digest }
            return all
        }
    }

    /// Throws why a login is refused.
    package func checkLogin(_ registry: String, _ access: RegistryAccess) async throws {
        let request = question(.login, registry, access)
        _ = try await offPool { try self.parts.worker.ask(request) }
    }

    func question(_ kind: WorkerRequest.Kind, _ reference: String, _ access: RegistryAccess) -> WorkerRequest {
        var request = WorkerRequest(kind: kind, ingest: "", created: "")
        request.pull = PullRequest(
            reference: reference, platform: nil, access: access, layout: parts.layout)
        return request
    }

    /// What `up`, `create` and `run` need: the images of the services, as their policies say.
    func pullNeeded(
        _ stack: Stack, services: [String], withDependencies: Bool, _ options: PullOptions,
        report: @escaping ProgressReport
    ) async throws {
        let requested = services.isEmpty ? Set(stack.services.keys) : Set(services)
        let names = withDependencies ? try DependencyGraph(stack).withDependencies(requested) : requested
        var wanted: [String: Platform?] = [:]
        for service in names.sorted().compactMap({ stack.services[$0] }) {
            for mount in service.mounts {
                guard case .image(let name, _) = mount.kind, try isPullDue(name, options.policy ?? .missing) else {
                    continue
                }
                wanted[name] = .some(nil)
            }
            let policy = options.policy ?? service.pullPolicy.flatMap { PullPolicy($0) } ?? .missing
            guard service.image != nil else { continue }
            let reference = stack.imageReference(of: service)
            // What can be built is not looked for elsewhere.
            if service.build != nil && policy == .missing { continue }
            if try isPullDue(reference, policy) { wanted[reference] = service.platform.flatMap { Platform($0) } }
        }
        async let pulled = pull(
            wanted.map { ($0.key, $0.value) }, options.access, ignoringFailures: false, report: report)
        try await buildNeeded(stack, names, options, report: report)
        _ = try await pulled
    }

    /// What services are built as, where it is missing or asked for.
    private func buildNeeded(
        _ stack: Stack, _ names: Set<String>, _ options: PullOptions, report: @escaping ProgressReport
    ) async throws {
        if options.buildPolicy == .never { return }
        let wanted = try options.builds.filter { target in
            guard names.contains(target.name), let service = stack.services[target.name] else { return false }
            let policy = service.pullPolicy.flatMap { PullPolicy($0) }
            return try options.buildPolicy == .always || policy == .build
                || parts.images.find(stack.imageReference(of: service)) == nil
        }
        if wanted.isEmpty { return }
        let needed = BuildTarget.withContexts(wanted, of: options.builds)
        _ = try await build(needed, secrets: options.buildSecrets, options.access, report: report)
    }

    package func isPullDue(_ reference: String, _ policy: PullPolicy) throws -> Bool {
        let isThere = try parts.images.find(reference) != nil
        switch policy {
        case .always: return true
        case .never, .build: return false
        case .missing: return !isThere
        case .every(let age):
            guard isThere, let last = try parts.store.pulled(try ImageStore.canonical(reference)) else { return true }
            let passed = wallClockNanoseconds() - last.nanosecondsSinceEpoch
            return passed < 0 || Duration.nanoseconds(passed) >= age
        }
    }

    /// Several at once. The first failure is thrown when all have ended. Returns the canonical names.
    package func pull(
        _ images: [(reference: String, platform: Platform?)], _ access: RegistryAccess, ignoringFailures: Bool,
        report: @escaping ProgressReport
    ) async throws -> [String] {
        var failure: (any Error)?
        var names: [String] = []
        await withTaskGroup(of: Result<String, any Error>.self) { group in
            var rest = images.sorted { $0.reference < $1.reference }[...]
            func startNext() {
                guard let (reference, platform) = rest.popFirst() else { return }
                group.addTask {
                    do {
                        return .success(
                            try await self.pull(reference, platform: platform, access, report: report).reference)
                    } catch { return .failure(error) }
                }
            }
            for _ in 0..<Engine.pullsAtOnce { startNext() }
            for await ended in group {
                switch ended {
                case .success(let name): names.append(name)
                case .failure(let error) where ignoringFailures: report(.warning("\(error)"))
                case .failure(let error): failure = failure ?? error
                }
                startNext()
            }
        }
        if let failure { throw failure }
        return names.sorted()
    }

    private static let pullsAtOnce = 4
}

/// One run at a time for each key; who comes while it runs shares its end.
actor SharedRuns {
    private var running: [String: Task<Void, any Error>] = [:]

    func run(_ key: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
        if let task = running[key] { return try await task.value }
        let task = Task { try await body() }
        running[key] = task
        defer { running[key] = nil }
        try await task.value
    }
}
