// Sizes as flags of the command line and of mounts write them.

/// `64m`, `1.5g`, `10 kb`, plain bytes.
package enum ByteSize {
    private static let shifts: [Character: Int64] = ["k": 10, "m": 20, "g": 30, "t": 40, "p": 50]

    package static func parse(_ text: String) -> Int64? {
        guard let end = text.utf8.lastIndex(where: { $0 == 0x20 || $0 == 0x2E || (0x30...0x39).contains($0) }) else {
            return nil
        }
        var digits = text[...end]
        if digits.utf8.last == 0x20 { digits = digits.dropLast() }
        var unit = text[text.utf8.index(after: end)...].lowercased()
        guard !digits.lowercased().contains("x"), let number = Double(digits), number >= 0 else { return nil }
        if unit.count > 3 { return nil }
        var factor = 1.0
        if let first = unit.first, let shift = shifts[first] {
            factor = Double(1 << shift)
            unit.removeFirst()
            if unit == "i" { return nil }
            if unit == "ib" || unit == "b" { unit = "" }
        } else if unit == "b" {
            unit = ""
        }
        let bytes = number * factor
        return unit.isEmpty && bytes < 9.2e18 ? Int64(bytes) : nil
    }
}
