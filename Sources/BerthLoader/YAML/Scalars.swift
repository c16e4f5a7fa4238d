// What a plain scalar means: integers as compose's own library reads them, floats, booleans.

enum Scalars {
    /// `1_000`, `0x1F`, `0o17`, `0b11`, `0123` (octal, as YAML 1.1 had it); nil: not an integer.
    static func integer(_ text: String) -> Int64? {
        var digits = text.replacingUnderscores
        var sign: Int64 = 1
        if digits.hasPrefix("-") || digits.hasPrefix("+") {
            if digits.hasPrefix("-") { sign = -1 }
            digits.removeFirst()
        }
        guard let first = digits.utf8.first, (0x30...0x39).contains(first) else { return nil }
        for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)]
        where digits.hasPrefix(prefix) {
            return Int64(digits.dropFirst(2), radix: radix).map { $0 * sign }
        }
        if digits.count > 1 && digits.hasPrefix("0"), let octal = Int64(digits, radix: 8) { return octal * sign }
        if let value = Int64(digits) { return value * sign }
        // 1e3 is a whole number too.
        if let value = Double(digits), value == value.rounded(), abs(value) < 9e15 { return Int64(value) * sign }
        return nil
    }

    static func float(_ text: String) -> Double? {
        if let whole = integer(text) { return Double(whole) }
        return Double(text.replacingUnderscores)
    }

    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    /// YAML 1.1's words, taken with a warning.
    static func oldBoolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "y", "yes", "on", "1", "true", "t": true
        case "n", "no", "off", "0", "false", "f": false
        default: nil
        }
    }

    /// The text that compose puts where a string is wanted: numbers in decimal, everything else as written.
    static func stringValue(_ text: String, isPlain: Bool) -> String {
        guard isPlain, let first = text.utf8.first, (0x30...0x39).contains(first) || first == 0x2D || first == 0x2B
        else { return text }
        if Int64(text) != nil && !(text.count > 1 && text.hasPrefix("0")) { return text }
        guard let value = integer(text), !text.contains(".") else { return text }
        return "\(value)"
    }
}

extension String {
    var replacingUnderscores: String { String(filter { $0 != "_" }) }

    var trimmed: String {
        let isSpace = { (character: Character) in
            character == " " || character == "\t" || character == "\n" || character == "\r"
        }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
