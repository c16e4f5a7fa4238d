// A Python project: what installs its packages, which framework it is, what starts it.

struct PythonProject: LanguageProject {
    enum Tool: String { case pip, poetry, uv, pdm, pipenv, project }

    let language: Finding<Language>
    let framework: Finding<String>?
    let version: Finding<String>?
    let packageTool: Finding<String>?
    let dependencies: [Dependency]
    var usualPort: Finding<Int>? { application.usualPort }
    let jobs: [ProjectProcess]
    private(set) var remarks: [String] = []
    let ignored = [
        "**/__pycache__", "**/*.pyc", ".venv", "venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", "*.egg-info",
        "*.sqlite3",
    ]

    let tool: Tool?
    /// What the tool reads, copied before everything else; empty: it needs the whole project.
    let manifests: [String]
    let hasLock: Bool
    let application: PythonApplication
    /// The whole project is installed, not only its packages.
    let hasSourceDirectory: Bool

    static func isOne(_ tree: ProjectTree) -> Bool {
        tree.first("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py") != nil
            || tree.files.contains { ProjectPath.depth($0.path) == 0 && $0.path.hasSuffix(".py") }
    }

    init(_ tree: ProjectTree, _ scan: CodeScan) {
        let packages = PythonPackages(tree)
        dependencies = packages.dependencies
        tool = packages.tool
        manifests = packages.manifests
        hasLock = packages.hasLock
        packageTool = packages.finding
        let name = tree.first("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py")
        language = Finding(.python, .seen(name ?? tree.files.first { $0.path.hasSuffix(".py") }?.path ?? ""))
        version = PythonProject.version(tree) ?? .usual(UsualVersion.python)
        hasSourceDirectory = tree.directories.contains("src") && !tree.has("src/__init__.py")
        application = PythonApplication(tree, scan, packages.dependencies, hasSourceDirectory: hasSourceDirectory)
        framework = application.framework
        jobs = PythonProject.jobs(tree, application)
        if tool != nil && tool != .pip && !hasLock {
            remarks.append("there is no lock file: two builds may install different packages")
        }
        remarks += application.remarks
    }

    private static func version(_ tree: ProjectTree) -> Finding<String>? {
        let usual = UsualVersion.python
        for path in [".python-version", "runtime.txt"] {
            if let found = Finding<String>.version(in: tree, path, usual: usual) { return found }
        }
        let rows: [(String, String, String)] = [
            ("pyproject.toml", "project", "requires-python"),
            ("pyproject.toml", "tool.poetry.dependencies", "python"), ("Pipfile", "requires", "python_version"),
        ]
        for (path, section, name) in rows {
            guard let (text, line) = SectionedText(tree.lines(path)).value(section, name) else { continue }
            guard let chosen = VersionRange.choose(text, usual: usual) else { continue }
            return Finding(chosen, .seen(path, line.number, line.text))
        }
        return .toolVersion(in: tree, "python", usual: usual)
    }

    /// Changes of the database's tables, which a new container may wait for.
    private static func jobs(_ tree: ProjectTree, _ application: PythonApplication) -> [ProjectProcess] {
        if application.kind == .django {
            let command = ["python", "manage.py", "migrate", "--noinput"]
            return [ProjectProcess(name: "migrate", kind: .job, command: command, evidence: .seen("manage.py"))]
        }
        guard tree.has("alembic.ini") else { return [] }
        let command = ["alembic", "upgrade", "head"]
        return [ProjectProcess(name: "migrate", kind: .job, command: command, evidence: .seen("alembic.ini"))]
    }

    func start(port: Int?) -> Finding<[String]>? { application.start(port: port) }
}
