// A later file over an earlier one, with compose's rules by tree path.
import BerthModel

struct Merger {
    let remarks: Remarks

    /// How two values of one key become one, where it is not the usual rule (maps recurse, lists append, scalars
    /// replace).
    private enum Rule: Sendable {
        case replace
        /// `KEY=VALUE` lists and maps, by key.
        case pairs
        /// A string or a list; unique items.
        case uniqueList
        /// A list or map of names: as maps.
        case namedMap
        /// Items identified by a part of themselves.
        case keyed(@Sendable (Node) -> String)
    }

    private static let serviceRules: [String: Rule] = [
        "command": .replace, "entrypoint": .replace, "environment": .pairs, "labels": .pairs, "annotations": .pairs,
        "sysctls": .pairs, "env_file": .uniqueList, "label_file": .uniqueList, "dns": .uniqueList,
        "dns_opt": .uniqueList,
        "dns_search": .uniqueList, "tmpfs": .uniqueList, "expose": .uniqueList, "cap_add": .uniqueList,
        "cap_drop": .uniqueList,
        "profiles": .uniqueList, "links": .uniqueList, "security_opt": .uniqueList, "depends_on": .namedMap,
        "networks": .namedMap,
        "volumes": .keyed(mountTarget), "devices": .keyed(mountTarget), "secrets": .keyed(materialTarget),
        "configs": .keyed(materialTarget), "ports": .keyed(portIdentity), "extra_hosts": .pairs,
    ]

    func merge(_ base: Node, _ over: Node, path: [String] = []) -> Node {
        if over.directive == .override { return over }
        if base.isNull { return over }
        if over.isNull { return base }
        switch rule(path) {
        case .replace?: return over
        case .pairs?: return mergePairs(base, over)
        case .uniqueList?: return mergeUnique(base, over)
        case .namedMap?: return mergeMaps(named(base), named(over), path)
        case .keyed(let identity)?: return mergeKeyed(base, over, identity)
        case nil: break
        }
        if base.entries != nil && over.entries != nil { return mergeMaps(base, over, path) }
        if let first = base.items, let second = over.items { return Node(.sequence(first + second), at: over.place) }
        if base.entries != nil && over.items != nil || base.items != nil && over.entries != nil {
            remarks.error(
                over.place, path.joined(separator: "."),
                "cannot override \(path.joined(separator: ".")): it is \(base.kindName) before and \(over.kindName) here"
            )
            return base
        }
        return over
    }

    private func rule(_ path: [String]) -> Rule? {
        if path.count == 3 && path[0] == "services" { return Merger.serviceRules[path[2]] }
        if path.count == 4 && path[0] == "services" && path[2] == "healthcheck" && path[3] == "test" { return .replace }
        if path.count == 4 && path[0] == "services" && path[2] == "build" && ["args", "labels"].contains(path[3]) {
            return .pairs
        }
        if path.count == 3 && ["networks", "volumes"].contains(path[0]) && path[2] == "labels" { return .pairs }
        return nil
    }

    private func mergeMaps(_ base: Node, _ over: Node, _ path: [String]) -> Node {
        guard let first = base.entries, let second = over.entries else { return over }
        var result = Node(.mapping(first), at: over.place)
        for entry in second {
            if entry.value.directive == .reset {
                result.value = .mapping((result.entries ?? []).filter { $0.key != entry.key })
            } else if let old = result[entry.key] {
                result.set(entry.key, merge(old, entry.value, path: path + [entry.key]), keyPlace: entry.keyPlace)
            } else {
                result.set(entry.key, entry.value, keyPlace: entry.keyPlace)
            }
        }
        return result
    }

    private func mergePairs(_ base: Node, _ over: Node) -> Node {
        mergeMaps(pairs(base), pairs(over), ["", "", "", "", ""])
    }

    /// `K=V` items as a map; maps as they are.
    private func pairs(_ node: Node) -> Node {
        guard let items = node.items else { return node }
        var result = Node(.mapping([]), at: node.place)
        for item in items {
            guard let text = item.text else { continue }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value =
                parts.count == 2 ? Node(.scalar(parts[1], isPlain: false), at: item.place) : Node(.null, at: item.place)
            result.set(parts[0], value, keyPlace: item.place)
        }
        return result
    }

    private func named(_ node: Node) -> Node {
        guard let items = node.items else { return node }
        return Node(
            .mapping(
                items.compactMap { item in
                    item.text.map { Node.Entry(key: $0, keyPlace: item.place, value: Node(.null, at: item.place)) }
                }), at: node.place)
    }

    private func list(_ node: Node) -> [Node] { node.items ?? [node] }

    private func mergeUnique(_ base: Node, _ over: Node) -> Node {
        var seen: Set<String> = []
        let all = (list(base) + list(over)).filter { item in item.text.map { seen.insert($0).inserted } ?? true }
        return Node(.sequence(all), at: over.place)
    }

    private func mergeKeyed(_ base: Node, _ over: Node, _ identity: (Node) -> String) -> Node {
        var all = list(base)
        for item in list(over) {
            if let index = all.firstIndex(where: { identity($0) == identity(item) }) {
                all[index] = item
            } else {
                all.append(item)
            }
        }
        return Node(.sequence(all), at: over.place)
    }

    @Sendable private static func mountTarget(_ node: Node) -> String {
        if let target = node["target"]?.text { return target }
        let parts = (node.text ?? "").split(separator: ":").map(String.init)
        return parts.count >= 2 ? parts[1] : parts.first ?? ""
    }

    @Sendable private static func materialTarget(_ node: Node) -> String {
        node["target"]?.text ?? node["source"]?.text ?? node.text ?? ""
    }

    @Sendable private static func portIdentity(_ node: Node) -> String {
        guard node.entries != nil else { return node.text ?? "" }
        return ["host_ip", "published", "target", "protocol"].map { node[$0]?.text ?? "" }.joined(separator: "/")
    }
}
