// Which version to take where a project allows several: the usual one if it may be, else the nearest that it names.

enum VersionRange {
    /// `>=3.9,<3.13`, `^20 || ^22`, `20.x`, `3.12.1`, `v18`: a version with as many parts as `usual` has.
    ///
    /// Nil: no number is in it.
    static func choose(_ text: String, usual: String) -> String? {
        let depth = usual.split(separator: ".").count
        guard let wanted = numbers(usual) else { return nil }
        let alternatives = pieces(text, separator: "|").map { bounds($0, depth) }.filter { !$0.isEmpty }
        if alternatives.isEmpty { return nil }
        if alternatives.contains(where: { bounds in bounds.allSatisfy { $0.allows(wanted) } }) { return usual }
        // Not the usual one: the highest that is named and allowed, an upper bound's predecessor included.
        let named = alternatives.flatMap { bounds in
            bounds.flatMap(\.candidates).filter { candidate in bounds.allSatisfy { $0.allows(candidate) } }
        }
        guard let best = named.max(by: { $0.lexicographicallyPrecedes($1) }) else { return nil }
        return best.prefix(depth).map(String.init).joined(separator: ".")
    }

    private struct Bound {
        var sign: String
        var version: [Int]

        func allows(_ other: [Int]) -> Bool {
            let known = version.prefix(other.count)
            let isBelow = other.lexicographicallyPrecedes(known)
            let isSame = !isBelow && other.prefix(known.count).elementsEqual(known)
            switch sign {
            case ">=": return !isBelow
            case ">": return !isBelow && (!isSame || version.count > other.count)
            case "<": return isBelow || isSame && version.count > other.count && version.last != 0
            case "<=": return isBelow || isSame
            case "!=": return !isSame || version.count > other.count
            case "^": return !isBelow && other.first == known.first
            case "~=", "~>":
                return !isBelow && other.prefix(max(1, version.count - 1)) == known.prefix(max(1, version.count - 1))
            default: return isSame
            }
        }

        var candidates: [[Int]] {
            guard let last = version.last else { return [] }
            if sign == "<" && last > 0 { return [version, version.dropLast() + [last - 1]] }
            if sign == ">" { return [version, version.dropLast() + [last + 1]] }
            return [version]
        }
    }

    private static func bounds(_ text: String, _ depth: Int) -> [Bound] {
        var bounds: [Bound] = []
        var sign = ""
        for word in tokens(text) {
            if let first = word.first, "<>=!^~".contains(first) {
                sign = word
            } else if let version = numbers(word) {
                bounds.append(Bound(sign: sign, version: Array(version.prefix(sign == "<" ? depth + 1 : depth))))
                sign = ""
            }
        }
        return bounds
    }

    /// Signs and versions, apart.
    private static func tokens(_ text: String) -> [String] {
        var tokens: [String] = []
        var current = ""
        var isSign = false
        for character in text.prefix(200) {
            let belongsToSign = "<>=!^~".contains(character)
            if character.isWhitespace || character == "," || belongsToSign != isSign {
                if !current.isEmpty { tokens.append(current) }
                current = ""
            }
            isSign = belongsToSign
            if !character.isWhitespace && character != "," { current.append(character) }
        }
        return tokens + (current.isEmpty ? [] : [current])
    }

    /// `v20.11.x` is 20, 11; `*` and words are nil.
    static func numbers(_ word: String) -> [Int]? {
        let start = word.drop { !$0.isASCII || !$0.isNumber }
        if word.prefix(word.count - start.count).count > 1 && !word.hasPrefix("python-") { return nil }
        var numbers: [Int] = []
        for part in start.split(separator: ".") {
            let digits = part.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, digits.count <= 4, let number = Int(digits) else { break }
            numbers.append(number)
        }
        return numbers.isEmpty ? nil : numbers
    }

    private static func pieces(_ text: String, separator: Character) -> [String] {
        text.split(separator: separator).map(String.init)
    }
}
