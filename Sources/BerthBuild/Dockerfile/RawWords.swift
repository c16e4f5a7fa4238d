// Splitting before expansion: words with their quotes and escapes still in them.

enum RawWords {
    /// White space separates words, unless it is quoted or escaped.
    static func split(_ text: String, escape: Character) -> [String] {
        let escape = escape.unicodeScalars.first ?? "\\"
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var quote: Unicode.Scalar?
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if quote == nil && scalar.properties.isWhitespace {
                if !word.isEmpty { words.append(String(word)) }
                word = String.UnicodeScalarView()
                continue
            }
            // Nothing is escaped between single quotes; at the end nothing is there to escape.
            if scalar == escape && quote != "'" {
                guard let next = scalars.popFirst() else { break }
                word.append(scalar)
                word.append(next)
                continue
            }
            word.append(scalar)
            if let open = quote {
                if scalar == open { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            }
        }
        return word.isEmpty ? words : words + [String(word)]
    }
}

/// Splitting where quotes mean nothing. Other spaces than these separate no words.
enum Blanks {
    static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\u{0B}" || scalar == "\u{0C}"
    }

    static func words(_ text: String) -> [String] {
        text.unicodeScalars.split(whereSeparator: isBlank).map(String.init)
    }

    /// The first word, and what follows the blanks behind it; nil: there are none.
    static func halves(_ text: String) -> (first: String, rest: String?) {
        let scalars = text.unicodeScalars
        guard let end = scalars.firstIndex(where: isBlank) else { return (text, nil) }
        return (String(scalars[..<end]), String(scalars[end...].drop(while: isBlank)))
    }
}

/// `--name=value` words at the beginning of an instruction.
enum FlagReader {
    static func split(_ text: String) -> (flags: [String], rest: String) {
        var flags: [String] = []
        var rest = text.unicodeScalars[...]
        while true {
            rest = rest.drop { $0.properties.isWhitespace }
            guard rest.starts(with: "--".unicodeScalars) else { return (flags, String(rest)) }
            let word = word(&rest)
            // Two dashes alone end the flags.
            if word == "--" { return (flags, String(rest)) }
            flags.append(word)
        }
    }

    /// Quotes and backslashes are taken out at once.
    private static func word(_ rest: inout Substring.UnicodeScalarView) -> String {
        var word = String.UnicodeScalarView()
        var quote: Unicode.Scalar?
        while let scalar = rest.first {
            if quote == nil && scalar.properties.isWhitespace { break }
            rest = rest.dropFirst()
            if scalar == quote {
                quote = nil
            } else if quote == nil && (scalar == "'" || scalar == "\"") {
                quote = scalar
            } else if scalar != "\\" {
                word.append(scalar)
            } else if let next = rest.popFirst() {
                word.append(next)
            }
        }
        return String(word)
    }
}

extension String {
    /// Without white space at both ends.
    var trimmedOfBlanks: String {
        var scalars = unicodeScalars.drop { $0.properties.isWhitespace }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
