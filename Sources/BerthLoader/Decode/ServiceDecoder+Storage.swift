// What a service sees of storage: mounts, secrets, configs.
import BerthModel

extension ServiceDecoder {
    func decodeStorage(_ field: Field, _ service: inout Service) {
        service.mounts =
            (field["volumes"]?.items.compactMap(mount) ?? []) + (field["tmpfs"]?.items.compactMap(tmpfs) ?? [])
        service.secrets = field["secrets"]?.items.compactMap { material($0, base: "/run/secrets/") } ?? []
        service.configs = field["configs"]?.items.compactMap { material($0, base: "/") } ?? []
        service.readOnlyRoot = field["read_only"]?.flag ?? false
        service.shmSizeBytes = field["shm_size"]?.integer
        service.volumesFrom = field["volumes_from"]?.texts.map(volumesFrom) ?? []
    }

    private func mount(_ field: Field) -> MountDefinition? {
        guard let target = target(field["target"]?.text ?? "", field) else { return nil }
        let readOnly = field["read_only"]?.flag ?? false
        let source = field["source"]?.filled
        switch field["type"]?.text {
        case "bind":
            guard let source, source.hasPrefix("/") else {
                field.fail("a bind needs a source that is a path of this host")
                return nil
            }
            let options = field["bind"]
            // The short form makes what is missing; the long form too, unless it says otherwise.
            let create = options?["create_host_path"]?.node.bool ?? true
            if create && EngineSocket.isOne(PathText.clean(source)) {
                EngineSocket.warn(PathText.clean(source), field)
                return nil
            }
            return MountDefinition(
                kind: .bind(
                    source: PathText.clean(source), createHostPath: create, propagation: options?["propagation"]?.filled
                ),
                target: target, readOnly: readOnly)
        case "volume":
            let options = field["volume"]
            return MountDefinition(
                kind: .volume(
                    key: source, noCopy: options?["nocopy"]?.flag ?? false, subpath: options?["subpath"]?.filled),
                target: target, readOnly: readOnly)
        case "tmpfs":
            let options = field["tmpfs"]
            return MountDefinition(
                kind: .tmpfs(
                    sizeBytes: options?["size"]?.integer, mode: options?["mode"]?.int.flatMap { UInt32(exactly: $0) },
                    options: []),
                target: target, readOnly: readOnly)
        case "image":
            guard let source, ImageReference(source) != nil else {
                field.fail("the source of an image mount is an image, found \"\(source ?? "")\"")
                return nil
            }
            return MountDefinition(
                kind: .image(reference: source, subpath: field["image"]?["subpath"]?.filled), target: target,
                readOnly: true)
        case let type:
            field.fail(
                "mounts of type \"\(type ?? "")\" are not supported", suggestion: "bind, volume, tmpfs or image")
            return nil
        }
    }

    private func tmpfs(_ field: Field) -> MountDefinition? {
        let parts = (field.text ?? "").split(separator: ":", maxSplits: 1).map(String.init)
        guard let path = parts.first, let target = target(path, field) else { return nil }
        var options = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
        var size: Int64?
        if let index = options.firstIndex(where: { $0.hasPrefix("size=") }) {
            size = ByteText.parse(String(options[index].dropFirst(5)))
            if size == nil { field.fail("invalid tmpfs size \"\(options[index])\"") }
            options.remove(at: index)
        }
        return MountDefinition(kind: .tmpfs(sizeBytes: size, mode: nil, options: options), target: target)
    }

    func material(_ field: Field, base: String) -> MaterialReference? {
        let source = field["source"]?.text ?? ""
        var target = field["target"]?.filled ?? base + source
        if !target.hasPrefix("/") { target = base + target }
        var reference = MaterialReference(source: source, target: target)
        reference.userID = field["uid"]?.filled
        reference.groupID = field["gid"]?.filled
        for (name, value) in [("uid", reference.userID), ("gid", reference.groupID)]
        where value != nil && UInt32(value ?? "") == nil {
            field.fail("\(name) \"\(value ?? "")\": expected a number")
        }
        reference.mode = field["mode"]?.text.flatMap { UInt32($0, radix: 8) }
        return reference
    }

    private func volumesFrom(_ text: String) -> VolumesFrom {
        let parts = text.split(separator: ":").map(String.init)
        if parts.first == "container" && parts.count >= 2 {
            return VolumesFrom(source: .container(parts[1]), readOnly: parts.count > 2 && parts[2] == "ro")
        }
        return VolumesFrom(source: .service(parts.first ?? ""), readOnly: parts.count > 1 && parts[1] == "ro")
    }

    private func target(_ path: String, _ field: Field) -> String? {
        guard path.hasPrefix("/") else {
            let isDrive = path.count > 1 && path.dropFirst().first == ":"
            field.fail(
                isDrive
                    ? "the volume name \"\(path.prefix(1))\" has one letter, which compose reads as a Windows drive"
                    : "the target \"\(path)\" is not an absolute path",
                suggestion: isDrive ? "use a longer name" : nil)
            return nil
        }
        return PathText.clean(path)
    }
}
