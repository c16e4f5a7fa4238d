// Durations and sizes as Go's libraries read and print them.

/// `1h2m3.5s`, `300ms`, `1.5d`; a bare number is refused but 0.
enum DurationText {
    private static let units: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9,
        "w": 604_800e9,
    ]

    static func parse(_ text: String) -> Duration? {
        var rest = Substring(text)
        var negative = false
        if let sign = rest.first, sign == "-" || sign == "+" {
            negative = sign == "-"
            rest.removeFirst()
        }
        if rest == "0" { return .zero }
        var total: Int64 = 0
        var any = false
        while !rest.isEmpty {
            let whole = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(whole.count)
            var fraction = Substring()
            if rest.first == "." {
                rest.removeFirst()
                fraction = rest.prefix { ("0"..."9").contains($0) }
                rest = rest.dropFirst(fraction.count)
            }
            if whole.isEmpty && fraction.isEmpty { return nil }
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            rest = rest.dropFirst(unit.count)
            guard let scale = units[String(unit)] else { return nil }
            guard let amount = whole.isEmpty ? 0 : Int64(whole) else { return nil }
            let (value, overflow) = amount.multipliedReportingOverflow(by: Int64(scale))
            if overflow { return nil }
            let part = fraction.isEmpty ? 0 : (Double("0." + fraction) ?? 0) * scale
            let (sum, tooLong) = total.addingReportingOverflow(value)
            let (final, tooLongToo) = sum.addingReportingOverflow(Int64(part))
            if tooLong || tooLongToo { return nil }
            total = final
            any = true
        }
        return any ? .nanoseconds(negative ? -total : total) : nil
    }

    /// Go's way: `1h0m30s`, `1.5s`, `300ms`, `0s`.
    static func text(_ value: Duration) -> String {
        let (seconds, attoseconds) = value.components
        let total = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        if total == 0 { return "0s" }
        let sign = total < 0 ? "-" : ""
        let magnitude = total.magnitude
        if magnitude < 1000 { return "\(sign)\(magnitude)ns" }
        if magnitude < 1_000_000 { return sign + decimal(magnitude, 1000) + "µs" }
        if magnitude < 1_000_000_000 { return sign + decimal(magnitude, 1_000_000) + "ms" }
        let whole = magnitude / 1_000_000_000
        let secondsText = decimal(magnitude % 60_000_000_000, 1_000_000_000) + "s"
        if whole < 60 { return sign + secondsText }
        if whole < 3600 { return "\(sign)\(whole / 60)m\(secondsText)" }
        return "\(sign)\(whole / 3600)h\(whole / 60 % 60)m\(secondsText)"
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
        let rest = value % unit
        if rest == 0 { return "\(value / unit)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: String(unit).count - 1 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(value / unit).\(digits)"
    }
}

/// Sizes: a number of bytes, or with b, k, m, g, t, p (powers of 1024; `kb`, `kib` alike).
enum ByteText {
    static func parse(_ text: String) -> Int64? {
        var digits = text
        var suffix = ""
        while let last = digits.last, !("0"..."9").contains(last) && last != "." {
            suffix = String(last) + suffix
            digits.removeLast()
        }
        if suffix.hasPrefix(" ") { suffix.removeFirst() }
        guard let number = GoNumber.float(digits), number >= 0 else { return nil }
        guard let factor = units[suffix.lowercased()] else { return nil }
        let bytes = number * factor
        return bytes < 9.2e18 ? Int64(bytes) : nil
    }

    private static let units: [String: Double] = {
        var table: [String: Double] = ["": 1, "b": 1]
        var factor = 1.0
        for letter in ["k", "m", "g", "t", "p"] {
            factor *= 1024
            for suffix in ["", "b", "ib"] { table[letter + suffix] = factor }
        }
        return table
    }()
}
