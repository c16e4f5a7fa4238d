// A command string to words, as compose's library splits it: quotes and backslashes, no shell.

enum ShellWords {
    struct Problem: Error { let message: String }

    /// It ends at an unquoted `;`, `&`, `|`, `<` or `>`, silently.
    static func split(_ text: String) throws(Problem) -> [String] {
        var words: [String] = []
        var word = ""
        var hasWord = false
        var escaped = false
        var single = false
        var double = false
        var backtick = false
        var dollar = false
        scan: for character in text.unicodeScalars {
            if escaped {
                word.unicodeScalars.append(character)
                escaped = false
                hasWord = true
                continue
            }
            if character == "\\" {
                if single { word.unicodeScalars.append(character) } else { escaped = true }
                continue
            }
            if character == " " || character == "\t" || character == "\r" || character == "\n" {
                if single || double || backtick || dollar {
                    word.unicodeScalars.append(character)
                } else if hasWord {
                    words.append(word)
                    word = ""
                    hasWord = false
                }
                continue
            }
            switch character {
            case "`":
                if !single && !double && !dollar { backtick.toggle() }
            case ")":
                if !single && !double && !backtick {
                    if !dollar { throw Problem(message: "an unquoted )") }
                    dollar = false
                }
            case "(":
                if !single && !double && !backtick {
                    guard !dollar, word.hasSuffix("$") else { throw Problem(message: "an unquoted (") }
                    dollar = true
                    word += "("
                    continue scan
                }
            case "\"":
                if !single && !dollar {
                    if double { hasWord = true }
                    double.toggle()
                    continue scan
                }
            case "'":
                if !double && !dollar {
                    if single { hasWord = true }
                    single.toggle()
                    continue scan
                }
            case ";", "&", "|", "<", ">":
                if !(single || double || backtick || dollar) {
                    // A number before > is a descriptor, not a word.
                    if character == ">", let first = word.first, ("0"..."9").contains(first) {
                        hasWord = false; word = ""
                    }
                    break scan
                }
            default: break
            }
            hasWord = true
            word.unicodeScalars.append(character)
        }
        if hasWord { words.append(word) }
        if escaped || single || double || backtick || dollar {
            throw Problem(message: "a quote or a backslash without its end")
        }
        return words
    }
}
