// A later file over an earlier one, with compose's rules by tree path.
import BerthModel

struct Merger {
    let remarks: Remarks

    /// The whole trees.
    func merge(_ base: Node, _ over: Node) -> Node { merge(base, over, MergeRule.rules, .root) }

    /// One service over the one that it extends.
    func mergeService(_ base: Node, _ over: Node, name: String) -> Node {
        merge(base, over, MergeRule.rules.below("services")?.below(name), TreePath.root.key("services").key(name))
    }

    private func merge(_ base: Node, _ over: Node, _ rules: RuleTree<MergeRule>?, _ path: TreePath) -> Node {
        if let rule = rules?.rule { return merge(base, over, by: rule, rules, path) }
        if over.isNull { return base }
        switch (base.value, over.value) {
        case (.mapping, .mapping): return mergeMaps(base, over, rules, path)
        case (.sequence(let first), .sequence(let second)): return Node(.sequence(first + second), at: base.mark)
        case (.mapping, _), (.sequence, _): return conflict(base, over, path)
        default: return over
        }
    }

    private func conflict(_ base: Node, _ over: Node, _ path: TreePath) -> Node {
        let before = remarks.place(base.mark).map { " at \($0)" } ?? ""
        remarks.error(
            over.mark, path, "cannot override \(path): it is \(base.kindName)\(before), and \(over.kindName) here",
            suggestion: "give both the same form, or replace it with !override")
        return base
    }

    private func mergeMaps(_ base: Node, _ over: Node, _ rules: RuleTree<MergeRule>?, _ path: TreePath) -> Node {
        guard var entries = base.entries, let second = over.entries else { return base }
        for entry in second {
            guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
                entries.append(entry)
                continue
            }
            entries[index].value = merge(
                entries[index].value, entry.value, rules?.below(entry.key), path.key(entry.key))
            entries[index].mark = entry.mark
        }
        return Node(.mapping(entries), at: base.mark)
    }

    private func merge(
        _ base: Node, _ over: Node, by rule: MergeRule, _ rules: RuleTree<MergeRule>?, _ path: TreePath
    ) -> Node {
        switch rule {
        case .replace: return over
        case .sequence:
            if over.isNull { return base }
            return Node(.sequence(Merger.sequence(base) + Merger.sequence(over)), at: base.mark)
        case .hosts:
            if over.isNull { return base }
            let first = Merger.sequence(base)
            return Node(.sequence(first + Merger.sequence(over).filter { !first.contains($0) }), at: base.mark)
        case .build:
            if over.isNull { return base }
            guard let first = Merger.build(base), let second = Merger.build(over) else { return base }
            return mergeMaps(first, second, rules, path)
        case .dependencies:
            if over.isNull { return base }
            let standard = { (mark: Mark) in
                Node(
                    .mapping([
                        .init(key: "condition", mark: mark, value: .string("service_started", at: mark)),
                        .init(key: "required", mark: mark, value: Node(.bool(true), at: mark)),
                    ]), at: mark)
            }
            return mergeMaps(Merger.names(base, standard), Merger.names(over, standard), rules, path)
        case .names:
            if over.isNull { return base }
            let nothing = { (mark: Mark) in Node(.null, at: mark) }
            return mergeMaps(Merger.names(base, nothing), Merger.names(over, nothing), rules, path)
        case .logging:
            if over.isNull { return base }
            guard base.entries != nil, over.entries != nil else { return conflict(base, over, path) }
            guard let first = base["driver"], let second = over["driver"], first != second else {
                return mergeMaps(base, over, rules, path)
            }
            return over
        case .ulimit:
            if over.isNull { return base }
            return base.entries != nil && over.entries != nil ? mergeMaps(base, over, rules, path) : over
        case .addressPools:
            return mergePools(base, over, rules, path)
        }
    }

    // MARK: Forms

    /// `KEY=VALUE` texts, keys in order; other values as they are.
    private static func sequence(_ node: Node) -> [Node] {
        switch node.value {
        case .mapping(let entries):
            return entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap { entry -> [Node] in
                if case .sequence(let items) = entry.value.value {
                    return items.map { .string("\(entry.key)=\($0.scalarText ?? "")", at: $0.mark) }
                }
                guard let text = entry.value.scalarText else { return [.string(entry.key, at: entry.mark)] }
                return [.string("\(entry.key)=\(text)", at: entry.mark)]
            }
        case .sequence(let items): return items
        case .string: return [node]
        default: return []
        }
    }

    private static func build(_ node: Node) -> Node? {
        switch node.value {
        case .mapping: node
        case .string: Node(.mapping([.init(key: "context", mark: node.mark, value: node)]), at: node.mark)
        default: nil
        }
    }

    private static func names(_ node: Node, _ value: (Mark) -> Node) -> Node {
        switch node.value {
        case .mapping: return node
        case .sequence(let items):
            var result = Node(.mapping([]), at: node.mark)
            for item in items { if let name = item.scalarText { result.set(name, value(item.mark)) } }
            return result
        default: return Node(.mapping([]), at: node.mark)
        }
    }

    /// The later pools, each over the earlier one of its subnet.
    private func mergePools(_ base: Node, _ over: Node, _ rules: RuleTree<MergeRule>?, _ path: TreePath) -> Node {
        guard let first = base.items, let second = over.items else {
            return over.isNull ? base : conflict(base, over, path)
        }
        let merged = second.map { item -> Node in
            guard let same = first.first(where: { $0["subnet"]?.string == item["subnet"]?.string }) else { return item }
            return mergeMaps(same, item, nil, path)
        }
        return Node(.sequence(first.isEmpty ? [] : merged), at: over.mark)
    }
}

/// Lists whose items replace each other.
enum Uniqueness {
    static func enforce(_ root: inout Node, _ remarks: Remarks) {
        root.apply(ItemIdentity.rules) { node, identity, path in
            guard let items = node.items else { return }
            var result: [Node] = []
            var places: [String: Int] = [:]
            result.reserveCapacity(items.count)
            for (number, item) in items.enumerated() {
                guard let key = identity.of(item, path.index(number), remarks) else { continue }
                if let index = places[key] {
                    result[index] = item
                } else {
                    places[key] = result.count
                    result.append(item)
                }
            }
            node.value = .sequence(result)
        }
    }
}
