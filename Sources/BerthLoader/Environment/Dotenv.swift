// The grammar of `.env`, `env_file` and `label_file`: export, comments, quotes, escapes, several lines; compose's own,
// with its oddities. Every mistake has its line.
import BerthModel

/// Variables in the order in which they were first given.
struct DotenvValues {
    private(set) var pairs: [(key: String, value: String)] = []
    private var places: [String: Int] = [:]
    /// Where each was given last: file and line.
    private(set) var origins: [String: SourcePlace] = [:]

    subscript(key: String) -> String? { places[key].map { pairs[$0].value } }

    mutating func set(_ key: String, _ value: String, at origin: SourcePlace) {
        origins[key] = origin
        if let place = places[key] {
            pairs[place].value = value
        } else {
            places[key] = pairs.count
            pairs.append((key, value))
        }
    }
}

struct Dotenv {
    /// What references see before the file's own variables.
    let lookup: (String) -> String?
    /// What a name alone takes.
    let inherited: (String) -> String?
    let remarks: Remarks

    init(lookup: @escaping (String) -> String?, inherited: ((String) -> String?)? = nil, remarks: Remarks) {
        self.lookup = lookup
        self.inherited = inherited ?? lookup
        self.remarks = remarks
    }

    /// A mistake ends the file.
    func parse(_ bytes: [UInt8], file: String, into values: inout DotenvValues) {
        var text = String(decoding: bytes, as: UTF8.self)
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        var scanner = Scanner(Array(text.unicodeScalars))
        let number = remarks.register(file)
        while scanner.skipToStatement() {
            do throws(Problem) {
                try statement(&scanner, file, &values)
            } catch {
                remarks.error(
                    Mark(file: number, line: Int32(error.line ?? scanner.line), column: 1), "", error.message,
                    suggestion: error.hint)
                return
            }
        }
    }

    /// Values taken as they are: `format: raw`.
    func parseRaw(_ bytes: [UInt8], file: String, into values: inout DotenvValues) {
        var text = String(decoding: bytes, as: UTF8.self)
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        let number = remarks.register(file)
        for (index, raw) in text.replacingLineEnds.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        {
            let line = raw.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let mark = Mark(file: number, line: Int32(index + 1), column: 1)
            let separator = line.firstIndex(of: "=")
            let key = String(line[..<(separator ?? line.endIndex)])
            if key.isEmpty {
                remarks.error(mark, "", "there is no variable name before =", suggestion: "write NAME=value")
                return
            }
            if key.contains(where: \.isWhitespace) {
                remarks.error(mark, "", "the variable name \"\(key)\" contains a space", suggestion: "write NAME=value")
                return
            }
            let place = SourcePlace(file: file, line: index + 1, column: 1)
            if let separator {
                values.set(key, String(line[line.index(after: separator)...]), at: place)
            } else if let value = inherited(key) {
                values.set(key, value, at: place)
            }
        }
    }

    // MARK: Statements

    private struct Problem: Error {
        let message: String
        var hint: String?
        var line: Int?
    }

    private struct Scanner {
        let scalars: [Unicode.Scalar]
        var index = 0
        var line = 1
        init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }
        var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

        mutating func advance() {
            if scalars[index] == "\n" { line += 1 }
            index += 1
        }

        /// Past blank lines and comments; false at the end.
        mutating func skipToStatement() -> Bool {
            while let scalar = current {
                if scalar.properties.isWhitespace {
                    advance()
                } else if scalar == "#" {
                    while let inner = current, inner != "\n" { _ = inner; advance() }
                } else {
                    return true
                }
            }
            return false
        }

        mutating func take(_ word: String) -> Bool {
            let wanted = Array(word.unicodeScalars)
            guard index + wanted.count <= scalars.count, Array(scalars[index..<(index + wanted.count)]) == wanted else {
                return false
            }
            index += wanted.count
            return true
        }
    }

    private func statement(_ scanner: inout Scanner, _ file: String, _ values: inout DotenvValues) throws(Problem) {
        let origin = SourcePlace(file: file, line: scanner.line, column: 1)
        let begin = scanner.index
        if scanner.take("export") {
            // A variable may be called so itself.
            if scanner.current == " " || scanner.current == "\t" {
                while scanner.current == " " || scanner.current == "\t" { scanner.advance() }
                if scanner.current == nil || scanner.current == "\n" { return }
            } else {
                scanner.index = begin
            }
        }
        guard let (key, inherits) = try key(&scanner) else { return }
        if inherits {
            if let value = inherited(key) { values.set(key, value, at: origin) }
            return
        }
        while let scalar = scanner.current, scalar != "\n", scalar.properties.isWhitespace { scanner.advance() }
        let value = try value(&scanner, values)
        values.set(key, value, at: origin)
    }

    /// The name up to `=` or `:`; one that its line ends takes what is inherited.
    private func key(_ scanner: inout Scanner) throws(Problem) -> (String, inherits: Bool)? {
        var name = String.UnicodeScalarView()
        while let scalar = scanner.current {
            if scalar == "=" || scalar == ":" {
                scanner.advance()
                let key = Dotenv.trimmedEnd(String(name))
                if key.unicodeScalars.contains(" ") { throw spaced(key) }
                return (key, false)
            }
            if scalar == "\n" {
                let key = Dotenv.trimmedEnd(String(name))
                if key.unicodeScalars.contains(" ") { throw spaced(key) }
                return (key, true)
            }
            let isName =
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "_.-[]".unicodeScalars.contains(scalar)
                || scalar.properties.isWhitespace
            guard isName else {
                throw Problem(
                    message:
                        "unexpected character \"\(scalar)\" in the variable name \"\(String(name))\(Dotenv.lineRest(scanner))\"",
                    hint: "write NAME=value"
                )
            }
            name.append(scalar)
            scanner.advance()
        }
        let key = Dotenv.trimmedEnd(String(name))
        if key.unicodeScalars.contains(" ") { throw spaced(key) }
        return (key, true)
    }

    private func spaced(_ key: String) -> Problem {
        Problem(message: "a variable name cannot contain a space: \"\(key)\"", hint: "write NAME=value")
    }

    private static func lineRest(_ scanner: Scanner) -> String {
        var text = String.UnicodeScalarView()
        for scalar in scanner.scalars[scanner.index...].prefix(40) {
            if scalar == "\n" { break } else { text.append(scalar) }
        }
        return String(text)
    }

    private static func trimmedEnd(_ text: String) -> String {
        var scalars = text.unicodeScalars
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }

    // MARK: Values

    private func value(_ scanner: inout Scanner, _ values: DotenvValues) throws(Problem) -> String {
        if let quote = scanner.current, quote == "\"" || quote == "'" { return try quoted(&scanner, quote, values) }
        var text = String.UnicodeScalarView()
        while let scalar = scanner.current, scalar != "\n" {
            if scalar == "#", text.last == " " { break }
            text.append(scalar)
            scanner.advance()
        }
        while let scalar = scanner.current, scalar != "\n" { _ = scalar; scanner.advance() }
        var trimmed = Dotenv.trimmedEnd(String(text)).unicodeScalars
        while let first = trimmed.first, first.properties.isWhitespace { trimmed.removeFirst() }
        return try expand(String(trimmed), values)
    }

    private func quoted(_ scanner: inout Scanner, _ quote: Unicode.Scalar, _ values: DotenvValues) throws(Problem)
        -> String
    {
        let begin = scanner.line
        scanner.advance()
        var text = String.UnicodeScalarView()
        var previousIsEscape = false
        while let scalar = scanner.current {
            if scalar == quote && !previousIsEscape {
                scanner.advance()
                return quote == "'"
                    ? Dotenv.singleQuoted(String(text)) : try expand(Dotenv.unescape(String(text)), values)
            }
            previousIsEscape = scalar == "\\" && !previousIsEscape
            text.append(scalar)
            scanner.advance()
        }
        throw Problem(
            message: "a quoted value that begins in line \(begin) does not end", hint: "close it with \(quote)",
            line: begin)
    }

    private static func singleQuoted(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var escaped = false
        for scalar in text.unicodeScalars {
            if escaped {
                if scalar != "'" { result.append("\\") }
                result.append(scalar)
                escaped = false
            } else if scalar == "\\" {
                escaped = true
            } else {
                result.append(scalar)
            }
        }
        if escaped { result.append("\\") }
        return String(result)
    }

    /// `\$` is kept for the expansion, as `$$`.
    private static func unescape(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let single: [Unicode.Scalar: Unicode.Scalar] = [
            "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{0B}", "\\": "\\",
            "\"": "\"",
        ]
        var result = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            guard scalars[index] == "\\", index + 1 < scalars.count else {
                result.append(scalars[index])
                index += 1
                continue
            }
            let next = scalars[index + 1]
            index += 2
            if let meaning = single[next] {
                result.append(meaning)
            } else if next == "$" {
                result.append("$")
                result.append("$")
            } else if next == "0" {
                let digits = scalars[index...].prefix(3)
                let isOctal = digits.count == 3 && digits.allSatisfy { ("0"..."7").contains($0) }
                let code = isOctal ? UInt32(String(String.UnicodeScalarView(digits)), radix: 8) : nil
                if let code, code <= 0o377, let scalar = Unicode.Scalar(code) {
                    result.append(scalar)
                    index += 3
                } else {
                    result.append("\\")
                }
            } else {
                result.append("\\")
                result.append(next)
            }
        }
        return String(result)
    }

    private func expand(_ text: String, _ values: DotenvValues) throws(Problem) -> String {
        do throws(TemplateError) {
            return try Template(lookup: { lookup($0) ?? values[$0] }, unset: { _ in }).substitute(text)
        } catch {
            throw Problem(message: error.message)
        }
    }
}

extension String {
    /// CRLF line ends as LF.
    var replacingLineEnds: String {
        guard utf8.contains(0x0D) else { return self }
        var result = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in unicodeScalars {
            if scalar == "\n", previous == "\r" { result.removeLast() }
            result.append(scalar)
            previous = scalar
        }
        return String(result)
    }

    var trimmed: String {
        let isSpace = { (character: Character) in
            character == " " || character == "\t" || character == "\n" || character == "\r"
        }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
