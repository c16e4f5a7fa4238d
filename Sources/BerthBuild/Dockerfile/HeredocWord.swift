// `<<NAME`: where heredocs stand in an instruction, and whether their lines are expanded.

enum HeredocWord {
    private static let instructions: Set<String> = ["run", "copy", "add"]

    /// Only these instructions have heredocs, behind `ONBUILD` too; a list in JSON has none.
    static func mayStand(in text: String) -> Bool {
        guard text.contains("<<") else { return false }
        var (name, rest) = Blanks.halves(text.trimmedOfBlanks)
        if name.lowercased() == "onbuild" {
            (name, rest) = Blanks.halves(FlagReader.split(rest ?? "").rest.trimmedOfBlanks)
        }
        guard let rest, instructions.contains(name.lowercased()) else { return false }
        return StringArray.read(FlagReader.split(rest).rest) == nil
    }

    /// Those of a whole instruction. A line whose quotes do not match has none.
    static func all(in text: String) -> [Heredoc] {
        var rules = WordExpansion(escape: "\\")
        rules.writesQuotes = true
        rules.keepsEscapes = true
        rules.keepsUnset = true
        let words = (try? rules.words(text) { _ in nil }) ?? []
        return words.compactMap(parse)
    }

    /// The heredoc that a word begins, without content; nil: it begins none.
    static func parse(_ word: String) -> Heredoc? {
        var rest = word.unicodeScalars[...]
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        guard rest.starts(with: "<<".unicodeScalars) else { return nil }
        rest = rest.dropFirst(2)
        let stripsTabs = rest.first == "-"
        if stripsTabs { rest = rest.dropFirst() }
        rest = rest.drop { "\t\n\u{0C}\r ".unicodeScalars.contains($0) }
        if rest.isEmpty || rest.contains("<") { return nil }
        var rules = WordExpansion(escape: "\\")
        rules.keepsUnset = true
        guard let names = try? rules.words(String(rest), { _ in nil }), names.count == 1 else { return nil }
        rules.writesQuotes = true
        guard let quoted = try? rules.words(String(rest), { _ in nil }), quoted.count == 1 else { return nil }
        return Heredoc(
            name: names[0], content: "", expands: quotes(names[0]) == quotes(quoted[0]),
            fileDescriptor: Int(String(digits)) ?? 0, stripsTabs: stripsTabs)
    }

    private static func quotes(_ word: String) -> Int { word.utf8.count { $0 == 0x22 || $0 == 0x27 } }

    /// `<<NAME` and nothing else.
    static func isAlone(_ text: String) -> Bool { parse(text) != nil }
}
