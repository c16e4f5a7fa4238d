// Checks of what stands in stages, in the order in which it would be built.
import BerthModel

/// What a check knows of a stage while it walks through it; a later stage may begin with it.
struct CheckScope {
    /// Names with their values, as far as anything is known of them.
    var values: [String: String] = [:]
    /// Declared by `ARG`, with a value or without.
    var arguments: Set<String> = []
    /// Nothing is known of what the base image sets.
    var isOpen = false
    var hasWorkdir = false
    var hasShell = false
    /// Where instructions stand of which only the last one counts.
    var last: [String: SourcePlace] = [:]
}

extension DockerfileChecks {
    mutating func checkStages() {
        let globals = (try? arguments(given)) ?? [:]
        var named: [String: CheckScope] = [:]
        for stage in dockerfile.stages {
            let base = (try? rules.word(stage.base) { globals[$0] }.text) ?? stage.base
            var scope = named[base] ?? first(stage, base)
            scope.last = [:]
            for instruction in stage.instructions { check(instruction, &scope, globals) }
            if let name = stage.name { named[name] = scope }
        }
    }

    private func first(_ stage: DockerfileStage, _ base: String) -> CheckScope {
        var scope = CheckScope()
        let names = base == "scratch" ? ["PATH"] : inherited(stage)
        scope.isOpen = names == nil
        for name in names ?? [] { scope.values[name] = "" }
        return scope
    }

    private mutating func check(_ instruction: Instruction, _ scope: inout CheckScope, _ globals: [String: String]) {
        let place = instruction.place
        checkVariables(instruction, scope)
        switch instruction.kind {
        case .arg(let declarations):
            checkDescription(of: instruction)
            for declaration in declarations { declare(declaration, place, &scope, globals) }
        case .env(let pairs):
            checkPairs(pairs, instruction)
            for pair in pairs { checkSecret("ENV", pair.name, place) }
            // All of them see what was there before the instruction.
            let expanded = pairs.map { (text($0.name, scope) ?? $0.name, text($0.word, scope) ?? "") }
            for (name, value) in expanded { scope.values[name] = value }
        case .label(let pairs): checkPairs(pairs, instruction)
        case .workdir(let word): checkWorkdir(word, place, &scope)
        case .shell: scope.hasShell = true
        case .cmd(let form), .entrypoint(let form):
            checkOnce(instruction, &scope)
            checkForm(form, instruction, scope)
        case .healthcheck: checkOnce(instruction, &scope)
        case .expose(let words): checkPorts(words, place, scope)
        case .copy(let copy): checkIgnored(copy, place, scope)
        case .maintainer:
            report(
                "MaintainerDeprecated", place, "MAINTAINER is deprecated", "LABEL org.opencontainers.image.authors=…")
        default: break
        }
    }

    private func text(_ word: String, _ scope: CheckScope) -> String? {
        try? rules.word(word) { scope.values[$0] }.text
    }

    // MARK: Variables

    /// The words of an instruction in which variables are put in.
    private static func words(of kind: Instruction.Kind) -> [String] {
        switch kind {
        case .env(let pairs), .label(let pairs): pairs.flatMap { [$0.name, $0.word] }
        case .run(let run): run.mounts
        case .copy(let copy):
            copy.sources + [copy.destination] + copy.excludes
                + [copy.chown, copy.chmod, copy.checksum].compactMap { $0 }
        case .volume(let words): words
        case .user(let word), .workdir(let word), .stopsignal(let word): [word]
        default: []
        }
    }

    private mutating func checkVariables(_ instruction: Instruction, _ scope: CheckScope) {
        var unmatched: Set<String> = []
        for word in DockerfileChecks.words(of: instruction.kind) {
            unmatched.formUnion((try? rules.word(word) { scope.values[$0] }.unmatched) ?? [])
        }
        if case .copy(let copy) = instruction.kind {
            var rules = WordExpansion(escape: "\\")
            rules.keepsQuotes = true
            for heredoc in copy.heredocs where heredoc.expands {
                unmatched.formUnion((try? rules.word(heredoc.content) { scope.values[$0] }.unmatched) ?? [])
            }
        }
        reportUndefined(unmatched, instruction.place, scope)
    }

    private mutating func reportUndefined(_ names: Set<String>, _ place: SourcePlace, _ scope: CheckScope) {
        if scope.isOpen || isFull { return }
        for name in names.subtracting(scope.arguments).sorted() where !name.hasPrefix("BUILDKIT_SBOM_SCAN_") {
            let near = DockerfileChecks.near(name, scope.values.keys)
            report("UndefinedVar", place, "$\(name) is not defined", near.map { "did you mean $\($0)?" })
        }
    }

    private mutating func declare(
        _ declaration: ArgumentDeclaration, _ place: SourcePlace, _ scope: inout CheckScope, _ globals: [String: String]
    ) {
        checkSecret("ARG", declaration.name, place)
        var value = given[declaration.name]
        if value == nil, let word = declaration.defaultValue {
            let expanded = try? rules.word(word) { scope.values[$0] }
            reportUndefined(expanded?.unmatched ?? [], place, scope)
            value = expanded?.text
        }
        value = value ?? globals[declaration.name]
        scope.arguments.insert(declaration.name)
        if let value { scope.values[declaration.name] = value }
    }

    private static let secrets: Set<String> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    private static let harmless: Set<String> = ["public", "file", "version"]

    private mutating func checkSecret(_ kind: String, _ name: String, _ place: SourcePlace) {
        let parts = Set(name.lowercased().split(separator: "_").map(String.init))
        if parts.isDisjoint(with: DockerfileChecks.secrets) || !parts.isDisjoint(with: DockerfileChecks.harmless) {
            return
        }
        report(
            "SecretsUsedInArgOrEnv", place, "\(kind) \(name) looks like a secret, and would be seen in the image",
            "RUN --mount=type=secret")
    }
}
