// A stack's model as text: JSON and YAML, byte for byte the same for the same model.
import BerthModel

/// A small document tree with two printed forms. Keys keep the order in which they are given.
package indirect enum StackDocument: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case unsigned(UInt64)
    case float(Double)
    case string(String)
    /// A date of an extension: text in JSON, itself in YAML.
    case time(String)
    case list([StackDocument])
    case map([(String, StackDocument)])

    package static func == (a: StackDocument, b: StackDocument) -> Bool { a.json == b.json }

    package var json: String {
        var text = ""
        writeJSON(to: &text, indent: "")
        return text
    }

    private func writeJSON(to text: inout String, indent: String) {
        let deeper = indent + "  "
        switch self {
        case .null: text += "null"
        case .bool(let value): text += "\(value)"
        case .int(let value): text += "\(value)"
        case .unsigned(let value): text += "\(value)"
        case .float(let value): text += FloatText.json(value)
        case .string(let value), .time(let value): text += StackDocument.quoted(value)
        case .list(let items):
            if items.isEmpty { text += "[]"; return }
            text += "[\n"
            for (number, item) in items.enumerated() {
                text += deeper
                item.writeJSON(to: &text, indent: deeper)
                text += number == items.count - 1 ? "\n" : ",\n"
            }
            text += "\(indent)]"
        case .map(let entries):
            if entries.isEmpty { text += "{}"; return }
            text += "{\n"
            for (number, entry) in entries.enumerated() {
                text += "\(deeper)\(StackDocument.quoted(entry.0)): "
                entry.1.writeJSON(to: &text, indent: deeper)
                text += number == entries.count - 1 ? "\n" : ",\n"
            }
            text += "\(indent)}"
        }
    }

    /// Without spaces, and with Go's escapes: the bytes that compose hashes.
    var compact: String {
        switch self {
        case .list(let items): "[" + items.map(\.compact).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { "\(StackDocument.hashed($0.0)):\($0.1.compact)" }.joined(separator: ",") + "}"
        case .string(let text), .time(let text): StackDocument.hashed(text)
        default: json
        }
    }

    private static func quoted(_ text: String) -> String {
        JSONString.quoted(text, escaping: JSONString.lineSeparators)
    }

    private static let hashedEscapes = JSONString.lineSeparators.union(JSONString.markup)

    private static func hashed(_ text: String) -> String { JSONString.quoted(text, escaping: hashedEscapes) }

    package var yaml: String {
        var text = ""
        writeYAML(to: &text, indent: "")
        return text
    }

    private func writeYAML(to text: inout String, indent: String) {
        switch self {
        case .map(let entries) where !entries.isEmpty:
            for (key, value) in entries {
                text += "\(indent)\(YAMLText.key(key)):"
                value.writeYAMLValue(to: &text, indent: indent + "  ")
            }
        case .list(let items) where !items.isEmpty:
            for item in items {
                text += "\(indent)-"
                item.writeYAMLItem(to: &text, indent: indent + "  ")
            }
        default: text += "\(indent)\(inline(indent))\n"
        }
    }

    private func writeYAMLValue(to text: inout String, indent: String) {
        if hasLines {
            text += "\n"
            writeYAML(to: &text, indent: indent)
        } else {
            text += " \(inline(indent))\n"
        }
    }

    /// The first line of an item stands behind its dash.
    private func writeYAMLItem(to text: inout String, indent: String) {
        guard hasLines else {
            text += " \(inline(indent))\n"
            return
        }
        var inner = ""
        writeYAML(to: &inner, indent: indent)
        text += " " + inner.dropFirst(indent.count)
    }

    private var hasLines: Bool {
        switch self {
        case .map(let entries): !entries.isEmpty
        case .list(let items): !items.isEmpty
        default: false
        }
    }

    private func inline(_ indent: String) -> String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .float(let value): FloatText.yaml(value)
        case .string(let text): YAMLText.scalar(text, indent: indent)
        case .time(let text): text
        case .list: "[]"
        case .map: "{}"
        }
    }
}
