// The door of the room: containers as running things. One verb a file.
import BerthLinux
import BerthLog
import BerthModel
import Synchronization

/// What happened to a container that nobody was waiting for.
package enum RuntimeEvent: Sendable {
    case exited(ContainerID, ExitStatus)
    /// The kernel killed in it for lack of memory; it may run on.
    case outOfMemory(ContainerID)
    /// The shim is gone without an exit record: its container was killed with it.
    case shimLost(ContainerID)
}

/// Where a container's network is.
package enum NetworkPlace: Sendable {
    case namespace(SharedDescriptor)
    case host
}

/// Everything that a start needs beyond the record.
package struct StartRequest: Sendable {
    package var record: ContainerRecord
    /// The snapshot's detached, writable overlay mount.
    package var root: SharedDescriptor
    package var network: NetworkPlace
    /// True: the namespace was made for this container, so its sysctls are its own. The host's never is.
    package var ownsNetwork = true
    /// Kept open by the shim, and given back to an agent that adopts it.
    package var keepsakes: [(label: String, descriptor: SharedDescriptor)] = []
    package var hosts: String?
    package var resolv: String?
    /// Namespaces of other containers to join, by type: `pid`, `ipc`, `uts`.
    package var joined: [String: SharedDescriptor] = [:]
    /// Clone only when a client has attached.
    package var holdUntilAttached = false
    /// Mounts that are prepared already, besides those of the record.
    package var trees: [TreeMount] = []
    /// Files that stand in memory only.
    package var files: [PrivateFile] = []
    /// A step of a build: nothing of ours is made in its root beside its program's own doing.
    package var leavesRootAlone = false

    package init(record: ContainerRecord, root: SharedDescriptor, network: NetworkPlace) {
        self.record = record
        self.root = root
        self.network = network
    }
}

/// A detached mount and its place in a container.
package struct TreeMount: Sendable {
    package var mount: SharedDescriptor
    package var target: String
    package var isDirectory: Bool
    package var readOnly: Bool
    package init(mount: SharedDescriptor, target: String, isDirectory: Bool, readOnly: Bool) {
        self.mount = mount
        self.target = target
        self.isDirectory = isDirectory
        self.readOnly = readOnly
    }
}

/// A file whose content never touches a disk: it is written to the run directory, and bound from there.
package struct PrivateFile: Sendable {
    package var target: String
    package var content: [UInt8]
    package var userID: UInt32
    package var groupID: UInt32
    package var mode: UInt32
    package init(target: String, content: [UInt8], userID: UInt32, groupID: UInt32, mode: UInt32) {
        self.target = target
        self.content = content
        self.userID = userID
        self.groupID = groupID
        self.mode = mode
    }
}

/// A container that was adopted after the agent's own death.
package enum Adoption: Sendable {
    case running(processID: Int32, started: Timestamp, keepsakes: [(label: String, descriptor: SharedDescriptor)])
    case exited(ExitStatus)
    /// No shim, no record.
    case lost
}

package final class ContainerRuntime: Sendable {
    package let layout: StateLayout
    package let cgroups: any CgroupTree
    /// How a container ended, in the order it was learnt.
    package let events: AsyncStream<RuntimeEvent>

    let agentCommand: [String]
    let poller: Poller
    let seccomp: SeccompCompiler
    /// The shim's program: what runs cannot be overwritten from a container.
    let shimImage: SharedDescriptor
    let continuation: AsyncStream<RuntimeEvent>.Continuation
    /// Held while groups with other parents than berth's own are made or removed.
    let foreignGroups = Mutex(())
    let running = Mutex<[ContainerID: RunningContainer]>([:])

    /// - Parameters:
    ///   - shim: path of `berth-shim`, opened once.
    ///   - agentCommand: how a shim brings the agent back; empty: somebody else does.
    ///   - delegatedGroup: where on pure v2 the containers' groups lie; empty: at the root.
    package init(layout: StateLayout, shim: String, agentCommand: [String], delegatedGroup: String = "") throws {
        self.layout = layout
        self.agentCommand = agentCommand
        cgroups = try CgroupDetection.tree(parent: layout.cgroupParent, delegated: delegatedGroup)
        poller = try Poller()
        seccomp = SeccompCompiler(cacheDirectory: layout.seccompCache)
        shimImage = SharedDescriptor(try SealedProgram.open(shim))
        (events, continuation) = AsyncStream.makeStream()
        try Directory.make(layout.containers)
    }

    func container(_ id: ContainerID) throws -> RunningContainer {
        guard let found = running.withLock({ $0[id] }) else {
            throw BerthError(.conflict, "reaching container \(id.short)", cause: "the container is not running")
        }
        return found
    }

    /// What a container writes, from its first line on, until the follower is told to finish.
    package func output(of id: ContainerID) throws -> LogFollower {
        try Directory.make(layout.logDirectory(id))
        return try LogFollower(layout.logFile(id), LogSelection(), poller: poller)
    }

    package func isRunning(_ id: ContainerID) -> Bool { running.withLock { $0[id] != nil } }
    package func processID(_ id: ContainerID) -> Int32? { running.withLock { $0[id]?.processID } }
}

/// A started container: its shim's connection and what exec needs of its spec.
final class RunningContainer: Sendable {
    struct Live {
        var waiters: [CheckedContinuation<ShimReply, Never>] = []
        var early: [ShimReply] = []
        var execs: [String: @Sendable (ShimReply) -> Void] = [:]
        var ended = false
    }

    let id: ContainerID
    let connection: Mutex<ShimConnection?> = Mutex(nil)
    let live = Mutex(Live())
    let spec: Mutex<RuntimeSpec?>
    let started: Mutex<Int32>
    /// Its start waits for a client: nobody waits for the start's outcome here.
    let isHeld: Bool

    init(id: ContainerID, spec: RuntimeSpec?, processID: Int32, isHeld: Bool = false) {
        self.id = id
        self.isHeld = isHeld
        self.spec = Mutex(spec)
        started = Mutex(processID)
    }

    var processID: Int32 { started.withLock { $0 } }

    func send(_ message: ShimMessage, descriptors: [Int32] = []) throws {
        guard let connection = connection.withLock({ $0 }) else {
            throw BerthError(.conflict, "reaching container \(id.short)", cause: "its shim is gone")
        }
        do {
            try connection.send(message, descriptors: descriptors)
        } catch {
            throw BerthError(.unavailable, "talking to the shim of \(id.short)", cause: "\(error)")
        }
    }

    /// The next message that answers a request of ours (started, failed, status).
    func reply() async -> ShimReply {
        await withCheckedContinuation { continuation in
            let early = live.withLock { live -> ShimReply? in
                if !live.early.isEmpty { return live.early.removeFirst() }
                live.waiters.append(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    func deliver(_ reply: ShimReply) {
        let waiter = live.withLock { live -> CheckedContinuation<ShimReply, Never>? in
            if live.waiters.isEmpty { live.early.append(reply); return nil }
            return live.waiters.removeFirst()
        }
        waiter?.resume(returning: reply)
    }
}

/// A message with its descriptors; no message: the shim is gone.
struct ShimReply: Sendable {
    var message: ShimMessage?
    var descriptors: [SharedDescriptor]
}
