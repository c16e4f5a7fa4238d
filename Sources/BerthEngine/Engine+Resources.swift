// Networks and volumes that belong to no stack, or are removed by name: what `external: true` looks for.
import BerthLinux
import BerthModel

extension Engine {
    // MARK: Networks

    /// - Returns: its id.
    package func createNetwork(_ definition: NetworkDefinition) async throws -> String {
        try Engine.checkName(definition.name, "network")
        if ["bridge", "host", "none", "default", BuildNetwork.name].contains(definition.name) {
            throw BerthError(
                .invalid, "creating network \(definition.name)", subject: definition.name,
                cause: "the name is reserved",
                hint: "choose another name")
        }
        return try await offPool {
            guard let record = try NetworkBook.shared.create(definition, stack: nil, self.parts) else {
                throw BerthError(
                    .conflict, "network with name \(definition.name) already exists", subject: definition.name)
            }
            return record.id
        }
    }

    package func removeNetwork(_ name: String) async throws {
        let record = try network(name)
        if let user = users(of: record).first {
            throw BerthError(
                .conflict, "removing network \(record.name)", subject: record.name,
                cause: "container \(user.name) is in it",
                hint: "berth -p \(user.stack) down, or rm \(user.slot.service)")
        }
        await parts.network.close(record.name)
        try parts.store.removeNetwork(record.name)
    }

    /// Networks that no container is in, those of stacks included, as docker has it.
    package func pruneNetworks() async throws -> PruneResult {
        var lines: [String] = []
        for record in try parts.store.networks() where record.name != BuildNetwork.name && users(of: record).isEmpty {
            await parts.network.close(record.name)
            try parts.store.removeNetwork(record.name)
            lines.append(record.name)
        }
        return PruneResult(lines: lines, freedBytes: 0)
    }

    private func users(of network: NetworkRecord) -> [ContainerRecord] {
        parts.registry.all().map(\.record).filter { $0.endpoints.contains { $0.network == network.name } }
    }

    /// By name, or by the beginning of its id.
    private func network(_ name: String) throws -> NetworkRecord {
        let all = try parts.store.networks()
        if let named = all.first(where: { $0.name == name }) { return named }
        let found = name.isEmpty ? [] : all.filter { $0.id.hasPrefix(name) }
        guard let one = found.first, found.count == 1 else {
            throw BerthError(.notFound, "network \(name) not found", subject: name, hint: "berth network ls lists them")
        }
        return one
    }

    // MARK: Volumes

    /// - Returns: its name; of a volume that is there already, the same.
    package func createVolume(_ definition: VolumeDefinition) async throws -> String {
        let name = definition.name.isEmpty ? Hex.encode(randomBytes(32)) : definition.name
        try Engine.checkName(name, "volume")
        return try await offPool {
            if let there = try self.parts.store.volumes().first(where: { $0.name == name }) {
                guard definition.driverOptions.isEmpty || there.driverOptions == definition.driverOptions else {
                    throw BerthError(
                        .conflict, "creating volume \(name)", subject: name,
                        cause: "it exists with other options", hint: "remove it first, or choose another name")
                }
                return name
            }
            try self.parts.store.insert(
                VolumeRecord(
                    name: name, stack: nil, isAnonymous: definition.name.isEmpty,
                    driverOptions: definition.driverOptions, labels: definition.labels,
                    created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())))
            return name
        }
    }

    package func removeVolume(_ name: String) async throws {
        guard try parts.store.volumes().contains(where: { $0.name == name }) else {
            throw BerthError(.notFound, "no such volume: \(name)", subject: name, hint: "berth volume ls lists them")
        }
        if let user = parts.registry.all().map(\.record).first(where: { $0.mountsVolume(name) }) {
            throw BerthError(
                .conflict, "removing volume \(name)", subject: name, cause: "container \(user.name) uses it",
                hint: "berth -p \(user.stack) down, or rm \(user.slot.service)")
        }
        try await offPool { try self.drop(name) }
    }

    /// Volumes that no container uses: anonymous ones; with `all`, those with a name too.
    package func pruneVolumes(all: Bool) async throws -> PruneResult {
        try await offPool {
            let used = Set(
                self.parts.registry.all().flatMap { $0.record.mounts }.compactMap { mount -> String? in
                    if case .volume(let name, _, _, _) = mount.source { name } else { nil }
                })
            var result = PruneResult(lines: [], freedBytes: 0)
            for record in try self.parts.store.volumes()
            where !used.contains(record.name) && (all || record.isAnonymous) {
                let bytes = DiskUsage.bytes(of: self.parts.layout.volume(record.name))
                try self.drop(record.name)
                result.lines.append(record.name)
                result.freedBytes += bytes
            }
            return result
        }
    }

    /// The row first: a directory without a row is swept up, a row without its directory would be a lie.
    private func drop(_ name: String) throws {
        try parts.store.removeVolume(name)
        do { try Directory.remove(parts.layout.volume(name)) } catch {
            throw BerthError(.internal, "removing volume \(name)", subject: name, cause: "\(error)")
        }
    }

    private static func checkName(_ name: String, _ kind: String) throws {
        if NameRules.isContainerName(name) { return }
        throw BerthError(
            .invalid, "creating \(kind) \(name)", subject: name,
            cause: "a name has at least two of the characters a-z, A-Z, 0-9, _ . -, and begins with a letter or digit")
    }
}

extension ContainerRecord {
    func mountsVolume(_ name: String) -> Bool {
        mounts.contains { if case .volume(name, _, _, _) = $0.source { true } else { false } }
    }
}
