// `env_file` and `label_file`: what they say goes below what the service says itself.
import BerthModel

struct EnvFiles {
    let source: any FileSource
    let remarks: Remarks
    let environment: [String: String]
    let displayDirectory: String
    /// Told of every value that a service's container gets, the one that holds last.
    var trace: ((_ service: String, _ name: String, ResolvedEnvironment.Origin) -> Void)?

    func apply(to root: inout Node) {
        root.update("services") { services in
            services.updateEntries { entry in
                let path = TreePath.root.key("services").key(entry.key)
                environment(&entry.value, path, entry.key)
                labels(&entry.value, path)
            }
        }
    }

    private func environment(_ service: inout Node, _ path: TreePath, _ serviceName: String) {
        let own = service["environment"]
        defer { traceOwn(own, serviceName) }
        guard let files = service["env_file"]?.items, !files.isEmpty else { return }
        let dotenv = Dotenv(
            lookup: { name in environment[name] ?? own?[name]?.string },
            inherited: { environment[$0] ?? own?[$0]?.string }, remarks: remarks)
        var values = DotenvValues()
        for (number, file) in files.enumerated() {
            let place = path.key("env_file").index(number)
            guard let name = file["path"]?.string else { continue }
            let isRequired = file["required"]?.bool ?? true
            if !isRequired, !source.exists(name) { continue }
            let format = file["format"]?.string ?? ""
            guard format.isEmpty || format == "raw" else {
                remarks.error(
                    file["format"]?.mark ?? file.mark, place.key("format"), "unknown format \"\(format)\"",
                    suggestion: "raw, or none")
                continue
            }
            guard let bytes = read(name, file.mark, place, isRequired ? "create it, or say required: false" : nil)
            else { continue }
            let shown = PathText.display(name, from: displayDirectory)
            if format == "raw" {
                dotenv.parseRaw(bytes, file: shown, into: &values)
            } else {
                dotenv.parse(bytes, file: shown, into: &values)
            }
            for (variable, place) in values.origins where place.file == shown {
                trace?(serviceName, variable, .init(value: values[variable] ?? "", place: place))
            }
        }
        merge(values, below: "environment", of: &service)
    }

    private func traceOwn(_ environment: Node?, _ serviceName: String) {
        guard let trace else { return }
        for entry in environment?.entries ?? [] {
            guard let place = remarks.place(entry.value.mark) ?? remarks.place(entry.mark) else { continue }
            trace(serviceName, entry.key, .init(value: entry.value.string ?? "", place: place))
        }
    }

    private func labels(_ service: inout Node, _ path: TreePath) {
        guard let files = service["label_file"]?.items, !files.isEmpty else { return }
        let dotenv = Dotenv(lookup: { _ in nil }, inherited: { _ in nil }, remarks: remarks)
        var values = DotenvValues()
        for (number, file) in files.enumerated() {
            guard let name = file.string,
                let bytes = read(
                    name, file.mark, path.key("label_file").index(number), "create it, or leave label_file out")
            else { continue }
            dotenv.parse(bytes, file: PathText.display(name, from: displayDirectory), into: &values)
        }
        merge(values, below: "labels", of: &service)
    }

    private func merge(_ values: DotenvValues, below key: String, of service: inout Node) {
        let mark = service[key]?.mark ?? service.mark
        var result = Node(.mapping([]), at: mark)
        for (name, value) in values.pairs { result.set(name, .string(value, at: mark)) }
        for entry in service[key]?.entries ?? [] { result.set(entry.key, entry.value, keyMark: entry.mark) }
        if result.entries?.isEmpty == false { service.set(key, result) }
    }

    private func read(_ name: String, _ mark: Mark, _ path: TreePath, _ whenMissing: String?) -> [UInt8]? {
        do { return try source.read(name) } catch {
            let isMissing = !source.exists(name)
            if isMissing, whenMissing == nil { return nil }
            let shown = PathText.display(name, from: displayDirectory)
            remarks.error(
                mark, path,
                isMissing
                    ? "file \(shown) not found"
                    : "cannot read \(shown): \((error as? BerthError)?.cause ?? "\(error)")",
                suggestion: isMissing ? whenMissing : nil)
            return nil
        }
    }
}
