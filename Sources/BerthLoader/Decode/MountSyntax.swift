// `volumes`, `tmpfs`, `secrets` and `configs` of a service.
import BerthModel

struct MountSyntax {
    let directory: String
    let home: String?

    func decode(_ field: Field) -> MountDefinition? { field.node.entries != nil ? long(field) : short(field) }

    /// `[source:]target[:modes]`.
    private func short(_ field: Field) -> MountDefinition? {
        guard let text = field.string() else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, !parts.contains("") else {
            field.fail("invalid volume \"\(text)\"", suggestion: "write [source:]target[:mode]")
            return nil
        }
        if parts.count == 1 {
            guard let target = target(parts[0], field) else { return nil }
            return MountDefinition(kind: .volume(key: nil, noCopy: false, subpath: nil), target: target)
        }
        guard let target = target(parts[1], field) else { return nil }
        var readOnly = false
        var noCopy = false
        var propagation: String?
        for mode in parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : [] {
            switch mode {
            case "ro": readOnly = true
            case "rw", "z", "Z", "cached", "delegated", "consistent": break
            case "nocopy": noCopy = true
            case "shared", "slave", "private", "rshared", "rslave", "rprivate": propagation = mode
            default: field.warn("the mount mode \"\(mode)\" is not known and has no effect")
            }
        }
        let source = parts[0]
        if isPath(source) {
            return MountDefinition(
                kind: .bind(source: absolute(source), createHostPath: true, propagation: propagation), target: target,
                readOnly: readOnly)
        }
        if source.count == 1 {
            field.fail(
                "the volume name \"\(source)\" has one letter, which docker compose reads as a Windows drive",
                suggestion: "use a longer name")
            return nil
        }
        return MountDefinition(
            kind: .volume(key: source, noCopy: noCopy, subpath: nil), target: target, readOnly: readOnly)
    }

    private func long(_ field: Field) -> MountDefinition? {
        field.checkKeys(
            ["type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"], of: "a mount")
        guard let type = field["type"]?.string() else {
            field.fail("a mount needs a type", suggestion: "bind, volume or tmpfs")
            return nil
        }
        guard let given = field["target"]?.string(), let target = target(given, field) else {
            if field["target"] == nil { field.fail("a mount needs a target") }
            return nil
        }
        let readOnly = field["read_only"]?.bool() ?? false
        let source = field["source"]?.string()
        switch type {
        case "bind":
            guard let source else { field.fail("a bind needs a source"); return nil }
            let options = field["bind"]
            options?.checkKeys(["propagation", "create_host_path", "recursive", "selinux"], of: "bind")
            let create = options?["create_host_path"]?.bool() ?? true
            return MountDefinition(
                kind: .bind(
                    source: absolute(source), createHostPath: create, propagation: options?["propagation"]?.string()),
                target: target, readOnly: readOnly)
        case "volume":
            let options = field["volume"]
            options?.checkKeys(["nocopy", "subpath", "labels"], of: "volume")
            return MountDefinition(
                kind: .volume(
                    key: source, noCopy: options?["nocopy"]?.bool() ?? false, subpath: options?["subpath"]?.string()),
                target: target, readOnly: readOnly)
        case "tmpfs":
            let options = field["tmpfs"]
            options?.checkKeys(["size", "mode"], of: "tmpfs")
            let mode = options?["mode"]?.int64().flatMap { UInt32(exactly: $0) }
            return MountDefinition(
                kind: .tmpfs(sizeBytes: options?["size"]?.bytes(), mode: mode, options: []), target: target,
                readOnly: readOnly)
        default:
            field.fail("mounts of type \"\(type)\" are not supported", suggestion: "bind, volume or tmpfs")
            return nil
        }
    }

    func tmpfs(_ field: Field) -> MountDefinition? {
        guard let text = field.string() else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
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

    /// A secret or config of a service.
    func material(_ field: Field, defaultTarget: (String) -> String, base: String) -> MaterialReference? {
        if field.node.entries == nil {
            guard let name = field.string() else { return nil }
            return MaterialReference(source: name, target: defaultTarget(name))
        }
        field.checkKeys(["source", "target", "uid", "gid", "mode"], of: "a secret or config")
        guard let source = field["source"]?.string() else { field.fail("source is missing"); return nil }
        var target = field["target"]?.string() ?? defaultTarget(source)
        if !target.hasPrefix("/") { target = base + target }
        var reference = MaterialReference(source: source, target: target)
        reference.userID = field["uid"]?.string()
        reference.groupID = field["gid"]?.string()
        for (name, value) in [("uid", reference.userID), ("gid", reference.groupID)]
        where value != nil && UInt32(value ?? "") == nil {
            field.fail("\(name) \"\(value ?? "")\": expected a number")
        }
        reference.mode = field["mode"]?.int64().flatMap { UInt32(exactly: $0) }
        return reference
    }

    private func target(_ path: String, _ field: Field) -> String? {
        guard path.hasPrefix("/") else {
            field.fail("the target \"\(path)\" is not an absolute path")
            return nil
        }
        return PathText.clean(path)
    }

    private func isPath(_ text: String) -> Bool { text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~") }

    func absolute(_ path: String) -> String {
        if path == "~" || path.hasPrefix("~/") { return PathText.clean((home ?? "/") + path.dropFirst(1)) }
        return PathText.clean(path.hasPrefix("/") ? path : directory + "/" + path)
    }
}

/// Paths as text: no `.`, no `..`, no doubled slashes.
enum PathText {
    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func parent(_ path: String) -> String {
        let clean = clean(path)
        guard let slash = clean.lastIndex(of: "/"), slash != clean.startIndex else { return "/" }
        return String(clean[..<slash])
    }

    static func name(_ path: String) -> String { clean(path).split(separator: "/").last.map(String.init) ?? "" }
}
