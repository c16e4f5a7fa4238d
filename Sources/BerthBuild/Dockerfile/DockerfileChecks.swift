// What is legal and probably not meant, by the names that BuildKit gives its rules.
import BerthModel

/// One run over a Dockerfile. Nothing is asked of a registry: what a base image brings is told or unknown.
package struct DockerfileChecks {
    /// Made only where `# check=experimental=` asks for them; `skip` is nothing to them.
    private static let experimental: Set<String> = ["CopyIgnoredFile", "InvalidDefinitionDescription"]

    let dockerfile: Dockerfile
    let rules: WordExpansion
    /// Values of `--build-arg`, by name.
    let given: [String: String]
    let ignore: IgnorePatterns?
    let inherited: (DockerfileStage) -> Set<String>?
    /// Comments above instructions, by the line that an instruction begins on.
    let comments: [Int: [String]]
    private(set) var diagnostics: [Diagnostic] = []
    private var said: Set<String> = []

    /// Nobody reads more than this.
    private static let remarksMax = 500
    var isFull: Bool { diagnostics.count >= DockerfileChecks.remarksMax }

    /// Warnings (errors, where the file says so) with the rule's name as their path, in the order of the file.
    ///
    /// - Parameters:
    ///   - buildArguments: `NAME=value`, or names alone.
    ///   - ignore: of the context; nil where it has none, or one with exceptions.
    ///   - inherited: names that a stage's base image sets; nil: unknown, and no name is held to be undefined.
    package static func run(
        _ dockerfile: Dockerfile, text: String, buildArguments: [String] = [], ignore: IgnorePatterns? = nil,
        inherited: @escaping (DockerfileStage) -> Set<String>? = { _ in ["PATH"] }
    ) -> [Diagnostic] {
        let file = dockerfile.stages.first?.place.file ?? "Dockerfile"
        let lines = DockerfileLines(text, file: file)
        var checks = DockerfileChecks(dockerfile, lines, buildArguments, ignore, inherited)
        for diagnostic in lines.diagnostics where diagnostic.severity == .warning {
            if let place = diagnostic.place { checks.report(diagnostic.path, place, diagnostic.message) }
        }
        checks.checkFile()
        checks.checkBases()
        checks.checkStages()
        return checks.diagnostics.sorted { order($0) < order($1) }
    }

    private static func order(_ diagnostic: Diagnostic) -> (Int, String, String) {
        (diagnostic.place?.line ?? 0, diagnostic.path, diagnostic.message)
    }

    private init(
        _ dockerfile: Dockerfile, _ lines: DockerfileLines, _ buildArguments: [String], _ ignore: IgnorePatterns?,
        _ inherited: @escaping (DockerfileStage) -> Set<String>?
    ) {
        self.dockerfile = dockerfile
        self.ignore = ignore
        self.inherited = inherited
        rules = WordExpansion(escape: dockerfile.directives.escape)
        var given: [String: String] = [:]
        for text in buildArguments {
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            given[halves[0]] = halves.count == 2 ? halves[1] : ""
        }
        self.given = given
        var comments: [Int: [String]] = [:]
        for line in lines.instructions { comments[line.firstLine] = line.comments }
        self.comments = comments
    }

    mutating func report(_ rule: String, _ place: SourcePlace, _ message: String, _ suggestion: String? = nil) {
        let directives = dockerfile.directives
        if isFull { return }
        if DockerfileChecks.experimental.contains(rule) {
            let asked = directives.experimentalChecks
            if !asked.contains(rule) && !asked.contains("all") { return }
        } else if directives.skipsAllChecks || directives.skippedChecks.contains(rule) {
            return
        }
        let severity: Diagnostic.Severity = directives.checksAreErrors ? .error : .warning
        guard said.insert("\(place.line) \(rule) \(message)").inserted else { return }
        diagnostics.append(Diagnostic(severity, at: place, path: rule, message, suggestion: suggestion))
    }

    /// The first word of an instruction, as it was written.
    static func name(_ source: String) -> String { Blanks.halves(source).first }

    /// A name that was probably meant; among very many nobody looks for one.
    static func near(_ name: String, _ names: some Collection<String>) -> String? {
        names.count > 500 ? nil : Nearest.word(to: name, among: names.sorted())
    }

    // MARK: The file as a whole

    private mutating func checkFile() {
        checkCasing()
        var names: Set<String> = []
        for stage in dockerfile.stages {
            guard let name = stage.name else { continue }
            if ["scratch", "context"].contains(name) {
                report("ReservedStageName", stage.place, "the stage has a reserved name: \(name)", "choose another one")
            }
            if !names.insert(name).inserted {
                report(
                    "DuplicateStageName", stage.place, "an earlier stage is named \(name) too",
                    "stage names should be unique")
            }
            checkDescription("FROM", [name], stage.place)
        }
        for instruction in dockerfile.globalArguments { checkDescription(of: instruction) }
    }

    private mutating func checkCasing() {
        let all = dockerfile.stages.flatMap { stage in
            [(DockerfileChecks.name(stage.source), stage.place)]
                + stage.instructions.map { (DockerfileChecks.name($0.source), $0.place) }
        }
        let lower = all.count { $0.0 == $0.0.lowercased() }
        let upper = all.count { $0.0 == $0.0.uppercased() }
        let isLower = lower > upper
        for (name, place) in all where name != (isLower ? name.lowercased() : name.uppercased()) {
            report(
                "ConsistentInstructionCasing", place,
                "\(name) is not written as most instructions here: in \(isLower ? "lowercase" : "uppercase")")
        }
    }

    mutating func checkDescription(of instruction: Instruction) {
        guard case .arg(let declarations) = instruction.kind else { return }
        checkDescription("ARG", declarations.map(\.name), instruction.place)
    }

    private mutating func checkDescription(_ kind: String, _ names: [String], _ place: SourcePlace) {
        guard let comment = comments[place.line]?.last, let first = names.first else { return }
        let word = comment.split(separator: " ", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if names.contains(word) { return }
        report(
            "InvalidDefinitionDescription", place, "the comment above \(kind) describes nothing",
            "write `# \(names.count > 1 ? "NAME" : first) DESCRIPTION`, or leave a line between")
    }
}
