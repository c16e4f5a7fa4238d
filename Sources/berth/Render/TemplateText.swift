// A small part of Go's templates: `{{.Name}}`, `{{json .}}`, `{{json .Field}}`, `table …`.
import BerthModel

struct TemplateText {
    private enum Part { case text(String), field(String), json(String?) }
    private let parts: [Part]
    let isTable: Bool

    init(_ source: String) throws {
        var rest = source
        isTable = rest.hasPrefix("table ")
        if isTable { rest = String(rest.dropFirst(6)) }
        var parts: [Part] = []
        while let open = rest.range(of: "{{") {
            if open.lowerBound != rest.startIndex {
                parts.append(.text(TemplateText.unescape(String(rest[..<open.lowerBound]))))
            }
            guard let close = rest.range(of: "}}") else { throw TemplateText.failure(source, "a {{ without its }}") }
            let words = rest[open.upperBound..<close.lowerBound].split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("json", 2): parts.append(.json(words[1] == "." ? nil : String(words[1].dropFirst())))
            case (let word?, 1) where word.hasPrefix("."): parts.append(.field(String(word.dropFirst())))
            default: throw TemplateText.failure(source, "\"\(words.joined(separator: " "))\" is not supported")
            }
            rest = String(rest[close.upperBound...])
        }
        if !rest.isEmpty { parts.append(.text(TemplateText.unescape(rest))) }
        self.parts = parts
    }

    private static func failure(_ source: String, _ why: String) -> BerthError {
        BerthError(
            .invalid, "reading the format \"\(source)\"", cause: why,
            hint: "berth knows {{.Field}}, {{json .}} and {{json .Field}}")
    }

    private static func unescape(_ text: String) -> String {
        text.replacing("\\t", with: "\t").replacing("\\n", with: "\n")
    }

    /// One line for one object.
    func render(_ fields: [(String, JSONText)]) throws -> String {
        try parts.map { part -> String in
            switch part {
            case .text(let text): return text
            case .json(nil): return JSONText.object(fields).text
            case .json(let name?): return try TemplateText.value(name, fields).text
            case .field(let name): return try TemplateText.value(name, fields).plain
            }
        }.joined()
    }

    private static func value(_ name: String, _ fields: [(String, JSONText)]) throws -> JSONText {
        guard let found = fields.first(where: { $0.0 == name }) else {
            throw BerthError(
                .invalid, "rendering the format", cause: "there is no field \(name)",
                hint: "fields: \(fields.map(\.0).joined(separator: ", "))")
        }
        return found.1
    }
}

extension String {
    fileprivate func range(of needle: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(needle) { return index..<self.index(index, offsetBy: needle.count) }
            index = self.index(after: index)
        }
        return nil
    }

    fileprivate func replacing(_ old: String, with new: String) -> String {
        var result = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(old) {
                result += new
                rest = rest.dropFirst(old.count)
            } else if let first = rest.first {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}

/// JSON with the order of keys kept, as scripts see it from docker.
indirect enum JSONText {
    case string(String)
    case number(Int64)
    case bool(Bool)
    case array([JSONText])
    case object([(String, JSONText)])

    var text: String {
        switch self {
        case .string(let value): return JSONString.quoted(value)
        case .number(let value): return "\(value)"
        case .bool(let value): return "\(value)"
        case .array(let items): return "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let fields):
            return "{" + fields.map { "\(JSONString.quoted($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    var plain: String { if case .string(let value) = self { value } else { text } }
}
