// One pass over a word: quotes and escapes. `WordReader+Variables` reads what begins with `$`.

struct WordReader {
    private let scalars: [Unicode.Scalar]
    var index = 0
    private let escape: Unicode.Scalar
    private let keepsQuotes: Bool
    private let writesQuotes: Bool
    let keepsUnset: Bool
    private var keepsEscapes = false
    private var depth = 0
    private var variableBytes = 0
    private var patternSteps = 0
    var matched: Set<String> = []
    var unmatched: Set<String> = []

    init(_ text: String, _ rules: WordExpansion) {
        scalars = Array(text.unicodeScalars)
        escape = rules.escape.unicodeScalars.first ?? "\\"
        keepsQuotes = rules.keepsQuotes
        writesQuotes = rules.writesQuotes
        keepsUnset = rules.keepsUnset
    }

    var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    mutating func take() -> Unicode.Scalar? {
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
        var text = String.UnicodeScalarView()
        var words = WordList()
        while let scalar = next {
            if scalar == stop {
                index += 1
                words.end()
                return (String(text), words.words)
            }
            switch scalar {
            case "$":
                let value = try counted(try dollar(lookup))
                text.append(contentsOf: value.unicodeScalars)
                words.add(value)
            case "'" where !keepsQuotes:
                let value = try singleQuoted()
                text.append(contentsOf: value)
                words.addRaw(String(value))
            case "\"" where !keepsQuotes:
                let value = try doubleQuoted(lookup)
                text.append(contentsOf: value)
                words.addRaw(String(value))
            case "<":
                let value = heredocMark()
                text.append(contentsOf: value)
                words.addRaw(String(value))
            case escape:
                index += 1
                if keepsEscapes {
                    text.append(scalar)
                    words.addRaw(scalar)
                }
                // At the end it escapes nothing.
                if let escaped = take() {
                    text.append(escaped)
                    words.addRaw(escaped)
                }
            default:
                index += 1
                text.append(scalar)
                words.add(scalar)
            }
        }
        if let stop { throw WordError("unexpected end of statement while looking for matching \(stop)") }
        words.end()
        return (String(text), words.words)
    }

    /// What variables bring in, as long as it is not too much: a few lines that double a value fill any memory.
    private mutating func counted(_ value: String) throws(WordError) -> String {
        variableBytes += value.utf8.count
        if variableBytes > WordExpansion.bytesMax {
            throw WordError("the word expands to more than \(WordExpansion.bytesMax) bytes")
        }
        return value
    }

    /// The work of all patterns of the word together has a limit too.
    mutating func pattern(_ text: String, for value: String) throws(WordError) -> ShellPattern {
        let pattern = try ShellPattern(text)
        let (steps, overflow) = pattern.count.multipliedReportingOverflow(by: value.utf8.count + 1)
        if overflow || steps > WordExpansion.stepsMax - patternSteps {
            throw WordError("its patterns are too much for a value of \(value.utf8.count) bytes")
        }
        patternSteps += steps
        return pattern
    }

    /// `<<`, with the blanks behind it: they may stand before a heredoc's name, and do not end the word.
    private mutating func heredocMark() -> String.UnicodeScalarView {
        var mark = String.UnicodeScalarView("<".unicodeScalars)
        index += 1
        guard next == "<" else { return mark }
        index += 1
        mark.append("<")
        while let blank = next, blank == " " || blank == "\t" {
            mark.append(blank)
            index += 1
        }
        return mark
    }

    /// Everything up to the next quote, as it is.
    private mutating func singleQuoted() throws(WordError) -> String.UnicodeScalarView {
        index += 1
        var text = String.UnicodeScalarView()
        if writesQuotes { text.append("'") }
        while let scalar = take() {
            if scalar == "'" {
                if writesQuotes { text.append("'") }
                return text
            }
            text.append(scalar)
        }
        throw WordError("unexpected end of statement while looking for matching single-quote")
    }

    /// Variables are put in; a quote, `$` and the escape can be escaped, and nothing else.
    private mutating func doubleQuoted(
        _ lookup: (String) -> String?
    ) throws(WordError) -> String.UnicodeScalarView {
        index += 1
        var text = String.UnicodeScalarView()
        if writesQuotes { text.append("\"") }
        while let scalar = next {
            switch scalar {
            case "\"":
                index += 1
                if writesQuotes { text.append("\"") }
                return text
            case "$": text.append(contentsOf: try counted(try dollar(lookup)).unicodeScalars)
            default:
                index += 1
                guard scalar == escape else {
                    text.append(scalar)
                    continue
                }
                if keepsEscapes { text.append(scalar) }
                guard let escaped = next else { continue }
                if escaped == "\"" || escaped == "$" || escaped == escape {
                    index += 1
                    text.append(escaped)
                } else {
                    text.append(scalar)
                }
            }
        }
        throw WordError("unexpected end of statement while looking for matching double-quote")
    }
}
