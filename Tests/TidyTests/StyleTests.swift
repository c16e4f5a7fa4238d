// The house style that a machine can check: sizes, banned words, first lines.
import Foundation
import Testing

@Suite("Tidy: style")
struct StyleTests {
    static let fileLinesMax = 600
    static let functionLinesMax = 70
    static let lineLengthMax = 120

    @Test("files, functions and lines stay small")
    func sizes() {
        for file in SourceTree.sources {
            if file.lines.count > StyleTests.fileLinesMax {
                Issue.record(
                    "\(file.path): \(file.lines.count) lines, more than \(StyleTests.fileLinesMax): split it by verb")
            }
            for (index, line) in file.lines.enumerated()
            where line.count > StyleTests.lineLengthMax && !StyleTests.isText(line) {
                Issue.record("\(file.path):\(index + 1): \(line.count) columns, more than \(StyleTests.lineLengthMax)")
            }
        }
        for file in SourceTree.sources {
            for function in FunctionSpans.find(in: file.code) where function.count > StyleTests.functionLinesMax {
                Issue.record(
                    "\(file.path):\(function.line): \(function.name) has \(function.count) lines: push the fors down")
            }
        }
    }

    /// A line of nothing but a string: words are not broken for the sake of columns.
    static func isText(_ line: String) -> Bool {
        line.drop { $0 == " " }.hasPrefix("\"")
    }

    @Test("every file opens by saying what it is for")
    func firstLines() {
        for file in SourceTree.sources + SourceTree.tests {
            let first = file.lines.first ?? ""
            let isManifest = first.hasPrefix("// swift-tools-version")
            if !first.hasPrefix("// ") || isManifest || first.count < 20 {
                Issue.record("\(file.path):1: the first line is a comment that says what the file is for")
            }
        }
    }

    /// A banned word, what to use, and the rooms (or files) where it is the right word after all.
    struct Ban: Sendable {
        let word: String
        let instead: String
        let allowedRooms: Set<String>
        var allowedFiles: Set<String> = []
    }

    static let programs: Set<String> = ["berth", "berth-agent", "berth-worker"]
    static let bans: [Ban] = [
        Ban(word: "public ", instead: "package: nothing is exported", allowedRooms: []),
        Ban(word: "try!", instead: "throws, or a precondition with a sentence", allowedRooms: []),
        Ban(word: "fatalError(", instead: "a precondition with a sentence", allowedRooms: []),
        Ban(word: "print(", instead: "an event or a diagnostic", allowedRooms: programs),
        Ban(word: "Date()", instead: "an injected clock", allowedRooms: []),
        Ban(
            word: "Task {", instead: "structured concurrency",
            allowedRooms: programs.union(["BerthEngine", "BerthControl"]), allowedFiles: ["Deferred.swift"]),
        Ban(word: "Task.detached", instead: "structured concurrency", allowedRooms: programs.union(["BerthEngine"])),
        Ban(word: "usleep(", instead: "an event", allowedRooms: []),
    ]

    @Test("banned words stay out")
    func bannedWords() {
        for file in SourceTree.sources {
            for (index, line) in file.code.enumerated() {
                for ban in StyleTests.bans
                where StyleTests.contains(line, word: ban.word) && !ban.allowedRooms.contains(file.room)
                    && !ban.allowedFiles.contains(file.name)
                {
                    Issue.record("\(file.path):\(index + 1): \"\(ban.word)\": use \(ban.instead)")
                }
            }
        }
    }

    /// True where the word starts a word of its own: `print(` but not `fingerprint(`.
    static func contains(_ line: String, word: String) -> Bool {
        guard let range = line.range(of: word) else { return false }
        guard range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        return !(before.isLetter || before.isNumber || before == "_" || before == ".")
    }

    @Test("raw pointers stay at the kernel edge and in the wrappers of C libraries")
    func unsafePointers() {
        let wrappers: Set<String> = ["BerthLinux", "berth-shim"]
        let wrapperImports = ["CYAML", "CArchive", "CSeccomp", "CCap"]
        for file in SourceTree.sources where !wrappers.contains(file.room) {
            let wrapsC = file.lines.contains { line in wrapperImports.contains { line.hasSuffix("import \($0)") } }
            for (index, line) in file.code.enumerated()
            where line.contains("UnsafeMutable") || line.contains("UnsafePointer") {
                if !wrapsC { Issue.record("\(file.path):\(index + 1): raw pointers belong to BerthLinux") }
            }
        }
    }

    @Test("@unchecked Sendable says what guards it")
    func uncheckedSendable() {
        for file in SourceTree.sources {
            for (index, line) in file.code.enumerated() where line.contains("@unchecked Sendable") {
                let above = file.lines[max(0, index - 4)...index].joined(separator: "\n")
                if !above.lowercased().contains("locked by") && !above.lowercased().contains("guarded by") {
                    Issue.record("\(file.path):\(index + 1): say above it what it is locked by")
                }
            }
        }
    }

    static let bannedNames = ["Manager", "Helper", "Utils", "Utility", "Common", "Handler", "Info"]

    @Test("names say what things are")
    func names() {
        for file in SourceTree.sources {
            for word in StyleTests.bannedNames where file.name.contains(word) {
                Issue.record("\(file.path): a file named \(word) has no room of its own")
            }
            for (index, line) in file.code.enumerated() {
                guard let name = StyleTests.declaredType(line) else { continue }
                // NIO calls its pipeline stages handlers; theirs is the term of that field.
                let isPipelineStage = name.hasSuffix("ChannelHandler")
                for word in StyleTests.bannedNames where name.hasSuffix(word) && !isPipelineStage {
                    Issue.record("\(file.path):\(index + 1): \(name) is named for nothing in particular")
                }
            }
        }
    }

    static func declaredType(_ line: String) -> String? {
        let words = line.split(whereSeparator: { " :<{(".contains($0) }).map(String.init)
        for (index, word) in words.enumerated() where ["struct", "class", "enum", "actor", "protocol"].contains(word) {
            return index + 1 < words.count ? words[index + 1] : nil
        }
        return nil
    }
}

/// Finds function bodies by counting braces; good enough for a size rule.
enum FunctionSpans {
    struct Span { let name: String; let line: Int; let count: Int }

    static func find(in code: [String]) -> [Span] {
        var spans: [Span] = []
        var open: [(name: String, line: Int, depth: Int)] = []
        var pending: (name: String, line: Int)?
        var depth = 0
        for (index, line) in code.enumerated() {
            let trimmed = line.drop { $0 == " " }
            if trimmed.contains("func ") || trimmed.contains("init(") && !trimmed.contains(".init(") {
                if let name = declaredFunction(String(trimmed)) { pending = (name, index + 1) }
            }
            for character in line {
                if character == "{" {
                    if let function = pending { open.append((function.name, function.line, depth)); pending = nil }
                    depth += 1
                } else if character == "}" {
                    // A requirement of a protocol has no body.
                    pending = nil
                    depth -= 1
                    if let last = open.last, last.depth == depth {
                        spans.append(Span(name: last.name, line: last.line, count: index + 2 - last.line))
                        open.removeLast()
                    }
                }
            }
        }
        return spans
    }

    static func declaredFunction(_ line: String) -> String? {
        let words = line.split(whereSeparator: { " (<".contains($0) }).map(String.init)
        guard let at = words.firstIndex(where: { $0 == "func" || $0 == "init" }) else { return nil }
        let modifiers: Set<String> = [
            "package", "private", "fileprivate", "internal", "static", "mutating", "consuming", "borrowing",
            "nonisolated",
            "override", "final", "convenience", "required", "@inline", "__always)", "@discardableResult", "class",
            "async",
        ]
        guard words[..<at].allSatisfy({ modifiers.contains($0) || $0.hasPrefix("@") }) else { return nil }
        if words[at] == "init" { return "init" }
        return at + 1 < words.count ? words[at + 1] : nil
    }
}
