// A tree against its shape: every mistake, each with its place.
import BerthModel

extension Shape {
    /// Returns false where something was remarked.
    @discardableResult
    func validate(_ node: Node, _ path: TreePath, _ remarks: Remarks) -> Bool {
        if kinds.contains(.anything) { return true }
        switch node.value {
        case .mapping(let entries):
            guard let members else { return wrongKind(node, path, remarks) }
            return validate(entries, members, node, path, remarks)
        case .sequence(let list):
            guard let items else { return wrongKind(node, path, remarks) }
            var isValid = true
            for (number, item) in list.enumerated() where !items.validate(item, path.index(number), remarks) {
                isValid = false
            }
            return isValid && (!itemsAreUnique || validateUnique(list, path, remarks))
        case .null: return kinds.contains(.null) || wrongKind(node, path, remarks)
        case .bool: return kinds.contains(.boolean) || wrongKind(node, path, remarks)
        case .string(let text):
            guard kinds.contains(.text) else { return wrongKind(node, path, remarks) }
            return validate(text, node, path, remarks)
        case .int(let value):
            guard !kinds.isDisjoint(with: [.integer, .number]) else { return wrongKind(node, path, remarks) }
            return validate(value, node, path, remarks)
        case .unsigned: return !kinds.isDisjoint(with: [.integer, .number]) || wrongKind(node, path, remarks)
        case .float(let value):
            if kinds.contains(.number) { return true }
            guard kinds.contains(.integer), value == value.rounded() else { return wrongKind(node, path, remarks) }
            return abs(value) > 9e15 || validate(Int64(value), node, path, remarks)
        case .time:
            remarks.error(
                node.mark, path, "expected \(expectation), found a date", suggestion: "dates are text only in quotes")
            return false
        }
    }

    private func wrongKind(_ node: Node, _ path: TreePath, _ remarks: Remarks) -> Bool {
        let meaning = FieldType.rules.find(path.steps)?.expectation
        remarks.error(
            node.mark, path, "expected \(meaning ?? expectation), found \(node.kindName)",
            suggestion: meaning == nil ? hint(node) : nil)
        return false
    }

    private func hint(_ node: Node) -> String? {
        switch node.value {
        case .null: return "give it a value, or remove the key"
        case .int, .float, .unsigned, .bool:
            return kinds.contains(.text) || items?.kinds.contains(.text) == true ? "write it in quotes" : nil
        case .mapping(let entries) where items != nil && members == nil && entries.count == 1:
            return "a list's items begin with \"- \""
        case .string where items != nil && members == nil: return "write it as a list: [\(node.string ?? "")]"
        default: return nil
        }
    }

    private func validate(_ text: String, _ node: Node, _ path: TreePath, _ remarks: Remarks) -> Bool {
        if let choices, !choices.contains(text) {
            let near = Spelling.nearest(text, in: choices)
            remarks.error(
                node.mark, path, "expected one of \(choices.joined(separator: ", ")), found \"\(text)\"",
                suggestion: near.map { "did you mean \"\($0)\"?" })
            return false
        }
        if let pattern, !pattern.matches(text) {
            remarks.error(node.mark, path, "\"\(text)\" does not match \(pattern.expression)")
            return false
        }
        return true
    }

    private func validate(_ value: Int64, _ node: Node, _ path: TreePath, _ remarks: Remarks) -> Bool {
        guard let range, !range.contains(value) else { return true }
        remarks.error(
            node.mark, path,
            "expected a number from \(range.lowerBound)\(range.upperBound == .max ? " up" : " to \(range.upperBound)"), found \(value)"
        )
        return false
    }

    private func validateUnique(_ list: [Node], _ path: TreePath, _ remarks: Remarks) -> Bool {
        guard list.count > 1 else { return true }
        if let texts = list.map(\.string) as? [String], Set(texts).count == texts.count { return true }
        for (number, item) in list.enumerated() {
            guard let first = list[..<number].firstIndex(of: item) else { continue }
            remarks.error(
                item.mark, path.index(number), "the same as item \(first + 1) of this list",
                suggestion: "remove one of them")
            return false
        }
        return true
    }

    private func validate(
        _ entries: [Node.Entry], _ members: Members, _ node: Node, _ path: TreePath, _ remarks: Remarks
    ) -> Bool {
        var isValid = true
        for entry in entries {
            if let shape = field(entry.key) {
                if !shape.validate(entry.value, path.key(entry.key), remarks) { isValid = false }
            } else if members.allowsExtensions && entry.key.hasPrefix("x-") {
                continue
            } else if let keys = members.keys, keys.matches(entry.key), let values = members.values {
                if !values.validate(entry.value, path.key(entry.key), remarks) { isValid = false }
            } else if members.isClosed {
                unknown(entry, members, path, remarks)
                isValid = false
            }
        }
        for key in members.required where !entries.contains(where: { $0.key == key }) {
            remarks.error(node.mark, path, "the key \"\(key)\" is missing", suggestion: "add \(key):")
            isValid = false
        }
        return isValid
    }

    private func unknown(_ entry: Node.Entry, _ members: Members, _ path: TreePath, _ remarks: Remarks) {
        if let keys = members.keys, members.fields.isEmpty {
            remarks.error(
                entry.mark, path.key(entry.key), "invalid name \"\(entry.key)\"",
                suggestion: keys.expression == ".+" ? "a name is not empty" : "letters, digits, and . _ -")
            return
        }
        let near = Spelling.nearest(entry.key, in: fieldNames)
        let elsewhere = near == nil ? StackShape.home(of: entry.key, notAt: path) : nil
        remarks.error(
            entry.mark, path.key(entry.key), "unknown key \"\(entry.key)\"",
            suggestion: near.map { "did you mean \"\($0)\"?" } ?? elsewhere
                ?? (members.allowsExtensions ? "keys of your own begin with x-" : nil))
    }
}
