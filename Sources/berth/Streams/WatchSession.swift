// Watching: changes are collected for a moment, then each rule that they concern does its part in every replica.
import BerthControl
import BerthLinux
import BerthModel
import FoundationEssentials

final class WatchSession {
    /// A rule and what tells of its changes.
    private final class Watched {
        let service: Service
        let rule: WatchRule
        /// The directory that is watched; of a file, the one that it lies in.
        let root: String
        /// Of a rule for one file: its name.
        let file: String?
        let ignore: IgnorePatterns
        let include: IgnorePatterns
        let tree: TreeWatch

        init(_ service: Service, _ rule: WatchRule) throws {
            self.service = service
            self.rule = rule
            guard let status = try? FileStatus.of(rule.path) else {
                throw BerthError(
                    .notFound, "watching \(rule.path) for \(service.name)", subject: rule.path, cause: "no such file",
                    hint: "see develop.watch of the service")
            }
            let isDirectory = status.kind == .directory
            let slash = rule.path.lastIndex(of: "/") ?? rule.path.startIndex
            root = isDirectory ? rule.path : String(rule.path[..<slash])
            file = isDirectory ? nil : String(rule.path[rule.path.index(after: slash)...])
            let ownFile = (try? FileIO.readText("\(root)/.dockerignore", limit: 1 << 20)) ?? ""
            // What editors and git do for themselves is nobody's change.
            let ignore =
                IgnorePatterns([".git", "**/.*.sw?", "**/*~", "**/4913", "**/.#*"]) + IgnorePatterns(text: ownFile)
                + IgnorePatterns(rule.ignore)
            self.ignore = ignore
            include = IgnorePatterns(rule.include)
            tree = try TreeWatch(root) { ignore.matches($0) }
        }

        /// The files below the watched directory, for a first copy.
        func allFiles(_ below: String = "") -> [String] {
            let names = ((try? Directory.names(below.isEmpty ? root : "\(root)/\(below)")) ?? []).sorted()
            return names.flatMap { name -> [String] in
                let path = below.isEmpty ? name : "\(below)/\(name)"
                if ignore.matches(path) { return [] }
                let status = try? FileStatus.of("\(root)/\(path)", following: false)
                return [path] + (status?.kind == .directory ? allFiles(path) : [])
            }
        }

        func counts(_ path: String) -> Bool {
            if let file { return path == file }
            if ignore.matches(path) { return false }
            return include.isEmpty || include.matches(path)
        }
    }

    /// Changes that follow each other faster than this are one change.
    private static let quietTime = Duration.milliseconds(100)
    /// Larger files are not copied by watching.
    private static let fileBytesMax: Int64 = 32 << 20

    private let stack: Stack
    private let services: [String]
    private let client: ControlClient
    private let quiet: Bool

    init(_ stack: Stack, _ services: [String], _ client: ControlClient, quiet: Bool) {
        self.stack = stack
        self.services = services
        self.client = client
        self.quiet = quiet
    }

    private enum Happening: Sendable { case changes, interrupted }

    /// Beside something else, which ends the program.
    static func begin(_ stack: Stack, _ services: [String], _ client: ControlClient) {
        Task {
            do {
                try await WatchSession(stack, services, client, quiet: false).run(ownsSignals: false)
            } catch let error as BerthError {
                Console.shared.fail(error)
            }
        }
    }

    /// - Parameter ownsSignals: false: somebody else ends it, by cancelling its task.
    func run(ownsSignals: Bool = true) async throws {
        let wanted = stack.sortedServices.filter { services.isEmpty || services.contains($0.name) }
        let watched = try wanted.flatMap { service in try service.watch.map { try Watched(service, $0) } }
        if watched.isEmpty {
            throw BerthError(
                .invalid, "watching \(stack.name)", cause: "none of the selected services is configured for watch",
                hint: "write rules below develop: watch: of a service")
        }
        let poller = try Poller()
        let signals = ownsSignals ? try SignalWatch([SignalWatch.interrupt, SignalWatch.terminate]) : nil
        let (happenings, continuation) = AsyncStream<Happening>.makeStream(bufferingPolicy: .bufferingNewest(64))
        if let signals {
            poller.add(signals.number) {
                if !signals.take().isEmpty { continuation.yield(.interrupted) }
            }
        }
        for one in watched where one.rule.initialSync && !one.rule.target.isEmpty {
            try await act(on: one, Set(one.file.map { [$0] } ?? one.allFiles()).filter(one.counts))
        }
        say("Watch enabled")
        while true {
            // A descriptor that can be read would call again and again: each is looked at once, then taken off.
            for one in watched {
                let number = one.tree.number
                poller.add(number) {
                    poller.remove(number)
                    continuation.yield(.changes)
                }
            }
            guard try await waitForChange(happenings) else { return }
            try? await Task.sleep(for: WatchSession.quietTime)
            for one in watched {
                poller.remove(one.tree.number)
                let changed = try one.tree.take() ?? Set(one.allFiles())
                let counted = changed.filter(one.counts)
                if !counted.isEmpty { try await act(on: one, counted) }
            }
        }
    }

    /// False: the user has seen enough.
    private func waitForChange(_ happenings: AsyncStream<Happening>) async throws -> Bool {
        for await happening in happenings {
            switch happening {
            case .changes: return true
            case .interrupted: return false
            }
        }
        return false
    }

    private func say(_ text: String) {
        if !quiet { Console.shared.error(Console.safe(text)) }
    }

    /// One rule's part. What fails is said; watching goes on.
    private func act(on one: Watched, _ changed: Set<String>) async throws {
        let name = one.service.name
        do {
            switch one.rule.action {
            case .rebuild:
                say("Rebuilding service \(name) after \(changed.count) changes were detected")
                try await rebuild(one.service)
                return
            case .restart: break
            case .sync, .syncRestart, .syncExec:
                say("Syncing service \(name) after \(changed.count) changes were detected")
                try await copy(one, changed)
            }
            if one.rule.action == .restart || one.rule.action == .syncRestart {
                var request = ChangeRequest(verb: .restart, stackName: stack.name)
                request.stack = stack
                request.services = [name]
                request.includeDependencies = false
                for try await _ in client.change(request) {}
                say("service \(name) restarted")
            }
        } catch let error as BerthError {
            Console.shared.fail(error)
        }
    }

    /// The service's image anew, and its containers with it; what depends on it stays as it is.
    private func rebuild(_ service: Service) async throws {
        var stack = stack
        let materials = try StackContext.materials(of: &stack)
        let builds = try StackBuild.builds(of: stack, services: [service.name])
        let caller = StackContext.caller(pulling: builds.targets.flatMap(\.tags))
        let progress = ProgressView(title: "build", quiet: quiet)
        try await progress.follow(
            client.build(BuildRequest(targets: builds.targets, secrets: builds.secrets, caller: caller)))
        var request = UpRequest(stack: stack, materials: materials, caller: caller)
        request.services = [service.name]
        request.includeDependencies = false
        request.ignoreOrphans = true
        try await progress.follow(client.up(request))
        // The image that it was made from until now has no name any more.
        _ = try await client.pruneImages(PruneFilter(all: false))
        say("service \(service.name) successfully built")
    }

    private func copy(_ one: Watched, _ changed: Set<String>) async throws {
        let entries = changed.sorted().compactMap { entry(one, $0) }
        let containers = try await client.containers(ContainerFilter(stack: stack.name)).filter {
            $0.record.slot.service == one.service.name
        }
        for container in containers {
            var rest = entries[...]
            repeat {
                var request = CopyRequest(container: container.record.id, entries: WatchSession.portion(&rest))
                if rest.isEmpty && one.rule.action == .syncExec { request.command = one.rule.exec }
                try await client.copyIn(request)
            } while !rest.isEmpty
        }
    }

    /// As many as one request should carry.
    private static func portion(_ rest: inout ArraySlice<CopyRequest.Entry>) -> [CopyRequest.Entry] {
        var taken: [CopyRequest.Entry] = []
        var bytes = 0
        while let next = rest.first, taken.isEmpty || bytes < Int(fileBytesMax) / 2 {
            if case .file(let text, _) = next.content { bytes += text.utf8.count }
            taken.append(next)
            rest = rest.dropFirst()
        }
        return taken
    }

    private func entry(_ one: Watched, _ path: String) -> CopyRequest.Entry? {
        let target = one.file == nil ? "\(one.rule.target)/\(path)" : one.rule.target
        let source = "\(one.root)/\(path)"
        guard let status = try? FileStatus.of(source, following: false) else {
            return CopyRequest.Entry(path: target, content: .absent)
        }
        switch status.kind {
        case .directory: return CopyRequest.Entry(path: target, content: .directory)
        case .symbolicLink:
            return (try? Directory.readLink(source)).map { CopyRequest.Entry(path: target, content: .link($0)) }
        case .regular:
            guard status.sizeBytes <= WatchSession.fileBytesMax else {
                Console.shared.warn("\(Console.safe(source)) is too large to be copied by watching")
                return nil
            }
            guard let bytes = try? FileIO.read(source, limit: Int(WatchSession.fileBytesMax)) else { return nil }
            return CopyRequest.Entry(
                path: target, content: .file(Data(bytes).base64EncodedString(), mode: status.mode))
        default: return nil
        }
    }
}
