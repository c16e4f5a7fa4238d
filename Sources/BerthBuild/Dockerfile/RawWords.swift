// Splitting before expansion: words with their quotes and escapes still in them.
import FoundationEssentials

enum RawWords {
    /// White space separates words, unless it is quoted or escaped.
    static func split(_ text: String, escape: Character) -> [String] {
        var words: [String] = []
        var word = ""
        var isInWord = false
        var quote: Character?
        var characters = text[...]
        while let character = characters.popFirst() {
            if let open = quote {
                if character == open { quote = nil }
                // Nothing is escaped between single quotes.
                if character == escape && open != "'" {
                    guard let next = characters.popFirst() else { break }
                    word.append(character)
                    word.append(next)
                } else {
                    word.append(character)
                }
            } else if character.isWhitespace {
                if isInWord { words.append(word) }
                word = ""
                isInWord = false
            } else {
                if character == "'" || character == "\"" { quote = character }
                if character == escape {
                    // At the end it escapes nothing.
                    guard let next = characters.popFirst() else { break }
                    word.append(character)
                    word.append(next)
                } else {
                    word.append(character)
                }
                isInWord = true
            }
        }
        return isInWord && !word.isEmpty ? words + [word] : words
    }
}

/// `--name=value` words at the beginning of an instruction.
enum FlagReader {
    static func split(_ text: String) -> (flags: [String], rest: String) {
        var flags: [String] = []
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard rest.hasPrefix("--") else { return (flags, String(rest)) }
            var word = ""
            var quote: Character?
            while let character = rest.first {
                if quote == nil && character.isWhitespace { break }
                rest = rest.dropFirst()
                if character == quote {
                    quote = nil
                } else if quote == nil && (character == "'" || character == "\"") {
                    quote = character
                } else if character == "\\" {
                    if let next = rest.popFirst() { word.append(next) }
                } else {
                    word.append(character)
                }
            }
            // Two dashes alone end the flags.
            if word == "--" { return (flags, String(rest)) }
            flags.append(word)
        }
    }
}

/// A JSON array of strings.
enum StringArray {
    private struct Anything: Decodable { init(from decoder: any Decoder) throws {} }

    /// Nil: the text is none.
    static func read(_ text: String) -> [String]? {
        let trimmed = text.trimmedOfBlanks
        guard trimmed.hasPrefix("[") else { return nil }
        return try? JSONDecoder().decode([String].self, from: Data(trimmed.utf8))
    }

    /// True: it is an array, of something else than strings.
    static func isOfOthers(_ text: String) -> Bool {
        let trimmed = text.trimmedOfBlanks
        guard trimmed.hasPrefix("["), read(trimmed) == nil else { return false }
        return (try? JSONDecoder().decode([Anything].self, from: Data(trimmed.utf8))) != nil
    }
}
