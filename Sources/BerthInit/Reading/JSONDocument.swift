// A JSON file of the project's, as far as a look needs it: whatever shape it has, asking it is safe.
import FoundationEssentials

indirect enum JSONDocument: Decodable {
    case object([String: JSONDocument])
    case array([JSONDocument])
    case string(String)
    case other

    /// Nil: it is no JSON.
    init?(text: String) {
        guard let document = try? JSONDecoder().decode(JSONDocument.self, from: Data(text.utf8)) else { return nil }
        self = document
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let members = try? value.decode([String: JSONDocument].self) {
            self = .object(members)
        } else if let elements = try? value.decode([JSONDocument].self) {
            self = .array(elements)
        } else {
            self = .other
        }
    }

    subscript(_ names: String...) -> JSONDocument? {
        var reached: JSONDocument? = self
        for name in names {
            guard case .object(let members)? = reached else { return nil }
            reached = members[name]
        }
        return reached
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    /// Names of an object's members, sorted.
    var names: [String] { if case .object(let members) = self { members.keys.sorted() } else { [] } }
    var isObject: Bool { if case .object = self { true } else { false } }
}
