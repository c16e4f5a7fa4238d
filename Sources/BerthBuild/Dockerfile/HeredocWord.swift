// `<<NAME`: where heredocs stand in an instruction, and whether their lines are expanded.

enum HeredocWord {
    private static let instructions: Set<String> = ["run", "copy", "add"]

    /// Only these instructions have heredocs, behind `ONBUILD` too; a list in JSON has none.
    static func mayStand(in text: String) -> Bool {
        guard text.contains("<<") else { return false }
        var words = text.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        if words.first?.lowercased() == "onbuild", words.count == 2 {
            words = words[1].split(maxSplits: 1, whereSeparator: \.isWhitespace)
        }
        guard let first = words.first, words.count == 2, instructions.contains(first.lowercased()) else { return false }
        let (_, rest) = FlagReader.split(String(words[1]))
        return StringArray.read(rest) == nil
    }

    static func all(in text: String) -> [Heredoc] {
        RawWords.split(text, escape: "\\").compactMap(parse)
    }

    /// The heredoc that a word begins, without content; nil: it begins none.
    static func parse(_ word: String) -> Heredoc? {
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        var rest = word.dropFirst(digits.count)
        guard rest.hasPrefix("<<") else { return nil }
        rest = rest.dropFirst(2)
        let stripsTabs = rest.first == "-"
        if stripsTabs { rest = rest.dropFirst() }
        if rest.isEmpty || rest.contains("<") { return nil }
        let names = try? WordExpansion(escape: "\\").words(String(rest)) { "$\($0)" }
        guard let names, names.count == 1 else { return nil }
        return Heredoc(
            name: names[0], content: "", expands: names[0] == rest, fileDescriptor: Int(digits) ?? 0,
            stripsTabs: stripsTabs)
    }

    /// `<<NAME` and nothing else.
    static func isAlone(_ text: String) -> Bool {
        let words = RawWords.split(text, escape: "\\")
        return words.count == 1 && parse(words[0]) != nil
    }
}
