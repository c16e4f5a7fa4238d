// `include`: other stack files, loaded with their own directory and environment, whose resources become this stack's.

struct Includer {
    let reader: StackReader
    let file: String
    private static let kinds = ["services", "volumes", "networks", "secrets", "configs", "models"]

    private struct Request {
        var paths: [String] = []
        var projectDirectory: String?
        var environmentFiles: [Node] = []
        var mark = Mark.none
    }

    func apply(to layer: inout Node) {
        guard let include = layer["include"] else { return }
        let path = TreePath.root.key("include")
        layer.remove("include")
        if include.isNull { return }
        guard let items = include.items else {
            reader.remarks.error(
                include.mark, path, "expected a list, found \(include.kindName)", suggestion: "write include: [FILE]")
            return
        }
        for (number, item) in items.enumerated() {
            guard let request = request(item, path.index(number)) else { continue }
            add(request, path.index(number), to: &layer)
        }
    }

    private func request(_ item: Node, _ path: TreePath) -> Request? {
        var request = Request()
        request.mark = item.mark
        if let text = item.string {
            request.paths = [text]
            return request
        }
        guard item.entries != nil else {
            reader.remarks.error(item.mark, path, "expected a file, or a map with a path, found \(item.kindName)")
            return nil
        }
        request.paths = item["path"]?.string.map { [$0] } ?? item["path"]?.items?.compactMap(\.string) ?? []
        request.projectDirectory = item["project_directory"]?.string
        if let files = item["env_file"] { request.environmentFiles = files.items ?? (files.isNull ? [] : [files]) }
        return request
    }

    private func add(_ request: Request, _ path: TreePath, to layer: inout Node) {
        guard let first = request.paths.first else { return }
        let remarks = reader.remarks
        let files = request.paths.map { PathText.join(reader.directory, $0) }
        if reader.includedBy.contains(files[0]) || files[0] == file {
            let trail = (reader.includedBy + [file, files[0]]).map {
                PathText.display($0, from: reader.displayDirectory)
            }
            remarks.error(request.mark, path, "include goes in a circle: \(trail.joined(separator: " → "))")
            return
        }
        guard reader.includedBy.count < 100 else { return }
        var directory = PathText.parent(files[0])
        var base = directory
        if let given = request.projectDirectory, !given.isEmpty {
            directory = PathText.join(reader.directory, given)
            // As compose has it: what is no directory stands for the one that it is in.
            let isMissing = !reader.source.exists(directory) || reader.source.isFile(directory)
            base = isMissing && !given.hasPrefix("/") ? PathText.parent(directory) : directory
        }
        for file in files where !reader.source.isFile(file) {
            let shown = PathText.display(file, from: reader.displayDirectory)
            remarks.error(
                request.mark, path, "the included file \(shown) does not exist",
                suggestion: "\"\(first)\" is relative to \(reader.directory)")
            return
        }
        for file in files {
            remarks.note(PathText.display(file, from: reader.displayDirectory), "included", at: request.mark)
        }
        let environment = environment(request, directory, path)
        var inner = StackReader(
            source: reader.source, remarks: remarks, directory: base, displayDirectory: reader.displayDirectory,
            environment: environment, interpolator: reader.interpolator?.with(environment: environment))
        inner.includedBy = reader.includedBy + [file]
        guard var tree = inner.read(files.map { ($0, inner.documents(of: $0) ?? []) }) else { return }
        inner.complete(&tree)
        EnvironmentResolution.apply(to: &tree, inner.environment)
        importResources(of: tree, into: &layer, from: files[0])
    }

    /// The caller's own variables win over the included directory's.
    private func environment(_ request: Request, _ directory: String, _ path: TreePath) -> [String: String] {
        var result = reader.environment
        let dotenv = Dotenv(lookup: { reader.environment[$0] }, remarks: reader.remarks)
        var files: [(path: String, mark: Mark)] = request.environmentFiles.compactMap { node in
            node.string.flatMap { $0 == "/dev/null" ? nil : (PathText.join(reader.directory, $0), node.mark) }
        }
        if request.environmentFiles.isEmpty, reader.source.isFile("\(directory)/.env") {
            files = [("\(directory)/.env", request.mark)]
        }
        var values = DotenvValues()
        for file in files {
            guard let bytes = try? reader.source.read(file.path) else {
                reader.remarks.error(file.mark, path.key("env_file"), "env file \(file.path) not found")
                continue
            }
            dotenv.parse(bytes, file: PathText.display(file.path, from: reader.displayDirectory), into: &values)
        }
        for (key, value) in values.pairs where result[key] == nil { result[key] = value }
        return result
    }

    private func importResources(of tree: Node, into layer: inout Node, from file: String) {
        for kind in Includer.kinds {
            guard let resources = tree[kind]?.entries else { continue }
            if layer[kind] == nil { layer.set(kind, Node(.mapping([]), at: tree[kind]?.mark ?? .none)) }
            for resource in resources {
                guard let own = layer[kind]?[resource.key] else {
                    layer.update(kind) { $0.set(resource.key, resource.value, keyMark: resource.mark) }
                    continue
                }
                if own == resource.value { continue }
                let place =
                    reader.remarks.place(layer[kind]?.keyMark(resource.key) ?? own.mark).map {
                        ", which is also at \($0)"
                    } ?? ""
                reader.remarks.error(
                    resource.mark, TreePath.root.key(kind).key(resource.key),
                    "\(kind).\(resource.key) conflicts with an imported resource\(place)",
                    suggestion: "change it in an override file, with -f or compose.override.yaml")
            }
        }
    }
}
