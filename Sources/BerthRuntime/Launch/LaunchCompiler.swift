// Lowers a runtime spec into a launch program. Pure: what needs the host was looked up before.
import BerthLinux
import BerthModel

/// Facts of this launch that the spec does not have.
package struct LaunchInput: Sendable {
    package var spec: RuntimeSpec
    /// An empty host directory where the root is attached for a moment.
    package var staging: String
    package var joinFiles: [String]
    package var seccompFilter: [UInt8]?
    package var usesInit: Bool
    /// No file of ours is made in the root; places of mounts are there already.
    package var leavesRootAlone = false
    package var terminalRows: UInt16 = 0
    package var terminalColumns: UInt16 = 0
    package init(
        spec: RuntimeSpec, staging: String, joinFiles: [String], seccompFilter: [UInt8]?, usesInit: Bool,
        leavesRootAlone: Bool = false
    ) {
        self.leavesRootAlone = leavesRootAlone
        self.spec = spec
        self.staging = staging
        self.joinFiles = joinFiles
        self.seccompFilter = seccompFilter
        self.usesInit = usesInit
    }
}

package enum LaunchCompiler {
    /// The slot of the root's detached mount; joined namespaces have the slot that their path names; bind sources
    /// follow.
    package static let rootSlot = 0
    /// What a bind's source begins with that is a slot: a mount that the shim is given.
    package static let slotSource = "slot:"
    private static let firstSourceSlot = 100
    /// ENOENT and EINVAL: a file system or option that this kernel does not have.
    private static let absent: [Int32] = [2, 19, 22]

    package static func compile(_ input: LaunchInput) -> LaunchProgram {
        var program = LaunchProgram(cloneFlags: NamespaceFlags.pidDescriptorFree)
        let spec = input.spec
        let process = spec.process
        var unsharesCgroup = false
        for namespace in spec.linux.namespaces {
            guard let path = namespace.path else {
                // The cgroup namespace is rooted where its maker is, so it is unshared after joining the groups.
                if namespace.type == "cgroup" {
                    unsharesCgroup = true
                } else {
                    program.cloneFlags |= NamespaceFlags.flag(namespace.type)
                }
                continue
            }
            let slot = Int(path) ?? -1
            if namespace.type == "pid" {
                program.prepare.append(.init(.enterProcessNamespace(slot: slot)))
            } else {
                program.child.append(.init(.enterNamespace(slot: slot)))
            }
        }
        let joins = input.joinFiles.map { LaunchProgram.Child(.joinTasks(path: $0)) }
        let unshare = unsharesCgroup ? [LaunchProgram.Child(.unshare(flags: NamespaceFlags.cgroup))] : []
        program.child = joins + unshare + program.child
        appendRoot(input, to: &program)
        appendNames(spec, to: &program)
        program.child.append(.init(.pivot))
        program.child += limits(of: process)
        if let score = process.oomScoreAdj { program.child.append(.init(.oomScoreAdjustment(score))) }
        if !process.terminal { program.child.append(.init(.newSession)) }
        program.child.append(.init(.fileMask(process.user.umask ?? 0o022)))
        appendIdentity(process, filter: input.seccompFilter, createDirectory: false, to: &program.child)
        if input.usesInit { program.child.append(.init(.becomeInit)) }
        program.child.append(.init(.execute(arguments: process.args, environment: process.env)))
        return program
    }

    private static func limits(of process: RuntimeSpec.Process) -> [LaunchProgram.Child] {
        process.rlimits.compactMap { limit in
            ResourceLimit.number(limit.type).map {
                .init(.resourceLimit(resource: $0, soft: limit.soft, hard: limit.hard))
            }
        }
    }

    /// A program beside the main process, in its namespaces.
    package static func compileExec(
        process: RuntimeSpec.Process, namespaces: [RuntimeSpec.Namespace], joinFiles: [String], seccompFilter: [UInt8]?,
        rows: UInt16 = 0, columns: UInt16 = 0
    ) -> LaunchProgram {
        var flags = NamespaceFlags.mount
        for namespace in namespaces { flags |= NamespaceFlags.flag(namespace.type) }
        var program = LaunchProgram(cloneFlags: flags)
        program.prepare = joinFiles.map { LaunchProgram.Child(.joinTasks(path: $0)) }
        // Identity first: the shim makes the process that the container sees when nothing of ours is left to be had.
        program.child += limits(of: process)
        program.child.append(.init(.fileMask(0o022)))
        appendIdentity(process, filter: seccompFilter, createDirectory: false, to: &program.child)
        if process.terminal {
            program.child.append(.init(.terminal(rows: rows, columns: columns, console: false)))
        } else {
            program.child.append(.init(.newSession))
        }
        program.child.append(.init(.execute(arguments: process.args, environment: process.env)))
        return program
    }

    /// Without no_new_privs a filter needs CAP_SYS_ADMIN, so it is loaded before identity changes; with it, last.
    private static func appendIdentity(
        _ process: RuntimeSpec.Process, filter: [UInt8]?, createDirectory: Bool, to steps: inout [LaunchProgram.Child]
    ) {
        let set = process.capabilities.compactMap { UInt64($0) }.reduce(UInt64(0)) { $0 | 1 << $1 }
        steps.append(.init(.boundingSet(set)))
        if let filter, !process.noNewPrivileges { steps.append(.init(.seccomp(filter))) }
        steps.append(.init(.workingDirectory(process.cwd, create: createDirectory)))
        steps.append(
            .init(.user(userID: process.user.uid, groupID: process.user.gid, groups: process.user.additionalGids)))
        // For others than root nothing is left, the inheritable set included, whatever we were started with.
        steps.append(.init(.capabilities(process.user.uid == 0 ? set : 0)))
        if process.noNewPrivileges {
            steps.append(.init(.noNewPrivileges))
            if let filter { steps.append(.init(.seccomp(filter))) }
        }
    }

    private static func appendNames(_ spec: RuntimeSpec, to program: inout LaunchProgram) {
        if !spec.hostname.isEmpty { program.child.append(.init(.hostname(spec.hostname))) }
        if let domain = spec.domainname, !domain.isEmpty { program.child.append(.init(.domainName(domain))) }
        for name in spec.linux.sysctl.keys.sorted() {
            program.child.append(
                .init(
                    .sysctl(name: name, value: spec.linux.sysctl[name] ?? ""),
                    ignoring: name.hasPrefix("net.ipv4.ip_unpriv") || name.hasPrefix("net.ipv4.ping") ? absent : []))
        }
    }

    private static func appendRoot(_ input: LaunchInput, to program: inout LaunchProgram) {
        let spec = input.spec
        let sharesPropagation = spec.mounts.contains {
            !Set($0.options).isDisjoint(with: ["rslave", "slave", "rshared", "shared"])
        }
        program.child.append(.init(.isolateMounts(slave: sharesPropagation)))
        program.child.append(.init(.attachRoot(slot: rootSlot, staging: input.staging)))
        var nextSlot = firstSourceSlot
        for mount in spec.mounts { append(mount, nextSlot: &nextSlot, to: &program) }
        let ownsDevices = spec.mounts.contains { $0.destination == "/dev" && $0.type == "tmpfs" }
        if ownsDevices {
            for device in spec.linux.devices {
                program.child.append(
                    .init(
                        .makeNode(
                            target: device.path, kind: UInt8(ascii: device.type == "b" ? "b" : "c"),
                            mode: device.fileMode,
                            major: device.major, minor: device.minor, userID: device.uid, groupID: device.gid)))
            }
            for (path, target) in DefaultPaths.links { program.child.append(.init(.symlink(target: path, to: target))) }
        }
        if !input.leavesRootAlone {
            program.child.append(
                .init(
                    .makeFile(target: "/.dockerenv", mode: 0o755, content: [], userID: 0, groupID: 0),
                    ignoring: [17, 30]))
            program.child.append(.init(.symlink(target: "/etc/mtab", to: "/proc/mounts"), ignoring: [17, 30]))
        }
        // Root-owned whoever the user is, and before the root becomes read-only.
        program.child.append(.init(.makeDirectory(target: spec.process.cwd, mode: 0o755)))
        if spec.process.terminal {
            program.child.append(
                .init(.terminal(rows: input.terminalRows, columns: input.terminalColumns, console: ownsDevices)))
        }
        for path in spec.linux.readonlyPaths { program.child.append(.init(.readOnly(target: path))) }
        for path in spec.linux.maskedPaths { program.child.append(.init(.mask(target: path))) }
        if spec.root.readonly { program.child.append(.init(.readOnlyRoot)) }
    }

    private static func append(_ mount: RuntimeSpec.Mount, nextSlot: inout Int, to program: inout LaunchProgram) {
        let options = MountOptions(mount.options)
        switch mount.type {
        case "bind":
            var slot = nextSlot
            if mount.source.hasPrefix(slotSource), let given = Int(mount.source.dropFirst(slotSource.count)) {
                slot = given
            } else {
                nextSlot += 1
                program.prepare.append(.init(.openTree(path: mount.source, slot: slot, recursive: options.recursive)))
            }
            program.child.append(
                .init(
                    .attach(
                        slot: slot, target: mount.destination, isDirectory: options.data.contains("directory"),
                        attributes: options.attributes.rawValue, propagation: options.propagation)))
        case "remount":
            program.child.append(
                .init(.setAttributes(target: mount.destination, attributes: options.attributes.rawValue)))
        default:
            let source = mount.source.isEmpty ? [] : ["source=\(mount.source)"]
            let isOptional = mount.destination.hasPrefix("/sys/fs/cgroup/") || mount.type == "mqueue"
            program.child.append(
                .init(
                    .mount(
                        type: mount.type, target: mount.destination,
                        options: source + options.data.filter { $0 != "newinstance" },
                        attributes: options.attributes.rawValue),
                    ignoring: isOptional ? absent + [16, 1] : []))
        }
    }
}

/// Mount options as the spec writes them, sorted into attributes, propagation and the file system's own.
struct MountOptions {
    var attributes: MountAttributes = []
    var propagation: UInt64 = 0
    var recursive = true
    var data: [String] = []

    init(_ options: [String]) {
        for option in options {
            switch option {
            case "ro": attributes.insert(.readOnly)
            case "nosuid": attributes.insert(.noSetUserID)
            case "nodev": attributes.insert(.noDevices)
            case "noexec": attributes.insert(.noExecute)
            case "strictatime": attributes.insert(.strictAccessTime)
            case "noatime": attributes.insert(.noAccessTime)
            case "nodiratime": attributes.insert(.noDirectoryAccessTime)
            case "rw", "suid", "dev", "exec", "rbind", "relatime", "atime": break
            case "bind": recursive = false
            case "private", "rprivate": propagation = 1 << 18
            case "slave", "rslave": propagation = 1 << 19
            case "shared", "rshared": propagation = 1 << 20
            default: data.append(option)
            }
        }
    }
}
