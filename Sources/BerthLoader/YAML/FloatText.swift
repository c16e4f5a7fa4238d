// Floating-point numbers as Go's formatter writes them: scripts compare such text.

enum FloatText {
    /// The shortest decimal digits that read back as the same number, and the exponent of the first one.
    private static func digits(_ value: Double) -> (digits: [UInt8], exponent: Int) {
        // Swift prints the shortest round-trip digits too; only the layout differs.
        let text = value.magnitude.description
        var mantissa: [UInt8] = []
        var exponent = 0
        var seenPoint = false
        var pointAt = 0
        var rest = Substring(text)
        if let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            rest = text[..<mark]
        }
        for byte in rest.utf8 {
            if byte == 0x2E { seenPoint = true; continue }
            mantissa.append(byte)
            if !seenPoint { pointAt += 1 }
        }
        while mantissa.first == 0x30, mantissa.count > 1 { mantissa.removeFirst(); pointAt -= 1 }
        while mantissa.last == 0x30, mantissa.count > 1 { mantissa.removeLast() }
        return (mantissa, exponent + pointAt - 1)
    }

    /// `%v`: an exponent below 1e-4 and from 1e6 on.
    static func general(_ value: Double) -> String { text(value, largest: 6) }

    /// As YAML has them.
    static func yaml(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return general(value)
    }

    /// As people write them.
    static func shortest(_ value: Double) -> String { text(value, largest: 21) }

    private static func text(_ value: Double, largest: Int) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return sign + "0" }
        let (digits, exponent) = digits(value)
        if exponent < -4 || exponent >= largest {
            return sign + exponential(digits, exponent)
        }
        return sign + plain(digits, exponent)
    }

    /// As JSON numbers are written: an exponent below 1e-6 and from 1e21 on.
    static func json(_ value: Double) -> String {
        // JSON has neither.
        if !value.isFinite { return "null" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let sign = value.sign == .minus ? "-" : ""
        let (digits, exponent) = digits(value)
        if exponent < -6 || exponent >= 21 {
            var text = exponential(digits, exponent)
            // 1e-07 is written 1e-7 there.
            if let mark = text.firstRange(of: "e-0") { text.replaceSubrange(mark, with: "e-") }
            return sign + text
        }
        return sign + plain(digits, exponent)
    }

    static func json(_ value: Float) -> String {
        guard let exact = Double(value.description) else { return json(Double(value)) }
        return json(exact)
    }

    private static func exponential(_ digits: [UInt8], _ exponent: Int) -> String {
        var text = String(decoding: digits.prefix(1), as: UTF8.self)
        if digits.count > 1 { text += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
        let magnitude = exponent.magnitude
        return text + (exponent < 0 ? "e-" : "e+") + (magnitude < 10 ? "0" : "") + "\(magnitude)"
    }

    private static func plain(_ digits: [UInt8], _ exponent: Int) -> String {
        if exponent < 0 {
            return "0." + String(repeating: "0", count: -exponent - 1) + String(decoding: digits, as: UTF8.self)
        }
        let whole = exponent + 1
        if digits.count <= whole {
            return String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: whole - digits.count)
        }
        return String(decoding: digits[..<whole], as: UTF8.self) + "."
            + String(decoding: digits[whole...], as: UTF8.self)
    }
}
