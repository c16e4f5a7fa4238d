// The door: a directory to findings, findings to files.
import BerthModel

package enum ProjectInit {
    /// What the directory is; throws where nothing can be made of it.
    ///
    /// - Parameter name: of the directory, as people call it.
    package static func look(at source: any ProjectSource, name: String) throws -> ProjectFindings {
        let tree = ProjectTree(source)
        let (project, scan, others) = try project(tree, name)
        var findings = ProjectFindings(name: name, language: project.language)
        findings.framework = project.framework
        findings.version = project.version
        findings.packageTool = project.packageTool
        findings.existing = existing(tree)
        let hasOwnDockerfile = findings.existing.dockerfile != nil
        findings.port = exposedPort(tree, findings.existing.dockerfile) ?? port(project, scan, tree)
        findings.start = ProcessFile.web(tree, port: findings.port?.value) ?? project.start(port: findings.port?.value)
        if let words = findings.start?.value, !hasOwnDockerfile, let named = PortFinding.named(in: words) {
            // A command that says it itself is right, whatever the code's default is.
            if named != findings.port?.value { findings.port = findings.start.map { Finding(named, $0.evidence) } }
        }
        findings.healthPath = scan.healthPath ?? project.usualHealthPath
        findings.databases = DatabaseLook.databases(project.dependencies, project.language.value, scan)
        findings.variables = scan.variables
        findings.usesSQLAlchemy = project.dependencies.contains {
            $0.name.hasSuffix("sqlalchemy") || $0.name == "sqlmodel"
        }
        findings.processes = processes(tree, project, findings)
        if !hasOwnDockerfile { findings.remarks = project.remarks }
        findings.remarks += remarks(tree, scan, findings) + others
        let image = ImageFindings(
            start: findings.start?.value, port: findings.port?.value, healthPath: findings.healthPath?.value)
        findings.dockerfile = project.dockerfile(image)
        findings.ignored = project.ignored
        return findings
    }

    /// What is missing, in the order in which it is written.
    package static func files(_ findings: ProjectFindings) -> [GeneratedFile] {
        var files: [GeneratedFile] = []
        if findings.existing.dockerfile == nil {
            files.append(GeneratedFile(path: "Dockerfile", text: findings.dockerfile))
        }
        if findings.existing.ignoreFile == nil {
            files.append(GeneratedFile(path: ".dockerignore", text: IgnoreText.text(findings)))
        }
        if findings.existing.stackFile == nil {
            files.append(GeneratedFile(path: "compose.yaml", text: ComposeText(findings).text))
        }
        return files
    }

    // MARK: Which project

    private static func project(
        _ tree: ProjectTree, _ name: String
    ) throws -> (any LanguageProject, CodeScan, [String]) {
        var found: [Language] = []
        if GoProject.isOne(tree) { found.append(.go) }
        if SwiftProject.isOne(tree) { found.append(.swift) }
        if JavaProject.isOne(tree) { found.append(.java) }
        if PythonProject.isOne(tree) { found.append(.python) }
        if NodeProject.isOne(tree) { found.append(.node) }
        let others = found.dropFirst().map { language in
            "there is a \(language.rawValue) project here too, which is not part of the image: make it a stage of the "
                + "Dockerfile, or run init in a directory of its own"
        }
        switch found.first {
        case .go:
            let scan = CodeScan(tree, .go)
            var project = GoProject(tree, scan)
            project.findAssets(tree, scan)
            return (project, scan, others)
        case .swift: return (SwiftProject(tree), CodeScan(tree, .swift), others)
        case .java:
            let scan = CodeScan(tree, .java)
            return (JavaProject(tree, scan), scan, others)
        case .python:
            let scan = CodeScan(tree, .python)
            let project = PythonProject(tree, scan)
            // Scripts beside a server in another language are tools of it.
            if found.contains(.node), project.framework == nil, try NodeProject(tree).start(port: nil) != nil {
                return try node(tree, [])
            }
            return (project, scan, others)
        case .node: return try node(tree, others)
        default:
            guard let pages = PageProject(tree) else { throw nothing(tree, name) }
            return (pages, CodeScan(tree, .pages), others)
        }
    }

    private static func node(_ tree: ProjectTree, _ others: [String]) throws -> (
        any LanguageProject, CodeScan, [String]
    ) {
        let node = try NodeProject(tree)
        if let pages = PageProject(node, tree) { return (pages, CodeScan(tree, .pages), others) }
        // Pages with a package.json for their tools alone.
        if node.start(port: nil) == nil, let pages = PageProject(tree) {
            return (pages, CodeScan(tree, .pages), others)
        }
        return (node, CodeScan(tree, .node), others)
    }

    // MARK: Errors

    private static func nothing(_ tree: ProjectTree, _ name: String) -> BerthError {
        let manifests: Set<String> = [
            "package.json", "requirements.txt", "pyproject.toml", "Pipfile", "go.mod", "pom.xml", "build.gradle",
            "build.gradle.kts", "Package.swift", "index.html",
        ]
        let below = Set(
            tree.files.filter { manifests.contains(ProjectPath.name($0.path)) && ProjectPath.depth($0.path) > 0 }
                .map { ProjectPath.parent($0.path) }
        ).sorted().prefix(5)
        let hint =
            below.isEmpty
            ? "run it where the project's own files are"
            : "there are projects below it: berth init \(below.joined(separator: ", berth init "))"
        return BerthError(
            .notFound, "looking for a project in \(name)", subject: name,
            cause:
                "none of requirements.txt, pyproject.toml, Pipfile, manage.py, *.py, package.json, server.js, go.mod, "
                + "pom.xml, build.gradle, Package.swift, index.html is there",
            hint: hint)
    }

    static func unreadable(_ path: String) -> BerthError {
        BerthError(
            .invalid, "reading \(path)", subject: path,
            cause: "it cannot be read, or is larger than \(LookLimits.manifestBytesMax >> 20) MiB",
            hint: "what the project is stands in it")
    }

    static func malformed(_ path: String, _ cause: String) -> BerthError {
        BerthError(.invalid, "reading \(path)", subject: path, cause: cause, hint: "correct it, then run init again")
    }

    // MARK: What is there already

    private static func existing(_ tree: ProjectTree) -> ExistingFiles {
        ExistingFiles(
            dockerfile: tree.first("Dockerfile"), ignoreFile: tree.first(".dockerignore"),
            stackFile: tree.first("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"))
    }

    private static func exposedPort(_ tree: ProjectTree, _ path: String?) -> Finding<Int>? {
        guard let path else { return nil }
        for line in tree.lines(path) {
            let words = line.text.split(separator: " ")
            guard words.count >= 2, words[0].uppercased() == "EXPOSE" else { continue }
            if let port = words[1].split(separator: "/").first.flatMap({ Int($0) }), (1...65_535).contains(port) {
                return Finding(port, .seen(path, line.number, line.text))
            }
        }
        return nil
    }

    private static func port(_ project: any LanguageProject, _ scan: CodeScan, _ tree: ProjectTree) -> Finding<Int>? {
        // A line about some port counts where the project listens at all.
        let readsPort = scan.variables.contains { $0.name == "PORT" }
        let isServer = scan.listens || readsPort || project.usualPort != nil
        if let seen = scan.ports.first, seen.rank < 2 || isServer { return Finding(seen.port, seen.evidence) }
        if let usual = project.usualPort { return usual }
        guard let web = ProcessFile.rows(tree).first(where: { $0.name == "web" }) else { return nil }
        return Finding(8000, .seen("Procfile", web.line, "a web process; 8000 is assumed"))
    }

    private static func processes(
        _ tree: ProjectTree, _ project: any LanguageProject, _ findings: ProjectFindings
    ) -> [ProjectProcess] {
        let named = ProcessFile.others(tree)
        let hasDatabase = findings.databases.contains { $0.kind.isRelational }
        // What the project says itself is the better answer.
        if named.contains(where: { $0.kind == .job }) || !hasDatabase || findings.existing.dockerfile != nil {
            return named
        }
        return project.jobs + named
    }

    private static func remarks(_ tree: ProjectTree, _ scan: CodeScan, _ findings: ProjectFindings) -> [String] {
        var remarks: [String] = []
        if findings.existing.dockerfile == nil && findings.start == nil {
            remarks.append("nothing says what starts the project: write CMD at the end of the Dockerfile")
        }
        if let line = scan.loopbacks.first {
            remarks.append("\(line): nobody outside its container reaches that address; listen on 0.0.0.0")
        }
        if let path = findings.existing.ignoreFile, let text = tree.text(path) {
            let patterns = IgnorePatterns(text: text)
            let open = [".env", ".git", "node_modules"].filter { name in
                (tree.has(name) || tree.directories.contains(name)) && !patterns.matches(name)
            }
            if !open.isEmpty { remarks.append("\(path) lets \(open.joined(separator: " and ")) into the image") }
        }
        if let file = tree.files.first(where: { $0.path.hasSuffix(".sqlite3") || $0.path.hasSuffix(".sqlite") }) {
            remarks.append("\(file.path): a database in a file is gone with its container; give it a volume")
        }
        if tree.isCut { remarks.append("the directory is larger than what was looked at: the upper part counted") }
        return remarks
    }
}
