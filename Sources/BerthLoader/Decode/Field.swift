// One place in the tree while it is decoded: typed reads that remark what they cannot read, and where.
import BerthModel

struct Field {
    let node: Node
    let path: String
    let remarks: Remarks

    subscript(key: String) -> Field? {
        node[key].map { Field(node: $0, path: path.isEmpty ? key : "\(path).\(key)", remarks: remarks) }
    }

    func item(_ index: Int, _ node: Node) -> Field { Field(node: node, path: "\(path)[\(index)]", remarks: remarks) }
    func entry(_ entry: Node.Entry) -> Field {
        Field(node: entry.value, path: "\(path).\(entry.key)", remarks: remarks)
    }

    func fail(_ message: String, suggestion: String? = nil) {
        remarks.error(node.place, path, message, suggestion: suggestion)
    }
    func warn(_ message: String, suggestion: String? = nil) {
        remarks.warning(node.place, path, message, suggestion: suggestion)
    }

    /// Remarks each key that is not known; returns the known ones.
    func checkKeys(_ known: Set<String>, of what: String) {
        for entry in node.entries ?? [] where !known.contains(entry.key) && !entry.key.hasPrefix("x-") {
            let near = Spelling.nearest(entry.key, in: known)
            remarks.error(
                entry.keyPlace, path.isEmpty ? entry.key : "\(path).\(entry.key)",
                "unknown key \"\(entry.key)\" in \(what)",
                suggestion: near.map { "did you mean \"\($0)\"?" })
        }
    }

    // MARK: Values

    func string() -> String? {
        if node.isNull { return nil }
        guard case .scalar(let text, let isPlain) = node.value else { return expected("text") }
        return Scalars.stringValue(text, isPlain: isPlain)
    }

    func int() -> Int? { int64().flatMap { Int(exactly: $0) } }

    func int64() -> Int64? {
        if node.isNull { return nil }
        guard let text = node.text, let value = Scalars.integer(text) else { return expected("a whole number") }
        return value
    }

    func double() -> Double? {
        if node.isNull { return nil }
        guard let text = node.text, let value = Scalars.float(text), value.isFinite else { return expected("a number") }
        return value
    }

    func bool() -> Bool? {
        if node.isNull { return nil }
        guard let text = node.text else { return expected("true or false") }
        if let value = Scalars.boolean(text) { return value }
        guard let value = Scalars.oldBoolean(text) else { return expected("true or false") }
        warn("\"\(text)\" is taken as \(value)", suggestion: "write \(value)")
        return value
    }

    /// A list of texts; a single text is a list of one where `orOne`.
    func strings(orOne: Bool = false) -> [String] {
        if node.isNull { return [] }
        if orOne, node.text != nil { return string().map { [$0] } ?? [] }
        guard let items = node.items else {
            let _: String? = expected(orOne ? "text or a list of texts" : "a list")
            return []
        }
        return items.enumerated().compactMap { item($0, $1).string() }
    }

    /// A map, or a list of `KEY=VALUE`; a nil value where none is given.
    func pairs(separator: Character = "=") -> [(key: String, value: String?, place: SourcePlace)] {
        if node.isNull { return [] }
        if let entries = node.entries {
            return entries.map { ($0.key, entry($0).node.isNull ? nil : entry($0).scalarText(), $0.keyPlace) }
        }
        guard let items = node.items else {
            let _: String? = expected("a map, or a list of KEY\(separator)VALUE")
            return []
        }
        return items.enumerated().compactMap { index, node in
            guard let text = item(index, node).string() else { return nil }
            let parts = text.split(separator: separator, maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            return (parts[0], parts.count == 2 ? parts[1] : nil, node.place)
        }
    }

    /// The text of a scalar whatever it looks like: `true` stays `true`.
    private func scalarText() -> String? {
        guard case .scalar(let text, let isPlain) = node.value else { return expected("a single value") }
        return Scalars.stringValue(text, isPlain: isPlain)
    }

    func map() -> [(name: String, field: Field)] {
        if node.isNull { return [] }
        guard let entries = node.entries else {
            let _: String? = expected("a map")
            return []
        }
        return entries.filter { !$0.key.hasPrefix("x-") }.map { ($0.key, entry($0)) }
    }

    func list() -> [Field] {
        if node.isNull { return [] }
        guard let items = node.items else {
            let _: String? = expected("a list")
            return []
        }
        return items.enumerated().map { item($0, $1) }
    }

    /// A command: words of a shell-like string, or a list as it is. Nil: not given.
    func command() -> [String]? {
        if node.isNull { return nil }
        if let text = node.text {
            guard let words = ShellWords.split(text) else {
                fail("the quotes of this command do not match")
                return nil
            }
            return words
        }
        return strings()
    }

    func duration() -> Duration? {
        guard let text = string() else { return nil }
        guard let value = DurationText.parse(text) else { return expected("a duration such as 1m30s or 500ms") }
        return value
    }

    func bytes() -> Int64? {
        guard let text = string() else { return nil }
        guard let value = ByteText.parse(text) else { return expected("a size such as 64m or 1.5gb") }
        return value
    }

    private func expected<Value>(_ what: String) -> Value? {
        let found = node.text.map { "\"\($0)\"" } ?? node.kindName
        fail("expected \(what), found \(found)")
        return nil
    }
}

/// The key that was probably meant.
enum Spelling {
    static func nearest(_ word: String, in known: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        return known.map { ($0, distance(word, $0)) }.filter { $0.1 <= limit }.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8), b = Array(b.utf8)
        guard a.count < 64, b.count < 64 else { return Int.max }
        var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in 0...a.count { rows[i][0] = i }
        for j in 0...b.count { rows[0][j] = j }
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        for i in 1...a.count {
            for j in 1...b.count {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
                }
            }
        }
        return rows[a.count][b.count]
    }
}

/// A command string to words, as compose splits it: quotes and backslashes, no shell; it ends at an unquoted `; | & <
/// >`.
enum ShellWords {
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word = ""
        var started = false
        var quote: Character?
        var escaped = false
        for character in text {
            if escaped {
                if quote == "\"" && character != "\"" && character != "\\" && character != "$" && character != "`" {
                    word.append("\\")
                }
                word.append(character)
                escaped = false
                started = true
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else if character == "\\" && open == "\"" {
                    escaped = true
                } else {
                    word.append(character)
                }
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" || character == "'" {
                quote = character
                started = true
            } else if character == " " || character == "\t" || character == "\n" || character == "\r" {
                if started { words.append(word); word = ""; started = false }
            } else if ";|&<>".contains(character) {
                break
            } else {
                word.append(character)
                started = true
            }
        }
        if quote != nil || escaped { return nil }
        if started { words.append(word) }
        return words
    }
}

/// Go's durations: `1h2m3.5s`, `300ms`; a bare number is refused, as compose does, but 0.
enum DurationText {
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = Substring(text)
        var total = Duration.zero
        var any = false
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            guard let number = Double(digits), number < 1e9 else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            rest = rest.dropFirst(unit.count)
            guard let seconds = units[String(unit)] else { return nil }
            total += .nanoseconds(Int64((number * seconds * 1e9).rounded()))
            any = true
        }
        return any ? total : nil
    }

    private static let units: [String: Double] = [
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800,
    ]
}

/// Sizes: a number of bytes, or with b, k, m, g, t (powers of 1024; `kb`, `kib` alike).
enum ByteText {
    static func parse(_ text: String) -> Int64? {
        let lower = text.lowercased().trimmed
        if lower == "-1" { return -1 }
        let digits = lower.prefix { ("0"..."9").contains($0) || $0 == "." || $0 == "_" }
        guard let number = Double(String(digits).replacingUnderscores) else { return nil }
        let unit = String(lower.dropFirst(digits.count)).trimmed
        guard let factor = units[unit], number * factor < 9e18 else { return nil }
        return Int64(number * factor)
    }

    private static let units: [String: Double] = {
        var table: [String: Double] = ["": 1, "b": 1]
        for (index, letter) in ["k", "m", "g", "t", "p"].enumerated() {
            let factor = (0...index).reduce(1.0) { value, _ in value * 1024 }
            for suffix in ["", "b", "ib"] { table[letter + suffix] = factor }
        }
        return table
    }()
}
