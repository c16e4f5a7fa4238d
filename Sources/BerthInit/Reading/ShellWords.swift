// A command as people write it on one line: the words of it, where no shell is needed to understand it.

enum ShellWords {
    /// Nil: it has more to it than words and quotes.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var current: String?
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if character == "\\" || open == "\"" && (character == "$" || character == "`") {
                    return nil
                } else {
                    current = (current ?? "") + String(character)
                }
            } else if character == "'" || character == "\"" {
                quote = character
                current = current ?? ""
            } else if character == " " || character == "\t" {
                if let word = current { words.append(word) }
                current = nil
            } else if "|&;<>()$`\\*?[]{}~#\n".contains(character) {
                return nil
            } else {
                current = (current ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        if let word = current { words.append(word) }
        // `NAME=value program` is a shell's business.
        guard let first = words.first, !first.contains("=") else { return nil }
        return words
    }

    /// The words, or a shell that runs the text and gives way to it.
    static func command(_ text: String) -> [String] {
        if let words = split(text) { return words }
        let isOne = !text.contains { "|&;\n".contains($0) } && !(text.split(separator: " ").first ?? "").contains("=")
        return ["sh", "-c", isOne ? "exec \(text)" : text]
    }
}
