// What a build step sees: its layers as one tree, and the mounts that it asked for.
import BerthLinux
import BerthModel
import BerthRuntime
import BerthStore

struct StepMounts {
    private let build: BuildRun
    private let step: RunStep
    private let target: BuildTarget
    /// Names of directories below `cache/mounts`, in the order of the step's cache mounts.
    private let caches: [String]

    init(_ build: BuildRun, _ step: RunStep, _ target: BuildTarget, _ caches: [String]) {
        self.build = build
        self.step = step
        self.target = target
        self.caches = caches
    }

    /// The step's tree. Places that its mounts need and it does not have are in a layer below what the step writes.
    func root(placesFor record: ContainerRecord) throws -> SharedDescriptor {
        do {
            // Asked before the lock is taken: the answer takes it too.
            let places = places(record)
            return try build.withPlaces(step.lowers) { try root($0, places) }
        } catch let error as SystemError {
            throw BerthError(.internal, "preparing the tree of \(step.name)", cause: "\(error)")
        }
    }

    private func root(
        _ below: [String], _ places: [(path: String, isDirectory: Bool)]
    ) throws(SystemError) -> SharedDescriptor {
        try Directory.make(step.upper, mode: 0o755)
        try Directory.make(step.work)
        let stubs = "\(step.work)-places"
        try Directory.make(stubs, mode: 0o755)
        let lowers = below.isEmpty ? [stubs] : below
        let plain = SharedDescriptor(
            try DetachedMount.overlay(lowers: lowers, upper: step.upper, work: step.work))
        guard try MountStubs.make(places, missingIn: plain.number, into: stubs) else { return plain }
        plain.closeEarly()
        return SharedDescriptor(
            try DetachedMount.overlay(lowers: [stubs] + below, upper: step.upper, work: step.work))
    }

    private func places(_ record: ContainerRecord) -> [(path: String, isDirectory: Bool)] {
        var all = [("/proc", true), ("/dev", true), ("/sys", true)]
        all += [("/etc/hosts", false), ("/etc/hostname", false), ("/etc/resolv.conf", false)]
        for mount in step.mounts {
            switch mount.source {
            case .secret, .ssh: all.append((mount.target, false))
            case .tree(let lowers, let path, _): all.append((mount.target, isDirectory(lowers, path)))
            default: all.append((mount.target, true))
            }
        }
        return all.map { (path: $0.0, isDirectory: $0.1) }
    }

    private func isDirectory(_ lowers: [String], _ path: String) -> Bool {
        guard let tree = try? build.withPlaces(lowers, { try mount($0, scratch: nil) }),
            let found = try? Directory.open(inRootNumber: tree.number, path, flags: FileFlags.pathOnly)
        else { return true }
        return (try? FileStatus.of(found.number).kind) == .directory
    }

    /// Mounts by descriptor: what was resolved is what is mounted.
    func trees() throws -> [TreeMount] {
        var names = caches[...]
        var all: [TreeMount] = []
        for mount in step.mounts {
            do {
                switch mount.source {
                case .tree(let lowers, let path, let scratch):
                    all.append(try build.withPlaces(lowers) { try tree(mount, $0, path, scratch) })
                case .cache(_, _, let mode, let userID, let groupID):
                    guard let name = names.popFirst() else { continue }
                    all.append(try cache(mount, name, mode, userID, groupID))
                case .ssh(let id):
                    guard let socket = target.sshSockets[id] else { continue }
                    let place = SharedDescriptor(try DetachedMount.clone(socket, recursive: false))
                    all.append(TreeMount(mount: place, target: mount.target, isDirectory: false, readOnly: false))
                default: break
                }
            } catch let error as SystemError {
                throw BerthError(
                    error.isNotFound ? .notFound : .internal, "mounting \(mount.target) for \(step.name)",
                    subject: mount.target, cause: "\(error)")
            }
        }
        return all
    }

    /// Layers as one tree; what is written to it lies in `scratch` and is forgotten.
    private func mount(_ lowers: [String], scratch: String?) throws(SystemError) -> SharedDescriptor {
        if let scratch {
            try Directory.make("\(scratch)/upper", mode: 0o755)
            try Directory.make("\(scratch)/work")
            return SharedDescriptor(
                try DetachedMount.overlay(lowers: lowers, upper: "\(scratch)/upper", work: "\(scratch)/work"))
        }
        if lowers.count == 1 {
            let tree = try DetachedMount.clone(lowers[0], recursive: false)
            return SharedDescriptor(tree)
        }
        return SharedDescriptor(try DetachedMount.overlay(lowers: lowers))
    }

    private func tree(
        _ wish: StepMount, _ lowers: [String], _ path: String, _ scratch: String
    ) throws(SystemError) -> TreeMount {
        let whole = try mount(lowers, scratch: wish.readOnly ? nil : scratch)
        let place = try Directory.open(inRootNumber: whole.number, path, flags: FileFlags.pathOnly)
        let isDirectory = try FileStatus.of(place.number).kind == .directory
        let part = try DetachedMount.clone(of: place.number, recursive: false)
        return TreeMount(
            mount: SharedDescriptor(part), target: wish.target, isDirectory: isDirectory, readOnly: wish.readOnly)
    }

    private func cache(
        _ wish: StepMount, _ name: String, _ mode: UInt32, _ userID: UInt32, _ groupID: UInt32
    ) throws(SystemError) -> TreeMount {
        let directory = "\(build.parts.layout.cacheMounts)/\(name)"
        if (try? FileStatus.of(directory)) == nil {
            try Directory.make(directory)
            try FileOwner.set(directory, userID: userID, groupID: groupID, mode: mode)
        }
        let place = try DetachedMount.clone(directory, recursive: false)
        return TreeMount(
            mount: SharedDescriptor(place), target: wish.target, isDirectory: true, readOnly: wish.readOnly)
    }

    /// Secrets: in memory, and nowhere else.
    func files() throws -> [PrivateFile] {
        try step.mounts.compactMap { mount in
            guard case .secret(let id, let userID, let groupID, let mode) = mount.source else { return nil }
            guard let digest = target.secrets[id], let content = build.secrets["\(digest)"] else {
                throw BerthError(
                    .notFound, "running \(step.name)", subject: id, cause: "secret \(id) was not given",
                    hint: "give it with --secret id=\(id),src=FILE, or under `build.secrets`")
            }
            return PrivateFile(
                target: mount.target, content: content, userID: userID, groupID: groupID, mode: mode)
        }
    }
}

/// A worker reads hostile bytes: what it names must be what it may name.
struct StepPaths {
    private let build: BuildRun
    init(_ build: BuildRun) { self.build = build }

    func check(_ step: RunStep, _ target: BuildTarget) throws {
        let ingest = build.ingest
        var own = [step.upper, step.work]
        var readable = step.lowers
        for mount in step.mounts {
            guard case .tree(let lowers, _, let scratch) = mount.source else { continue }
            readable += lowers
            own.append(scratch)
        }
        for path in own where !isInside(path, ingest) { throw refused(path) }
        for path in readable where !isInside(path, ingest) && !isLayer(path) && !isContext(path) { throw refused(path) }
        if step.network == "host" && !target.entitlements.contains("network.host") { throw refused("network host") }
        if step.isPrivileged && !target.entitlements.contains("security.insecure") { throw refused("privileges") }
    }

    private func isPlain(_ path: String) -> Bool { !path.split(separator: "/").contains("..") }
    private func isInside(_ path: String, _ directory: String) -> Bool {
        path.hasPrefix(directory + "/") && isPlain(path)
    }
    private func isLayer(_ path: String) -> Bool {
        let prefix = build.parts.layout.layers + "/"
        guard path.hasPrefix(prefix), path.hasSuffix("/diff") else { return false }
        return Digest(hex: String(path.dropFirst(prefix.count).dropLast(5))) != nil
    }
    private func isContext(_ path: String) -> Bool {
        build.targets.values.contains { target in
            ([target.context] + target.contexts.values).contains(.directory(path))
        }
    }

    private func refused(_ what: String) -> BerthError {
        BerthError(.denied, "running a build step", cause: "the worker asked for \(what), which is not its own")
    }
}
