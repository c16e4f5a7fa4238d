// Variables in every value of a tree (never in keys), with the place of each mistake.
import BerthModel

struct Interpolator {
    let environment: [String: String]
    let remarks: Remarks
    /// Variables that a warning was given for: one each.
    private let warned = Warned()

    final class Warned { var names: Set<String> = [] }

    init(environment: [String: String], remarks: Remarks) {
        self.environment = environment
        self.remarks = remarks
    }

    func interpolate(_ node: Node, path: String = "") -> Node {
        var result = node
        switch node.value {
        case .null: break
        case .scalar(let text, let isPlain):
            let template = Template(lookup: { environment[$0] }) { name in
                if warned.names.insert(name).inserted {
                    remarks.warning(
                        node.place, path, "the variable \(name) is not set; an empty string is used",
                        suggestion: "set it, or give a default: ${\(name):-…}")
                }
            }
            do throws(TemplateError) {
                let value = try template.substitute(text)
                // What came out of a variable is resolved as if it had been written there.
                result.value =
                    value.isEmpty && isPlain && !text.isEmpty
                    ? .scalar("", isPlain: false) : .scalar(value, isPlain: isPlain || value != text)
            } catch {
                remarks.error(node.place, path, error.message)
            }
        case .sequence(let items):
            result.value = .sequence(items.enumerated().map { interpolate($1, path: "\(path)[\($0)]") })
        case .mapping(let entries):
            result.value = .mapping(
                entries.map { entry in
                    var changed = entry
                    changed.value = interpolate(entry.value, path: path.isEmpty ? entry.key : "\(path).\(entry.key)")
                    return changed
                })
        }
        return result
    }
}
