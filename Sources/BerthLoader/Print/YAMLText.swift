// Text as a YAML scalar, in the style that compose's own writer chooses.

enum YAMLText {
    /// Plain where YAML reads it back as the same text, literal where it has lines, quoted elsewhere.
    static func scalar(_ text: String, indent: String) -> String {
        let traits = Traits(text)
        if traits.hasLines { return traits.canBeLiteral ? literal(text, indent: indent) : doubleQuoted(text) }
        return oneLine(text, traits)
    }

    /// A key stands on one line.
    static func key(_ text: String) -> String {
        let traits = Traits(text)
        return traits.hasLines ? doubleQuoted(text) : oneLine(text, traits)
    }

    private static func oneLine(_ text: String, _ traits: Traits) -> String {
        guard !traits.isSpecial, isText(text) else { return doubleQuoted(text) }
        return traits.canBePlain ? text : "'" + text.replacing("'", with: "''") + "'"
    }

    /// Whether a reader, of YAML 1.1 too, takes the plain word for text.
    private static func isText(_ text: String) -> Bool {
        guard !text.isEmpty, text != "<<", !oldBooleans.contains(text), !isSexagesimal(text) else { return false }
        if case .string = Scalars.resolve(text) { return true }
        return false
    }

    private static let oldBooleans: Set = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
    ]

    /// 12:30 is a number of YAML 1.1.
    private static func isSexagesimal(_ text: String) -> Bool {
        text.utf8.contains(0x3A)
            && text.wholeMatch(of: /[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?/) != nil
    }

    /// What the characters of a text allow.
    private struct Traits {
        var hasLines = false
        /// Only a double-quoted scalar can have it.
        var isSpecial = false
        var canBePlain = true
        var canBeLiteral = true

        init(_ text: String) {
            let scalars = Array(text.unicodeScalars)
            guard let first = scalars.first, let last = scalars.last else { return }
            func isBlank(_ index: Int) -> Bool {
                !scalars.indices.contains(index) || [" ", "\t", "\n", "\r"].contains(scalars[index])
            }
            if text.hasPrefix("---") || text.hasPrefix("...") { canBePlain = false }
            if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(first) { canBePlain = false }
            if "-?".unicodeScalars.contains(first), isBlank(1) { canBePlain = false }
            if first == " " || last == " " { canBePlain = false }
            if last == " " { canBeLiteral = false }
            for (index, scalar) in scalars.enumerated() {
                switch scalar {
                case "\n":
                    hasLines = true
                    if index > 0, scalars[index - 1] == " " { canBeLiteral = false }
                case "\t": isSpecial = true
                case ":": if isBlank(index + 1) { canBePlain = false }
                case "#": if index > 0, isBlank(index - 1) { canBePlain = false }
                case _ where !isPrintable(scalar):
                    isSpecial = true
                    canBeLiteral = false
                default: break
                }
            }
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: true
        default: false
        }
    }

    private static func literal(_ text: String, indent: String) -> String {
        let trailing = text.unicodeScalars.reversed().prefix { $0 == "\n" }.count
        // A reader would take a space or a line at the beginning for the indentation.
        let hint = text.hasPrefix(" ") || text.hasPrefix("\n") ? "2" : ""
        let isBreak = text == "\n"
        let chomping = trailing == 0 ? "-" : trailing > 1 || isBreak ? "+" : ""
        let body = trailing == 0 ? text : String(text.dropLast())
        let inner = indent.isEmpty ? "  " : indent
        let lines = body.components(separatedBy: "\n").map { $0.isEmpty ? "" : inner + $0 }
        return "|\(hint)\(chomping)\n" + lines.joined(separator: "\n")
    }

    private static let names: [Unicode.Scalar: String] = [
        "\0": "0", "\u{7}": "a", "\u{8}": "b", "\t": "t", "\n": "n", "\u{B}": "v", "\u{C}": "f", "\r": "r",
        "\u{1B}": "e", "\"": "\"", "\\": "\\", "\u{85}": "N", "\u{2028}": "L", "\u{2029}": "P",
    ]

    private static func doubleQuoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if let name = names[scalar] {
                result += "\\" + name
            } else if isPrintable(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                let (mark, width) =
                    scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\\(mark)" + String(repeating: "0", count: width - digits.count) + digits
            }
        }
        return result + "\""
    }
}
