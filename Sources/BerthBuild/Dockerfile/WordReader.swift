// One pass over a word: quotes, escapes, and `$`.

struct WordReader {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private let escape: Unicode.Scalar
    private let keepsQuotes: Bool
    private var keepsEscapes = false
    private var depth = 0
    private(set) var unmatched: Set<String> = []

    init(_ text: String, _ rules: WordExpansion) {
        scalars = Array(text.unicodeScalars)
        escape = rules.escape.unicodeScalars.first ?? "\\"
        keepsQuotes = rules.keepsQuotes
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take() -> Unicode.Scalar? {
        guard let scalar = next else { return nil }
        index += 1
        return scalar
    }

    /// Up to a closing character, or the end.
    ///
    /// - Parameter keepsEscapes: what is read is a pattern, in which an escape means something later.
    mutating func read(
        until stop: Unicode.Scalar?, keepsEscapes: Bool, _ lookup: (String) -> String?
    ) throws(WordError) -> (text: String, words: [String]) {
        depth += 1
        let before = self.keepsEscapes
        self.keepsEscapes = keepsEscapes
        defer {
            self.keepsEscapes = before
            depth -= 1
        }
        if depth > WordExpansion.depthMax { throw WordError("substitutions are nested too deeply") }
        var text = ""
        var words = WordList()
        while let scalar = next {
            if scalar == stop {
                index += 1
                words.end()
                return (text, words.words)
            }
            switch scalar {
            case "$":
                let value = try dollar(lookup)
                text += value
                words.add(value)
            case "'" where !keepsQuotes:
                let value = try singleQuoted()
                text += value
                words.addRaw(value)
            case "\"" where !keepsQuotes:
                let value = try doubleQuoted(lookup)
                text += value
                words.addRaw(value)
            case escape:
                index += 1
                if keepsEscapes {
                    text.unicodeScalars.append(scalar)
                    words.addRaw(String(scalar))
                }
                guard let escaped = take() else { break }
                text.unicodeScalars.append(escaped)
                words.addRaw(String(escaped))
            default:
                index += 1
                text.unicodeScalars.append(scalar)
                words.add(String(scalar))
            }
        }
        if let stop { throw WordError("unexpected end of statement while looking for matching \(stop)") }
        words.end()
        return (text, words.words)
    }

    /// Everything up to the next quote, as it is.
    private mutating func singleQuoted() throws(WordError) -> String {
        index += 1
        var text = String.UnicodeScalarView()
        while let scalar = take() {
            if scalar == "'" { return String(text) }
            text.append(scalar)
        }
        throw WordError("unexpected end of statement while looking for matching single-quote")
    }

    /// Variables are put in; a quote, `$` and the escape can be escaped, and nothing else.
    private mutating func doubleQuoted(_ lookup: (String) -> String?) throws(WordError) -> String {
        index += 1
        var text = ""
        while let scalar = next {
            switch scalar {
            case "\"":
                index += 1
                return text
            case "$": text += try dollar(lookup)
            default:
                index += 1
                guard scalar == escape else {
                    text.unicodeScalars.append(scalar)
                    continue
                }
                if keepsEscapes { text.unicodeScalars.append(scalar) }
                guard let escaped = next else { continue }
                if escaped == "\"" || escaped == "$" || escaped == escape {
                    index += 1
                    text.unicodeScalars.append(escaped)
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        throw WordError("unexpected end of statement while looking for matching double-quote")
    }

    // MARK: Variables

    private mutating func value(_ name: String, _ lookup: (String) -> String?) -> String? {
        let found = lookup(name)
        if found == nil { unmatched.insert(name) }
        return found
    }

    /// `$NAME`, `${NAME}` and everything that can stand in the braces.
    private mutating func dollar(_ lookup: (String) -> String?) throws(WordError) -> String {
        index += 1
        guard next == "{" else {
            let name = name()
            return name.isEmpty ? "$" : value(name, lookup) ?? ""
        }
        index += 1
        switch next {
        case nil: throw WordError("syntax error: missing '}'")
        case "{", "}", ":": throw WordError("syntax error: bad substitution")
        default: break
        }
        let name = name()
        guard let modifier = take() else { throw unsupported("") }
        switch modifier {
        case "}": return value(name, lookup) ?? ""
        case "/": return try replaced(name, lookup)
        case ":":
            guard let second = take() else { throw unsupported(":") }
            if second == "#" || second == "%" { throw unsupported(":\(second)") }
            return try modified(name, second, emptyCounts: true, lookup)
        case "+", "-", "?", "#", "%": return try modified(name, modifier, emptyCounts: false, lookup)
        default: throw unsupported(String(modifier))
        }
    }

    private func unsupported(_ modifier: String) -> WordError {
        WordError("unsupported modifier (\(modifier)) in substitution")
    }

    /// - Parameter emptyCounts: an empty value is as none.
    private mutating func modified(
        _ name: String, _ modifier: Unicode.Scalar, emptyCounts: Bool, _ lookup: (String) -> String?
    ) throws(WordError) -> String {
        let isPattern = modifier == "#" || modifier == "%"
        let word = try closed("}", keepsEscapes: isPattern, missing: "syntax error: missing '}'", lookup)
        let value = value(name, lookup)
        let isThere = value != nil && !(emptyCounts && value == "")
        // A name that a default stands for is not missed.
        if modifier == "-" || modifier == "+" || modifier == "?" { unmatched.remove(name) }
        switch modifier {
        case "-": return isThere ? value ?? "" : word
        case "+": return isThere ? word : ""
        case "?":
            if isThere { return value ?? "" }
            let state = value == nil ? "unset" : "empty"
            throw WordError("\(name): \(word.isEmpty ? "is not allowed to be \(state)" : word)")
        case "#", "%":
            let isGreedy = word.unicodeScalars.first == modifier
            let pattern = ShellPattern(isGreedy ? String(word.unicodeScalars.dropFirst()) : word)
            return modifier == "#"
                ? pattern.trimmingPrefix(of: value ?? "", greedy: isGreedy)
                : pattern.trimmingSuffix(of: value ?? "", greedy: isGreedy)
        default: throw unsupported((emptyCounts ? ":" : "") + String(modifier))
        }
    }

    /// `${NAME/pattern/replacement}`, `${NAME//pattern/replacement}`.
    private mutating func replaced(_ name: String, _ lookup: (String) -> String?) throws(WordError) -> String {
        let isEverywhere = next == "/"
        if isEverywhere { index += 1 }
        let pattern = try closed("/", keepsEscapes: true, missing: "syntax error: missing '/' in ${}", lookup)
        let replacement = try closed("}", keepsEscapes: true, missing: "syntax error: missing '}'", lookup)
        let value = value(name, lookup) ?? ""
        return ShellPattern(pattern).replacing(in: value, with: replacement, everywhere: isEverywhere)
    }

    private mutating func closed(
        _ stop: Unicode.Scalar, keepsEscapes: Bool, missing: String, _ lookup: (String) -> String?
    ) throws(WordError) -> String {
        do { return try read(until: stop, keepsEscapes: keepsEscapes, lookup).text } catch {
            throw next == nil ? WordError(missing) : error
        }
    }

    /// Letters, digits and `_`; all digits where the first is one; one of the shell's own parameters.
    private mutating func name() -> String {
        var name = String.UnicodeScalarView()
        while let scalar = next {
            if name.isEmpty && WordReader.isDigit(scalar) {
                while let digit = next, WordReader.isDigit(digit) {
                    name.append(digit)
                    index += 1
                }
                return String(name)
            }
            if name.isEmpty && "@*#?-$!0".unicodeScalars.contains(scalar) {
                index += 1
                return String(scalar)
            }
            guard scalar == "_" || WordReader.isDigit(scalar) || scalar.properties.isAlphabetic else { break }
            name.append(scalar)
            index += 1
        }
        return String(name)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType == .decimal }
}
