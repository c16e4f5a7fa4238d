// `$NAME`, `${NAME}`, and everything that can stand in the braces.

extension WordReader {
    private mutating func value(_ name: String, _ lookup: (String) -> String?) -> String? {
        let found = lookup(name)
        if found == nil { unmatched.insert(name) } else { matched.insert(name) }
        return found
    }

    mutating func dollar(_ lookup: (String) -> String?) throws(WordError) -> String {
        index += 1
        guard next == "{" else {
            let name = name()
            if name.isEmpty { return "$" }
            return value(name, lookup) ?? (keepsUnset ? "$\(name)" : "")
        }
        index += 1
        switch next {
        case nil: throw WordError("syntax error: missing '}'")
        case "{", "}", ":": throw WordError("syntax error: bad substitution")
        default: break
        }
        let name = name()
        guard let modifier = take() else { throw WordError("syntax error: missing '}'") }
        switch modifier {
        case "}": return value(name, lookup) ?? (keepsUnset ? "${\(name)}" : "")
        case "/": return try replaced(name, lookup)
        case ":":
            guard let second = take() else { throw WordError("syntax error: missing '}'") }
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
        let sign = (emptyCounts ? ":" : "") + String(modifier)
        if value == nil && keepsUnset { return "${\(name)\(sign)\(word)}" }
        let isThere = value != nil && !(emptyCounts && value == "")
        switch modifier {
        case "-": return isThere ? value ?? "" : word
        case "+": return isThere ? word : ""
        case "?":
            if isThere { return value ?? "" }
            let state = value == nil ? "unset" : "empty"
            throw WordError("\(name): \(word.isEmpty ? "is not allowed to be \(state)" : word)")
        case "#", "%":
            let isGreedy = word.unicodeScalars.first == modifier
            let value = value ?? ""
            let pattern = try pattern(isGreedy ? String(word.unicodeScalars.dropFirst()) : word, for: value)
            return modifier == "#"
                ? pattern.trimmingPrefix(of: value, greedy: isGreedy)
                : pattern.trimmingSuffix(of: value, greedy: isGreedy)
        default: throw unsupported(sign)
        }
    }

    /// `${NAME/pattern/replacement}`, `${NAME//pattern/replacement}`.
    private mutating func replaced(_ name: String, _ lookup: (String) -> String?) throws(WordError) -> String {
        let isEverywhere = next == "/"
        if isEverywhere { index += 1 }
        let pattern = try closed("/", keepsEscapes: true, missing: "syntax error: missing '/' in ${}", lookup)
        let replacement = try closed("}", keepsEscapes: true, missing: "syntax error: missing '}'", lookup)
        let value = value(name, lookup)
        // One slash, even where there were two: docker writes it so.
        if value == nil && keepsUnset { return "${\(name)/\(pattern)/\(replacement)}" }
        return try self.pattern(pattern, for: value ?? "")
            .replacing(in: value ?? "", with: replacement, everywhere: isEverywhere)
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
            if name.isEmpty && "@*#?-$!".unicodeScalars.contains(scalar) {
                index += 1
                return String(scalar)
            }
            guard scalar == "_" || WordReader.isDigit(scalar) || WordReader.isLetter(scalar) else { break }
            name.append(scalar)
            index += 1
        }
        return String(name)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .decimalNumber
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
