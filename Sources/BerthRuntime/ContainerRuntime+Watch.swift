// What shims say by themselves, and finding them again after the agent died.
import BerthLinux
import BerthModel
import Synchronization

extension ContainerRuntime {
    /// On the poller's thread.
    func receive(_ message: ShimMessage?, _ descriptors: [SharedDescriptor], _ container: RunningContainer) {
        switch message {
        case .started(let processID, _):
            container.started.withLock { $0 = processID }
            container.deliver(ShimReply(message: message, descriptors: descriptors))
        case .failed(_, let errno, let executing) where container.isHeld:
            // The client has the words; here it is a container that ended before it began.
            let now = wallClockNanoseconds()
            let code: Int32 = executing ? (errno == 2 ? 127 : 126) : 125
            ended(
                container,
                .exited(
                    container.id,
                    ExitStatus(code: code, oomKilled: false, startedNanoseconds: now, finishedNanoseconds: now)))
        case .failed, .status, .attached, .refused:
            container.deliver(ShimReply(message: message, descriptors: descriptors))
        case .exited(let status):
            ended(container, .exited(container.id, status))
        case .outOfMemory:
            continuation.yield(.outOfMemory(container.id))
        case .execStarted(let id, _), .execFailed(let id, _, _, _):
            container.live.withLock { $0.execs[id] }?(ShimReply(message: message, descriptors: descriptors))
        case .execExited(let id, _):
            container.live.withLock { $0.execs.removeValue(forKey: id) }?(
                ShimReply(message: message, descriptors: descriptors))
        case nil:
            container.connection.withLock { $0 = nil }
            let waiting = container.live.withLock { live -> [@Sendable (ShimReply) -> Void] in
                defer { live.execs = [:] }
                return Array(live.execs.values)
            }
            for waiter in waiting { waiter(ShimReply(message: nil, descriptors: [])) }
            container.deliver(ShimReply(message: nil, descriptors: []))
            lost(container)
        default: break
        }
    }

    /// The connection dropped. An exit record says that the end was orderly.
    private func lost(_ container: RunningContainer) {
        if let status = exitRecord(container.id) { return ended(container, .exited(container.id, status)) }
        // A shim that never ran its program is reported by the start that waits for it.
        if container.processID == 0 && !container.isHeld { return }
        killRemains(container.id)
        ended(container, .shimLost(container.id))
    }

    private func ended(_ container: RunningContainer, _ event: RuntimeEvent) {
        let first = container.live.withLock { live in
            defer { live.ended = true }
            return !live.ended
        }
        if first { continuation.yield(event) }
    }

    package func exitRecord(_ id: ContainerID) -> ExitStatus? {
        guard let bytes = try? FileIO.read(layout.exitRecord(id), limit: 4096) else { return nil }
        return try? ExitStatus(record: bytes)
    }

    /// Everything in the container's group dies; a shim's death is its container's.
    func killRemains(_ id: ContainerID) {
        // Ignored: no group, nobody in it.
        try? FileIO.writeKernel(groups(of: id).killFile(id.text), "1")
    }

    /// Finds the shim of a container that ran when the last agent died.
    package func adopt(_ record: ContainerRecord) async -> Adoption {
        let container = RunningContainer(id: record.id, spec: nil, processID: 0)
        guard let socket = try? PacketSocket.connect(layout.shimSocket(record.id)) else {
            if let status = exitRecord(record.id) { return .exited(status) }
            killRemains(record.id)
            return .lost
        }
        let connection = connect(SharedDescriptor(socket), to: container)
        container.connection.withLock { $0 = connection }
        guard (try? connection.send(.adopt)) != nil else { return exitRecord(record.id).map { .exited($0) } ?? .lost }
        let reply = await container.reply()
        guard case .status(let processID, let started, let labels, let exit)? = reply.message else {
            if let status = exitRecord(record.id) { return .exited(status) }
            killRemains(record.id)
            return .lost
        }
        if let exit {
            try? connection.send(.acknowledgeExit)
            connection.close()
            return .exited(exit)
        }
        container.started.withLock { $0 = processID }
        running.withLock { $0[record.id] = container }
        let keepsakes = zip(labels, reply.descriptors).map { (label: $0, descriptor: $1) }
        return .running(
            processID: processID, started: Timestamp(nanosecondsSinceEpoch: started), keepsakes: keepsakes)
    }

    /// After the end was recorded: the shim may leave, and its traces go.
    package func cleanup(_ id: ContainerID) {
        let container = running.withLock { $0.removeValue(forKey: id) }
        if let connection = container?.connection.withLock({ $0 }) {
            // Ignored: a shim that is gone needs no leave.
            try? connection.send(.acknowledgeExit)
            connection.close()
        }
        killRemains(id)
        removeGroup(id)
        // Ignored: a directory that stays is removed by the next start of the agent.
        try? Directory.remove(layout.container(id))
    }

    /// The agent goes on purpose: shims must not bring it back.
    package func sayGoodbye() {
        for container in running.withLock({ Array($0.values) }) {
            // Ignored: a shim that is gone needs no goodbye.
            try? container.send(.bye)
        }
    }

    /// Until the other end is closed; two seconds at most.
    private static func awaitEnd(of shim: SharedDescriptor) {
        for _ in 0..<200 {
            do {
                let packet = try PacketSocket.receive(shim.number, wait: false)
                if packet.payload.isEmpty { return }
            } catch {
                guard error.isWouldBlock else { return }
                Pause.milliseconds(10)
            }
        }
    }

    /// Groups and run directories of containers that nobody knows any more.
    package func removeUnknown(keeping known: Set<ContainerID>) {
        let shorts = Set(known.map(\.short))
        let unknown = ((try? Directory.names(layout.containers)) ?? []).filter { !shorts.contains($0) }
        let shims = unknown.map { try? SharedDescriptor(PacketSocket.connect("\(layout.containers)/\($0)/shim.sock")) }
        for shim in shims {
            guard let shim else { continue }
            // Their end needs no record, and they bring no agent back.
            try? PacketSocket.send(shim.number, ShimMessage.bye.encoded)
            try? PacketSocket.send(shim.number, ShimMessage.acknowledgeExit.encoded)
        }
        for id in cgroups.list().compactMap({ ContainerID($0) }) + notedGroups(unknown) where !known.contains(id) {
            killRemains(id)
            removeGroup(id)
        }
        for shim in shims { if let shim { ContainerRuntime.awaitEnd(of: shim) } }
        for name in unknown { try? Directory.remove("\(layout.containers)/\(name)") }
    }
}
