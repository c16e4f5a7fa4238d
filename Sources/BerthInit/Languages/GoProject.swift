// A Go project: its module, its program, whether it needs C.

struct GoProject: LanguageProject {
    let language: Finding<Language>
    let framework: Finding<String>?
    let version: Finding<String>?
    let packageTool: Finding<String>?
    let dependencies: [Dependency]
    private(set) var remarks: [String] = []
    let ignored = ["bin", "*.test", "*.out"]

    /// `.` or `./cmd/server`
    private let program: Finding<String>?
    private let hasSum: Bool
    private let needsC: Bool
    private let listens: Evidence?

    private static let frameworks: [(module: String, title: String)] = [
        ("github.com/gin-gonic/gin", "Gin"), ("github.com/labstack/echo", "Echo"),
        ("github.com/gofiber/fiber", "Fiber"),
        ("github.com/go-chi/chi", "chi"), ("github.com/gorilla/mux", "gorilla/mux"),
    ]

    static func isOne(_ tree: ProjectTree) -> Bool { tree.has("go.mod") }

    init(_ tree: ProjectTree, _ scan: CodeScan) {
        language = Finding(.go, .seen("go.mod"))
        dependencies = GoProject.dependencies(tree)
        hasSum = tree.has("go.sum")
        packageTool = dependencies.isEmpty ? nil : Finding("go modules", .seen(hasSum ? "go.sum" : "go.mod"))
        version = GoProject.version(tree)
        let names = dependencies
        framework =
            GoProject.frameworks.compactMap { row in
                names.first { $0.name == row.module }.map { Finding(row.title, $0.evidence) }
            }.first
        needsC =
            names.contains { ["github.com/mattn/go-sqlite3"].contains($0.name) }
            || scan.files.contains { $0.lines.contains { $0.text == "import \"C\"" } }
        program = GoProject.program(scan)
        listens =
            scan.files.compactMap { file in
                file.lines.first { $0.text.contains(anyOf: ["ListenAndServe", "net.Listen("]) }
                    .map { Evidence.seen(file.path, $0.number, $0.text) }
            }.first
        if !hasSum && !dependencies.isEmpty {
            remarks.append("there is no go.sum: run go mod tidy, the build needs it")
        }
        if program == nil { remarks.append("no file is package main with func main: there is nothing to build") }
    }

    /// The module's own requirements, without what others need, and without versions in paths.
    private static func dependencies(_ tree: ProjectTree) -> [Dependency] {
        var isInside = false
        var found: [Dependency] = []
        for line in tree.lines("go.mod") {
            var words = line.text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            if words.first == "require" {
                words.removeFirst()
                if words.first == "(" { isInside = true; continue }
            } else if !isInside {
                continue
            }
            if words.first == ")" { isInside = false; continue }
            guard words.count >= 2, !words[0].hasPrefix("//"), !words.contains("indirect") else { continue }
            var parts = words[0].split(separator: "/").map(String.init)
            if let last = parts.last, last.first == "v", Int(last.dropFirst()) != nil { parts.removeLast() }
            let name = parts.joined(separator: "/")
            found.append(Dependency(name: name, evidence: .seen("go.mod", line.number, words[0])))
        }
        return found
    }

    private static func version(_ tree: ProjectTree) -> Finding<String> {
        for line in tree.lines("go.mod") {
            let words = line.text.split(separator: " ").map(String.init)
            guard words.count == 2, words[0] == "go", let numbers = VersionRange.numbers(words[1]), numbers.count >= 2
            else { continue }
            // Before 1.21 the line said only what is needed at least.
            let evidence = Evidence.seen("go.mod", line.number, line.text)
            let isExact = !numbers.lexicographicallyPrecedes([1, 21])
            return Finding(isExact ? "\(numbers[0]).\(numbers[1])" : UsualVersion.go, evidence)
        }
        return .usual(UsualVersion.go)
    }

    /// The directory of `package main` with `func main`: the module's own, `cmd/server`, then the first.
    private static func program(_ scan: CodeScan) -> Finding<String>? {
        let mains = scan.files.filter { file in
            file.path.hasSuffix(".go") && file.lines.contains { $0.text.hasPrefix("package main") }
                && file.lines.contains { $0.text.hasPrefix("func main()") }
        }
        func rank(_ path: String) -> Int {
            let name = ProjectPath.name(ProjectPath.parent(path))
            return ProjectPath.depth(path) * 4 + (["server", "web", "api"].contains(name) ? 0 : 1)
        }
        guard let file = mains.min(by: { (rank($0.path), $0.path) < (rank($1.path), $1.path) }) else { return nil }
        let directory = ProjectPath.parent(file.path)
        let line = file.lines.first { $0.text.hasPrefix("func main()") }
        return Finding(directory.isEmpty ? "." : "./\(directory)", .seen(file.path, line?.number, "func main()"))
    }

    var usualPort: Finding<Int>? {
        if let framework { return Finding(8080, .assumed("usual for \(framework.value)")) }
        return listens.map { Finding(8080, Evidence(path: $0.path, line: $0.line, words: "listens; 8080 is assumed")) }
    }

    func start(port: Int?) -> Finding<[String]>? {
        program.map { Finding(["/usr/local/bin/app"], $0.evidence) }
    }

    func dockerfile(_ image: ImageFindings) -> String {
        let directory = program?.value ?? "."
        let mounts = "--mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build"
        let word = directory.contains(" ") ? "\"\(directory)\"" : directory
        let build: [String?] = [
            "FROM golang:\(version?.value ?? UsualVersion.go)-bookworm AS build", "WORKDIR /src",
            "COPY \(hasSum ? "go.mod go.sum" : "go.mod") ./",
            dependencies.isEmpty ? nil : "RUN --mount=type=cache,target=/go/pkg/mod go mod download", "COPY . .",
            "RUN \(mounts) \\\n    CGO_ENABLED=\(needsC ? 1 : 0) go build -trimpath -ldflags=\"-s -w\" -o /app \(word)",
        ]
        let last: [String?] =
            [
                "FROM debian:\(UsualVersion.debian)", DockerfileText.addsUser, "WORKDIR /home/app",
                "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
                "COPY --from=build /app /usr/local/bin/app", assets, "USER app",
            ] + DockerfileText.ending(image, .bash)
        return DockerfileText.stages([build, last])
    }

    /// What programs read beside themselves: pages and templates, unless they are compiled in.
    private var assets: String? {
        assetDirectories.isEmpty ? nil : assetDirectories.map { "COPY \($0) ./\($0)" }.joined(separator: "\n")
    }
    private(set) var assetDirectories: [String] = []

    /// - Parameter tree: where directories with usual names are looked for.
    mutating func findAssets(_ tree: ProjectTree, _ scan: CodeScan) {
        let isEmbedded = scan.files.contains { $0.lines.contains { $0.text.place(of: "\"embed\"") != nil } }
        if isEmbedded { return }
        assetDirectories = ["templates", "static", "public", "views", "assets", "migrations"].filter(
            tree.directories.contains)
    }
}
