// `extends`: a service on top of another, from this file or another one; base first, cycles refused.
import BerthModel

struct Extends {
    let source: any FileSource
    let remarks: Remarks
    let environment: [String: String]
    let directory: String
    private static let depthMax = 32

    func apply(_ root: Node, file: String) -> Node {
        guard let services = root["services"], let entries = services.entries else { return root }
        var changed = services
        for entry in entries where entry.value["extends"] != nil {
            changed.set(
                entry.key, resolve(entry.value, entry.key, root, file, trail: ["\(file)#\(entry.key)"]),
                keyPlace: entry.keyPlace)
        }
        var result = root
        result.set("services", changed, keyPlace: services.place)
        return result
    }

    private func resolve(_ service: Node, _ name: String, _ root: Node, _ file: String, trail: [String]) -> Node {
        guard let reference = service["extends"] else { return service }
        var own = service
        own.value = .mapping((service.entries ?? []).filter { $0.key != "extends" })
        let baseName = reference.text ?? reference["service"]?.text
        guard let baseName, trail.count < Extends.depthMax else {
            remarks.error(
                reference.place, "services.\(name).extends",
                "extends names a service, and this is \(reference.kindName)")
            return own
        }
        var baseRoot = root
        var baseFile = file
        if let path = reference["file"]?.text {
            baseFile = PathText.clean(path.hasPrefix("/") ? path : PathText.parent(file) + "/" + path)
            guard let bytes = try? source.read(baseFile),
                let tree = YAMLReader.read(bytes, file: PathText.display(baseFile), remarks: remarks)
            else {
                remarks.error(reference.place, "services.\(name).extends", "cannot read \(baseFile)")
                return own
            }
            baseRoot = rebased(
                Interpolator(environment: environment, remarks: remarks).interpolate(tree),
                from: PathText.parent(baseFile))
        }
        guard let base = baseRoot["services"]?[baseName] else {
            let near = Spelling.nearest(baseName, in: baseRoot["services"]?.entries?.map(\.key) ?? [])
            remarks.error(
                reference.place, "services.\(name).extends",
                "service \"\(baseName)\" is not in \(PathText.display(baseFile))",
                suggestion: near.map { "did you mean \"\($0)\"?" })
            return own
        }
        let step = "\(baseFile)#\(baseName)"
        if trail.contains(step) {
            remarks.error(
                reference.place, "services.\(name).extends", "extends goes in a circle: \(name) → \(baseName)")
            return own
        }
        let resolved = resolve(base, baseName, baseRoot, baseFile, trail: trail + [step])
        return Merger(remarks: remarks).merge(resolved, own, path: ["services", name])
    }

    /// Relative paths of another directory's file, seen from the project's.
    private func rebased(_ root: Node, from other: String) -> Node {
        guard other != directory, let services = root["services"], let entries = services.entries else { return root }
        var changed = services
        for entry in entries {
            var service = entry.value
            for key in ["env_file", "volumes"] {
                guard let node = service[key] else { continue }
                service.set(key, rebase(node, other, isVolume: key == "volumes"), keyPlace: node.place)
            }
            changed.set(entry.key, service, keyPlace: entry.keyPlace)
        }
        var result = root
        result.set("services", changed, keyPlace: services.place)
        return result
    }

    private func rebase(_ node: Node, _ other: String, isVolume: Bool) -> Node {
        var result = node
        if let items = node.items { result.value = .sequence(items.map { rebase($0, other, isVolume: isVolume) }) }
        if let text = node.text, text.hasPrefix(".") || (!isVolume && !text.hasPrefix("/")) {
            result.value = .scalar(PathText.clean(other + "/" + text), isPlain: false)
            if isVolume, let colon = text.firstIndex(of: ":") {
                result.value = .scalar(PathText.clean(other + "/" + text[..<colon]) + text[colon...], isPlain: false)
            }
        }
        return result
    }
}
