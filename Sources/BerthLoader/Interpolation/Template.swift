// `$V`, `${V}` and its operators, nested in operands; `$$` is a dollar.

struct TemplateError: Error, Equatable { let message: String }

/// Substitutes variables in one value.
struct Template {
    /// Nil: the variable is not set.
    let lookup: (String) -> String?
    /// Called for a variable that is not set and has no default.
    let unset: (String) -> Void
    private static let depthMax = 32

    func substitute(_ text: String) throws(TemplateError) -> String {
        guard text.utf8.contains(0x24) else { return text }
        var scanner = Scanner(Array(text.unicodeScalars))
        return try substitute(&scanner, until: nil, depth: 0)
    }

    private struct Scanner {
        let scalars: [Unicode.Scalar]
        var index = 0
        init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }
        var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }
        func peek(_ offset: Int) -> Unicode.Scalar? { index + offset < scalars.count ? scalars[index + offset] : nil }
    }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }
    private static func isName(_ scalar: Unicode.Scalar) -> Bool { isNameStart(scalar) || ("0"..."9").contains(scalar) }

    private func substitute(_ scanner: inout Scanner, until end: Unicode.Scalar?, depth: Int) throws(TemplateError)
        -> String
    {
        guard depth < Template.depthMax else { throw TemplateError(message: "the expression is nested too deeply") }
        var result = String.UnicodeScalarView()
        while let scalar = scanner.current {
            if let end, scalar == end { return String(result) }
            if scalar != "$" {
                result.append(scalar)
                scanner.index += 1
                continue
            }
            guard let next = scanner.peek(1) else { throw invalid("a lone $ at the end") }
            if next == "$" {
                result.append("$")
                scanner.index += 2
            } else if next == "{" {
                scanner.index += 2
                result.append(contentsOf: try braced(&scanner, depth: depth).unicodeScalars)
            } else if Template.isNameStart(next) {
                scanner.index += 1
                result.append(contentsOf: value(name(&scanner)).unicodeScalars)
            } else {
                throw invalid("$ is followed by \"\(next)\"")
            }
        }
        if end != nil { throw invalid("a ${ without its }") }
        return String(result)
    }

    private func invalid(_ what: String) -> TemplateError {
        TemplateError(message: "invalid interpolation format: \(what); write $$ for a dollar sign")
    }

    private func name(_ scanner: inout Scanner) -> String {
        var name = String.UnicodeScalarView()
        while let scalar = scanner.current, Template.isName(scalar) {
            name.append(scalar)
            scanner.index += 1
        }
        return String(name)
    }

    private func value(_ name: String) -> String {
        if let value = lookup(name) { return value }
        unset(name)
        return ""
    }

    private func braced(_ scanner: inout Scanner, depth: Int) throws(TemplateError) -> String {
        guard let first = scanner.current, Template.isNameStart(first) else {
            throw invalid("${ is not followed by a name")
        }
        let name = name(&scanner)
        guard let scalar = scanner.current else { throw invalid("a ${ without its }") }
        if scalar == "}" {
            scanner.index += 1
            return value(name)
        }
        var onEmpty = false
        var operation = scalar
        if scalar == ":" {
            onEmpty = true
            scanner.index += 1
            guard let next = scanner.current else { throw invalid("a ${ without its }") }
            operation = next
        }
        guard operation == "-" || operation == "?" || operation == "+" else {
            throw invalid("\"\(operation)\" in ${\(name)…}")
        }
        scanner.index += 1
        let current = lookup(name)
        let isSet = current != nil && !(onEmpty && current == "")
        // The operand's own variables count only where it is used.
        let quiet = Template(lookup: lookup, unset: isSet == (operation == "+") ? unset : { _ in })
        let operand = try quiet.operand(&scanner, evaluate: isSet == (operation == "+"), depth: depth + 1)
        switch operation {
        case "-": return isSet ? current ?? "" : operand
        case "+": return isSet ? operand : ""
        default:
            if isSet { return current ?? "" }
            throw TemplateError(
                message: "required variable \(name) is missing a value" + (operand.isEmpty ? "" : ": \(operand)"))
        }
    }

    private func operand(_ scanner: inout Scanner, evaluate: Bool, depth: Int) throws(TemplateError) -> String {
        let begin = scanner.index
        do throws(TemplateError) {
            let text = try substitute(&scanner, until: "}", depth: depth)
            scanner.index += 1
            return text
        } catch {
            // An error inside an operand that is not used is none, as long as the braces match.
            guard !evaluate, error.message.hasPrefix("required variable") else { throw error }
            scanner.index = begin
            var open = 1
            while let scalar = scanner.current, open > 0 {
                if scalar == "{" { open += 1 } else if scalar == "}" { open -= 1 }
                scanner.index += 1
            }
            return ""
        }
    }
}
