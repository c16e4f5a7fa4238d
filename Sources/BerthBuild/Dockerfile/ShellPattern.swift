// Patterns of `${NAME#…}`, `${NAME%…}` and `${NAME/…}`: `*`, `?`, and a backslash before what is meant as it is.

struct ShellPattern {
    private enum Part: Equatable { case one(Unicode.Scalar), any, anything }
    private var parts: [Part]

    /// For each character of a value, this many steps.
    var count: Int { parts.count + 1 }

    init(_ text: String) throws(WordError) {
        var parts: [Part] = []
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "*": if parts.last != .anything { parts.append(.anything) }
            case "?": parts.append(.any)
            case "\\":
                // Before a brace or a slash it was for the substitution.
                if scalars.first == "}" || scalars.first == "/" { continue }
                guard let escaped = scalars.popFirst(), "*?\\".unicodeScalars.contains(escaped) else {
                    throw WordError("invalid pattern (\(text)) in substitution: invalid escape")
                }
                parts.append(.one(escaped))
            default: parts.append(.one(scalar))
            }
        }
        self.parts = parts
    }

    // MARK: Matching

    /// Neither `*` nor `?` stands for a line feed.
    private static func isOne(_ part: Part, _ scalar: Unicode.Scalar) -> Bool {
        switch part {
        case .one(let wanted): scalar == wanted
        case .any, .anything: scalar != "\n"
        }
    }

    /// Ends of matches that begin at a place, in ascending order. Places are followed together: no way is tried twice.
    private func ends(_ text: [Unicode.Scalar], from begin: Int) -> [Int] {
        var reached = [begin]
        for part in parts {
            if part == .anything {
                var more: [Int] = []
                for place in reached where place > more.last ?? -1 {
                    more.append(place)
                    var index = place
                    while index < text.count, ShellPattern.isOne(part, text[index]) {
                        index += 1
                        more.append(index)
                    }
                }
                reached = more
            } else {
                reached = reached.filter { $0 < text.count && ShellPattern.isOne(part, text[$0]) }.map { $0 + 1 }
            }
            if reached.isEmpty { return [] }
        }
        return reached
    }

    /// For each place, whether a match begins there.
    private func begins(_ text: [Unicode.Scalar]) -> [Bool] {
        var here = Array(repeating: true, count: text.count + 1)
        for part in parts.reversed() {
            let behind = here
            here[text.count] = part == .anything && behind[text.count]
            for index in text.indices.reversed() {
                let isOne = ShellPattern.isOne(part, text[index])
                here[index] =
                    part == .anything ? behind[index] || isOne && here[index + 1] : isOne && behind[index + 1]
            }
        }
        return here
    }

    // MARK: What is done with it

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    func trimmingPrefix(of value: String, greedy: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        let ends = ends(scalars, from: 0)
        guard let end = greedy ? ends.last : ends.first else { return value }
        return ShellPattern.string(scalars[end...])
    }

    /// A prefix of everything backwards.
    func trimmingSuffix(of value: String, greedy: Bool) -> String {
        let scalars = Array(value.unicodeScalars.reversed())
        var backwards = self
        backwards.parts.reverse()
        let ends = backwards.ends(scalars, from: 0)
        guard let end = greedy ? ends.last : ends.first else { return value }
        return ShellPattern.string(scalars[end...].reversed())
    }

    /// The longest match at each place.
    func replacing(in value: String, with replacement: String, everywhere: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        let begins = begins(scalars)
        var result = String.UnicodeScalarView()
        var index = 0
        var lastEnd = -1
        while index <= scalars.count {
            let end = begins[index] ? self.ends(scalars, from: index).last : nil
            // An empty match right behind another is none.
            if let end, !(end == index && index == lastEnd) {
                result.append(contentsOf: replacement.unicodeScalars)
                lastEnd = end
                if !everywhere {
                    result.append(contentsOf: scalars[end...])
                    return String(result)
                }
                if end > index {
                    index = end
                    continue
                }
            }
            if index < scalars.count { result.append(scalars[index]) }
            index += 1
        }
        return String(result)
    }
}
