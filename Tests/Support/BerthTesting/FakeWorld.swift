// A host that is only values: applies operations to an observed state, and refuses what a real host would refuse.
package import BerthModel
package import BerthPlan

/// Strict on purpose: whatever a plan must not do (start what runs, remove what is used, break a name) is an error
/// here.
package struct FakeWorld: Sendable {
    package var state = ObservedState()
    /// What was done, in order: `create demo-web-1`.
    package private(set) var journal: [String] = []
    private var counter = 0

    package init() {}

    package static let hash: HashFunction = { bytes in
        // FNV-1a in four lanes: no cryptography, but every byte counts.
        var digest: [UInt8] = []
        for lane in 0..<4 {
            var value: UInt64 = 0xCBF2_9CE4_8422_2325 &+ UInt64(lane)
            for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            for shift in stride(from: 0, to: 64, by: 8) {
                digest.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
            }
        }
        return Digest(bytes: digest)
    }

    package static func digest(_ text: String) -> Digest { hash(Array(text.utf8)) }

    /// Puts an image into the store; another `version` is another image under the same reference.
    package mutating func addImage(_ reference: String, version: Int = 1, volumes: [String] = []) {
        var execution = ImageConfig.Execution()
        execution.Cmd = ["/bin/true"]
        if !volumes.isEmpty {
            execution.Volumes = Dictionary(uniqueKeysWithValues: volumes.map { ($0, .init()) })
        }
        let id = FakeWorld.digest("image \(reference) \(version)")
        state.images[reference] = ObservedImage(
            id: id, execution: execution, layers: [FakeWorld.digest("layer \(reference)")])
    }

    /// Runs a plan to its end, one operation at a time, in the order `choose` gives to the ready ones (first, by
    /// default).
    package mutating func execute(
        _ plan: Plan, choose: (Int) -> Int = { _ in 0 }
    ) -> PlanRun.Summary {
        var run = PlanRun(plan)
        var ready: [Operation] = []
        while !run.isFinished {
            ready += run.start()
            if ready.isEmpty { break }
            let operation = ready.remove(at: choose(ready.count))
            do {
                run.finish(operation.id, .success(container: try apply(operation, in: run)))
            } catch {
                run.finish(operation.id, .failure(error))
            }
        }
        return run.summary
    }

    /// Performs one operation. Gates are obliging: what is waited for becomes true.
    @discardableResult
    package mutating func apply(_ operation: Operation, in run: PlanRun) throws(BerthError) -> ContainerID? {
        journal.append("\(operation.action) \(operation.subject.name)")
        switch operation.action {
        case .createNetwork(let definition): try createNetwork(definition)
        case .removeNetwork(let name): try removeNetwork(name)
        case .createVolume(let definition): try createVolume(definition)
        case .removeVolume(let name): try removeVolume(name)
        case .createContainer(let intent): return try createContainer(intent, in: run)
        case .startContainer(let target): try start(target, in: run)
        case .stopContainer(let target, _), .killContainer(let target, _): try stop(target, in: run)
        case .pauseContainer(let target): try change(target, in: run, from: [.running], to: .paused)
        case .unpauseContainer(let target): try change(target, in: run, from: [.paused], to: .running)
        case .removeContainer(let target, let volumes): try removeContainer(target, in: run, volumes: volumes)
        case .renameContainer(let target, let name): try rename(target, in: run, to: name)
        case .takeOver(let target, let old, let name): try takeOver(target, from: old, name, in: run)
        case .awaitCondition(let condition, let members): try fulfil(condition, members, in: run)
        case .awaitReady(let members, _), .awaitSteady(let members, _, _):
            for member in members where !member.mayComplete { try fulfil(.healthy, [member], in: run) }
        }
        return nil
    }

    // MARK: Networks and volumes

    private mutating func createNetwork(_ definition: NetworkDefinition) throws(BerthError) {
        try require(state.networks[definition.name] == nil, "network \(definition.name) exists")
        counter += 1
        let subnet = IPv4Prefix(IPv4Address(value: 0x0A00_0000 + UInt32(counter) << 8), length: 24)
        state.networks[definition.name] = NetworkRecord(
            id: FakeWorld.digest("network \(counter)").hex, name: definition.name,
            stack: definition.labels[ComposeLabel.project], definition: definition, subnet: subnet,
            gateway: IPv4Address(value: subnet.first + 1), labels: definition.labels, created: now)
    }

    private mutating func removeNetwork(_ name: String) throws(BerthError) {
        try require(state.networks[name] != nil, "network \(name) does not exist")
        let user = state.containers.first { $0.record.endpoints.contains { $0.network == name } }
        try require(user == nil, "network \(name) is in use by \(user?.record.name ?? "")")
        state.networks[name] = nil
    }

    private mutating func createVolume(_ definition: VolumeDefinition) throws(BerthError) {
        try require(state.volumes[definition.name] == nil, "volume \(definition.name) exists")
        state.volumes[definition.name] = VolumeRecord(
            name: definition.name, stack: definition.labels[ComposeLabel.project], isAnonymous: false,
            driverOptions: definition.driverOptions, labels: definition.labels, created: now)
    }

    private mutating func removeVolume(_ name: String) throws(BerthError) {
        try require(state.volumes[name] != nil, "volume \(name) does not exist")
        let user = state.containers.first { users(of: name, $0) }
        try require(user == nil, "volume \(name) is in use by \(user?.record.name ?? "")")
        state.volumes[name] = nil
    }

    private func users(of volume: String, _ container: ObservedContainer) -> Bool {
        container.record.mounts.contains { if case .volume(volume, _, _, _) = $0.source { true } else { false } }
    }

    // MARK: Containers

    private mutating func createContainer(_ intent: ContainerIntent, in run: PlanRun) throws(BerthError) -> ContainerID
    {
        try require(!state.containers.contains { $0.record.name == intent.name }, "name \(intent.name) is taken")
        for target in intent.sharing.targets {
            let id = run.container(target)
            try require(state.containers.contains { $0.record.id == id }, "\(intent.name) shares with nobody")
        }
        counter += 1
        let id = ContainerID(randomBytes: FakeWorld.bytes(of: FakeWorld.digest("container \(counter)")))
        var endpoints: [Endpoint] = []
        for (index, network) in intent.networks.enumerated() {
            guard let record = state.networks[network.name] else {
                throw refusal("network \(network.name) does not exist")
            }
            endpoints.append(
                Endpoint(
                    network: network.name, interface: "eth\(index)",
                    address: IPv4Address(value: record.subnet.first + 2 + UInt32(counter % 200)),
                    prefixLength: record.subnet.length, gateway: record.gateway, macAddress: "", names: network.names))
        }
        let mounts = try mounts(of: intent)
        let record = ContainerRecord(
            id: id, name: intent.name, stack: intent.stack, slot: intent.slot, service: intent.service,
            imageID: intent.image.id, imageReference: intent.imageReference, imageExecution: intent.image.execution,
            layers: intent.image.layers, configHash: intent.configHash, labels: intent.labels, mounts: mounts,
            endpoints: endpoints, ports: [], created: now, autoRemove: intent.autoRemove,
            isStandby: intent.standsBy)
        state.containers.append(ObservedContainer(record: record, status: ContainerStatus()))
        return id
    }

    private mutating func mounts(of intent: ContainerIntent) throws(BerthError) -> [ContainerMount] {
        var mounts: [ContainerMount] = []
        var anonymous = Set((intent.image.execution.Volumes ?? [:]).keys)
        for mount in intent.service.mounts {
            anonymous.remove(mount.target)
            switch mount.kind {
            case .volume(let key?, let noCopy, let subpath):
                let name = intent.volumeNames[key] ?? ""
                try require(state.volumes[name] != nil, "volume \(name) does not exist")
                let source = ContainerMount.Source.volume(
                    name: name, anonymous: false, noCopy: noCopy, subpath: subpath)
                mounts.append(ContainerMount(source: source, target: mount.target, readOnly: mount.readOnly))
            case .volume(key: nil, _, _): anonymous.insert(mount.target)
            case .bind(let path, let create, let propagation):
                let source = ContainerMount.Source.bind(path: path, createHostPath: create, propagation: propagation)
                mounts.append(ContainerMount(source: source, target: mount.target, readOnly: mount.readOnly))
            case .tmpfs, .image: break
            }
        }
        for target in anonymous.sorted() {
            let name = intent.inheritedVolumes[target] ?? newAnonymousVolume(of: intent.stack)
            try require(state.volumes[name] != nil, "anonymous volume \(name) does not exist")
            let source = ContainerMount.Source.volume(name: name, anonymous: true, noCopy: false, subpath: nil)
            mounts.append(ContainerMount(source: source, target: target, readOnly: false))
        }
        for (uses, definitions) in [(intent.service.secrets, intent.secrets), (intent.service.configs, intent.configs)]
        {
            for use in uses {
                guard let digest = definitions[use.source]?.digest else { continue }
                let source = ContainerMount.Source.material(digest: digest, userID: 0, groupID: 0, mode: 0o444)
                mounts.append(ContainerMount(source: source, target: use.target, readOnly: true))
            }
        }
        return mounts
    }

    private mutating func newAnonymousVolume(of stack: String) -> String {
        counter += 1
        let name = FakeWorld.digest("volume \(counter)").hex
        state.volumes[name] = VolumeRecord(
            name: name, stack: stack, isAnonymous: true, driverOptions: [:], labels: [:], created: now)
        return name
    }

    private mutating func start(_ target: ContainerTarget, in run: PlanRun) throws(BerthError) {
        let index = try index(of: target, in: run)
        let container = state.containers[index]
        try require(!container.status.isRunning, "\(container.record.name) runs already")
        let rival = state.containers.first {
            $0.record.slot == container.record.slot && $0.record.stack == container.record.stack && $0.status.isRunning
                && $0.record.isStandby == container.record.isStandby
        }
        try require(rival == nil, "two containers run in slot \(container.record.slot)")
        for endpoint in container.record.endpoints {
            let subnet = state.networks[endpoint.network]?.subnet
            try require(
                subnet?.contains(endpoint.address) ?? false,
                "\(container.record.name) has a stale address on \(endpoint.network)")
        }
        state.containers[index].status = ContainerStatus(
            state: .running, health: container.record.service.healthcheck == nil ? .none : .starting)
        state.containers[index].status.started = now
    }

    private mutating func stop(_ target: ContainerTarget, in run: PlanRun) throws(BerthError) {
        let index = try index(of: target, in: run)
        let status = state.containers[index].status
        try require(
            status.isRunning || status.state == .restarting, "\(state.containers[index].record.name) does not run")
        exit(at: index, code: 143)
        state.containers[index].status.manuallyStopped = true
    }

    private mutating func change(
        _ target: ContainerTarget, in run: PlanRun, from: Set<ContainerStatus.State>, to: ContainerStatus.State
    ) throws(BerthError) {
        let index = try index(of: target, in: run)
        let container = state.containers[index]
        try require(
            from.contains(container.status.state), "\(container.record.name) is \(container.status.state.rawValue)")
        state.containers[index].status.state = to
    }

    private mutating func removeContainer(
        _ target: ContainerTarget, in run: PlanRun, volumes: Bool
    ) throws(BerthError) {
        let index = try index(of: target, in: run)
        let container = state.containers[index]
        try require(!container.status.isRunning, "\(container.record.name) still runs")
        state.containers.remove(at: index)
        guard volumes else { return }
        for mount in container.record.mounts {
            if case .volume(let name, anonymous: true, _, _) = mount.source { state.volumes[name] = nil }
        }
    }

    private mutating func rename(_ target: ContainerTarget, in run: PlanRun, to name: String) throws(BerthError) {
        let index = try index(of: target, in: run)
        try require(!state.containers.contains { $0.record.name == name }, "name \(name) is taken")
        state.containers[index].record.name = name
    }

    private mutating func takeOver(
        _ target: ContainerTarget, from old: ContainerTarget?, _ name: String, in run: PlanRun
    ) throws(BerthError) {
        let index = try index(of: target, in: run)
        let container = state.containers[index].record
        try require(container.isStandby, "\(container.name) has its slot already")
        let others = state.containers.indices.filter {
            let other = state.containers[$0].record
            return other.id != container.id && other.slot == container.slot && other.stack == container.stack
                && !other.isStandby
        }
        if let old {
            let before = try self.index(of: old, in: run)
            try require(others == [before], "slot \(container.slot) is not the old one's")
            state.containers[before].record.isStandby = true
            if state.containers[before].record.name == name {
                state.containers[before].record.name = state.containers[before].record.id.steppedBack(from: name)
            }
        } else {
            try require(others.isEmpty, "slot \(container.slot) is another's")
        }
        try require(
            container.name == name || !state.containers.contains { $0.record.name == name }, "name \(name) is taken")
        state.containers[index].record.name = name
        state.containers[index].record.isStandby = false
    }

    private mutating func fulfil(
        _ condition: Dependency.Condition, _ members: [GateMember], in run: PlanRun
    ) throws(BerthError) {
        for member in members {
            let index = try index(of: member.target, in: run)
            switch condition {
            case .started:
                try require(state.containers[index].status.state != .created, "\(member.name) was not started")
            case .healthy:
                if state.containers[index].record.service.healthcheck != nil {
                    state.containers[index].status.health = .healthy
                }
            case .completedSuccessfully:
                try require(state.containers[index].status.state != .created, "\(member.name) was never started")
                exit(at: index, code: 0)
            }
        }
    }

    // MARK: Accidents

    /// A container ends by itself.
    package mutating func exit(at index: Int, code: Int32) {
        state.containers[index].status.state = .exited
        state.containers[index].status.exitCode = code
        state.containers[index].status.finished = now
    }

    private var now: Timestamp { Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000 + Int64(counter)) }

    private func index(of target: ContainerTarget, in run: PlanRun) throws(BerthError) -> Int {
        let id = run.container(target)
        guard let index = state.containers.firstIndex(where: { $0.record.id == id }) else {
            throw refusal("no container \(id?.short ?? "that was never created")")
        }
        return index
    }

    private func require(_ condition: Bool, _ message: String) throws(BerthError) {
        if !condition { throw refusal(message) }
    }

    private func refusal(_ message: String) -> BerthError { BerthError(.conflict, message) }

    private static func bytes(of digest: Digest) -> [UInt8] {
        let digits = Array(digest.hex.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
