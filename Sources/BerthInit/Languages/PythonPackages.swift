// The packages that a Python project asks for, and the tool that installs them.

struct PythonPackages {
    private(set) var tool: PythonProject.Tool?
    private(set) var finding: Finding<String>?
    private(set) var manifests: [String] = []
    private(set) var hasLock = false
    private(set) var dependencies: [Dependency] = []

    init(_ tree: ProjectTree) {
        let project = SectionedText(tree.lines("pyproject.toml"))
        readProject(project)
        if let lock = tree.first("uv.lock") {
            take(.uv, "uv", lock, ["pyproject.toml", lock], hasLock: true)
        } else if tree.has("poetry.lock") || project.hasSection("tool.poetry") && !tree.has("requirements.txt") {
            let lock = tree.first("poetry.lock")
            take(
                .poetry, "Poetry", lock ?? "pyproject.toml", ["pyproject.toml"] + [lock].compactMap { $0 },
                hasLock: lock != nil)
        } else if let lock = tree.first("pdm.lock") {
            take(.pdm, "PDM", lock, ["pyproject.toml", lock], hasLock: true)
        } else if tree.has("Pipfile") {
            let lock = tree.first("Pipfile.lock")
            take(.pipenv, "Pipenv", lock ?? "Pipfile", ["Pipfile"] + [lock].compactMap { $0 }, hasLock: lock != nil)
            readPipfile(SectionedText(tree.lines("Pipfile")))
        } else if tree.has("requirements.txt") {
            take(.pip, "pip", "requirements.txt", [], hasLock: false)
            dependencies = []
            readRequirements(tree, "requirements.txt", depth: 0)
        } else if project.hasSection("project") && !(dependencies.isEmpty && !project.hasSection("build-system")) {
            take(.project, "pip", "pyproject.toml", [], hasLock: false)
        } else if tree.has("setup.py") {
            take(.project, "pip", "setup.py", [], hasLock: false)
        }
    }

    private mutating func take(
        _ tool: PythonProject.Tool, _ title: String, _ path: String, _ manifests: [String], hasLock: Bool
    ) {
        self.tool = tool
        self.manifests = manifests
        self.hasLock = hasLock
        finding = Finding(title, .seen(path))
    }

    private mutating func add(_ requirement: some StringProtocol, _ path: String, _ line: NumberedLine) {
        let text = TextLines.trimmed(requirement)
        let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        guard !name.isEmpty else { return }
        var extras: [String] = []
        let rest = text.dropFirst(name.count)
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            extras = rest[..<end].dropFirst().split(separator: ",").map { TextLines.trimmed($0).lowercased() }
        }
        let evidence = Evidence.seen(path, line.number, text.prefix { $0 != ";" && $0 != "#" && $0 != " " })
        let plain = name.lowercased().replacing("_", with: "-").replacing(".", with: "-")
        dependencies.append(Dependency(name: plain, extras: extras, evidence: evidence))
        // A queue's extra is its driver.
        for extra in extras where plain == "celery" || plain == "kombu" {
            dependencies.append(Dependency(name: extra, extras: [], evidence: evidence))
        }
    }

    private mutating func readProject(_ project: SectionedText) {
        for (text, line) in project.array("project", "dependencies") { add(text, "pyproject.toml", line) }
        for row in project.rows where row.section == "tool.poetry.dependencies" {
            guard let name = row.name, name != "python" else { continue }
            let extras = row.value.place(of: "extras").map { row.value[$0.upperBound...] }
            let words = extras.map { QuotedText.all(in: $0) } ?? []
            add(words.isEmpty ? name : "\(name)[\(words.joined(separator: ","))]", "pyproject.toml", row.line)
        }
    }

    private mutating func readPipfile(_ file: SectionedText) {
        for row in file.rows where row.section == "packages" {
            if let name = row.name { add(name, "Pipfile", row.line) }
        }
    }

    /// What a file of requirements names, and the files that it includes. One that installs the project itself, or a
    /// path of it, needs more than these files.
    private mutating func readRequirements(_ tree: ProjectTree, _ path: String, depth: Int) {
        manifests.append(path)
        for line in tree.lines(path) {
            let text = TextLines.trimmed(line.text)
            if text.isEmpty || text.hasPrefix("#") { continue }
            let words = text.split(separator: " ").map(String.init)
            if ["-r", "--requirement", "-c", "--constraint"].contains(words[0]) {
                let base = ProjectPath.parent(path)
                let other = words.count > 1 ? (base.isEmpty ? words[1] : "\(base)/\(words[1])") : ""
                if tree.has(other), depth < 5, !manifests.contains(other) {
                    readRequirements(tree, other, depth: depth + 1)
                }
            } else if ["-e", "--editable"].contains(words[0]) || text.hasPrefix(".") {
                tool = .project
            } else if !text.hasPrefix("-") {
                add(text, path, line)
            }
        }
        if tool == .project { manifests = [] }
    }
}
