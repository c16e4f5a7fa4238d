// Files to one canonical tree: read, interpolate, extend, include, merge, validate, canonicalise. In compose's order.
import BerthModel

/// Reads the files of one stack; included files are read by a reader of their own with the same remarks.
struct StackReader {
    let source: any FileSource
    let remarks: Remarks
    /// Absolute: where relative paths begin.
    let directory: String
    /// What messages' file names are relative to.
    let displayDirectory: String
    let environment: [String: String]
    let interpolator: Interpolator?
    /// Absolute paths of the files that include this one.
    var includedBy: [String] = []
    var resolvesPaths = true

    /// All files into one tree. Nil: they say nothing at all.
    func read(_ files: [(path: String, documents: [Node])]) -> Node? {
        var tree = Node(.mapping([]), at: .none)
        for file in files {
            for document in file.documents { add(document, of: file.path, to: &tree) }
        }
        return tree.entries?.isEmpty == false || remarks.hasErrors ? tree : nil
    }

    /// After all files: defaults, checks of single values, paths.
    func complete(_ tree: inout Node) {
        Defaults.apply(to: &tree)
        ValueChecks(remarks: remarks).run(tree)
        if resolvesPaths { PathRules(directory: directory, home: environment["HOME"]).apply(to: &tree) }
    }

    /// The documents of a file, or nil with a remark.
    func documents(of file: String) -> [Node]? {
        let display = PathText.display(file, from: displayDirectory)
        do {
            let bytes = file == "-" ? try source.readStandardInput() : try source.read(file)
            return YAMLReader.read(bytes, file: display, remarks: remarks)
        } catch {
            remarks.error(.none, "", "cannot read \(display): \((error as? BerthError)?.cause ?? "\(error)")")
            return nil
        }
    }

    private func add(_ document: Node, of file: String, to tree: inout Node) {
        guard var layer = checked(document) else { return }
        let resets = ResetPaths.extract(from: &layer)
        if let interpolator { layer = interpolator.interpolate(layer) }
        Extender(reader: self, file: file).apply(to: &layer, [resets])
        resets.apply(to: &tree)
        Includer(reader: self, file: file).apply(to: &layer)
        tree = Merger(remarks: remarks).merge(tree, layer)
        Uniqueness.enforce(&tree, shortForms)
        StackShape.root.validate(tree, .root, remarks)
        if let version = tree.keyMark("version") {
            remarks.warning(
                version, "version", "the top-level version is obsolete and has no effect", suggestion: "remove it")
            tree.remove("version")
        }
        CanonicalForm.apply(to: &tree, remarks, ignoringMistakes: interpolator == nil)
        Uniqueness.enforce(&tree, shortForms)
    }

    /// Where mistakes in short forms go: what is not interpolated cannot be read yet, and is no mistake.
    private var shortForms: Remarks { interpolator == nil ? Remarks(after: remarks) : remarks }

    /// A document is a map.
    func checked(_ document: Node) -> Node? {
        switch document.value {
        case .mapping:
            if let services = document["services"], services.isNull {
                remarks.error(
                    document.keyMark("services") ?? document.mark, "services",
                    "services is a map, and this one is empty",
                    suggestion: "add a service below it, or remove the key")
            }
            return document
        case .null:
            remarks.error(document.mark, "", "this document is empty", suggestion: "remove the --- before it")
        default:
            remarks.error(
                document.mark, "", "a stack file is a map, and this is \(document.kindName)",
                suggestion: "it begins with services:")
        }
        return nil
    }

    /// Another file read for one of its services: nothing of it is validated but what a service needs.
    func readForExtends(_ file: String) -> (tree: Node, resets: [ResetPaths])? {
        guard let documents = documents(of: file) else { return nil }
        var tree = Node(.mapping([]), at: .none)
        var all: [ResetPaths] = []
        for document in documents {
            guard var layer = checked(document) else { return nil }
            let resets = ResetPaths.extract(from: &layer)
            all.append(resets)
            if let interpolator { layer = interpolator.interpolate(layer) }
            resets.apply(to: &tree)
            tree = Merger(remarks: remarks).merge(tree, layer)
            Uniqueness.enforce(&tree, shortForms)
            CanonicalForm.apply(to: &tree, remarks, ignoringMistakes: interpolator == nil)
            Uniqueness.enforce(&tree, shortForms)
        }
        return (tree, all)
    }
}
