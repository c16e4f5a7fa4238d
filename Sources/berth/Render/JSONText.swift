// JSON as scripts see it from docker: keys in their order.
import BerthModel

indirect enum JSONText {
    case null
    case string(String)
    case number(Int64)
    case bool(Bool)
    case array([JSONText])
    case object([(String, JSONText)])

    init(_ document: JSONDocument) {
        switch document {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .number(value)
        case .number(let value): self = .string("\(value)")
        case .string(let value): self = .string(value)
        case .array(let items): self = .array(items.map { JSONText($0) })
        case .object(let entries): self = .object(entries.map { ($0.0, JSONText($0.1)) })
        }
    }

    var text: String {
        switch self {
        case .null: return "null"
        case .string(let value): return JSONString.quoted(value)
        case .number(let value): return "\(value)"
        case .bool(let value): return "\(value)"
        case .array(let items): return "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let fields):
            return "{" + fields.map { "\(JSONString.quoted($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    /// As Go prints the value.
    var plain: String {
        switch self {
        case .null: return "<nil>"
        case .string(let value): return value
        case .number(let value): return "\(value)"
        case .bool(let value): return "\(value)"
        case .array(let items): return "[" + items.map(\.plain).joined(separator: " ") + "]"
        case .object(let fields):
            return "map[" + fields.map { "\($0.0):\($0.1.plain)" }.joined(separator: " ") + "]"
        }
    }

    /// What Go's `if` takes for true.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .string(let value): !value.isEmpty
        case .number(let value): value != 0
        case .bool(let value): value
        case .array(let items): !items.isEmpty
        case .object(let fields): !fields.isEmpty
        }
    }

    var count: Int {
        switch self {
        case .string(let value): value.utf8.count
        case .array(let items): items.count
        case .object(let fields): fields.count
        default: 0
        }
    }
}
