// Reading RFC 3339, as documents of images have it.

extension Timestamp {
    /// `2024-02-29T12:00:00.5+01:00`. Nil: it is no such text, or too far away for nanoseconds (before 1678, after
    /// 2261).
    package init?(rfc3339 text: String) {
        var rest = Array(text.utf8)[...]
        func number(_ count: Int, _ range: ClosedRange<Int64>, then separator: String? = nil) -> Int64? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(count)
            if let separator {
                guard let byte = rest.popFirst(), separator.utf8.contains(byte) else { return nil }
            }
            let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            return range.contains(value) ? value : nil
        }
        guard let year = number(4, 1678...2261, then: "-"), let month = number(2, 1...12, then: "-"),
            let day = number(2, 1...31, then: "Tt "), let hour = number(2, 0...23, then: ":"),
            let minute = number(2, 0...59, then: ":"), let second = number(2, 0...60)
        else { return nil }
        var fraction: Int64 = 0
        if rest.first == 0x2E {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            if digits.isEmpty { return nil }
            rest = rest.dropFirst(1 + digits.count)
            for place in 0..<9 {
                let digit = place < digits.count ? digits[digits.startIndex + place] - 0x30 : 0
                fraction = fraction * 10 + Int64(digit)
            }
        }
        var offset: Int64 = 0
        switch rest.popFirst() {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): break
        case let sign? where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
            guard let hours = number(2, 0...23, then: ":"), let minutes = number(2, 0...59) else { return nil }
            offset = (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
        default: return nil
        }
        guard rest.isEmpty else { return nil }
        // The era method, years that begin in March.
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(nanosecondsSinceEpoch: seconds * 1_000_000_000 + fraction)
    }
}
