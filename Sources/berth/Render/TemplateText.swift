// The part of Go's templates that people write behind --format: fields, json, range, if, a few functions, tables.
import BerthModel

struct TemplateText {
    /// One command of a pipeline: a function and its arguments, or a value alone.
    struct Call: Equatable {
        var words: [String]
    }
    indirect enum Part {
        case text(String)
        case value([Call])
        case range([Call], [Part], otherwise: [Part])
        case condition([Call], [Part], otherwise: [Part], changesDot: Bool)
    }

    private let parts: [Part]
    /// `table …`: titles above aligned columns.
    let isTable: Bool

    init(_ source: String) throws {
        isTable = source.hasPrefix("table ")
        var parser = TemplateParser(isTable ? String(source.dropFirst(6)) : source)
        parts = try parser.parts()
    }

    /// One line for one object.
    func render(_ fields: [(String, JSONText)]) throws -> String {
        let top = JSONText.object(fields)
        return try TemplateScope(top: top, dot: top).render(parts)
    }

    /// The lines of all objects, with titles where it is a table.
    ///
    /// - Parameter titles: of fields whose title is not their name in capitals.
    func lines(_ rows: [[(String, JSONText)]], titles: [String: String] = [:]) throws -> [String] {
        let lines = try rows.map { try render($0) }
        guard isTable else { return lines }
        let names = parts.compactMap { part -> String? in
            guard case .value(let calls) = part, let name = calls.first?.words.last(where: { $0.hasPrefix(".") }) else {
                return nil
            }
            return String(name.dropFirst())
        }
        let head = names.map { titles[$0] ?? $0.uppercased() }
        let cells = lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        guard cells.allSatisfy({ $0.count == head.count }) else { return [head.joined(separator: "   ")] + lines }
        return [Table.text(head, cells)]
    }

    static func failure(_ source: String, _ why: String) -> BerthError {
        BerthError(
            .invalid, "reading the format \"\(source)\"", cause: why,
            hint: "berth knows {{.Field}}, {{json .}}, {{range .}}, {{if .}}, {{join . \",\"}} and their like")
    }
}

/// Where a part is rendered: the object, and what `.` means here.
private struct TemplateScope {
    let top: JSONText
    let dot: JSONText

    func render(_ parts: [TemplateText.Part]) throws -> String {
        try parts.map { part -> String in
            switch part {
            case .text(let text): return text
            case .value(let calls): return try evaluate(calls).plain
            case .range(let calls, let body, let otherwise):
                let items: [JSONText] =
                    switch try evaluate(calls) {
                    case .array(let items): items
                    case .object(let fields): fields.map(\.1)
                    case .null: []
                    default: throw TemplateText.failure("range", "its value has no parts")
                    }
                if items.isEmpty { return try render(otherwise) }
                return try items.map { try TemplateScope(top: top, dot: $0).render(body) }.joined()
            case .condition(let calls, let body, let otherwise, let changesDot):
                let value = try evaluate(calls)
                if !value.isTrue { return try render(otherwise) }
                return try TemplateScope(top: top, dot: changesDot ? value : dot).render(body)
            }
        }.joined()
    }

    /// Each command gets what the one before it gave as its last argument.
    private func evaluate(_ calls: [TemplateText.Call]) throws -> JSONText {
        var piped: JSONText?
        for call in calls {
            guard let first = call.words.first else { throw TemplateText.failure("", "an empty command") }
            if let value = try value(first) {
                guard call.words.count == 1, piped == nil else {
                    throw TemplateText.failure(first, "a value takes no arguments")
                }
                piped = value
                continue
            }
            let arguments = try call.words.dropFirst().map { word in
                guard let value = try value(word) else { throw TemplateText.failure(word, "it is no value") }
                return value
            }
            piped = try TemplateFunction.call(first, arguments + (piped.map { [$0] } ?? []))
        }
        return piped ?? .null
    }

    /// Nil: it is the name of a function.
    private func value(_ word: String) throws -> JSONText? {
        if word.hasPrefix("\"") || word.hasPrefix("`") { return .string(String(word.dropFirst().dropLast())) }
        if let number = Int64(word) { return .number(number) }
        if word == "true" || word == "false" { return .bool(word == "true") }
        if word == "." { return dot }
        if word == "$" { return top }
        if word.hasPrefix("$.") { return try field(word.dropFirst(1), of: top) }
        if word.hasPrefix(".") { return try field(word[...], of: dot) }
        return nil
    }

    private func field(_ path: Substring, of value: JSONText) throws -> JSONText {
        var value = value
        var isOpen = false
        for name in path.split(separator: ".") {
            guard case .object(let fields) = value else {
                throw TemplateText.failure(String(path), "there is no field \(name)")
            }
            guard let found = fields.first(where: { $0.0 == name }) else {
                // Keys of a map are anybody's; fields of an object are not.
                if isOpen { return .string("<no value>") }
                throw BerthError(
                    .invalid, "rendering the format", cause: "there is no field \(name)",
                    hint: "fields: \(fields.map(\.0).joined(separator: ", "))")
            }
            value = found.1
            isOpen = name == "Labels" || name == "Annotations"
        }
        return value
    }
}

private enum TemplateFunction {
    static func call(_ name: String, _ arguments: [JSONText]) throws -> JSONText {
        func need(_ count: Int) throws {
            guard arguments.count == count else {
                throw TemplateText.failure(name, "\(name) takes \(count) arguments, not \(arguments.count)")
            }
        }
        switch name {
        case "json":
            try need(1)
            return .string(arguments[0].text)
        case "upper", "lower":
            try need(1)
            let text = arguments[0].plain
            return .string(name == "upper" ? text.uppercased() : text.lowercased())
        case "len":
            try need(1)
            return .number(Int64(arguments[0].count))
        case "not":
            try need(1)
            return .bool(!arguments[0].isTrue)
        case "println": return .string(arguments.map(\.plain).joined(separator: " ") + "\n")
        case "print": return .string(arguments.map(\.plain).joined())
        case "join":
            try need(2)
            guard case .array(let items) = arguments[0] else { throw TemplateText.failure(name, "it joins a list") }
            return .string(items.map(\.plain).joined(separator: arguments[1].plain))
        case "eq", "ne":
            try need(2)
            return .bool((arguments[0].text == arguments[1].text) == (name == "eq"))
        case "and": return arguments.first { !$0.isTrue } ?? arguments.last ?? .bool(true)
        case "or": return arguments.first { $0.isTrue } ?? arguments.last ?? .bool(false)
        case "index":
            try need(2)
            switch (arguments[0], arguments[1]) {
            case (.array(let items), .number(let at)) where items.indices.contains(Int(at)): return items[Int(at)]
            case (.object(let fields), .string(let key)): return fields.first { $0.0 == key }?.1 ?? .string("")
            default: throw TemplateText.failure(name, "there is nothing at \(arguments[1].plain)")
            }
        default: throw TemplateText.failure(name, "\"\(name)\" is not supported")
        }
    }
}
