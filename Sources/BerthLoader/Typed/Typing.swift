// Values to their final types; what cannot be read is remarked with what was expected.
import BerthModel

struct Typing {
    let remarks: Remarks

    func apply(to root: inout Node) {
        for kind in ["networks", "volumes", "secrets", "configs"] {
            root.update(kind) { resources in
                resources.updateEntries { if $0.value.isNull { $0.value = Node(.mapping([]), at: $0.mark) } }
            }
        }
        root.apply(FieldType.rules) { node, type, path in convert(&node, type, path) }
    }

    func fail(_ node: Node, _ path: TreePath, _ expected: String) {
        remarks.error(node.mark, path, "expected \(expected), found \(node.kindName)")
    }

    private func convert(_ node: inout Node, _ type: FieldType, _ path: TreePath) {
        switch type {
        case .number: number(&node, path)
        case .unsigned: unsigned(&node, path)
        case .bits: node.string == nil ? unsigned(&node, path) : fail(node, path, "a number")
        case .weight: weight(&node, path)
        case .processors: processors(&node, path)
        case .ratio: ratio(&node, path)
        case .flag: flag(&node, path)
        case .bytes: bytes(&node, path)
        case .duration: duration(&node, path)
        case .mode: mode(&node, path)
        case .count: count(&node, path)
        case .published: published(&node, path)
        case .text: if let text = node.scalarText { node.value = .string(text) }
        case .pairs: pairs(&node, path, keepingNone: false)
        case .inherited: pairs(&node, path, keepingNone: true)
        case .hosts: hosts(&node, path)
        case .texts: if node.string != nil { node = Node(.sequence([node]), at: node.mark) }
        case .textsOrNumbers: textsOrNumbers(&node, path)
        case .words: words(&node, path)
        case .test: test(&node)
        case .ulimit: ulimit(&node, path)
        case .providerOptions: providerOptions(&node)
        case .ssh: ssh(&node, path)
        case .deviceRequest: deviceRequest(&node)
        case .storageOptions: storageOptions(&node, path)
        }
    }
}
