// The grammar of `.env` and `env_file`: export, comments, quotes, escapes, several lines; errors with their line.
import BerthModel

enum Dotenv {
    /// Pairs in order; a nil value inherits. Interpolates double-quoted and unquoted values from `lookup` and from
    /// earlier
    /// lines.
    static func parse(
        _ bytes: [UInt8], file: String, lookup: @escaping (String) -> String?, remarks: Remarks
    ) -> [(String, String?)] {
        var pairs: [(String, String?)] = []
        var text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasSuffix("\r") ? $0.dropLast() : $0
        }
        .map(String.init)
        var index = 0
        while index < lines.count {
            let number = index + 1
            var line = lines[index].trimmed
            index += 1
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = String(line.dropFirst(7)).trimmed }
            let place = SourcePlace(file: file, line: number, column: 1)
            guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
                if line.contains(where: { $0 == " " || $0 == "\t" }) {
                    remarks.error(
                        place, "", "unexpected space in the variable name \"\(line)\"", suggestion: "write NAME=value")
                } else {
                    pairs.append((line, nil))
                }
                continue
            }
            let key = String(line[..<separator]).trimmed
            if key.isEmpty || key.contains(where: { $0 == " " || $0 == "\t" }) {
                remarks.error(
                    place, "", "unexpected space or nothing in the variable name \"\(key)\"",
                    suggestion: "write NAME=value")
                continue
            }
            let raw = String(line[line.index(after: separator)...]).trimmed
            let known = pairs
            let template = Template(
                lookup: { name in lookup(name) ?? known.last { $0.0 == name }.flatMap(\.1) }, unset: { _ in })
            if let quote = raw.first, quote == "\"" || quote == "'" {
                guard let value = quoted(raw, quote, lines, &index, template) else {
                    remarks.error(place, "", "the value of \(key) has no closing \(quote)")
                    return pairs
                }
                pairs.append((key, value))
            } else {
                let value = withoutComment(raw)
                pairs.append((key, (try? template.substitute(value)) ?? value))
            }
        }
        return pairs
    }

    /// Values taken as they are: `format: raw`.
    static func parseRaw(_ bytes: [UInt8]) -> [(String, String?)] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            if line.hasPrefix("#") || line.trimmingPrefix(while: { $0 == " " }).isEmpty { return nil }
            guard let equals = line.firstIndex(of: "=") else { return (String(line), nil) }
            return (String(line[..<equals]), String(line[line.index(after: equals)...]))
        }
    }

    private static func withoutComment(_ value: String) -> String {
        var previous: Character = " "
        for index in value.indices {
            if value[index] == "#" && (previous == " " || previous == "\t") { return String(value[..<index]).trimmed }
            previous = value[index]
        }
        return value
    }

    private static func quoted(
        _ first: String, _ quote: Character, _ lines: [String], _ index: inout Int, _ template: Template
    ) -> String? {
        var body = String(first.dropFirst())
        while true {
            if let end = closing(body, quote) {
                let inner = String(body[..<end])
                if quote == "'" { return inner }
                let unescaped = unescape(inner)
                return (try? template.substitute(unescaped)) ?? unescaped
            }
            guard index < lines.count else { return nil }
            body += "\n" + lines[index]
            index += 1
        }
    }

    private static func closing(_ text: String, _ quote: Character) -> String.Index? {
        var escaped = false
        for index in text.indices {
            if escaped { escaped = false; continue }
            if text[index] == "\\" && quote == "\"" { escaped = true; continue }
            if text[index] == quote { return index }
        }
        return nil
    }

    private static func unescape(_ text: String) -> String {
        var result = ""
        var escaped = false
        for character in text {
            guard escaped else {
                if character == "\\" { escaped = true } else { result.append(character) }
                continue
            }
            escaped = false
            switch character {
            case "n": result.append("\n")
            case "r": result.append("\r")
            case "t": result.append("\t")
            case "\\", "\"": result.append(character)
            case "$": result.append("$$")
            default: result += "\\\(character)"
            }
        }
        return result
    }
}
