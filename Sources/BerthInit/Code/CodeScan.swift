// The project's own code, read once: variables it asks for, ports it listens on, addresses of databases, health paths.

struct CodeFile {
    var path: String
    var lines: [NumberedLine]
}

struct CodeScan {
    /// Of the language, without tests, comments' lines and what is too large.
    private(set) var files: [CodeFile] = []
    private(set) var variables: [VariableFinding] = []
    private(set) var ports: [PortFinding] = []
    /// Some line waits for requests, whatever port it says.
    private(set) var listens = false
    /// Lines that listen where only the same container can ask.
    private(set) var loopbacks: [Evidence] = []
    private(set) var addresses: [AddressFinding] = []
    private(set) var healthPath: Finding<String>?

    static let exampleNames: Set<String> = [
        ".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env", ".env.defaults",
    ]
    private static let extensions: [Language: Set<String>] = [
        .python: ["py"], .node: ["js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx", "prisma"], .go: ["go"],
        .java: ["java", "kt", "properties", "yml", "yaml"], .swift: ["swift"], .pages: [],
    ]
    private static let foreignDirectories: Set<String> = [
        "test", "tests", "Tests", "spec", "__tests__", "e2e", "testdata", "fixtures", "docs", "examples", "dist",
        "build", "out", "coverage", "public", "static", "migrations",
    ]

    init(_ tree: ProjectTree, _ language: Language) {
        var total = 0
        var count = 0
        for (path, sizeBytes) in tree.files {
            let name = ProjectPath.name(path)
            if path == ".env" { readOwnVariables(tree) }
            if path == name && CodeScan.exampleNames.contains(name) {
                readExamples(CodeFile(path: path, lines: tree.lines(path, limit: LookLimits.codeBytesMax)))
            }
            guard CodeScan.isCode(path, language), sizeBytes <= LookLimits.codeBytesMax else { continue }
            total += sizeBytes
            count += 1
            if total > LookLimits.codeBytesTotalMax || count > LookLimits.codeFilesMax { break }
            let lines = tree.lines(path, limit: LookLimits.codeBytesMax).filter { !CodeScan.isComment($0.text) }
            files.append(CodeFile(path: path, lines: lines))
        }
        files.forEach { read($0) }
        ports.sort { ($0.rank, $0.depth) < ($1.rank, $1.depth) }
    }

    private static func isCode(_ path: String, _ language: Language) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last, let ending = name.split(separator: ".").last else { return false }
        guard extensions[language]?.contains(String(ending)) == true else { return false }
        if language == .java && !["java", "kt"].contains(ending) && !name.hasPrefix("application") { return false }
        if parts.dropLast().contains(where: foreignDirectories.contains) { return false }
        let isTest =
            name.hasPrefix("test_") || name.hasSuffix("_test.go") || name.hasSuffix("_test.py")
            || name.contains(".test.") || name.contains(".spec.") || name == "conftest.py" || name.contains(".min.")
        return !isTest && !name.hasSuffix(".d.ts")
    }

    static func isComment(_ line: Substring) -> Bool {
        let text = line.drop { $0 == " " || $0 == "\t" }
        return ["#", "//", "/*", "* "].contains { text.hasPrefix($0) }
    }

    private mutating func read(_ file: CodeFile) {
        var settings = SettingsClass()
        for line in file.lines {
            for use in VariableUse.find(in: line.text, path: file.path) { add(use, file.path, line) }
            if file.path.hasSuffix(".py"), let name = settings.field(line.text) {
                add(VariableUse(name: name, fallback: nil), file.path, line)
            }
            ports += PortFinding.find(in: line, path: file.path)
            if PortFinding.isListening(line.text) { listens = true }
            if PortFinding.isLoopback(line.text) { loopbacks.append(.seen(file.path, line.number, line.text)) }
            addresses += AddressFinding.find(in: line, path: file.path)
            if healthPath == nil { healthPath = HealthPath.find(in: line, path: file.path) }
        }
    }

    private mutating func add(_ use: VariableUse, _ path: String, _ line: NumberedLine) {
        if let index = variables.firstIndex(where: { $0.name == use.name }) {
            if variables[index].example == nil { variables[index].example = use.fallback }
            return
        }
        let evidence = Evidence.seen(path, line.number, use.name)
        variables.append(VariableFinding(name: use.name, example: use.fallback, evidence: evidence))
    }

    /// `NAME=value` lines that are made to be shown.
    private mutating func readExamples(_ file: CodeFile) {
        for line in file.lines {
            guard let (name, value) = CodeScan.assignment(line.text) else { continue }
            if let index = variables.firstIndex(where: { $0.name == name }) {
                variables[index].example = value
            } else {
                let evidence = Evidence.seen(file.path, line.number, name)
                variables.append(VariableFinding(name: name, example: value, evidence: evidence))
            }
            addresses += AddressFinding.find(in: line, path: file.path)
            if name == "PORT", let port = Int(value), PortFinding.isPort(port) {
                ports.append(PortFinding(port: port, rank: 0, evidence: .seen(file.path, line.number, line.text)))
            }
        }
    }

    /// Of `.env` only names: what it says may be secret.
    private mutating func readOwnVariables(_ tree: ProjectTree) {
        for line in tree.lines(".env", limit: LookLimits.codeBytesMax) {
            guard let (name, _) = CodeScan.assignment(line.text), !variables.contains(where: { $0.name == name })
            else { continue }
            variables.append(VariableFinding(name: name, example: nil, evidence: .seen(".env", line.number, name)))
        }
    }

    private static func assignment(_ line: Substring) -> (String, String)? {
        var text = TextLines.trimmed(line)
        if text.hasPrefix("export ") { text = TextLines.trimmed(text.dropFirst(7)) }
        guard let sign = text.firstIndex(of: "=") else { return nil }
        let name = TextLines.trimmed(text[..<sign])
        guard VariableUse.isName(name) else { return nil }
        var value = TextLines.trimmed(text[text.index(after: sign)...])
        if let quote = value.first, quote == "\"" || quote == "'" {
            value = String(value.dropFirst().prefix { $0 != quote })
        } else if let comment = value.place(of: " #") {
            value = TextLines.trimmed(value[..<comment.lowerBound])
        }
        return (name, value)
    }
}

enum ProjectPath {
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
    static func depth(_ path: String) -> Int { path.count { $0 == "/" } }
    static func parent(_ path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "/") }
}
