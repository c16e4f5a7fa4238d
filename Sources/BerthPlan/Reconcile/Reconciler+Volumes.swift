// Named volumes: created where a selected service mounts them, and never changed or removed here.
internal import BerthModel

extension UpBuilder {
    mutating func emitVolumes() throws {
        let keys = Set(orderedSelection.flatMap(\.volumeKeys))
        for wanted in keys.sorted().compactMap({ stack.volumes[$0] }) {
            let record = observed.volumes[wanted.name]
            if wanted.isExternal {
                if record != nil { continue }
                throw BerthError(
                    .notFound, "external volume \"\(wanted.name)\" not found", subject: "volume \(wanted.name)",
                    hint: "create it, or remove external: true")
            }
            guard let record else {
                var definition = wanted
                definition.labels.merge(reconciler.labels(stack, [ComposeLabel.volume: wanted.key])) { $1 }
                volumeOperations[wanted.name] = plan.add(
                    .createVolume(definition), on: Subject(.volume, wanted.name), cause: "no existing volume")
                continue
            }
            if record.stack != stack.name {
                plan.warn(
                    "volume \"\(wanted.name)\" already exists but was not created for project \"\(stack.name)\". "
                        + "Use `external: true` to use an existing volume")
            } else if record.driverOptions != wanted.driverOptions {
                plan.warn(
                    "volume \"\(wanted.name)\" exists with other driver options: it is used as it is; "
                        + "remove it to have it made anew")
            }
        }
    }
}

extension Service {
    /// Keys of the stack's volumes that this service mounts.
    var volumeKeys: [String] {
        mounts.compactMap { if case .volume(let key, _, _) = $0.kind { key } else { nil } }
    }
}
