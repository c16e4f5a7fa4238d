// The launch instruction set: what a shim does to turn itself into a container's process. Flat, ordered, without
// decisions.

/// One primitive step. Paths named `target` are inside the container's root and are resolved by descriptor, never
/// outside it;
/// `slot` numbers name descriptors that came with the program or that an earlier step opened.
package enum LaunchStep: Equatable, Sendable {
    // MARK: Prepare: in the shim, in the host's namespaces, before the clone
    /// Clones the mount at a host path into a slot (the source of a bind).
    case openTree(path: String, slot: Int, recursive: Bool)
    /// Joins a pid namespace: the next clone is born in it.
    case enterProcessNamespace(slot: Int)

    // MARK: Child: in the new process
    /// Writes itself into a v1 control group: the `tasks` file at this host path.
    case joinTasks(path: String)
    /// Joins the namespace in a slot.
    case enterNamespace(slot: Int)
    /// Unshares by clone flags (the cgroup namespace, after joining the groups).
    case unshare(flags: Int32)
    /// Cuts mount propagation to and from the host: `private` or `slave`.
    case isolateMounts(slave: Bool)
    /// Attaches the root's detached mount at an empty host directory and makes it the base of every target.
    case attachRoot(slot: Int, staging: String)
    /// Mounts a new file system of a type at a directory that must be real, made where it is missing.
    case mount(type: String, target: String, options: [String], attributes: UInt64)
    /// Attaches the mount in a slot; the target is made as a file or directory where it is missing.
    case attach(slot: Int, target: String, isDirectory: Bool, attributes: UInt64, propagation: UInt64)
    case makeDirectory(target: String, mode: UInt32)
    /// A file with content, replacing nothing.
    case makeFile(target: String, mode: UInt32, content: [UInt8], userID: UInt32, groupID: UInt32)
    /// A device node: `c` or `b`.
    case makeNode(
        target: String, kind: UInt8, mode: UInt32, major: UInt32, minor: UInt32, userID: UInt32, groupID: UInt32)
    case symlink(target: String, to: String)
    /// Hides a file behind /dev/null or a directory behind an empty read-only tmpfs; missing is fine, a link is not.
    case mask(target: String)
    case readOnly(target: String)
    /// Sets attributes on the mount at a target, not below it.
    case setAttributes(target: String, attributes: UInt64)
    case readOnlyRoot
    case pivot
    case hostname(String)
    case domainName(String)
    /// `net.ipv4.ip_forward` style; written through a procfs of our own.
    case sysctl(name: String, value: String)
    case resourceLimit(resource: Int32, soft: UInt64, hard: UInt64)
    case oomScoreAdjustment(Int)
    case newSession
    /// A terminal from the container's own devpts: descriptors 0–2 and /dev/console; the master goes to the shim.
    case terminal(rows: UInt16, columns: UInt16, console: Bool)
    case fileMask(UInt32)
    /// Changes into the directory, made root-owned where it is missing and `create`; refused when it lies outside the
    /// root.
    case workingDirectory(String, create: Bool)
    case boundingSet(UInt64)
    case user(userID: UInt32, groupID: UInt32, groups: [UInt32])
    /// Effective and permitted sets; inheritable and ambient become empty.
    case capabilities(UInt64)
    case noNewPrivileges
    // MARK: What bundles ask for beyond a stack's containers
    /// Writes a kernel file at a host path, before the root changes.
    case kernelFile(path: String, value: String)
    /// Makes a file system of a type in a slot; it is placed by `attach`.
    case fileSystem(type: String, options: [String], attributes: UInt64, slot: Int)
    /// Sets and clears attributes of the mount in a slot, and all below it where `recursive`.
    case mountAttributes(slot: Int, set: UInt64, clear: UInt64, propagation: UInt64, recursive: Bool)
    /// Sets the propagation of a mount by its path in the root.
    case propagation(target: String, flags: UInt64, recursive: Bool)
    /// Fills the mount in a slot with what the root has at the target.
    case copyUp(target: String, slot: Int)
    /// Meets the launching process over the socket in a slot: says "here", waits for its answer.
    case rendezvous(slot: Int)
    /// Runs a program to its end, with the state of the container (the second one when `created`) as its input.
    case hook(path: String, arguments: [String], environment: [String], timeoutSeconds: Int, created: Bool)
    /// Fails now where the program could not be found later.
    case lookUp(arguments: [String], environment: [String])
    /// Ends the report (the launch went well) and waits until somebody writes to the fifo in a slot.
    case awaitStart(slot: Int)
    case personality(UInt64)
    case ioPriority(Int32)
    /// Capabilities outlive the change of user, until the next step that sets them.
    case keepCapabilities
    case capabilitySets(effective: UInt64, permitted: UInt64, inheritable: UInt64, ambient: UInt64)
    /// A filter with flags of seccomp(2).
    case filter([UInt8], flags: UInt32)
    /// Makes the attached root the root by moving it: where pivot_root is not possible (a ramfs).
    case moveRoot
    /// A compiled filter: `struct sock_filter` bytes.
    case seccomp([UInt8])
    /// Becomes a reaping, forwarding PID 1; the rest of the program goes on in its child.
    case becomeInit
    case execute(arguments: [String], environment: [String])

    /// What the program's process must do itself, because it is not inherited: its session, its terminal.
    package var belongsToSession: Bool {
        switch self {
        case .newSession, .terminal: true
        default: false
        }
    }

    /// The word for people: "starting web-1: mounting /proc: …".
    package var stage: String {
        switch self {
        case .openTree(let path, _, _): "opening \(path)"
        case .enterProcessNamespace, .enterNamespace: "joining a namespace"
        case .joinTasks(let path): "joining the control group \(path)"
        case .unshare: "unsharing a namespace"
        case .isolateMounts: "isolating mounts"
        case .attachRoot: "attaching the root file system"
        case .mount(let type, let target, _, _): "mounting \(type) at \(target)"
        case .attach(_, let target, _, _, _): "mounting \(target)"
        case .makeDirectory(let target, _), .makeFile(let target, _, _, _, _), .makeNode(let target, _, _, _, _, _, _):
            "making \(target)"
        case .symlink(let target, _): "linking \(target)"
        case .mask(let target): "masking \(target)"
        case .readOnly(let target), .setAttributes(let target, _): "making \(target) read-only"
        case .readOnlyRoot: "making the root read-only"
        case .pivot: "changing the root"
        case .hostname, .domainName: "setting the host name"
        case .sysctl(let name, _): "setting \(name)"
        case .resourceLimit: "setting a resource limit"
        case .oomScoreAdjustment: "setting the OOM score"
        case .newSession: "starting a session"
        case .terminal: "opening a terminal"
        case .fileMask: "setting the file mode mask"
        case .workingDirectory(let path, _): "changing to \(path)"
        case .boundingSet, .capabilities: "setting capabilities"
        case .user: "changing the user"
        case .noNewPrivileges: "setting no_new_privs"
        case .seccomp: "loading the seccomp filter"
        case .kernelFile(let path, _): "writing \(path)"
        case .fileSystem(let type, _, _, _): "making a \(type) file system"
        case .mountAttributes: "setting the options of a mount"
        case .propagation(let target, _, _): "setting the propagation of \(target)"
        case .copyUp(let target, _): "copying up \(target)"
        case .rendezvous: "waiting for the launcher"
        case .hook(let path, _, _, _, _): "running the hook \(path)"
        case .lookUp(let arguments, _): "exec: \"\(arguments.first ?? "")\""
        case .awaitStart: "waiting for the start"
        case .personality: "setting the personality"
        case .ioPriority: "setting the I/O priority"
        case .keepCapabilities, .capabilitySets: "setting capabilities"
        case .filter: "loading the seccomp filter"
        case .moveRoot: "moving the root"
        case .becomeInit: "starting init"
        case .execute(let arguments, _): "executing \(arguments.first ?? "")"
        }
    }
}

/// What the shim runs: first `prepare` in itself, then a clone with `cloneFlags`, then `child` in the clone.
package struct LaunchProgram: Equatable, Sendable {
    package struct Child: Equatable, Sendable {
        package var step: LaunchStep
        /// An errno that is no failure: the host lacks a thing that the container can do without.
        package var ignoring: [Int32]
        package init(_ step: LaunchStep, ignoring: [Int32] = []) {
            self.step = step
            self.ignoring = ignoring
        }
    }

    package var cloneFlags: UInt64
    package var prepare: [Child]
    package var child: [Child]

    package init(cloneFlags: UInt64, prepare: [Child] = [], child: [Child] = []) {
        self.cloneFlags = cloneFlags
        self.prepare = prepare
        self.child = child
    }
}
