// Lists and maps: pairs, hosts, commands, limits.
import BerthModel

extension Typing {
    func pairs(_ node: inout Node, _ path: TreePath, keepingNone: Bool) {
        if let items = node.items {
            var result = Node(.mapping([]), at: node.mark)
            for (number, item) in items.enumerated() {
                guard let text = item.string else { continue }
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                if keepingNone, parts[0].hasSuffix(" ") {
                    remarks.error(
                        item.mark, path.index(number), "the variable \"\(parts[0])\" is declared with a trailing space",
                        suggestion: "write NAME=value without spaces around =")
                    continue
                }
                let value: Node.Value = parts.count == 2 ? .string(parts[1]) : keepingNone ? .null : .string("")
                result.set(parts[0], Node(value, at: item.mark))
            }
            node = result
            return
        }
        node.updateEntries { entry in
            if let text = entry.value.scalarText {
                entry.value.value = .string(text)
            } else if entry.value.isNull, !keepingNone {
                entry.value.value = .string("")
            } else if !entry.value.isNull {
                fail(entry.value, path.key(entry.key), "text")
            }
        }
    }

    /// `host=address`, sorted.
    func hosts(_ node: inout Node, _ path: TreePath) {
        var pairs: [Node] = []
        func add(_ host: String, _ address: String, _ mark: Mark) {
            var address = address
            if address.count > 2, address.hasPrefix("["), address.hasSuffix("]") {
                address = String(address.dropFirst().dropLast())
            }
            for part in address.split(separator: ",", omittingEmptySubsequences: false) {
                pairs.append(.string("\(host)=\(part)", at: mark))
            }
        }
        switch node.value {
        case .sequence(let items):
            if items.isEmpty { return node.value = .null }
            for (number, item) in items.enumerated() {
                guard let text = item.string else { continue }
                guard let separator = text.firstIndex(of: "=") ?? text.firstIndex(of: ":"), separator != text.startIndex
                else {
                    remarks.error(
                        item.mark, path.index(number), "\"\(text)\" has no address", suggestion: "write NAME=ADDRESS")
                    continue
                }
                add(String(text[..<separator]), String(text[text.index(after: separator)...]), item.mark)
            }
        case .mapping(let entries):
            if entries.isEmpty { return node.value = .null }
            for entry in entries {
                if let items = entry.value.items {
                    for item in items { add(entry.key, item.scalarText ?? "", item.mark) }
                } else {
                    add(entry.key, entry.value.scalarText ?? "", entry.value.mark)
                }
            }
        default: return
        }
        node.value = .sequence(
            pairs.sorted { ($0.string ?? "").utf8.lexicographicallyPrecedes(($1.string ?? "").utf8) })
    }

    func words(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        do throws(ShellWords.Problem) {
            let mark = node.mark
            node.value = .sequence(try ShellWords.split(text).map { .string($0, at: mark) })
        } catch {
            remarks.error(
                node.mark, path, "\(error.message) in this command",
                suggestion: "write it as a list, or through a shell: [\"sh\", \"-c\", \"…\"]")
        }
    }

    func test(_ node: inout Node) {
        if let text = node.string {
            node.value = .sequence([.string("CMD-SHELL", at: node.mark), .string(text, at: node.mark)])
        }
    }

    func ulimit(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value):
            let mark = node.mark
            node = Node(.mapping([.init(key: "single", mark: mark, value: Node(.int(value), at: mark))]), at: mark)
        case .mapping:
            node.value = .mapping((node.entries ?? []).filter { $0.key == "soft" || $0.key == "hard" })
            node.updateEntries { entry in
                switch entry.value.value {
                case .int: break
                case .float(let value) where value == value.rounded() && abs(value) < 9e15:
                    entry.value.value = .int(Int64(value))
                default: fail(entry.value, path.key(entry.key), "a whole number")
                }
            }
        default: fail(node, path, "a whole number, or soft and hard")
        }
    }

    /// `id` or `id=path`.
    func ssh(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .mapping(let entries):
            node.value = .sequence(
                entries.map { entry in
                    .string(entry.value.scalarText.map { "\(entry.key)=\($0)" } ?? entry.key, at: entry.mark)
                })
        case .string: node = Node(.sequence([node]), at: node.mark)
        default: break
        }
        for (number, item) in (node.items ?? []).enumerated() {
            guard let text = item.string, !text.contains("="), text != "default" else { continue }
            remarks.error(
                item.mark, path.index(number), "invalid ssh key \"\(text)\"", suggestion: "write default, or ID=PATH")
        }
    }

    func textsOrNumbers(_ node: inout Node, _ path: TreePath) {
        var number = 0
        node.updateItems { item in
            switch item.value {
            case .int, .unsigned: item.value = .string(item.scalarText ?? "")
            case .string: break
            default: fail(item, path.index(number), "text or a whole number")
            }
            number += 1
        }
    }

    /// Every option is a list.
    func providerOptions(_ node: inout Node) {
        node.updateEntries { entry in
            if let text = entry.value.scalarText {
                entry.value = Node(.sequence([.string(text, at: entry.value.mark)]), at: entry.value.mark)
            } else {
                entry.value.updateItems { item in item.value = .string(item.scalarText ?? "") }
            }
        }
    }

    func deviceRequest(_ node: inout Node) {
        let known = DeployShape.device().fieldNames
        if let entries = node.entries { node.value = .mapping(entries.filter { known.contains($0.key) }) }
    }

    func storageOptions(_ node: inout Node, _ path: TreePath) {
        node.updateEntries { entry in
            switch entry.value.value {
            case .int, .string: entry.value.value = .string(entry.value.scalarText ?? "")
            case .null: entry.value.value = .string("")
            default: fail(entry.value, path.key(entry.key), "text or a whole number")
            }
        }
    }
}
