// Patterns of `${NAME#…}`, `${NAME%…}` and `${NAME/…}`: `*`, `?`, and a backslash before what is meant as it is.

struct ShellPattern {
    private enum Part: Equatable { case one(Unicode.Scalar), any, anything }
    private let parts: [Part]

    init(_ text: String) {
        var parts: [Part] = []
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "*": if parts.last != .anything { parts.append(.anything) }
            case "?": parts.append(.any)
            case "\\": parts.append(.one(scalars.popFirst() ?? "\\"))
            default: parts.append(.one(scalar))
            }
        }
        self.parts = parts
    }

    /// Ends of matches that begin at a place, in ascending order. A table instead of backtracking: never slow.
    private func ends(_ text: [Unicode.Scalar], from begin: Int) -> [Int] {
        var reached: Set<Int> = [begin]
        for part in parts {
            switch part {
            case .anything:
                guard let first = reached.min() else { return [] }
                reached = Set(first...text.count)
            case .any: reached = Set(reached.filter { $0 < text.count }.map { $0 + 1 })
            case .one(let scalar):
                reached = Set(reached.filter { $0 < text.count && text[$0] == scalar }.map { $0 + 1 })
            }
            if reached.isEmpty { return [] }
        }
        return reached.sorted()
    }

    private func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    func trimmingPrefix(of value: String, greedy: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        let ends = ends(scalars, from: 0)
        guard let end = greedy ? ends.last : ends.first else { return value }
        return text(scalars[end...])
    }

    func trimmingSuffix(of value: String, greedy: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        let begins = (0...scalars.count).filter { ends(scalars, from: $0).last == scalars.count }
        guard let begin = greedy ? begins.first : begins.last else { return value }
        return text(scalars[..<begin])
    }

    /// The longest match at each place.
    func replacing(in value: String, with replacement: String, everywhere: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        var result = ""
        var index = 0
        var lastEnd = -1
        while index <= scalars.count {
            // An empty match right behind another is none.
            if let end = ends(scalars, from: index).last, !(end == index && index == lastEnd) {
                result += replacement
                lastEnd = end
                if end == index {
                    if index < scalars.count { result.unicodeScalars.append(scalars[index]) }
                    index += 1
                } else {
                    index = end
                }
                if !everywhere {
                    if index < scalars.count { result += text(scalars[index...]) }
                    return result
                }
            } else {
                if index < scalars.count { result.unicodeScalars.append(scalars[index]) }
                index += 1
            }
        }
        return result
    }
}
