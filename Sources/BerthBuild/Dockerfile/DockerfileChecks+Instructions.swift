// Checks of single instructions.
import BerthModel

extension DockerfileChecks {
    /// `ENV name value`, which can say only one.
    mutating func checkPairs(_ pairs: [NamedWord], _ instruction: Instruction) {
        let (name, rest) = Blanks.halves(instruction.source)
        let words = RawWords.split(FlagReader.split(rest ?? "").rest, escape: dockerfile.directives.escape)
        guard let first = words.first, !first.contains("="), let pair = pairs.first else { return }
        report(
            "LegacyKeyValueFormat", instruction.place, "\(name) with a space between name and value is the old form",
            "write \(name) \(pair.name)=…")
    }

    /// Only the first one can be wrong: it says what later ones start from.
    mutating func checkWorkdir(_ word: String, _ place: SourcePlace, _ scope: inout CheckScope) {
        defer { scope.hasWorkdir = true }
        guard !scope.hasWorkdir, let path = try? rules.word(word, { scope.values[$0] }) else { return }
        // What a name nobody knows stands for may well be absolute.
        if path.text.hasPrefix("/") || !path.unmatched.isEmpty { return }
        let isInherited = path.matched.contains { scope.values[$0] == "" }
        if isInherited { return }
        report(
            "WorkdirRelativePath", place, "\(path.text) is relative to a directory that the base image chooses",
            "begin with an absolute one")
    }

    mutating func checkOnce(_ instruction: Instruction, _ scope: inout CheckScope) {
        let name = DockerfileChecks.name(instruction.source)
        if let earlier = scope.last[name.uppercased()] {
            report("MultipleInstructionsDisallowed", earlier, "a later \(name) of the stage replaces this one")
        }
        scope.last[name.uppercased()] = instruction.place
    }

    mutating func checkForm(_ form: CommandForm, _ instruction: Instruction, _ scope: CheckScope) {
        guard case .shell = form, !scope.hasShell else { return }
        report(
            "JSONArgsRecommended", instruction.place,
            "\(DockerfileChecks.name(instruction.source)) runs in a shell, which passes no signals on",
            "write it as a JSON array of strings, or choose the shell with SHELL")
    }

    mutating func checkPorts(_ words: [String], _ place: SourcePlace, _ scope: CheckScope) {
        for word in words {
            for port in (try? rules.words(word) { scope.values[$0] }) ?? [] {
                let isMapping = port.contains(":")
                let last = port.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
                let kind = last.split(separator: "/", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
                if kind != kind.lowercased() {
                    report("ExposeProtoCasing", place, "the protocol of \(port) should be lowercase")
                }
                if isMapping {
                    report(
                        "ExposeInvalidFormat", place, "EXPOSE \(port): only a port of the container means something",
                        "publish ports when the container runs")
                }
            }
        }
    }

    mutating func checkIgnored(_ copy: CopyInstruction, _ place: SourcePlace, _ scope: CheckScope) {
        guard let ignore, copy.from ?? "" == "" else { return }
        for word in copy.sources {
            guard let source = try? rules.word(word, { scope.values[$0] }).text else { continue }
            let isRemote = ["http://", "https://", "git://", "ssh://", "git@"].contains { source.hasPrefix($0) }
            if isRemote || !ignore.matches(source) { continue }
            report(
                "CopyIgnoredFile", place, "\(copy.isAdd ? "ADD" : "COPY") of \(source), which .dockerignore leaves out")
        }
    }
}
