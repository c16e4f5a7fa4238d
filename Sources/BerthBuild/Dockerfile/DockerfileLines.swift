// From text to instructions' lines: continuations joined, comments left out, heredocs attached.
import BerthModel

/// An instruction before anything is known of it but its first word.
struct InstructionLine: Sendable {
    /// Joined, without what continued it.
    var text: String
    var heredocs: [Heredoc] = []
    /// Counted from 1.
    var firstLine: Int
    var lastLine: Int
    var column: Int
    /// Comments right above it, without their signs.
    var comments: [String] = []
}

struct DockerfileLines {
    private struct Line {
        /// Without what ends it.
        var text: String
        var ending: String
    }

    /// Docker reads no longer lines.
    private static let lineBytesMax = 65_535

    private(set) var instructions: [InstructionLine] = []
    private(set) var directives: DockerfileDirectives
    private(set) var diagnostics: [Diagnostic] = []
    private let file: String
    private let lines: [Line]
    private var index = 0
    private var comments: [String] = []

    /// - Parameter escape: the escape of a text that has no directives of its own; nil: they are read.
    init(_ text: String, file: String, escape: Character? = nil) {
        self.file = file
        directives = DockerfileDirectives()
        lines = DockerfileLines.split(text)
        if let escape { directives.escape = escape } else { readDirectives() }
        for (number, line) in lines.enumerated() where line.text.utf8.count > DockerfileLines.lineBytesMax {
            fail(number + 1, "dockerfile line greater than max allowed size of \(DockerfileLines.lineBytesMax)")
        }
        while index < lines.count { readInstruction() }
    }

    private static func split(_ text: String) -> [Line] {
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var parts = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let isTerminated = parts.last?.isEmpty ?? true
        // What follows the last line feed is no line.
        if isTerminated { parts = parts.dropLast() }
        return parts.enumerated().map { number, part in
            var line = part
            while line.last == 0x0D { line = line.dropLast() }
            let isLast = number == parts.count - 1 && !isTerminated
            return Line(
                text: String(decoding: line, as: UTF8.self),
                ending: String(decoding: part[line.endIndex...], as: UTF8.self) + (isLast ? "" : "\n"))
        }
    }

    private func place(_ line: Int, _ column: Int = 1) -> SourcePlace {
        SourcePlace(file: file, line: line, column: column)
    }

    private mutating func fail(_ line: Int, _ message: String, suggestion: String? = nil) {
        diagnostics.append(Diagnostic(.error, at: place(line), message, suggestion: suggestion))
    }

    // MARK: Directives

    /// Only before anything else; what looks like one further down is a comment.
    private mutating func readDirectives() {
        var seen: Set<String> = []
        // The first line may be for the kernel. Docker's own parser does not look for an escape behind it.
        let isScript = lines.first?.text.hasPrefix("#!") ?? false
        while index < lines.count {
            let number = index + 1
            guard let (key, value) = DockerfileDirectives.read(lines[index].text), !(isScript && key == "escape") else {
                if isScript && index == 0 {
                    index += 1
                    continue
                }
                return
            }
            index += 1
            if !seen.insert(key).inserted {
                fail(number, "only one \(key) parser directive can be used")
                continue
            }
            take(key, value, number)
        }
    }

    private mutating func take(_ key: String, _ value: String, _ line: Int) {
        switch key {
        case "syntax":
            directives.syntax = value
            if DockerfileDirectives.isKnown(syntax: value) { return }
            fail(
                line, "the front end \(value) is not one of Docker's own",
                suggestion: "only docker/dockerfile is known here: take the line away if the file needs no other")
        case "escape":
            guard value == "\\" || value == "`" else {
                return fail(line, "invalid escape token '\(value)' does not match ` or \\")
            }
            directives.escape = value.first ?? "\\"
        default:
            do { try directives.readChecks(value) } catch {
                fail(line, "\(error)", suggestion: "skip=RULE,RULE or error=true, with a semicolon between")
            }
        }
    }

    // MARK: Instructions

    private static func dropBlanks(_ line: String) -> String {
        String(line.unicodeScalars.drop { $0.properties.isWhitespace })
    }

    private static func isComment(_ line: String) -> Bool { dropBlanks(line).utf8.first == UInt8(ascii: "#") }

    /// The line without what continues it; true where it ends the instruction.
    private func continued(_ line: String) -> (String, isEnd: Bool) {
        let escape = directives.escape.asciiValue
        var rest = Array(line.utf8)[...]
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        guard rest.last == escape else { return (line, true) }
        rest.removeLast()
        // An escape that is escaped itself continues nothing.
        return rest.last == escape ? (line, true) : (String(decoding: rest, as: UTF8.self), false)
    }

    private mutating func readInstruction() {
        let first = index
        index += 1
        let raw = lines[first].text
        let stripped = DockerfileLines.dropBlanks(raw)
        if stripped.utf8.first == UInt8(ascii: "#") {
            let comment = String(stripped.unicodeScalars.dropFirst()).trimmedOfBlanks
            if comment.isEmpty { comments = [] } else { comments.append(comment) }
            return
        }
        let above = comments
        comments = []
        var (text, isEnd) = continued(stripped)
        if isEnd && text.isEmpty { return }
        var emptyLine: Int?
        while !isEnd && index < lines.count {
            let line = lines[index].text
            index += 1
            if DockerfileLines.isComment(line) { continue }
            if DockerfileLines.dropBlanks(line).isEmpty {
                emptyLine = emptyLine ?? index
                continue
            }
            let (more, ends) = continued(line)
            text += more
            isEnd = ends
        }
        if let emptyLine, !directives.skipsAllChecks, !directives.skippedChecks.contains("NoEmptyContinuation") {
            diagnostics.append(
                Diagnostic(
                    .warning, at: place(emptyLine), path: "NoEmptyContinuation",
                    "empty continuation line in: \(text.trimmedOfBlanks)",
                    suggestion: "take the empty line out: it will be an error some day"))
        }
        let column = raw.unicodeScalars.count - stripped.unicodeScalars.count + 1
        var instruction = InstructionLine(
            text: text, firstLine: first + 1, lastLine: index, column: column, comments: above)
        readHeredocs(&instruction)
        instruction.lastLine = index
        instructions.append(instruction)
    }

    private mutating func readHeredocs(_ instruction: inout InstructionLine) {
        guard HeredocWord.mayStand(in: instruction.text) else { return }
        for var heredoc in HeredocWord.all(in: instruction.text) {
            if !readLines(of: &heredoc) {
                fail(
                    instruction.firstLine, "unterminated heredoc",
                    suggestion: "a line with nothing but \(heredoc.name) ends it")
            }
            instruction.heredocs.append(heredoc)
        }
    }

    /// False: nothing ends it.
    private mutating func readLines(of heredoc: inout Heredoc) -> Bool {
        while index < lines.count {
            let line = lines[index]
            index += 1
            let content = heredoc.stripsTabs ? String(line.text.unicodeScalars.drop { $0 == "\t" }) : line.text
            if content.utf8.elementsEqual(heredoc.name.utf8) { return true }
            heredoc.content += content + line.ending
        }
        return false
    }
}
