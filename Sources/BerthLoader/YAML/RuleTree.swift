// Tables of rules by tree path, and walking a tree by them.

/// Rules by tree path: `services.*.ports`. A `*` stands for any key and any index. One row a rule: the tables of the
/// loader are such lists. Reading a short file costs less than making the tables, so making them is kept cheap.
final class RuleTree<Rule: Sendable>: Sendable {
    let rule: Rule?
    private let children: [String: RuleTree<Rule>]
    private let any: RuleTree<Rule>?

    convenience init(_ rows: [(String, Rule)]) {
        let root = Sprout()
        for (path, rule) in rows {
            let sprout = root.grown(along: path)
            if sprout.rule == nil { sprout.rule = rule }
        }
        self.init(root)
    }

    private init(_ sprout: Sprout) {
        rule = sprout.rule
        any = sprout.any.map { RuleTree<Rule>($0) }
        children = sprout.children.mapValues { RuleTree<Rule>($0) }
    }

    /// A tree that still grows.
    private final class Sprout {
        var rule: Rule?
        var any: Sprout?
        var children: [String: Sprout] = [:]

        func grown(along path: String) -> Sprout {
            var here = self
            let bytes = path.utf8
            var start = bytes.startIndex
            while start < bytes.endIndex {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex
                here = here.child(String(path[start..<end]))
                start = end == bytes.endIndex ? end : bytes.index(after: end)
            }
            return here
        }

        private func child(_ key: String) -> Sprout {
            if key == "*" {
                let child = any ?? Sprout()
                any = child
                return child
            }
            if let child = children[key] { return child }
            let child = Sprout()
            children[key] = child
            return child
        }
    }

    /// The rules below a key; an index is any key.
    func below(_ key: String) -> RuleTree<Rule>? { children[key] ?? any }
    var belowIndex: RuleTree<Rule>? { any }

    /// The places of all rules.
    var paths: [[String]] {
        (rule == nil ? [] : [[]])
            + (children.map { ($0.key, $0.value) } + (any.map { [("*", $0)] } ?? [])).flatMap { key, tree in
                tree.paths.map { [key] + $0 }
            }
    }

    /// The rule of a whole path.
    func find(_ steps: some Sequence<String>) -> Rule? {
        var tree: RuleTree<Rule>? = self
        for step in steps { tree = tree?.below(step) }
        return tree?.rule
    }
}

extension Node {
    /// Visits every value that has a rule, parents first, and lets it be changed.
    mutating func apply<Rule>(
        _ rules: RuleTree<Rule>, at path: TreePath = .root, _ change: (inout Node, Rule, TreePath) throws -> Void
    ) rethrows {
        if let rule = rules.rule { try change(&self, rule, path) }
        switch value {
        case .mapping:
            try updateEntries { entry in
                guard let deeper = rules.below(entry.key) else { return }
                try entry.value.apply(deeper, at: path.key(entry.key), change)
            }
        case .sequence:
            guard let deeper = rules.belowIndex else { return }
            var number = 0
            try updateItems { item in
                try item.apply(deeper, at: path.index(number), change)
                number += 1
            }
        default: break
        }
    }

    /// Visits every value that has a rule, parents first.
    func visit<Rule>(_ rules: RuleTree<Rule>, at path: TreePath = .root, _ see: (Node, Rule, TreePath) -> Void) {
        if let rule = rules.rule { see(self, rule, path) }
        switch value {
        case .mapping(let entries):
            for entry in entries {
                guard let deeper = rules.below(entry.key) else { continue }
                entry.value.visit(deeper, at: path.key(entry.key), see)
            }
        case .sequence(let items):
            guard let deeper = rules.belowIndex else { return }
            for (number, item) in items.enumerated() { item.visit(deeper, at: path.index(number), see) }
        default: break
        }
    }
}
