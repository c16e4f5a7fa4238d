// `cp`: files into a service's containers, and out of one.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Cp: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Copy files between a container and the host",
        discussion: """
            Examples:
              berth cp web:/etc/nginx/nginx.conf .        out of the container
              berth cp ./page.html web:/srv/www/          into it
              berth cp --all ./config web:/etc/app        into every replica
            A source that ends with /. means what is in the directory.
            """)
    @Flag(name: .shortAndLong, help: "Keep owners") var archive = false
    @Flag(name: [.customShort("L"), .customLong("follow-link")], help: "Follow a link at the end of the source")
    var followLink = false
    @Option(help: "Number of the replica") var index: Int?
    @Flag(help: "Into every replica, one-off containers too") var all = false
    @Argument(help: "PATH or SERVICE:PATH") var source: String
    @Argument(help: "PATH or SERVICE:PATH") var destination: String

    func run() async throws {
        let copy = TreeCopy(keepsOwners: archive, followsLink: followLink)
        switch (ContainerPath(source), ContainerPath(destination)) {
        case (nil, nil): throw ValidationError("one of the two must be SERVICE:PATH")
        case (.some, .some): throw ValidationError("copying between services is not supported")
        case (let from?, nil):
            if all { throw ValidationError("--all copies into containers, not out of them") }
            let (client, document) = try await container(from.service)
            let target = try local(destination)
            try await ContainerTree.open(client, document) { tree in
                try copy.copy(try tree.place(from.path, shown: source), to: target)
            }
        case (nil, let to?):
            let from = try local(source)
            for (client, document) in try await containers(to.service) {
                try await ContainerTree.open(client, document) { tree in
                    try copy.copy(from, to: try tree.place(to.path, shown: destination))
                }
            }
        }
    }

    private func local(_ text: String) throws -> TreePlace {
        if text == "-" {
            throw BerthError(
                .unsupported, "copying \(source) to \(destination)",
                cause: "archives on standard streams are not copied",
                hint: "berth exec -T SERVICE tar -c PATH")
        }
        let path = text.hasPrefix("/") ? text : "\(EnvironmentVariables.workingDirectory)/\(text)"
        return TreePlace(
            root: SharedDescriptor(try Directory.open("/", flags: FileFlags.directory)), path: LocalPath.clean(path),
            shown: text)
    }

    private func container(_ service: String) async throws -> (ControlClient, ContainerDocument) {
        guard let first = try await containers(service).first else {
            throw BerthError(.notFound, "service \"\(service)\" has no container", subject: service)
        }
        return first
    }

    /// The one that is meant, or with `--all` every one; stopped ones count.
    private func containers(_ service: String) async throws -> [(ControlClient, ContainerDocument)] {
        let context = try StackContext.identify()
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: context.name)
        filter.all = true
        let found = try await client.containers(filter).filter { $0.record.slot.service == service }
        let replicas = found.filter { $0.record.slot.oneOff == nil && !$0.record.isStandby }
        let chosen =
            all ? found : Array(replicas.filter { index == nil || $0.record.slot.number == index }.prefix(1))
        guard !chosen.isEmpty else {
            throw BerthError(
                .notFound, "service \"\(service)\" has no container" + (index.map { " #\($0)" } ?? ""),
                subject: service,
                hint: "berth create makes them, berth up starts them too")
        }
        return chosen.map { (client, $0) }
    }
}

/// `SERVICE:PATH`; nil: a path of the host.
struct ContainerPath {
    let service: String
    let path: String

    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix(".") else { return nil }
        service = String(text[..<colon])
        path = String(text[text.index(after: colon)...])
        if service.isEmpty || service.contains("/") { return nil }
    }
}

enum LocalPath {
    /// Without empty parts and dots; `..` is left to whoever opens it.
    static func clean(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

/// A container's files, reachable as long as the body runs.
struct ContainerTree {
    private let root: SharedDescriptor
    private let document: ContainerDocument
    private let isMounted: Bool

    static func open(
        _ client: ControlClient, _ document: ContainerDocument, _ body: (ContainerTree) throws -> Void
    ) async throws {
        for try await path in client.root(container: document.record.id) {
            let root: SharedDescriptor
            do { root = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory)) } catch {
                throw BerthError(
                    .denied, "opening the files of \(document.record.name)", subject: document.record.name,
                    cause: error.reason)
            }
            let isRunning = document.status.isRunning
            return try body(ContainerTree(root: root, document: document, isMounted: isRunning))
        }
    }

    /// Of a stopped container, what lies in a volume or bind is found where that is.
    func place(_ path: String, shown: String) throws -> TreePlace {
        let clean = LocalPath.clean(path)
        if !isMounted {
            let mounts = document.record.mounts.filter { clean == $0.target || clean.hasPrefix("\($0.target)/") }
            if let mount = mounts.max(by: { $0.target.count < $1.target.count }) {
                guard let source = source(of: mount) else {
                    throw BerthError(
                        .unsupported, "copying \(shown)", subject: shown,
                        cause: "\(mount.target) of \(document.record.name) is only there while it runs")
                }
                let base = SharedDescriptor(try Directory.open(source, flags: FileFlags.directory))
                return TreePlace(root: base, path: String(clean.dropFirst(mount.target.count)), shown: shown)
            }
        }
        return TreePlace(root: root, path: clean, shown: shown)
    }

    private func source(of mount: ContainerMount) -> String? {
        switch mount.source {
        case .volume(let name, _, _, nil):
            StateLayout(dataRoot: GlobalOptions.current.dataRoot, runRoot: "", world: "").volumeContent(name)
        case .bind(let path, _, _): path
        default: nil
        }
    }
}
