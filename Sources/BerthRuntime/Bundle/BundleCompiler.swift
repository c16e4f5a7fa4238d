// Lowers a bundle's document into a launch program. Pure: what needs the host is in the input.
import BerthLinux
import BerthModel

/// Facts of the host and of this launch that the document does not have.
package struct BundleInput {
    package var spec: BundleSpec
    package var bundle: String
    package var rootPath: String
    package var cgroup: BundleCgroup
    package var filter: (bytes: [UInt8], flags: UInt32)?
    /// Number → descriptor path kinds: whether a host path is a directory.
    package var isDirectory: (String) -> Bool
    package var knowsCapability: (String) -> Int?
    package var environment: [String]
    package var pivots = true
    /// Joined through an intermediate process: control groups are joined there.
    package var joins = false
}

package struct BundleCompiler {
    static let fifoSlot = 2
    private static let rootSlot = 0
    private static let firstSlot = 100
    let input: BundleInput
    var program = LaunchProgram(cloneFlags: 0)
    var nextSlot = BundleCompiler.firstSlot

    private init(_ input: BundleInput) { self.input = input }

    package static func compile(_ input: BundleInput) throws -> LaunchProgram {
        var compiler = BundleCompiler(input)
        try compiler.lower()
        return compiler.program
    }

    mutating func add(_ step: LaunchStep, ignoring: [Int32] = []) {
        program.child.append(.init(step, ignoring: ignoring))
    }

    private mutating func lower() throws {
        let spec = input.spec
        guard let process = spec.process, let root = spec.root else {
            throw BundleRefusal.error("config.json", "process and root must be there")
        }
        let slave = !["private", "rprivate"].contains(spec.linux?.rootfsPropagation ?? "")
        let shares = ["shared", "rshared"].contains(spec.linux?.rootfsPropagation ?? "")
        prepareRoot(slave: slave)
        lowerNamespaces()
        add(.newSession)
        if let priority = process.ioPriority { add(.ioPriority(try BundleNumbers.ioPriority(priority))) }
        add(.isolateMounts(slave: slave))
        add(.attachRoot(slot: BundleCompiler.rootSlot, staging: input.rootPath))
        for mount in spec.mounts ?? [] { try lower(mount, sharesRoot: shares) }
        lowerDevices()
        for name in (spec.linux?.sysctl ?? [:]).keys.sorted() {
            add(
                .sysctl(name: name.split(separator: "/").joined(separator: "."), value: spec.linux?.sysctl?[name] ?? "")
            )
        }
        if let name = spec.hostname, !name.isEmpty { add(.hostname(name)) }
        if let name = spec.domainname, !name.isEmpty { add(.domainName(name)) }
        add(.rendezvous(slot: ProcessLaunch.meetingSlot))
        for hook in spec.hooks?.createContainer ?? [] { add(BundleCompiler.step(hook, created: false)) }
        lowerCompletion(process, readOnly: root.readonly ?? false)
        try lowerProcess(process)
        try lowerIdentity(process)
        add(.execute(arguments: process.args ?? [], environment: input.environment))
    }

    private mutating func prepareRoot(slave: Bool) {
        program.prepare.append(
            .init(.openTree(path: input.rootPath, slot: BundleCompiler.rootSlot, recursive: true)))
        program.prepare.append(
            .init(
                .mountAttributes(
                    slot: BundleCompiler.rootSlot, set: 0, clear: 0, propagation: slave ? 1 << 19 : 1 << 18,
                    recursive: true)))
    }

    private mutating func lowerNamespaces() {
        let spec = input.spec
        for namespace in spec.linux?.namespaces ?? [] where (namespace.path ?? "").isEmpty {
            if namespace.type != "cgroup" && namespace.type != "time" {
                program.cloneFlags |= NamespaceFlags.flag(namespace.type)
            }
        }
        if spec.makesNamespace("time") {
            program.prepare.append(.init(.unshare(flags: Int32(NamespaceFlags.flag("time")))))
            for (clock, offset) in (spec.linux?.timeOffsets ?? [:]).sorted(by: { $0.key < $1.key }) {
                program.prepare.append(
                    .init(
                        .kernelFile(
                            path: "/proc/self/timens_offsets",
                            value: "\(clock) \(offset.secs ?? 0) \(offset.nanosecs ?? 0)")))
            }
        }
        let files = input.cgroup.joinFiles.map { LaunchProgram.Child(.joinTasks(path: $0)) }
        if spec.makesNamespace("user") {
            // Only the launcher can map identities and, from outside, move us into groups.
            add(.rendezvous(slot: ProcessLaunch.meetingSlot))
            add(.user(userID: 0, groupID: 0, groups: []))
        } else if input.joins {
            program.prepare += files
        } else {
            program.child += files
        }
        if spec.makesNamespace("cgroup") { add(.unshare(flags: NamespaceFlags.cgroup)) }
        if let score = spec.process?.oomScoreAdj, !spec.makesNamespace("user") { add(.oomScoreAdjustment(score)) }
    }

    private mutating func lowerDevices() {
        let spec = input.spec
        let devices = BundleDevices.all(spec)
        // A /dev of the host's is not ours to furnish.
        let foreign = (spec.mounts ?? []).contains {
            $0.destination == "/dev" && BundleMountOptions($0.options ?? []).isBind
        }
        if foreign { return }
        for device in devices {
            if spec.hasNamespace("user") {
                program.prepare.append(.init(.openTree(path: device.path, slot: nextSlot, recursive: false)))
                add(.attach(slot: nextSlot, target: device.path, isDirectory: false, attributes: 0, propagation: 0))
                nextSlot += 1
                continue
            }
            add(
                .makeNode(
                    target: device.path, kind: UInt8(ascii: device.type == "b" ? "b" : "c"), mode: device.fileMode,
                    major: device.major, minor: device.minor, userID: device.uid, groupID: device.gid),
                ignoring: [17])
        }
        for (path, target) in DefaultPaths.links where path != "/dev/ptmx" {
            add(.symlink(target: path, to: target), ignoring: [17])
        }
        if (spec.mounts ?? []).contains(where: { $0.destination == "/dev/pts" }) {
            add(.symlink(target: "/dev/ptmx", to: "pts/ptmx"), ignoring: [17])
        }
    }

    private mutating func lowerCompletion(_ process: BundleSpec.Process, readOnly: Bool) {
        let linux = input.spec.linux
        add(.makeDirectory(target: process.cwd ?? "/", mode: 0o755), ignoring: [17, 20, 30])
        if process.terminal ?? false {
            let size = process.consoleSize
            add(.terminal(rows: size?.height ?? 0, columns: size?.width ?? 0, console: true))
        }
        for path in linux?.readonlyPaths ?? [] { add(.readOnly(target: path)) }
        for path in linux?.maskedPaths ?? [] { add(.mask(target: path)) }
        if readOnly { add(.readOnlyRoot) }
        add(input.pivots ? .pivot : .moveRoot)
        let wish = linux?.rootfsPropagation ?? ""
        let recursive = wish.hasPrefix("r")
        if let flags = BundleMountOptions.propagation[recursive ? String(wish.dropFirst()) : wish] {
            add(.propagation(target: "/", flags: flags, recursive: recursive))
        }
    }

    static func step(_ hook: BundleSpec.Hook, created: Bool) -> LaunchStep {
        .hook(
            path: hook.path, arguments: hook.args ?? [], environment: hook.env ?? [],
            timeoutSeconds: hook.timeout ?? 0, created: created)
    }
}
