// Single values: numbers, sizes, durations, modes.
import BerthModel

extension Typing {
    func number(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int, .null: break
        case .float(let value) where value.isFinite && abs(value) < 9e18: node.value = .int(Int64(value))
        case .string(let text):
            guard let value = Int64(text) else { return fail(node, path, "a whole number") }
            node.value = .int(value)
        default: fail(node, path, "a whole number")
        }
    }

    func processors(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .float(let value): node.value = .float(Double(Float(value).description) ?? value)
        case .int, .null: break
        case .string(let text):
            guard let value = GoNumber.float(text) else {
                return fail(node, path, FieldType.processors.expectation ?? "")
            }
            node.value = .float(Double(Float(value).description) ?? value)
        default: fail(node, path, "a number")
        }
    }

    func flag(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        guard let value = Cast.boolean(text) else { return fail(node, path, "true or false") }
        node.value = .bool(value)
    }

    func bytes(_ node: inout Node, _ path: TreePath) {
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
    func size(_ node: inout Node, _ value: Int64) { node.value = value == 0 ? .int(0) : .string("\(value)") }

    func duration(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        guard let value = DurationText.parse(text) else {
            return fail(node, path, FieldType.duration.expectation ?? "")
        }
        node.value = .string(DurationText.text(value))
    }

    func mode(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value): node.value = .string("0" + String(value, radix: 8))
        case .string(let text):
            guard let value = Int64(text, radix: 8) else { return fail(node, path, FieldType.mode.expectation ?? "") }
            node.value = .string("0" + String(value, radix: 8))
        case .null: break
        default: fail(node, path, FieldType.mode.expectation ?? "")
        }
    }

    func count(_ node: inout Node, _ path: TreePath) {
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

    func unsigned(_ node: inout Node, _ path: TreePath) {
        number(&node, path)
        if case .int(let value) = node.value, value < 0 { fail(node, path, "a number from 0 up") }
    }

    /// Sixteen bits of it, as compose keeps weights.
    func weight(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int(let value): node.value = .int(Int64(UInt16(truncatingIfNeeded: value)))
        case .float(let value) where value == value.rounded() && abs(value) < 9e15:
            node.value = .int(Int64(UInt16(truncatingIfNeeded: Int64(value))))
        case .null: break
        default: fail(node, path, "a number")
        }
    }

    func ratio(_ node: inout Node, _ path: TreePath) {
        guard let text = node.string else { return }
        guard let value = GoNumber.float(text) else { return fail(node, path, "a number") }
        node.value = .float(value)
    }

    func published(_ node: inout Node, _ path: TreePath) {
        switch node.value {
        case .int, .unsigned: node.value = .string(node.scalarText ?? "")
        case .string, .null: break
        default: fail(node, path, "a port or a range")
        }
    }
}
