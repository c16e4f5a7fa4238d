// Creating a container: addresses, mounts and ports resolved, then one row. Nothing runs yet.
import BerthLinux
import BerthModel
import BerthPlan
import BerthStore

extension PlanExecutor {
    /// Binds every host port of the plan before anything is touched.
    func reservePorts(_ plan: Plan) throws {
        var taken: [(stack: String, slot: ReplicaSlot, before: [PortReservation])] = []
        do {
            for operation in plan.operations {
                guard case .createContainer(let intent) = operation.action, intent.publishesPorts,
                    !intent.service.ports.isEmpty
                else { continue }
                // The slot's own sockets serve its next container too, where the ports are the same: the one that runs
                // holds them as well, so they could not be bound anew.
                let held = parts.ports.reservations(intent.stack, intent.slot)
                var spare = held
                var kept: [PortReservation] = []
                var missing: [PortMapping] = []
                for mapping in intent.service.ports {
                    if let index = spare.firstIndex(where: { PlanExecutor.serves($0, mapping) }) {
                        kept.append(spare.remove(at: index))
                        kept[kept.count - 1].port.containerPort = mapping.target
                    } else {
                        missing.append(mapping)
                    }
                }
                taken.append((intent.stack, intent.slot, held))
                try reserve(missing, beside: kept, intent)
            }
        } catch {
            for (stack, slot, before) in taken {
                if before.isEmpty { parts.ports.release(stack, slot) } else { parts.ports.hold(before, stack, slot) }
            }
            throw error
        }
    }

    private func reserve(_ mappings: [PortMapping], beside kept: [PortReservation], _ intent: ContainerIntent) throws {
        for mapping in mappings {
            for (_, record) in parts.registry.all() where !(record.stack == intent.stack && record.slot == intent.slot)
            {
                guard !parts.ports.reservations(record.stack, record.slot).isEmpty, let wanted = mapping.published,
                    wanted.count == 1
                else { continue }
                if let clash = record.ports.first(where: { conflicts($0, mapping, wanted.lowerBound) }) {
                    throw BerthError(
                        .conflict, "publishing port \(wanted.lowerBound) for \(intent.finalName)",
                        subject: "\(clash.hostAddress):\(clash.hostPort)/\(clash.transport.rawValue)",
                        cause:
                            "Bind for \(mapping.hostAddress ?? "0.0.0.0"):\(wanted.lowerBound) failed: port is already allocated by container \(record.name)",
                        hint: "stop it (berth -p \(record.stack) stop \(record.slot.service)) or publish another port")
                }
            }
        }
        parts.ports.hold(
            kept + (try parts.network.reserve(mappings, owner: intent.finalName)), intent.stack, intent.slot)
    }

    private func conflicts(_ port: PublishedPort, _ mapping: PortMapping, _ wanted: UInt16) -> Bool {
        guard port.hostPort == wanted, port.transport == mapping.transport else { return false }
        guard let address = mapping.hostAddress.flatMap({ IPv4Address($0) }) else { return true }
        return address == .any || port.hostAddress == .any || port.hostAddress == address
    }

    private static func serves(_ held: PortReservation, _ mapping: PortMapping) -> Bool {
        held.port.transport == mapping.transport
            && (mapping.published?.contains(held.port.hostPort) ?? (held.port.containerPort == mapping.target))
            && (mapping.hostAddress.flatMap { IPv4Address($0) } ?? .any) == held.port.hostAddress
    }

    func createContainer(_ intent: ContainerIntent, _ run: PlanRun) throws -> ContainerID {
        let id = ContainerID(randomBytes: randomBytes(32))
        let mounts = try mounts(of: intent, run)
        let endpoints = try endpoints(of: intent, id)
        var service = intent.service
        // A gate's order is the plan's business; what is frozen is what the container is.
        service.name = intent.service.name
        var record = ContainerRecord(
            id: id, name: intent.name, stack: intent.stack, slot: intent.slot, service: service,
            imageID: intent.image.id,
            imageReference: intent.imageReference, imageExecution: intent.image.execution, layers: intent.image.layers,
            configHash: intent.configHash, labels: intent.labels, mounts: mounts, endpoints: endpoints, ports: [],
            created: now)
        record.autoRemove = intent.autoRemove
        record.isStandby = intent.standsBy
        if intent.publishesPorts { record.ports = parts.ports.reservations(intent.stack, intent.slot).map(\.port) }
        let row = ContainerRow(record: record, status: ContainerStatus())
        try Directory.make(parts.layout.logDirectory(id))
        try parts.store.insert(row)
        let driver = ContainerDriver(row, hands: hands, clock: parts.clock, logger: parts.logger)
        parts.registry.insert(driver, record)
        return id
    }

    // MARK: Mounts

    private func mounts(of intent: ContainerIntent, _ run: PlanRun) throws -> [ContainerMount] {
        var all: [ContainerMount] = []
        for source in intent.sharing.volumesFrom {
            guard let id = run.container(source.container), let record = parts.registry.record(id) else { continue }
            all += record.mounts.map { mount in
                var mount = mount
                mount.readOnly = mount.readOnly || source.readOnly
                return mount
            }
        }
        for mount in intent.service.mounts {
            all.removeAll { $0.target == mount.target }
            all.append(try resolve(mount, intent))
        }
        for path in (intent.image.execution.Volumes ?? [:]).keys.sorted() {
            let target = PlanExecutor.clean(path)
            if target == "/" || all.contains(where: { $0.target == target }) { continue }
            all.append(ContainerMount(source: try anonymous(target, intent), target: target, readOnly: false))
        }
        for (references, definitions, defaultMode) in [
            (intent.service.secrets, intent.secrets, UInt32(0o444)), (intent.service.configs, intent.configs, 0o444),
        ] {
            for reference in references {
                guard let digest = definitions[reference.source]?.digest else {
                    throw BerthError(
                        .notFound, "creating \(intent.finalName)", subject: reference.source,
                        cause: "the content of \(reference.source) was not given")
                }
                all.append(
                    ContainerMount(
                        source: .material(
                            digest: digest, userID: reference.userID.flatMap { UInt32($0) } ?? 0,
                            groupID: reference.groupID.flatMap { UInt32($0) } ?? 0,
                            mode: reference.mode ?? defaultMode),
                        target: reference.target, readOnly: true))
            }
        }
        return all.sorted {
            ($0.target.split(separator: "/").count, $0.target) < ($1.target.split(separator: "/").count, $1.target)
        }
    }

    private func resolve(_ mount: MountDefinition, _ intent: ContainerIntent) throws -> ContainerMount {
        switch mount.kind {
        case .volume(let key?, let noCopy, let subpath):
            let name = intent.volumeNames[key] ?? "\(intent.stack)_\(key)"
            return ContainerMount(
                source: .volume(name: name, anonymous: false, noCopy: noCopy, subpath: subpath), target: mount.target,
                readOnly: mount.readOnly)
        case .volume(nil, _, _):
            return ContainerMount(
                source: try anonymous(mount.target, intent), target: mount.target, readOnly: mount.readOnly)
        case .bind(let source, let createHostPath, let propagation):
            if !createHostPath && (try? FileStatus.of(source)) == nil {
                throw BerthError(
                    .notFound, "creating \(intent.finalName)", subject: source,
                    cause: "bind source path does not exist: \(source)",
                    hint: "create it, or drop create_host_path: false")
            }
            return ContainerMount(
                source: .bind(path: source, createHostPath: createHostPath, propagation: propagation),
                target: mount.target,
                readOnly: mount.readOnly)
        case .tmpfs(let sizeBytes, let mode, let options):
            return ContainerMount(
                source: .tmpfs(sizeBytes: sizeBytes, mode: mode, options: options), target: mount.target,
                readOnly: mount.readOnly)
        case .image(let reference, let subpath):
            guard let image = try parts.images.find(reference) else {
                throw BerthError(
                    .notFound, "creating \(intent.finalName)", subject: reference,
                    cause: "the image \(reference), which it mounts at \(mount.target), is not in the store",
                    hint: "pull, load or build it first")
            }
            return ContainerMount(
                source: .image(id: image.id, layers: image.config.rootfs.diff_ids, subpath: subpath),
                target: mount.target, readOnly: true)
        }
    }

    private func anonymous(_ target: String, _ intent: ContainerIntent) throws -> ContainerMount.Source {
        if let inherited = intent.inheritedVolumes[target] {
            return .volume(name: inherited, anonymous: true, noCopy: false, subpath: nil)
        }
        let name = Hex.encode(randomBytes(32))
        try parts.store.insert(
            VolumeRecord(
                name: name, stack: intent.stack, isAnonymous: true, driverOptions: [:], labels: [:], created: now))
        return .volume(name: name, anonymous: true, noCopy: false, subpath: nil)
    }

    private static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    // MARK: Addresses

    /// The slot's address on each network: leased once, kept across recreations. Two containers that may run at the
    /// same time have one each.
    private func endpoints(of intent: ContainerIntent, _ id: ContainerID) throws -> [Endpoint] {
        // Another stack's `down` may have taken it away since the plan was made.
        let bridge = NetworkDefinition.hostBridge
        if intent.networks.contains(where: { $0.name == bridge.name }) { try createNetwork(bridge) }
        let networks = try parts.store.networks()
        let neighbours = intent.standsBy ? slotRecords(intent.stack, intent.slot).flatMap(\.endpoints) : []
        return try intent.networks.enumerated().map { index, wish in
            guard let network = networks.first(where: { $0.name == wish.name }) else {
                throw BerthError(
                    .notFound, "creating \(intent.finalName)", subject: wish.name,
                    cause: "network \(wish.name) was not found",
                    hint: "an external network must exist before the stack")
            }
            let address = try AddressBook.shared.lease(
                network, wish.attachment.ipv4Address, "\(intent.slot)", intent.stack,
                avoiding: Set(neighbours.filter { $0.network == network.name }.map(\.address)), parts)
            let bytes = address.bytes
            let mac =
                wish.attachment.macAddress ?? (index == 0 ? intent.service.macAddress : nil)
                ?? "02:42:" + bytes.map { Hex.encode([$0]) }.joined(separator: ":")
            return Endpoint(
                network: network.name, interface: wish.attachment.interfaceName ?? "eth\(index)", address: address,
                prefixLength: network.subnet.length, gateway: network.definition.isInternal ? nil : network.gateway,
                macAddress: mac,
                names: wish.names + [id.short], gatewayPriority: wish.attachment.gatewayPriority ?? 0,
                linkLocalAddresses: wish.attachment.linkLocalAddresses.compactMap { IPv4Address($0) })
        }
    }
}

/// Hands out addresses, one request at a time: two containers that are created together never get the same.
final class AddressBook: Sendable {
    static let shared = AddressBook()
    private let lock = StoreLock()

    func lease(
        _ network: NetworkRecord, _ wanted: String?, _ slot: String, _ stack: String, avoiding: Set<IPv4Address>,
        _ parts: EngineParts
    ) throws -> IPv4Address {
        try lock.locked {
            let leases = try parts.store.leases().filter { $0.network == network.name }
            let own = leases.filter { $0.stack == stack && AddressBook.isPlace($0.slot, of: slot) }
            let fitting = own.first {
                !avoiding.contains($0.address) && network.subnet.contains($0.address)
                    && (wanted == nil || IPv4Address(wanted ?? "") == $0.address)
            }
            if let fitting { return fitting.address }
            let kept = own.filter { avoiding.contains($0.address) }.map(\.slot)
            var place = slot
            while kept.contains(place) { place.append(AddressBook.further) }
            let taken = Set(leases.filter { !($0.stack == stack && $0.slot == place) }.map(\.address))
            let address = try parts.network.chooseAddress(network, wanted: wanted, taken: taken)
            try parts.store.insert(AddressLease(network: network.name, stack: stack, slot: place, address: address))
            return address
        }
    }

    /// A slot's second address, while it has two containers, is leased under the slot's name with one of these behind
    /// it. Service names and numbers have none.
    private static let further: Character = "~"

    static func isPlace(_ text: String, of slot: String) -> Bool {
        text.hasPrefix(slot) && text.dropFirst(slot.count).allSatisfy { $0 == further }
    }

    /// The addresses that nobody in the slot has any more go; one stays in any case.
    func trim(_ slot: String, _ stack: String, used: Set<IPv4Address>, _ parts: EngineParts) throws {
        try lock.locked {
            let own = try parts.store.leases().filter { $0.stack == stack && AddressBook.isPlace($0.slot, of: slot) }
            for (_, leases) in Dictionary(grouping: own, by: \.network) {
                var left = leases.count
                for lease in leases where left > 1 && !used.contains(lease.address) {
                    try parts.store.remove(lease)
                    left -= 1
                }
            }
        }
    }
}
