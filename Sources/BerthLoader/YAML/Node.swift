// The tree of a YAML document: values with the places they came from.
import BerthModel

/// One node. Scalars keep their text and whether it was plain; what it means is decided where it is used.
struct Node: Sendable {
    struct Entry: Sendable {
        var key: String
        var keyPlace: SourcePlace
        var value: Node
    }

    enum Value: Sendable {
        case null
        /// Plain scalars may be numbers or booleans; quoted ones are text.
        case scalar(String, isPlain: Bool)
        case sequence([Node])
        case mapping([Entry])
    }

    /// compose's own tags.
    enum Directive: Sendable { case reset, override }

    var value: Value
    var place: SourcePlace
    var directive: Directive?

    init(_ value: Value, at place: SourcePlace, directive: Directive? = nil) {
        self.value = value
        self.place = place
        self.directive = directive
    }

    var isNull: Bool { if case .null = value { true } else { false } }
    var entries: [Entry]? { if case .mapping(let entries) = value { entries } else { nil } }
    var items: [Node]? { if case .sequence(let items) = value { items } else { nil } }
    var text: String? { if case .scalar(let text, _) = value { text } else { nil } }

    subscript(key: String) -> Node? { entries?.first { $0.key == key }?.value }

    mutating func set(_ key: String, _ node: Node, keyPlace: SourcePlace) {
        guard case .mapping(var entries) = value else { return }
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = node
        } else {
            entries.append(Entry(key: key, keyPlace: keyPlace, value: node))
        }
        value = .mapping(entries)
    }

    /// What a person calls this kind of value.
    var kindName: String {
        switch value {
        case .null: "nothing"
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a map"
        }
    }
}

/// Collects remarks; a class, because every phase adds to the same list.
final class Remarks {
    private(set) var diagnostics: [Diagnostic] = []
    private static let countMax = 200

    func error(_ place: SourcePlace?, _ path: String = "", _ message: String, suggestion: String? = nil) {
        add(Diagnostic(.error, at: place, path: path, message, suggestion: suggestion))
    }

    func warning(_ place: SourcePlace?, _ path: String = "", _ message: String, suggestion: String? = nil) {
        add(Diagnostic(.warning, at: place, path: path, message, suggestion: suggestion))
    }

    private func add(_ diagnostic: Diagnostic) {
        guard diagnostics.count < Remarks.countMax, !diagnostics.contains(diagnostic) else { return }
        diagnostics.append(diagnostic)
    }

    var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}
