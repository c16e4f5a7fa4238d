// Reading Go templates: text and actions, blocks within blocks, words with quotes.
import BerthModel

struct TemplateParser {
    private enum Token { case text(String), action([String]) }
    private let source: String
    private var tokens: [Token] = []
    private static let depthMax = 32

    init(_ source: String) { self.source = source }

    mutating func parts() throws -> [TemplateText.Part] {
        tokens = try scan()[...].reversed()
        let (parts, end) = try block(depth: 0)
        if let end { throw fail("{{\(end)}} closes nothing") }
        return parts
    }

    private func fail(_ why: String) -> BerthError { TemplateText.failure(source, why) }

    /// Actions and the text between them; `{{-` and `-}}` take blanks away.
    private func scan() throws -> [Token] {
        var found: [Token] = []
        var rest = source[...]
        var trimsStart = false
        while !rest.isEmpty {
            let open = rest.firstRange(of: "{{")
            var text = String(rest[..<(open?.lowerBound ?? rest.endIndex)])
            if trimsStart { text = String(text.drop(while: \.isWhitespace)) }
            guard let open else {
                found.append(.text(TemplateParser.unescape(text)))
                break
            }
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { throw fail("a {{ without its }}") }
            var action = rest[..<close.lowerBound]
            rest = rest[close.upperBound...]
            if action.hasPrefix("- ") {
                action = action.dropFirst()
                while text.last?.isWhitespace ?? false { text.removeLast() }
            }
            trimsStart = action.hasSuffix(" -")
            if trimsStart { action = action.dropLast() }
            if !text.isEmpty { found.append(.text(TemplateParser.unescape(text))) }
            let words = try words(action)
            if !(words.first ?? "").hasPrefix("/*") { found.append(.action(words)) }
        }
        return found
    }

    /// As docker does before it reads a format.
    private static func unescape(_ text: String) -> String {
        text.replacing("\\t", with: "\t").replacing("\\n", with: "\n")
    }

    private func words(_ action: Substring) throws -> [String] {
        var found: [String] = []
        var rest = action.drop(while: \.isWhitespace)
        if rest.hasPrefix("/*") { return ["/*"] }
        while let first = rest.first {
            if first == "\"" || first == "`" {
                guard let end = rest.dropFirst().firstIndex(of: first) else { throw fail("a quote that does not end") }
                found.append(String(rest[...end]))
                rest = rest[rest.index(after: end)...]
            } else if first == "|" {
                found.append("|")
                rest = rest.dropFirst()
            } else {
                let word = rest.prefix { !$0.isWhitespace && $0 != "|" }
                found.append(String(word))
                rest = rest.dropFirst(word.count)
            }
            rest = rest.drop(while: \.isWhitespace)
        }
        guard !found.isEmpty else { throw fail("an empty action") }
        return found
    }

    /// Up to what ends the block: nil, `end` or `else`.
    private mutating func block(depth: Int) throws -> ([TemplateText.Part], end: String?) {
        guard depth < TemplateParser.depthMax else { throw fail("blocks are nested too deeply") }
        var parts: [TemplateText.Part] = []
        while let token = tokens.popLast() {
            guard case .action(let words) = token else {
                if case .text(let text) = token { parts.append(.text(text)) }
                continue
            }
            switch words[0] {
            case "end": return (parts, "end")
            case "else":
                guard words.count == 1 else { throw fail("\"else \(words[1])\" is not supported") }
                return (parts, "else")
            case "range", "if", "with": parts.append(try opened(words, depth: depth))
            default: parts.append(.value(try calls(words[...])))
            }
        }
        return (parts, nil)
    }

    private mutating func opened(_ words: [String], depth: Int) throws -> TemplateText.Part {
        let calls = try calls(words.dropFirst())
        var (body, end) = try block(depth: depth + 1)
        var otherwise: [TemplateText.Part] = []
        if end == "else" { (otherwise, end) = try block(depth: depth + 1) }
        guard end == "end" else { throw fail("{{\(words[0])}} without {{end}}") }
        return words[0] == "range"
            ? .range(calls, body, otherwise: otherwise)
            : .condition(calls, body, otherwise: otherwise, changesDot: words[0] == "with")
    }

    private func calls(_ words: ArraySlice<String>) throws -> [TemplateText.Call] {
        let calls = words.split(separator: "|", omittingEmptySubsequences: false)
        guard calls.allSatisfy({ !$0.isEmpty }) else { throw fail("a command is missing") }
        let known: Set<String> = [
            "json", "upper", "lower", "len", "not", "println", "print", "join", "eq", "ne", "and", "or", "index",
        ]
        for call in calls {
            let first = call.first ?? ""
            let isValue = first.hasPrefix(".") || first.hasPrefix("$") || first.hasPrefix("\"") || first.hasPrefix("`")
            guard isValue || known.contains(first) || Int64(first) != nil || ["true", "false"].contains(first) else {
                throw fail("\"\(call.joined(separator: " "))\" is not supported")
            }
        }
        return calls.map { TemplateText.Call(words: Array($0)) }
    }
}

extension String {
    fileprivate func replacing(_ old: String, with new: String) -> String {
        var result = ""
        var rest = self[...]
        while let found = rest.firstRange(of: old) {
            result += rest[..<found.lowerBound] + new
            rest = rest[found.upperBound...]
        }
        return result + rest
    }
}
