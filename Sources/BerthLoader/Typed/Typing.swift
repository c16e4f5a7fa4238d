// Values to their final types; what cannot be read is remarked with what was expected.
import BerthModel

struct Typing {
    let remarks: Remarks
    /// `--no-interpolate`: values may be templates, and are left as they are where they cannot be read.
    var allowsTemplates = false

    func apply(to root: inout Node) {
        for kind in ["networks", "volumes", "secrets", "configs"] {
            root.update(kind) { resources in
                resources.updateEntries { if $0.value.isNull { $0.value = Node(.mapping([]), at: $0.mark) } }
            }
        }
        root.apply(FieldType.rules) { node, type, path in convert(&node, type, path) }
    }

    private func fail(_ node: Node, _ path: TreePath, _ expected: String) {
        if allowsTemplates, node.string?.contains("$") == true { return }
        remarks.error(node.mark, path, "expected \(expected), found \(node.kindName)")
    }

    private func convert(_ node: inout Node, _ type: FieldType, _ path: TreePath) {
        switch type {
        case .number: number(&node, path)
        case .unsigned:
            number(&node, path)
            if case .int(let value) = node.value, value < 0 { fail(node, path, "a number from 0 up") }
        case .bits:
            if node.string != nil { return fail(node, path, "a number") }
            number(&node, path)
            if case .int(let value) = node.value, value < 0 { fail(node, path, "a number from 0 up") }
        case .weight:
            switch node.value {
            case .int(let value): node.value = .int(Int64(UInt16(truncatingIfNeeded: value)))
            case .float(let value) where value == value.rounded() && abs(value) < 9e15:
                node.value = .int(Int64(UInt16(truncatingIfNeeded: Int64(value))))
            case .null: break
            default: fail(node, path, "a number")
            }
        case .processors: processors(&node, path)
        case .ratio:
            if let text = node.string { if let value = GoNumber.float(text) { node.value = .float(value) } else { fail(node, path, "a number") } }
        case .flag: flag(&node, path)
        case .bytes: bytes(&node, path)
        case .duration: duration(&node, path)
        case .mode: mode(&node, path)
        case .pairs: pairs(&node, path, keepingNone: false)
        case .inherited: pairs(&node, path, keepingNone: true)
        case .hosts: hosts(&node, path)
        case .texts: if node.string != nil { node = Node(.sequence([node]), at: node.mark) }
        case .textsOrNumbers:
            var number = 0
            node.updateItems { item in
                switch item.value {
                case .int, .unsigned: item.value = .string(item.scalarText ?? "")
                case .string: break
                default: fail(item, path.index(number), "text or a whole number")
                }
                number += 1
            }
        case .words: words(&node, path)
        case .test: test(&node, path)
        case .count: count(&node, path)
        case .published:
            switch node.value {
            case .int, .unsigned: node.value = .string(node.scalarText ?? "")
            case .string, .null: break
            default: fail(node, path, "a port or a range")
            }
        case .ulimit: ulimit(&node, path)
        case .providerOptions:
            node.updateEntries { entry in
                if let text = entry.value.scalarText {
                    entry.value = Node(.sequence([.string(text, at: entry.value.mark)]), at: entry.value.mark)
                } else {
                    entry.value.updateItems { item in item.value = .string(item.scalarText ?? "") }
                }
            }
        case .text: if let text = node.scalarText { node.value = .string(text) }
        case .ssh: ssh(&node, path)
        case .deviceRequest:
            let known = DeployShape.device().fieldNames
            if let entries = node.entries { node.value = .mapping(entries.filter { known.contains($0.key) }) }
        case .storageOptions:
            node.updateEntries { entry in
                switch entry.value.value {
                case .int, .string: entry.value.value = .string(entry.value.scalarText ?? "")
                case .null: entry.value.value = .string("")
                default: fail(entry.value, path.key(entry.key), "text or a whole number")
                }
            }
        }
    }

    private func number(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int, .null: break
        case .float(let value) where value.isFinite && abs(value) < 9e18: node.value = .int(Int64(value))
        case .string(let text):
            guard let value = Int64(text) else { return fail(node, path, "a whole number") }
            node.value = .int(value)
        default: fail(node, path, "a whole number")
        }
    }

    private func processors(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .float(let value): node.value = .float(Double(Float(value).description) ?? value)
        case .int, .null: break
        case .string(let text):
            guard let value = GoNumber.float(text) else { return fail(node, path, FieldType.processors.expectation ?? "") }
            node.value = .float(Double(Float(value).description) ?? value)
        default: fail(node, path, "a number")
        }
    }

    private func flag(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        guard let value = Cast.boolean(text) else { return fail(node, path, "true or false") }
        node.value = .bool(value)
    }

    private func bytes(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value): size(&node, value)
        // compose reads no fractions and nothing above 64 bits here, and takes them for nothing.
        case .float, .unsigned: size(&node, 0)
        case .string(let text):
            guard let value = ByteText.parse(text) else { return fail(node, path, FieldType.bytes.expectation ?? "") }
            size(&node, value)
        default: break
        }
    }

    /// Zero is no size.
    private func size(_ node: inout Node, _ value: Int64) { node.value = value == 0 ? .int(0) : .string("\(value)") }

    private func duration(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        guard let value = DurationText.parse(text) else { return fail(node, path, FieldType.duration.expectation ?? "") }
        node.value = .string(DurationText.text(value))
    }

    private func mode(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value): node.value = .string("0" + String(value, radix: 8))
        case .string(let text):
            guard let value = Int64(text, radix: 8) else { return fail(node, path, FieldType.mode.expectation ?? "") }
            node.value = .string("0" + String(value, radix: 8))
        case .null: break
        default: fail(node, path, FieldType.mode.expectation ?? "")
        }
    }

    private func pairs(_ node: inout Node, _ path: TreePath, keepingNone: Bool) {
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
    private func hosts(_ node: inout Node, _ path: TreePath) {
        var pairs: [Node] = []
        func add(_ host: String, _ address: String, _ mark: Mark) {
            var address = address
            if address.count > 2, address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
            for part in address.split(separator: ",", omittingEmptySubsequences: false) {
                pairs.append(.string("\(host)=\(part)", at: mark))
            }
        }
        switch node.value {
        case .sequence(let items):
            if items.isEmpty { return node.value = .null }
            for (number, item) in items.enumerated() {
                guard let text = item.string else { continue }
                guard let separator = text.firstIndex(of: "=") ?? text.firstIndex(of: ":"), separator != text.startIndex else {
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
        node.value = .sequence(pairs.sorted { ($0.string ?? "").utf8.lexicographicallyPrecedes(($1.string ?? "").utf8) })
    }

    private func words(_ node: inout Node, _ path: TreePath) {
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

    private func test(_ node: inout Node, _ path: TreePath) {
        if let text = node.string {
            node.value = .sequence([.string("CMD-SHELL", at: node.mark), .string(text, at: node.mark)])
        }
    }

    private func count(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .string(let text):
            if text.lowercased() == "all" {
                node.value = .int(-1)
            } else if let value = Int64(text) {
                node.value = .int(value)
            } else {
                fail(node, path, "a number of devices, or all")
            }
        case .float(let value) where value == value.rounded(): node.value = .int(Int64(value))
        case .int, .null: break
        default: fail(node, path, "a number of devices, or all")
        }
    }

    private func ulimit(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value):
            let mark = node.mark
            node = Node(.mapping([.init(key: "single", mark: mark, value: Node(.int(value), at: mark))]), at: mark)
        case .mapping:
            node.updateEntries { entry in
                guard !entry.key.hasPrefix("x-") else { return }
                switch entry.value.value {
                case .int: break
                case .float(let value) where value == value.rounded() && abs(value) < 9e15: entry.value.value = .int(Int64(value))
                default: fail(entry.value, path.key(entry.key), "a whole number")
                }
            }
        default: fail(node, path, "a whole number, or soft and hard")
        }
    }

    /// `id` or `id=path`.
    private func ssh(_ node: inout Node, _ path: TreePath) {
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
            remarks.error(item.mark, path.index(number), "invalid ssh key \"\(text)\"", suggestion: "write default, or ID=PATH")
        }
    }
}
