// `!reset` and `!override`: what a file takes away from the files before it.

struct ResetPaths {
    private var paths: [[String]] = []
    var isEmpty: Bool { paths.isEmpty }

    /// Finds the tags of a document; what has `!reset` leaves it.
    static func extract(from root: inout Node) -> ResetPaths {
        var result = ResetPaths()
        result.collect(&root, [])
        return result
    }

    private mutating func collect(_ node: inout Node, _ path: [String]) {
        switch node.value {
        case .mapping(var entries):
            entries = entries.compactMap { entry in
                var entry = entry
                let here = path + [entry.key]
                if entry.value.directive == .reset {
                    paths.append(here)
                    return nil
                }
                if entry.value.directive == .override { paths.append(here) }
                collect(&entry.value, here)
                return entry
            }
            node.value = .mapping(entries)
        case .sequence(var items):
            for index in items.indices { collect(&items[index], path + ["\(index)"]) }
            node.value = .sequence(items)
        default: break
        }
    }

    /// Removes the places from a tree that came before.
    func apply(to root: inout Node) {
        for path in paths { ResetPaths.remove(path[...], from: &root) }
    }

    private static func remove(_ path: ArraySlice<String>, from node: inout Node) {
        guard let first = path.first else { return }
        if path.count == 1 {
            node.remove(first)
        } else {
            node.update(first) { remove(path.dropFirst(), from: &$0) }
        }
    }
}
