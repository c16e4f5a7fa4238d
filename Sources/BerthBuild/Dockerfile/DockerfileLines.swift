// From bytes to instructions' lines: continuations joined, comments left out, heredocs attached.
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
}

struct DockerfileLines {
    private(set) var instructions: [InstructionLine] = []
    private(set) var directives = DockerfileDirectives()
    private(set) var diagnostics: [Diagnostic] = []
    private let file: String
    private let lines: [String]
    private var index = 0

    init(_ text: String, file: String) {
        self.file = file
        var text = Substring(text)
        if text.unicodeScalars.first == "\u{FEFF}" { text = Substring(text.unicodeScalars.dropFirst()) }
        lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { bytes in
            var bytes = bytes
            while bytes.last == 0x0D { bytes = bytes.dropLast() }
            return String(decoding: bytes, as: UTF8.self)
        }
        readDirectives()
        while index < lines.count { readInstruction() }
    }

    func place(_ line: Int, _ column: Int = 1) -> SourcePlace { SourcePlace(file: file, line: line, column: column) }

    private mutating func fail(_ line: Int, _ message: String, suggestion: String? = nil) {
        diagnostics.append(Diagnostic(.error, at: place(line), message, suggestion: suggestion))
    }

    // MARK: Directives

    /// Only before anything else; what looks like one further down is a comment.
    private mutating func readDirectives() {
        var seen: Set<String> = []
        for (number, line) in lines.enumerated() {
            guard let (key, value) = DockerfileLines.directive(line) else { return }
            guard ["syntax", "escape", "check"].contains(key) else { continue }
            if !seen.insert(key).inserted {
                fail(number + 1, "only one \(key) parser directive can be used")
                continue
            }
            switch key {
            case "syntax": takeSyntax(value, number + 1)
            case "escape":
                guard value == "\\" || value == "`" else {
                    fail(number + 1, "invalid escape token '\(value)' does not match ` or \\")
                    continue
                }
                directives.escape = value.first ?? "\\"
            default: takeCheck(value, number + 1)
            }
        }
    }

    private static func directive(_ line: String) -> (key: String, value: String)? {
        let trimmed = line.trimmedOfBlanks
        guard trimmed.hasPrefix("#") else { return nil }
        let rest = trimmed.dropFirst().drop { $0.isWhitespace }
        let key = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let behind = rest.dropFirst(key.count).drop { $0.isWhitespace }
        guard let first = key.first, first.isLetter, behind.first == "=" else { return nil }
        let value = String(behind.dropFirst()).trimmedOfBlanks
        return value.isEmpty ? nil : (key.lowercased(), value)
    }

    private mutating func takeSyntax(_ value: String, _ line: Int) {
        directives.syntax = value
        let name = value.split(separator: "/").suffix(2).joined(separator: "/")
        if !name.hasPrefix("docker/dockerfile") {
            fail(
                line, "the front end \(value) is not one of Docker's own",
                suggestion: "only docker/dockerfile is known here: take the line away if the file needs no other")
        }
    }

    private mutating func takeCheck(_ value: String, _ line: Int) {
        for part in value.split(separator: ";") {
            let halves = part.split(separator: "=", maxSplits: 1).map { String($0).trimmedOfBlanks }
            switch halves.first?.lowercased() {
            case "skip" where halves.count == 2:
                let names = halves[1].split(separator: ",").map { String($0).trimmedOfBlanks }
                directives.skipsAllChecks = names.contains { $0.lowercased() == "all" }
                directives.skippedChecks = Set(names)
            case "error" where halves.count == 2: directives.checksAreErrors = halves[1].lowercased() == "true"
            default: fail(line, "invalid check option \"\(part)\"", suggestion: "skip=RULE,RULE or error=true")
            }
        }
    }

    // MARK: Instructions

    private static func isComment(_ line: String) -> Bool { line.drop { $0.isWhitespace }.hasPrefix("#") }

    /// The line without what continues it; true where it ends the instruction.
    private func continued(_ line: String) -> (String, isEnd: Bool) {
        let escape = directives.escape
        var rest = Substring(line)
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        guard rest.last == escape else { return (line, true) }
        let before = rest.dropLast()
        // An escape that is escaped itself continues nothing.
        return before.last == escape ? (line, true) : (String(before), false)
    }

    private mutating func readInstruction() {
        let first = index
        index += 1
        let raw = lines[first]
        let stripped = String(raw.drop { $0.isWhitespace })
        if stripped.hasPrefix("#") { return }
        var (text, isEnd) = continued(stripped)
        if isEnd && text.isEmpty { return }
        var hasEmptyLine = false
        while !isEnd && index < lines.count {
            let line = lines[index]
            index += 1
            if DockerfileLines.isComment(line) { continue }
            if line.allSatisfy({ $0.isWhitespace }) {
                // The end of the file is no empty line.
                if index < lines.count { hasEmptyLine = true }
                continue
            }
            let (more, ends) = continued(line)
            text += more
            isEnd = ends
        }
        if text.allSatisfy({ $0.isWhitespace }) { return }
        if hasEmptyLine {
            diagnostics.append(
                Diagnostic(
                    .warning, at: place(first + 1), path: "NoEmptyContinuation",
                    "empty continuation line found in: \(text.trimmedOfBlanks)"))
        }
        var instruction = InstructionLine(
            text: text, firstLine: first + 1, lastLine: index, column: raw.count - stripped.count + 1)
        readHeredocs(&instruction)
        instruction.lastLine = index
        instructions.append(instruction)
    }

    private mutating func readHeredocs(_ instruction: inout InstructionLine) {
        guard HeredocWord.mayStand(in: instruction.text) else { return }
        for var heredoc in HeredocWord.all(in: instruction.text) {
            var isTerminated = false
            while index < lines.count {
                // What follows the last line feed is no line.
                if index == lines.count - 1 && lines[index].isEmpty { break }
                let line = lines[index]
                index += 1
                let content = heredoc.stripsTabs ? String(line.drop { $0 == "\t" }) : line
                if content == heredoc.name {
                    isTerminated = true
                    break
                }
                heredoc.content += content + "\n"
            }
            if !isTerminated {
                fail(
                    instruction.firstLine, "unterminated heredoc",
                    suggestion: "a line with nothing but \(heredoc.name) ends it")
            }
            instruction.heredocs.append(heredoc)
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmedOfBlanks: String {
        var text = Substring(self).drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
