// What starts a Node.js project, without a package tool between the container and the program where that is possible.

struct NodeStart {
    private(set) var finding: Finding<[String]>?

    init(
        _ tree: ProjectTree, _ document: JSONDocument, packages: Set<String>, isStandalone: Bool, tool: NodeProject.Tool
    ) {
        if isStandalone {
            finding = Finding(["node", "server.js"], .assumed("Next.js makes it: output is standalone"))
            return
        }
        let names = packages.contains("@nestjs/core") ? ["start:prod", "start"] : ["start"]
        for name in names {
            guard let text = document["scripts", name]?.string else { continue }
            let line = tree.line(of: "\"\(name)\"", in: "package.json")
            let words = NodeStart.words(text, name, packages, tool)
            finding = Finding(words, .seen("package.json", line, "\(name): \(text)"))
            return
        }
        let main = document["main"]?.string.flatMap { NodeStart.plain($0) }
        let files = [
            main, "server.js", "server.mjs", "index.js", "index.mjs", "app.js", "src/index.js", "src/server.js",
        ]
        guard let path = files.compactMap({ $0 }).first(where: tree.has) else { return }
        let program = tool == .bun ? "bun" : "node"
        finding = Finding([program, path], .seen(path))
    }

    /// `./src/main.js` as a path of the project's.
    private static func plain(_ path: String) -> String? {
        let text = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return text.isEmpty || text.hasPrefix("/") || text.contains("..") ? nil : text
    }

    private static func words(
        _ text: String, _ name: String, _ packages: Set<String>, _ tool: NodeProject.Tool
    ) -> [String] {
        let run = tool == .bun ? ["bun", "run", name] : ["npm", "run", name]
        guard var words = ShellWords.split(text), let program = words.first else { return run }
        // What watches for changes has nothing to watch in an image.
        if program == "nodemon" || program == "node-dev" {
            words = ["node"] + words.dropFirst().filter { $0 != "--watch" }
            return words
        }
        if ["node", "bun", "deno"].contains(program) { return words.filter { $0 != "--watch" } }
        if ["npm", "yarn", "pnpm", "npx", "cross-env", "dotenv"].contains(program) { return run }
        return ["node_modules/.bin/\(program)"] + words.dropFirst()
    }
}
