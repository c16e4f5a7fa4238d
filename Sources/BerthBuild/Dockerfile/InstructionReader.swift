// One instruction's line to a typed instruction.
import BerthModel

struct InstructionReader {
    let line: InstructionLine
    let escape: Character
    let place: SourcePlace
    /// Upper case.
    let name: String
    let flags: InstructionFlags
    /// What follows the flags.
    let rest: String

    static let names = [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]

    init(_ line: InstructionLine, escape: Character, place: SourcePlace) {
        self.line = line
        self.escape = escape
        self.place = place
        let halves = Blanks.halves(line.text.trimmedOfBlanks)
        name = halves.first.uppercased()
        let (flags, rest) = FlagReader.split(halves.rest ?? "")
        self.flags = InstructionFlags(flags, name, place)
        self.rest = rest.trimmedOfBlanks
    }

    func failure(_ message: String, _ suggestion: String? = nil) -> DockerfileError {
        DockerfileError(place, message, suggestion: suggestion)
    }

    /// As it was written, heredocs with it.
    var source: String {
        let bodies = line.heredocs.map { "\n\($0.content)\($0.name)" }.joined()
        return line.text.trimmedOfBlanks + bodies
    }

    private func made(_ kind: Instruction.Kind) -> Instruction {
        Instruction(kind, at: place, lastLine: line.lastLine, source: source)
    }

    /// Nil: it is `FROM`.
    func instruction() throws(DockerfileError) -> Instruction? {
        switch name {
        case "FROM": return nil
        case "ARG": return made(.arg(try arguments()))
        case "ENV": return made(.env(try pairs()))
        case "LABEL": return made(.label(try pairs()))
        case "RUN": return made(.run(try run()))
        case "COPY", "ADD": return made(.copy(try copy()))
        case "CMD": return made(.cmd(try command()))
        case "ENTRYPOINT": return made(.entrypoint(try command()))
        case "EXPOSE": return made(.expose(try words()))
        case "VOLUME": return made(.volume(try volumes()))
        case "USER": return made(.user(try single()))
        case "WORKDIR": return made(.workdir(try single()))
        case "STOPSIGNAL": return made(.stopsignal(try single()))
        case "MAINTAINER": return made(.maintainer(try single()))
        case "SHELL": return made(.shell(try shell()))
        case "HEALTHCHECK": return made(.healthcheck(try healthcheck()))
        case "ONBUILD": return made(.onbuild(try trigger()))
        default:
            let near = Nearest.word(to: name, among: InstructionReader.names)
            let hint = place.column > 1 ? "a line that goes on needs \(escape) at the end of the one before" : nil
            let written = Blanks.halves(line.text.trimmedOfBlanks).first
            throw failure("unknown instruction: \(written)", near.map { "did you mean \($0)?" } ?? hint)
        }
    }

    // MARK: FROM

    func stage(number: Int) throws(DockerfileError) -> DockerfileStage {
        try flags.check(["platform"])
        let words = Blanks.words(rest)
        guard words.count == 1 || words.count == 3 && words[1].lowercased() == "as" else {
            throw failure("FROM requires either one or three arguments", "write FROM IMAGE or FROM IMAGE AS NAME")
        }
        var stageName: String?
        if words.count == 3 {
            let lower = words[2].lowercased()
            guard InstructionReader.isStageName(lower) else {
                throw failure(
                    "invalid name for build stage: \"\(words[2])\", name can't start with a number or contain symbols")
            }
            stageName = lower
        }
        return DockerfileStage(
            number: number, name: stageName, base: words[0], platform: try flags.value("platform"), place: place,
            source: source)
    }

    private static func isStageName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E
        }
    }

    // MARK: Names and values

    private func arguments() throws(DockerfileError) -> [ArgumentDeclaration] {
        try flags.check([])
        let words = RawWords.split(rest, escape: escape)
        if words.isEmpty { throw failure("ARG requires at least one argument") }
        var all: [ArgumentDeclaration] = []
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                all.append(ArgumentDeclaration(name: word, defaultValue: nil))
                continue
            }
            if equals == word.startIndex { throw failure("ARG names can not be blank") }
            all.append(
                ArgumentDeclaration(
                    name: String(word[..<equals]), defaultValue: String(word[word.index(after: equals)...])))
        }
        return all
    }

    /// `A=b C="d e"`, or the old `A b c`, in which the value is the rest of the line.
    private func pairs() throws(DockerfileError) -> [NamedWord] {
        try flags.check([])
        let words = RawWords.split(rest, escape: escape)
        guard let first = words.first else { throw failure("\(name) requires at least one argument") }
        if !first.contains("=") {
            let halves = Blanks.halves(rest)
            guard let word = halves.rest else {
                throw failure("\(name) must have two arguments", "write \(name) NAME=VALUE")
            }
            return [NamedWord(name: halves.first, word: word)]
        }
        var all: [NamedWord] = []
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                throw failure("can't find = in \"\(word)\", expected NAME=VALUE", "quote values that have spaces")
            }
            if equals == word.startIndex { throw failure("\(name) names can not be blank") }
            all.append(NamedWord(name: String(word[..<equals]), word: String(word[word.index(after: equals)...])))
        }
        return all
    }

    private func single() throws(DockerfileError) -> String {
        try flags.check([])
        if rest.isEmpty { throw failure("\(name) requires exactly one argument") }
        return rest
    }

    private func words() throws(DockerfileError) -> [String] {
        try flags.check([])
        let words = Blanks.words(rest)
        if words.isEmpty { throw failure("\(name) requires at least one argument") }
        return words
    }

    /// A JSON array, or words between blanks.
    func list() throws(DockerfileError) -> [String] {
        if let words = StringArray.read(rest) { return words }
        if StringArray.isOfOthers(rest) {
            throw failure("when using JSON array syntax, arrays must be comprised of strings only")
        }
        return Blanks.words(rest)
    }

    private func volumes() throws(DockerfileError) -> [String] {
        try flags.check([])
        let words = try list().map(\.trimmedOfBlanks)
        if words.isEmpty { throw failure("VOLUME requires at least one argument") }
        if words.contains("") {
            throw failure("VOLUME specified can not be an empty string")
        }
        return words
    }

    // MARK: Commands

    func form(_ text: String) throws(DockerfileError) -> CommandForm {
        if let words = StringArray.read(text) { return .exec(words) }
        if StringArray.isOfOthers(text) {
            throw failure("when using JSON array syntax, arrays must be comprised of strings only")
        }
        return .shell(text)
    }

    private func command() throws(DockerfileError) -> CommandForm {
        try flags.check([])
        return try form(rest)
    }

    private func run() throws(DockerfileError) -> RunInstruction {
        try flags.check(["mount", "network", "security", "device"], lists: ["mount", "device"])
        var run = RunInstruction(command: try form(rest))
        if case .exec(let words) = run.command, words.isEmpty { throw failure("RUN requires at least one argument") }
        run.heredocs = line.heredocs
        run.mounts = try flags.values("mount")
        for text in run.mounts {
            do { try RunMount.check(text) } catch { throw failure("--mount=\(text): \(error)") }
        }
        run.network = try flags.value("network")
        if let network = run.network, !["default", "none", "host"].contains(network) {
            throw failure("invalid network mode \"\(network)\"", "default, none or host")
        }
        run.security = try flags.value("security")
        if let security = run.security, !["sandbox", "insecure"].contains(security) {
            throw failure("security \"\(security)\" is not valid", "sandbox or insecure")
        }
        run.devices = try flags.values("device")
        return run
    }

    private func shell() throws(DockerfileError) -> [String] {
        try flags.check([])
        if rest.isEmpty { throw failure("SHELL requires at least one argument") }
        guard case .exec(let words) = try form(rest) else {
            throw failure("SHELL requires the arguments to be in JSON form", "such as SHELL [\"/bin/bash\", \"-c\"]")
        }
        if words.isEmpty { throw failure("SHELL requires at least one argument") }
        return words
    }

    private func trigger() throws(DockerfileError) -> String {
        try flags.check([])
        let word = Blanks.halves(rest).first.uppercased()
        switch word {
        case "": throw failure("ONBUILD requires at least one argument")
        case "ONBUILD": throw failure("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        case "FROM", "MAINTAINER": throw failure("\(word) isn't allowed as an ONBUILD trigger")
        default: break
        }
        var inner = line
        inner.text = rest
        _ = try InstructionReader(inner, escape: escape, place: place).instruction()
        return rest + line.heredocs.map { "\n\($0.content)\($0.name)" }.joined()
    }
}
