// One place in the typed tree while it is decoded: reads that cannot fail, and remarks about what this host cannot do.
import BerthModel

struct Field {
    let node: Node
    let path: TreePath
    let remarks: Remarks

    subscript(key: String) -> Field? {
        guard let value = node[key], !value.isNull else { return nil }
        return Field(node: value, path: path.key(key), remarks: remarks)
    }

    /// The key's own place: what is wrong with its presence.
    func warn(aboutKey key: String, _ message: String, suggestion: String? = nil) {
        remarks.warning(node.keyMark(key) ?? node.mark, path.key(key).description, message, suggestion: suggestion)
    }

    func fail(_ message: String, suggestion: String? = nil) {
        remarks.error(node.mark, path, message, suggestion: suggestion)
    }
    func warn(_ message: String, suggestion: String? = nil) {
        remarks.warning(node.mark, path.description, message, suggestion: suggestion)
    }

    var text: String? { node.scalarText }
    /// Empty text is none.
    var filled: String? { text.flatMap { $0.isEmpty ? nil : $0 } }
    var flag: Bool { node.bool ?? false }
    var integer: Int64? {
        switch node.value {
        case .int(let value): value
        case .string(let text): Int64(text)
        default: nil
        }
    }
    var int: Int? { integer.flatMap { Int(exactly: $0) } }
    var number: Double? {
        switch node.value {
        case .int(let value): Double(value)
        case .float(let value): value
        default: nil
        }
    }
    var texts: [String] { node.items?.compactMap(\.scalarText) ?? [] }
    /// Text by key; none is empty.
    var pairs: [String: String] {
        Dictionary((node.entries ?? []).map { ($0.key, $0.value.scalarText ?? "") }) { $1 }
    }
    /// Text by key; none stays none.
    var inherited: [String: String?] {
        Dictionary((node.entries ?? []).map { ($0.key, $0.value.scalarText) }) { $1 }
    }
    var entries: [(name: String, field: Field)] {
        (node.entries ?? []).filter { !$0.key.hasPrefix("x-") }.map {
            ($0.key, Field(node: $0.value, path: path.key($0.key), remarks: remarks))
        }
    }
    var items: [Field] {
        (node.items ?? []).enumerated().map { Field(node: $1, path: path.index($0), remarks: remarks) }
    }
    var duration: Duration? { text.flatMap(DurationText.parse) }
    var words: [String]? { node.items?.map { $0.scalarText ?? "" } }
}
