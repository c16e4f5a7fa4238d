// How a container differs from what its service wants now, field by field.
package import BerthModel

extension Reconciler {
    /// Names of what differs, in compose's words; empty: the container is up to date.
    ///
    /// The hash is the quick answer. The frozen service in the record is the true one: where both agree field by
    /// field, a hash of another scheme recreates nothing.
    func drift(
        of record: ContainerRecord, from service: Service, in stack: Stack, _ observed: ObservedState
    ) throws -> [String] {
        var drift = networkDrift(of: record, from: service, in: stack, observed)
        drift += volumeDrift(of: record, from: service, in: stack)
        let image = observed.images[stack.imageReference(of: service)]?.id ?? record.imageID
        let materials = stack.materialDigests(of: service)
        let hash = try ConfigHash.hash(service, imageID: image, materials: materials, with: hash)
        guard hash != record.configHash else { return drift }

        drift += try ServiceDifference.fields(record.service, service)
        if image != record.imageID && !drift.contains("image") { drift.append("image") }
        drift += materialDrift(of: record, from: service, in: stack)
        return Set(drift).sorted()
    }

    private func networkDrift(
        of record: ContainerRecord, from service: Service, in stack: Stack, _ observed: ObservedState
    ) -> [String] {
        guard service.networkMode == nil else { return [] }
        var drift: [String] = []
        for key in service.networks.keys.sorted() {
            guard let name = stack.networks[key]?.name else { continue }
            guard let endpoint = record.endpoints.first(where: { $0.network == name }) else {
                drift.append("networks.\(key)")
                continue
            }
            // A network that is gone, or was made anew with other addresses: the old endpoint leads nowhere.
            guard let network = observed.networks[name], network.subnet.contains(endpoint.address) else {
                drift.append("networks.\(key)")
                continue
            }
        }
        return drift
    }

    private func volumeDrift(of record: ContainerRecord, from service: Service, in stack: Stack) -> [String] {
        for mount in service.mounts {
            guard case .volume(let key?, _, _) = mount.kind, let name = stack.volumes[key]?.name else { continue }
            let isMounted = record.mounts.contains {
                if case .volume(name, _, _, _) = $0.source { $0.target == mount.target } else { false }
            }
            if !isMounted { return ["volumes"] }
        }
        return []
    }

    private func materialDrift(of record: ContainerRecord, from service: Service, in stack: Stack) -> [String] {
        func drift(_ references: [MaterialReference], _ definitions: [String: MaterialDefinition], _ kind: String)
            -> [String]
        {
            references.compactMap { reference in
                guard let wanted = definitions[reference.source]?.digest else { return nil }
                let mounted = record.mounts.first { $0.target == reference.target }
                guard case .material(let digest, _, _, _) = mounted?.source, digest != wanted else { return nil }
                return "\(kind) \(reference.source)"
            }
        }
        return drift(service.secrets, stack.secrets, "secret") + drift(service.configs, stack.configs, "config")
    }
}

extension Stack {
    /// Content digests of the secrets and configs that a service uses, by kind and key.
    package func materialDigests(of service: Service) -> [String: Digest] {
        var digests: [String: Digest] = [:]
        for reference in service.secrets { digests["secret:\(reference.source)"] = secrets[reference.source]?.digest }
        for reference in service.configs { digests["config:\(reference.source)"] = configs[reference.source]?.digest }
        return digests
    }
}
