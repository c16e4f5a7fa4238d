// Variables in every value of a tree (never in keys), with the place of each mistake; then the casts.
import BerthModel

final class Interpolator {
    private let environment: [String: String]
    private let remarks: Remarks
    /// What an env file would give for a name, to say so in a warning.
    private let hint: (String) -> String?
    /// Variables that a warning was given for: one each.
    private var warned: Set<String> = []

    init(environment: [String: String], remarks: Remarks, hint: @escaping (String) -> String? = { _ in nil }) {
        self.environment = environment
        self.remarks = remarks
        self.hint = hint
    }

    func interpolate(_ root: Node) -> Node {
        var result = root
        interpolate(&result, Cast.rules, .root)
        return result
    }

    /// Another environment, for files that are included with their own; warnings are still given once.
    func with(environment: [String: String]) -> Interpolator {
        let other = Interpolator(environment: environment, remarks: remarks, hint: hint)
        other.warned = warned
        return other
    }

    private func interpolate(_ node: inout Node, _ casts: RuleTree<Cast>?, _ path: @autoclosure () -> TreePath) {
        switch node.value {
        case .string(let text):
            let value = substitute(text, node.mark, path)
            guard let cast = casts?.rule else {
                if text.utf8.contains(0x24) { node.value = .string(value) }
                return
            }
            if let typed = cast.value(of: value) {
                node.value = typed
            } else {
                node.value = .string(value)
                remarks.error(
                    node.mark, path(), "expected \(cast.expected), found \"\(value)\"",
                    suggestion: value.isEmpty && !text.isEmpty ? "\(text) is empty or not set" : nil)
            }
        case .sequence:
            let here = path()
            var number = 0
            node.updateItems { item in
                interpolate(&item, casts?.belowIndex, here.index(number))
                number += 1
            }
        case .mapping:
            let here = path()
            node.updateEntries { interpolate(&$0.value, casts?.below($0.key), here.key($0.key)) }
        default: break
        }
    }

    private func substitute(_ text: String, _ mark: Mark, _ path: () -> TreePath) -> String {
        guard text.utf8.contains(0x24) else { return text }
        var missing: [String] = []
        defer {
            for name in missing where warned.insert(name).inserted {
                remarks.warning(
                    mark, path().description, "the variable \(name) is not set; an empty string is used",
                    suggestion: hint(name) ?? "set it, or give a default: ${\(name):-…}")
            }
        }
        do throws(TemplateError) {
            return try withoutActuallyEscaping({ missing.append($0) }) { note throws(TemplateError) in
                try Template(lookup: { self.environment[$0] }, unset: note).substitute(text)
            }
        } catch {
            remarks.error(mark, path(), error.message)
            return text
        }
    }
}
