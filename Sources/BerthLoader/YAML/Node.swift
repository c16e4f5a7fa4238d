// The tree of a stack file: typed values with the places they came from. Every phase takes one and gives one.
import BerthModel

/// A position in one of the files that were read; small, because every value has one.
struct Mark: Sendable, Equatable {
    /// An index into `Remarks.files`; -1: made here, no file has it.
    var file: Int32 = -1
    var line: Int32 = 0
    var column: Int32 = 0
    static let none = Mark()
}

/// One value. What a plain scalar means is decided while it is read, as compose's own library does.
struct Node: Sendable {
    struct Entry: Sendable {
        var key: String
        var mark: Mark
        var value: Node
    }

    enum Value: Sendable {
        case null
        case bool(Bool)
        case int(Int64)
        /// Above Int64's range.
        case unsigned(UInt64)
        case float(Double)
        /// A date that was not quoted, as RFC 3339: valid only where nothing looks at its type.
        case time(String)
        case string(String)
        case sequence([Node])
        case mapping([Entry])
    }

    /// compose's own tags.
    enum Directive: Sendable { case reset, override }

    var value: Value
    var mark: Mark
    var directive: Directive?

    init(_ value: Value, at mark: Mark, directive: Directive? = nil) {
        self.value = value
        self.mark = mark
        self.directive = directive
    }

    static func string(_ text: String, at mark: Mark) -> Node { Node(.string(text), at: mark) }

    var isNull: Bool { if case .null = value { true } else { false } }
    var entries: [Entry]? { if case .mapping(let entries) = value { entries } else { nil } }
    var items: [Node]? { if case .sequence(let items) = value { items } else { nil } }
    var string: String? { if case .string(let text) = value { text } else { nil } }
    var bool: Bool? { if case .bool(let value) = value { value } else { nil } }

    subscript(key: String) -> Node? {
        guard case .mapping(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The place of a key, for remarks about the key itself.
    func keyMark(_ key: String) -> Mark? { entries?.first { $0.key == key }?.mark }

    /// Replaces or appends; a value that is no map is left as it is.
    mutating func set(_ key: String, _ node: Node, keyMark: Mark? = nil) {
        guard case .mapping(var entries) = value else { return }
        value = .null
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = node
        } else {
            entries.append(Entry(key: key, mark: keyMark ?? node.mark, value: node))
        }
        value = .mapping(entries)
    }

    mutating func remove(_ key: String) {
        guard case .mapping(var entries) = value else { return }
        value = .null
        entries.removeAll { $0.key == key }
        value = .mapping(entries)
    }

    /// Changes the value of a key in place.
    mutating func update(_ key: String, _ change: (inout Node) throws -> Void) rethrows {
        guard case .mapping(var entries) = value, let index = entries.firstIndex(where: { $0.key == key }) else {
            return
        }
        value = .null
        defer { value = .mapping(entries) }
        try change(&entries[index].value)
    }

    mutating func updateEntries(_ change: (inout Entry) throws -> Void) rethrows {
        guard case .mapping(var entries) = value else { return }
        value = .null
        defer { value = .mapping(entries) }
        for index in entries.indices { try change(&entries[index]) }
    }

    mutating func updateItems(_ change: (inout Node) throws -> Void) rethrows {
        guard case .sequence(var items) = value else { return }
        value = .null
        defer { value = .sequence(items) }
        for index in items.indices { try change(&items[index]) }
    }

    /// What a person calls this kind of value.
    var kindName: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): "the boolean \(value)"
        case .int(let value): "the number \(value)"
        case .unsigned(let value): "the number \(value)"
        case .float(let value): "the number \(FloatText.shortest(value))"
        case .time: "a date"
        case .string(let text): "\"\(text.count > 60 ? text.prefix(60) + "…" : text)\""
        case .sequence: "a list"
        case .mapping: "a map"
        }
    }

    /// The text of a scalar as Go prints it with `%v`; nil for lists, maps and nothing.
    var scalarText: String? {
        switch value {
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .float(let value): FloatText.general(value)
        case .string(let text), .time(let text): text
        case .null, .sequence, .mapping: nil
        }
    }
}

extension Node: Equatable {
    /// Same meaning; places do not count, nor does the order of keys.
    static func == (a: Node, b: Node) -> Bool {
        switch (a.value, b.value) {
        case (.null, .null): return true
        case (.bool(let x), .bool(let y)): return x == y
        case (.int(let x), .int(let y)): return x == y
        case (.unsigned(let x), .unsigned(let y)): return x == y
        case (.float(let x), .float(let y)): return x == y
        case (.time(let x), .time(let y)), (.string(let x), .string(let y)): return x == y
        case (.sequence(let x), .sequence(let y)): return x == y
        case (.mapping(let x), .mapping(let y)):
            return x.count == y.count && x.allSatisfy { entry in b[entry.key] == entry.value }
        default: return false
        }
    }
}
