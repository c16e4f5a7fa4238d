// Checks of `FROM`: its words, and the arguments in them.
import BerthModel

extension DockerfileChecks {
    /// There in `FROM` without a declaration; the values are anybody's.
    private static let platforms = [
        "BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDOSVERSION": "", "BUILDARCH": "amd64",
        "BUILDVARIANT": "", "TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETOSVERSION": "",
        "TARGETARCH": "amd64", "TARGETVARIANT": "", "TARGETSTAGE": "default",
    ]

    mutating func checkBases() {
        for stage in dockerfile.stages { checkWords(of: stage) }
        guard let defaults = try? arguments([:]), let values = try? arguments(given) else { return }
        let declared = declared
        var names: Set<String> = []
        for stage in dockerfile.stages where !isFull {
            checkDefault(stage, defaults, stageNames: names)
            checkArguments(stage.base, stage, values, declared)
            if let platform = stage.platform, !platform.isEmpty {
                checkArguments(platform, stage, values, declared)
                checkPlatform(platform, stage, values)
            }
            if let name = stage.name { names.insert(name) }
        }
    }

    /// Global arguments that have a value.
    func arguments(_ given: [String: String]) throws(WordError) -> [String: String] {
        var values = DockerfileChecks.platforms
        for name in values.keys { values[name] = given[name] ?? values[name] }
        for instruction in dockerfile.globalArguments {
            guard case .arg(let declarations) = instruction.kind else { continue }
            for declaration in declarations {
                if let value = given[declaration.name] {
                    values[declaration.name] = value
                } else if let word = declaration.defaultValue {
                    values[declaration.name] = try rules.word(word) { values[$0] }.text
                }
            }
        }
        return values
    }

    private var declared: Set<String> {
        var names = Set(DockerfileChecks.platforms.keys)
        for instruction in dockerfile.globalArguments {
            if case .arg(let declarations) = instruction.kind { names.formUnion(declarations.map(\.name)) }
        }
        return names
    }

    private mutating func checkWords(of stage: DockerfileStage) {
        let (name, rest) = Blanks.halves(stage.source)
        let words = Blanks.words(FlagReader.split(rest ?? "").rest)
        guard words.count == 3 else { return }
        if words[2] != words[2].lowercased() {
            report("StageNameCasing", stage.place, "stage name \(words[2]) should be lowercase")
        }
        // A mixed FROM is a remark of its own.
        let isLower = name == name.lowercased()
        guard isLower || name == name.uppercased() else { return }
        if words[1] != (isLower ? words[1].lowercased() : words[1].uppercased()) {
            report("FromAsCasing", stage.place, "\(words[1]) and \(name) are not written in the same case")
        }
    }

    /// The name of the image where nobody gives an argument.
    private mutating func checkDefault(
        _ stage: DockerfileStage, _ values: [String: String], stageNames: Set<String>
    ) {
        guard let base = try? rules.word(stage.base, { values[$0] }).text else { return }
        if base == "scratch" || stageNames.contains(base) || ImageReference(base) != nil { return }
        report(
            "InvalidDefaultArgInFrom", stage.place,
            "with the defaults of its arguments, \(stage.base) is no image name: \"\(base)\"",
            "give ARG a default that makes one")
    }

    private mutating func checkArguments(
        _ word: String, _ stage: DockerfileStage, _ values: [String: String], _ declared: Set<String>
    ) {
        guard let unmatched = try? rules.word(word, { values[$0] }).unmatched else { return }
        for name in unmatched.subtracting(declared).sorted() {
            let near = DockerfileChecks.near(name, declared)
            report(
                "UndefinedArgInFrom", stage.place, "FROM uses \(name), which no ARG before it declares",
                near.map { "did you mean \($0)?" })
        }
    }

    private mutating func checkPlatform(_ platform: String, _ stage: DockerfileStage, _ values: [String: String]) {
        guard let word = try? rules.word(platform, { values[$0] }) else { return }
        if word.matched == ["TARGETPLATFORM"], word.unmatched.isEmpty, word.text == values["TARGETPLATFORM"] {
            report(
                "RedundantTargetPlatform", stage.place, "--platform=\(platform) says what is so anyway", "leave it out")
        }
        guard word.matched.isEmpty, word.unmatched.isEmpty, let parsed = Platform(word.text) else { return }
        let name = stage.name ?? ""
        if name.contains(parsed.os) || name.contains(parsed.architecture) { return }
        report(
            "FromPlatformFlagConstDisallowed", stage.place, "--platform=\(word.text) is the same for every build",
            "use $BUILDPLATFORM or an argument, or name the stage after it")
    }
}
