// A Node.js project: what installs its packages, what builds it, what starts it.

struct NodeProject: LanguageProject {
    enum Tool: String { case npm, yarn, berry = "yarn berry", pnpm, bun }

    let language: Finding<Language>
    let framework: Finding<String>?
    let version: Finding<String>?
    let packageTool: Finding<String>?
    let dependencies: [Dependency]
    private(set) var remarks: [String] = []
    let ignored = [
        "**/node_modules", "npm-debug.log*", "yarn-error.log*", ".next", ".nuxt", ".output", ".turbo", ".cache",
        "coverage",
    ]

    let tool: Tool
    /// Nil: two builds may install different packages.
    let lockFile: String?
    /// Copied before everything else; empty: a workspace, which needs all of it.
    let manifests: [String]
    let hasPackages: Bool
    let hasBuildScript: Bool
    let isStandalone: Bool
    let hasPublicDirectory: Bool
    let hasPrismaSchema: Bool
    /// Of all packages, those that only building needs too.
    let packages: Set<String>
    private let startFinding: Finding<[String]>?

    private static let frameworks: [(package: String, title: String, port: Int?)] = [
        ("next", "Next.js", 3000), ("nuxt", "Nuxt", 3000), ("@nestjs/core", "NestJS", 3000),
        ("@sveltejs/kit", "SvelteKit", 3000), ("@remix-run/serve", "Remix", 3000), ("express", "Express", nil),
        ("fastify", "Fastify", nil), ("koa", "Koa", nil), ("@hapi/hapi", "hapi", nil), ("hono", "Hono", nil),
    ]

    /// Packages that answer requests by themselves: such a project is no site of files.
    static let servers = Set(frameworks.map(\.package) + ["@astrojs/node", "restify", "polka", "@adonisjs/core"])

    static func isOne(_ tree: ProjectTree) -> Bool {
        tree.has("package.json") || tree.first("server.js", "index.js", "app.js", "server.mjs") != nil
    }

    init(_ tree: ProjectTree) throws {
        let document = try NodeProject.document(tree)
        language = Finding(
            .node, .seen(tree.first("package.json", "server.js", "index.js", "app.js", "server.mjs") ?? ""))
        let own = NodeProject.dependencies(document["dependencies"], tree)
        let building = Set(document["devDependencies"]?.names ?? [])
        dependencies = own
        let names = Set(own.map(\.name))
        packages = names.union(building)
        hasPackages = !packages.isEmpty
        (tool, lockFile) = NodeProject.tool(tree, document)
        packageTool =
            hasPackages || lockFile != nil ? Finding(tool.rawValue, .seen(lockFile ?? "package.json")) : nil
        let isWorkspace = document["workspaces"] != nil || tree.has("pnpm-workspace.yaml")
        manifests =
            isWorkspace
            ? [] : ["package.json"] + [lockFile, tree.first(".npmrc"), tree.first(".yarnrc.yml")].compactMap { $0 }
        hasBuildScript = document["scripts", "build"]?.string != nil
        hasPublicDirectory = tree.directories.contains("public")
        hasPrismaSchema = tree.has("prisma/schema.prisma") && packages.contains("prisma")
        let row = NodeProject.frameworks.first { names.contains($0.package) }
        framework = row.flatMap { row in
            own.first { $0.name == row.package }.map { Finding(row.title, $0.evidence) }
        }
        isStandalone =
            row?.package == "next"
            && ["next.config.js", "next.config.mjs", "next.config.ts"].contains {
                tree.line(of: "standalone", in: $0) != nil
            }
        version = NodeProject.version(tree, document) ?? .usual(UsualVersion.node)
        startFinding = NodeStart(tree, document, packages: packages, isStandalone: isStandalone, tool: tool).finding
        if lockFile == nil && hasPackages {
            remarks.append(
                "there is no lock file: two builds may install different packages; \(tool.rawValue) install makes one")
        }
        if isWorkspace { remarks.append("package.json has workspaces: the image holds all of them") }
    }

    /// `package.json`; a broken one is an error, none is empty.
    private static func document(_ tree: ProjectTree) throws -> JSONDocument {
        guard tree.has("package.json") else { return .object([:]) }
        guard let text = tree.text("package.json") else {
            throw ProjectInit.unreadable("package.json")
        }
        guard let document = JSONDocument(text: text), document.isObject else {
            throw ProjectInit.malformed("package.json", "no JSON object")
        }
        return document
    }

    private static func dependencies(_ document: JSONDocument?, _ tree: ProjectTree) -> [Dependency] {
        (document?.names ?? []).map { name in
            let line = tree.line(of: "\"\(name)\"", in: "package.json")
            return Dependency(name: name, evidence: .seen("package.json", line, name))
        }
    }

    private static func tool(_ tree: ProjectTree, _ document: JSONDocument) -> (Tool, String?) {
        if let lock = tree.first("pnpm-lock.yaml") { return (.pnpm, lock) }
        if let lock = tree.first("bun.lock", "bun.lockb") { return (.bun, lock) }
        if let lock = tree.first("yarn.lock") {
            let isClassic = tree.lines(lock).prefix(5).contains { $0.text.place(of: "yarn lockfile v1") != nil }
            return (isClassic ? .yarn : .berry, lock)
        }
        if let lock = tree.first("package-lock.json", "npm-shrinkwrap.json") { return (.npm, lock) }
        let named = document["packageManager"]?.string ?? ""
        if named.hasPrefix("pnpm@") { return (.pnpm, nil) }
        if named.hasPrefix("bun@") { return (.bun, nil) }
        if named.hasPrefix("yarn@") { return (named.hasPrefix("yarn@1") ? .yarn : .berry, nil) }
        return (.npm, nil)
    }

    private static func version(_ tree: ProjectTree, _ document: JSONDocument) -> Finding<String>? {
        let usual = UsualVersion.node
        for path in [".nvmrc", ".node-version"] {
            if let found = Finding<String>.version(in: tree, path, usual: usual) { return found }
        }
        for (outer, inner) in [("volta", "node"), ("engines", "node")] {
            guard let text = document[outer, inner]?.string, let chosen = VersionRange.choose(text, usual: usual) else {
                continue
            }
            let line = tree.line(of: "\"\(inner)\"", in: "package.json")
            return Finding(chosen, .seen("package.json", line, "\(inner) \(text)"))
        }
        return .toolVersion(in: tree, "nodejs", usual: usual) ?? .toolVersion(in: tree, "node", usual: usual)
    }

    var usualPort: Finding<Int>? {
        guard let row = NodeProject.frameworks.first(where: { $0.title == framework?.value }) else { return nil }
        return Finding(row.port ?? 3000, .assumed("usual for \(row.title)"))
    }

    var jobs: [ProjectProcess] {
        // Only a package that the image holds can be run.
        guard hasPrismaSchema, !isStandalone, dependencies.contains(where: { $0.name == "prisma" }) else { return [] }
        let command = ["node_modules/.bin/prisma", "migrate", "deploy"]
        return [ProjectProcess(name: "migrate", kind: .job, command: command, evidence: .seen("prisma/schema.prisma"))]
    }

    func start(port: Int?) -> Finding<[String]>? { startFinding }
}
