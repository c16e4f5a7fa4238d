// Text as a JSON string (RFC 8259, section 7).

package enum JSONString {
    /// What Go's encoder escapes beyond the standard: scripts took them for ends of lines.
    package static let lineSeparators: Set<Unicode.Scalar> = ["\u{2028}", "\u{2029}"]
    /// And what could end a script element.
    package static let markup: Set<Unicode.Scalar> = ["<", ">", "&"]

    /// - Parameter extra: characters that are written as `\uXXXX` too; none above U+FFFF.
    package static func quoted(_ text: String, escaping extra: Set<Unicode.Scalar> = []) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case _ where scalar.value < 0x20 || extra.contains(scalar):
                result += "\\u" + Hex.encode([UInt8(scalar.value >> 8 & 255), UInt8(scalar.value & 255)])
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
