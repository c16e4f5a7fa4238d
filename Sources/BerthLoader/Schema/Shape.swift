// What a value may be: the grammar of the stack file, one row a key. The editors' schema is printed from it.

/// A shape is a set of alternatives that differ in kind: text, a number, a list of something, a map of something.
final class Shape: Sendable {
    struct Kinds: OptionSet, Sendable {
        let rawValue: Int
        static let text = Kinds(rawValue: 1)
        static let integer = Kinds(rawValue: 2)
        /// Integers too.
        static let number = Kinds(rawValue: 4)
        static let boolean = Kinds(rawValue: 8)
        static let null = Kinds(rawValue: 16)
        static let anything = Kinds(rawValue: 32)
    }

    /// A rule for text or keys: the pattern as editors need it, and the same as a function.
    struct Pattern: Sendable {
        let expression: String
        let matches: @Sendable (String) -> Bool
    }

    struct Field: Sendable {
        let name: String
        let shape: Shape
        let description: String
        init(_ name: String, _ shape: Shape, _ description: String) {
            self.name = name
            self.shape = shape
            self.description = description
        }
    }

    struct Members: Sendable {
        var fields: [Field] = []
        /// Keys that the user invents.
        var keys: Pattern?
        var values: Shape?
        var required: [String] = []
        /// False: other keys are not looked at.
        var isClosed = true
        var allowsExtensions = true
    }

    let kinds: Kinds
    let choices: [String]?
    let pattern: Pattern?
    let range: ClosedRange<Int64>?
    let items: Shape?
    let itemsAreUnique: Bool
    let members: Members?
    private let fieldsByName: [String: Shape]

    init(
        _ kinds: Kinds = [], choices: [String]? = nil, pattern: Pattern? = nil, range: ClosedRange<Int64>? = nil,
        items: Shape? = nil, unique: Bool = false, members: Members? = nil
    ) {
        self.kinds = kinds
        self.choices = choices
        self.pattern = pattern
        self.range = range
        self.items = items
        itemsAreUnique = unique
        self.members = members
        fieldsByName = Dictionary((members?.fields ?? []).map { ($0.name, $0.shape) }) { first, _ in first }
    }

    func field(_ name: String) -> Shape? { fieldsByName[name] }
    var fieldNames: [String] { members?.fields.map(\.name) ?? [] }

    // MARK: Common shapes

    static let any = Shape(.anything)
    static let text = Shape(.text)
    static let flag = Shape([.boolean, .text])
    static let strictFlag = Shape(.boolean)
    static let integer = Shape([.integer, .text])
    static let number = Shape([.number, .text])
    static let texts = Shape(items: .text, unique: true)
    /// Repetitions are allowed.
    static let textList = Shape(items: .text)
    static let textOrTexts = Shape(.text, items: .text, unique: true)
    /// `KEY=VALUE` as a map or a list.
    static let pairs = Shape(
        items: .text, unique: true,
        members: Members(
            keys: nonEmpty, values: Shape([.text, .number, .boolean, .null]), allowsExtensions: false))
    /// A shell-like string, a list of words, or null for what the image says.
    static let command = Shape([.text, .null], items: .text)
    static let options = Shape(
        members: Members(keys: nonEmpty, values: Shape([.text, .number]), isClosed: false, allowsExtensions: false))
    static let nonEmpty = Pattern(expression: ".+") { !$0.isEmpty }
    static let resourceKey = Pattern(expression: "^[a-zA-Z0-9._-]+$") { key in
        !key.isEmpty
            && key.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2E
                    || $0 == 0x5F || $0 == 0x2D
            }
    }

    static func one(of choices: String...) -> Shape { Shape(.text, choices: choices) }
    static func list(_ items: Shape, unique: Bool = false) -> Shape { Shape(items: items, unique: unique) }

    static func map(
        _ fields: [Field], required: [String] = [], closed: Bool = true, extensions: Bool = true, orNull: Bool = false
    ) -> Shape {
        Shape(
            orNull ? .null : [],
            members: Members(fields: fields, required: required, isClosed: closed, allowsExtensions: extensions))
    }

    /// A map whose keys the user invents.
    static func named(_ values: Shape, keys: Pattern = resourceKey, closed: Bool = true) -> Shape {
        Shape(members: Members(keys: keys, values: values, isClosed: closed, allowsExtensions: false))
    }

    /// The alternatives of both.
    func or(_ other: Shape) -> Shape {
        Shape(
            kinds.union(other.kinds), choices: choices ?? other.choices, pattern: pattern ?? other.pattern,
            range: range ?? other.range, items: items ?? other.items,
            unique: items == nil ? other.itemsAreUnique : itemsAreUnique, members: members ?? other.members)
    }

    /// As a message names it: "text, a number or a list".
    var expectation: String {
        if kinds.isSuperset(of: [.text, .number, .boolean]), items == nil, members == nil { return "a single value" }
        var words: [String] = []
        if kinds.contains(.boolean) { words.append("true or false") }
        if kinds.contains(.number) { words.append("a number") }
        if kinds.contains(.integer) { words.append("a whole number") }
        if kinds.contains(.text) && !(kinds.contains(.boolean) || kinds.contains(.number) || kinds.contains(.integer)) {
            words.append(choices.map { "one of \($0.joined(separator: ", "))" } ?? "text")
        }
        if items != nil { words.append("a list") }
        if members != nil { words.append("a map") }
        if words.isEmpty && kinds.contains(.null) { words.append("nothing") }
        guard let last = words.last else { return "something else" }
        return words.count == 1 ? last : words.dropLast().joined(separator: ", ") + " or " + last
    }
}
