// Where a value stands in the tree, and tables of rules by such places.

/// A path from the root; sharing its beginning with its siblings, so that walking a tree copies nothing.
final class TreePath: CustomStringConvertible, Sendable {
    private enum Step: Sendable {
        case root
        case key(String)
        case index(Int)
    }

    private let parent: TreePath?
    private let step: Step
    static let root = TreePath(nil, .root)

    private init(_ parent: TreePath?, _ step: Step) {
        self.parent = parent
        self.step = step
    }

    func key(_ name: String) -> TreePath { TreePath(self, .key(name)) }
    func index(_ number: Int) -> TreePath { TreePath(self, .index(number)) }

    /// `services.web.ports[0]`, as compose writes it.
    var description: String {
        switch step {
        case .root: ""
        case .key(let name): parent?.parent == nil ? name : "\(parent?.description ?? "").\(name)"
        case .index(let number): "\(parent?.description ?? "")[\(number)]"
        }
    }

    /// The keys and indexes on the way, for matching against patterns.
    var steps: [String] {
        switch step {
        case .root: []
        case .key(let name): (parent?.steps ?? []) + [name]
        case .index: (parent?.steps ?? []) + ["*"]
        }
    }
}

/// Rules by tree path: `services.*.ports`. A `*` stands for any key and any index. One row a rule: the tables of the
/// loader are such lists.
final class RuleTree<Rule: Sendable>: Sendable {
    let rule: Rule?
    private let children: [String: RuleTree<Rule>]
    private let any: RuleTree<Rule>?

    convenience init(_ rows: [(String, Rule)]) {
        self.init(rows.map { ($0.0.split(separator: ".").map(String.init)[...], $0.1) })
    }

    private init(_ rows: [(ArraySlice<String>, Rule)]) {
        rule = rows.first { $0.0.isEmpty }?.1
        var below: [String: [(ArraySlice<String>, Rule)]] = [:]
        for (steps, rule) in rows {
            if let first = steps.first { below[first, default: []].append((steps.dropFirst(), rule)) }
        }
        any = below["*"].map { RuleTree<Rule>($0) }
        below["*"] = nil
        children = below.mapValues { RuleTree<Rule>($0) }
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
