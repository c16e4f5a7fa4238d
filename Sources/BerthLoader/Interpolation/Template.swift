// `$V`, `${V}` and its operators, nested in operands; `$$` is a dollar. Where compose's own grammar is odd, so is this:
// an operand ends at its line, and a `$` before anything else is a plain dollar.

struct TemplateError: Error, Equatable {
    enum Kind: Equatable { case format, required(String) }
    let kind: Kind
    let message: String
}

/// Substitutes variables in one value.
struct Template {
    /// Nil: the variable is not set.
    let lookup: (String) -> String?
    /// Called for a variable that is not set and has no default.
    let unset: (String) -> Void
    private static let depthMax = 64

    func substitute(_ text: String) throws(TemplateError) -> String {
        guard text.utf8.contains(0x24) else { return text }
        return String(decoding: try substitute(Array(text.utf8)[...], depth: 0), as: UTF8.self)
    }

    private static func isNameStart(_ byte: UInt8) -> Bool {
        byte == 0x5F || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
    }
    private static func isName(_ byte: UInt8) -> Bool { isNameStart(byte) || (0x30...0x39).contains(byte) }

    private func substitute(_ text: ArraySlice<UInt8>, depth: Int) throws(TemplateError) -> [UInt8] {
        guard depth < Template.depthMax else { throw Template.invalid(text, "it is nested too deeply") }
        var result: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == 0x24, index + 1 < text.endIndex else {
                result.append(text[index])
                index += 1
                continue
            }
            let next = text[index + 1]
            if next == 0x24 {
                result.append(0x24)
                index += 2
            } else if Template.isNameStart(next) {
                let end = text[(index + 1)...].firstIndex { !Template.isName($0) } ?? text.endIndex
                result += value(String(decoding: text[(index + 1)..<end], as: UTF8.self)).utf8
                index = end
            } else if next == 0x7B {
                let reference = try reference(text[index...])
                result += try expand(reference, depth: depth)
                index = reference.endIndex
            } else {
                result.append(0x24)
                index += 1
            }
        }
        return result
    }

    /// A reference in a text, for whoever lists them.
    struct Reference {
        let name: String
        /// `-`, `+` or `?`.
        let symbol: UInt8?
        let operand: ArraySlice<UInt8>
    }

    /// The references of a text, not those in operands; what is no reference is passed over.
    static func references(in text: ArraySlice<UInt8>) -> [Reference] {
        let template = Template(lookup: { _ in nil }, unset: { _ in })
        var found: [Reference] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == 0x24, index + 1 < text.endIndex else { index += 1; continue }
            let next = text[index + 1]
            if isNameStart(next) {
                let end = text[(index + 1)...].firstIndex { !isName($0) } ?? text.endIndex
                found.append(
                    Reference(name: String(decoding: text[(index + 1)..<end], as: UTF8.self), symbol: nil, operand: []))
                index = end
            } else if next == 0x7B, let whole = try? template.reference(text[index...]) {
                let close = closingBrace(whole) ?? whole.endIndex - 1
                let inner = whole[(whole.startIndex + 2)..<close]
                let end = inner.firstIndex { !isName($0) } ?? inner.endIndex
                let operation = operation(inner[end...])
                found.append(
                    Reference(
                        name: String(decoding: inner[..<end], as: UTF8.self), symbol: operation?.symbol,
                        operand: operation.map { inner[(end + $0.length)...] } ?? []))
                index = close + 1
            } else {
                index += next == 0x24 ? 2 : 1
            }
        }
        return found
    }

    private func value(_ name: String) -> String {
        if let value = lookup(name) { return value }
        unset(name)
        return ""
    }

    private static func invalid(_ text: ArraySlice<UInt8>, _ why: String) -> TemplateError {
        let shown = String(decoding: text.prefix(80), as: UTF8.self)
        return TemplateError(
            kind: .format, message: "invalid interpolation format: \(why) in \"\(shown)\"; write $$ for a dollar sign")
    }

    /// `${name}`, or `${name` with an operator up to the last closing brace of the line.
    private func reference(_ text: ArraySlice<UInt8>) throws(TemplateError) -> ArraySlice<UInt8> {
        let begin = text.startIndex + 2
        guard begin < text.endIndex, Template.isNameStart(text[begin]) else {
            throw Template.invalid(text, "${ is not followed by a name")
        }
        let end = text[begin...].firstIndex { !Template.isName($0) } ?? text.endIndex
        guard end < text.endIndex else { throw Template.invalid(text, "a ${ without its }") }
        if text[end] == 0x7D { return text[...end] }
        guard Template.operation(text[end...]) != nil else {
            throw Template.invalid(text, "a name is followed by }, or by one of :- - :? ? :+ +, and this one is not,")
        }
        let lineEnd = text[end...].firstIndex(of: 0x0A) ?? text.endIndex
        guard let last = text[end..<lineEnd].lastIndex(of: 0x7D) else {
            throw Template.invalid(text, "a ${ without its }")
        }
        return text[...last]
    }

    private struct Operation {
        /// `:` before it: an empty value counts as unset.
        let countsEmpty: Bool
        let symbol: UInt8
        var length: Int { countsEmpty ? 2 : 1 }
    }

    private static func operation(_ text: ArraySlice<UInt8>) -> Operation? {
        guard let first = text.first else { return nil }
        let countsEmpty = first == 0x3A
        guard let symbol = countsEmpty ? text.dropFirst().first : first, [0x2D, 0x2B, 0x3F].contains(symbol) else {
            return nil
        }
        return Operation(countsEmpty: countsEmpty, symbol: symbol)
    }

    private func expand(_ reference: ArraySlice<UInt8>, depth: Int) throws(TemplateError) -> [UInt8] {
        let close = Template.closingBrace(reference) ?? reference.endIndex - 1
        let inner = reference[(reference.startIndex + 2)..<close]
        let end = inner.firstIndex { !Template.isName($0) } ?? inner.endIndex
        let name = String(decoding: inner[..<end], as: UTF8.self)
        guard let operation = Template.operation(inner[end...]) else { return Array(value(name).utf8) }
        let operand = try substitute(inner[(end + operation.length)...], depth: depth + 1)
        let current = lookup(name)
        let isSet = current != nil && !(operation.countsEmpty && current == "")
        let result: [UInt8]
        switch operation.symbol {
        case 0x2D: result = isSet ? Array((current ?? "").utf8) : operand
        case 0x2B: result = isSet ? operand : []
        default:
            guard isSet else {
                let message = String(decoding: operand, as: UTF8.self)
                throw TemplateError(
                    kind: .required(name),
                    message: "required variable \(name) is missing a value" + (message.isEmpty ? "" : ": \(message)"))
            }
            result = Array((current ?? "").utf8)
        }
        return result + (try substitute(reference[(close + 1)...], depth: depth + 1))
    }

    /// The brace that closes the first one, as compose counts: what follows an opening brace is not looked at.
    private static func closingBrace(_ text: ArraySlice<UInt8>) -> Int? {
        var open = 0
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == 0x7D {
                open -= 1
                if open == 0 { return index }
            } else if text[index] == 0x7B {
                open += 1
                index += 1
            }
            index += 1
        }
        return nil
    }
}
