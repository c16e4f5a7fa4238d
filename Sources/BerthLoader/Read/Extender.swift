// `extends`: a service over another one, of this file or of another.
import BerthModel

struct Extender {
    let reader: StackReader
    let file: String
    private static let depthMax = 100

    private struct Step: Equatable {
        let file: String
        let service: String
    }

    func apply(to layer: inout Node, _ resets: [ResetPaths]) {
        guard var services = layer["services"], let entries = services.entries else { return }
        guard entries.contains(where: { $0.value["extends"] != nil }) else { return }
        for entry in entries { _ = resolve(entry.key, in: &services, file, resets, trail: []) }
        layer.set("services", services, keyMark: layer.keyMark("services"))
    }

    /// The service with what it extends below it; nil where there is none.
    private func resolve(
        _ name: String, in services: inout Node, _ file: String, _ resets: [ResetPaths], trail: [Step]
    ) -> Node? {
        guard let service = services[name], service.entries != nil else { return services[name] }
        guard let reference = service["extends"] else { return service }
        let path = TreePath.root.key("services").key(name).key("extends")
        guard trail.count < Extender.depthMax else { return service }
        let baseName = reference.string ?? reference["service"]?.scalarText ?? ""
        let step = Step(file: file, service: name)
        if trail.contains(step) {
            let names = (trail.map(\.service) + [name]).joined(separator: " → ")
            reader.remarks.error(reference.mark, path, "extends goes in a circle: \(names)")
            return nil
        }
        var bases = services
        var otherFile = file
        var resets = resets
        if let given = reference["file"]?.scalarText {
            otherFile = PathText.join(reader.directory, given)
            reader.remarks.note(
                PathText.display(otherFile, from: reader.displayDirectory), "extended", at: reference.mark)
            guard let (tree, others) = reader.readForExtends(otherFile) else {
                reader.remarks.error(
                    reference.mark, path, "the file of \"\(baseName)\" cannot be used",
                    suggestion: "its path is relative to the stack's directory, \(reader.directory)")
                return nil
            }
            guard var found = tree["services"], found.entries != nil else {
                reader.remarks.error(reference.mark, path, "\(given) has no services")
                return nil
            }
            resets += others
            PathRules(directory: PathText.parent(otherFile), home: reader.environment["HOME"], keepsHome: true)
                .applyToServices(&found)
            bases = found
        }
        guard bases.entries?.contains(where: { $0.key == baseName }) == true else {
            let near = Spelling.nearest(baseName, in: bases.entries?.map(\.key) ?? [])
            reader.remarks.error(
                reference.mark, path,
                "service \"\(baseName)\" is not in \(PathText.display(otherFile, from: reader.displayDirectory))",
                suggestion: near.map { "did you mean \"\($0)\"?" })
            return nil
        }
        if let text = bases[baseName], text.entries == nil, !text.isNull {
            reader.remarks.error(
                text.mark, TreePath.root.key("services").key(baseName),
                "a service is a map, and this is \(text.kindName)")
            return nil
        }
        guard var base = resolve(baseName, in: &bases, otherFile, resets, trail: trail + [step]), base.entries != nil
        else {
            return service
        }
        if otherFile == file { services = bases }
        for paths in resets { paths.apply(below: "services", name, to: &base) }
        var own = service
        own.remove("extends")
        base.remove("extends")
        let merged = Merger(remarks: reader.remarks).mergeService(base, own, name: name)
        services.set(name, merged, keyMark: services.keyMark(name))
        return merged
    }
}

extension ResetPaths {
    /// What a service resets, it resets of its base too.
    func apply(below first: String, _ second: String, to service: inout Node) {
        guard !isEmpty else { return }
        var tree = Node(
            .mapping([
                .init(
                    key: first, mark: service.mark,
                    value: Node(.mapping([.init(key: second, mark: service.mark, value: service)]), at: service.mark))
            ]), at: service.mark)
        apply(to: &tree)
        if let changed = tree[first]?[second] { service = changed }
    }
}
