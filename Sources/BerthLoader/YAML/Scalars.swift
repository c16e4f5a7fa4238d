// What a plain scalar means, exactly as compose's own YAML library decides it: a mixture of YAML 1.1 and 1.2.

enum Scalars {
    static func resolve(_ text: String) -> Node.Value {
        var copy = text
        return copy.withUTF8 { resolve($0, text) }
    }

    private static func resolve(_ bytes: UnsafeBufferPointer<UInt8>, _ text: String) -> Node.Value {
        guard let first = bytes.first else { return .null }
        switch first {
        case 0x30...0x39, 0x2B, 0x2D: return number(bytes, text)
        case 0x2E:  // .
            switch text {
            case ".inf", ".Inf", ".INF": return .float(.infinity)
            case ".nan", ".NaN", ".NAN": return .float(.nan)
            default: return isFloat(bytes) ? float(text) : .string(text)
            }
        case UInt8(ascii: "~"): return bytes.count == 1 ? .null : .string(text)
        case UInt8(ascii: "n"), UInt8(ascii: "N"):
            return ["null", "Null", "NULL"].contains(text) ? .null : .string(text)
        case UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"):
            return boolean(text).map { .bool($0) } ?? .string(text)
        default: return .string(text)
        }
    }

    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ text: String) -> Node.Value {
        switch text {
        case "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default: break
        }
        if let time = TimeText.rfc3339(text) { return .time(time) }
        let digits = text.withoutUnderscores
        if let value = integer(digits) { return value }
        var copy = digits
        let looksLikeFloat = copy.withUTF8 { isFloat($0) }
        return looksLikeFloat ? float(digits, original: text) : .string(text)
    }

    /// Decimal, `0x`, `0o`, `0b`, and octal by a leading zero; anything that does not fit 64 bits is none.
    private static func integer(_ text: String) -> Node.Value? {
        var digits = Substring(text)
        var negative = false
        if let first = digits.utf8.first, first == 0x2B || first == 0x2D {
            negative = first == 0x2D
            digits = digits.dropFirst()
        }
        guard let head = digits.utf8.first, (0x30...0x39).contains(head) else { return nil }
        var radix = 10
        if head == 0x30, digits.utf8.count > 1 {
            switch digits.utf8.dropFirst().first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
            case UInt8(ascii: "o"), UInt8(ascii: "O"): radix = 8
            case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
            case let next?:
                guard (0x30...0x39).contains(next) else { return nil }
                radix = 8
            case nil: break
            }
            let hasLetter = digits.utf8.dropFirst().first.map { !(0x30...0x39).contains($0) } ?? false
            digits = digits.dropFirst(hasLetter ? 2 : 1)
        }
        guard let next = digits.utf8.first, next != 0x2B, next != 0x2D else { return nil }
        if let value = Int64((negative ? "-" : "") + digits, radix: radix) { return .int(value) }
        if !negative, let value = UInt64(digits, radix: radix) { return .unsigned(value) }
        return nil
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        func digits() -> Int {
            let begin = index
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
            return index - begin
        }
        if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
        let whole = digits()
        if index < bytes.count, bytes[index] == 0x2E {
            index += 1
            let fraction = digits()
            if whole == 0 && fraction == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "e") || bytes[index] == UInt8(ascii: "E") {
            index += 1
            if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
            if digits() == 0 { return false }
        }
        return index == bytes.count
    }

    private static func float(_ text: String, original: String? = nil) -> Node.Value {
        // Swift wants a digit on both sides of the point.
        var spelled = text
        if let point = spelled.firstIndex(of: ".") {
            let after = spelled.index(after: point)
            if after == spelled.endIndex || !spelled[after].isNumber { spelled.insert("0", at: after) }
            if point == spelled.startIndex || !spelled[spelled.index(before: point)].isNumber {
                spelled.insert("0", at: point)
            }
        }
        guard let value = Double(spelled), value.isFinite else { return .string(original ?? text) }
        return .float(value)
    }
}

extension String {
    var withoutUnderscores: String {
        utf8.contains(UInt8(ascii: "_"))
            ? String(decoding: utf8.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self) : self
    }
}

/// Dates and times that are not quoted become times, as YAML 1.1 had it.
enum TimeText {
    static func rfc3339(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 8, bytes[4] == 0x2D, bytes[..<4].allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        var scanner = Scanner(bytes)
        guard let year = scanner.number(4, 4), scanner.take(0x2D), let month = scanner.number(1, 2), scanner.take(0x2D),
            let day = scanner.number(1, 2), (1...12).contains(month), day >= 1, day <= days(month, year)
        else { return nil }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        if scanner.isAtEnd { return "\(date)T00:00:00Z" }
        let isStrict = scanner.take(UInt8(ascii: "T")) || scanner.take(UInt8(ascii: "t"))
        if !isStrict {
            guard scanner.take(0x20) else { return nil }
            while scanner.take(0x20) {}
        }
        guard let clock = scanner.clock() else { return nil }
        if !isStrict { return scanner.isAtEnd ? "\(date)T\(clock)Z" : nil }
        guard let zone = scanner.zone(), scanner.isAtEnd else { return nil }
        return "\(date)T\(clock)\(zone)"
    }

    private static func days(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0
        init(_ bytes: [UInt8]) { self.bytes = bytes }
        var isAtEnd: Bool { index == bytes.count }

        mutating func take(_ byte: UInt8) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func number(_ least: Int, _ most: Int) -> Int? {
            var value = 0
            var count = 0
            while count < most, index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                value = value * 10 + Int(bytes[index] - 0x30)
                index += 1
                count += 1
            }
            return count >= least ? value : nil
        }

        mutating func clock() -> String? {
            guard let hour = number(1, 2), hour < 24, take(0x3A), let minute = number(1, 2), minute < 60, take(0x3A),
                let second = number(1, 2), second < 60
            else { return nil }
            var fraction = ""
            if index + 1 < bytes.count, bytes[index] == 0x2E || bytes[index] == 0x2C,
                (0x30...0x39).contains(bytes[index + 1])
            {
                index += 1
                let begin = index
                while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
                var digits = bytes[begin..<min(index, begin + 9)]
                while digits.last == 0x30 { digits.removeLast() }
                if !digits.isEmpty { fraction = "." + String(decoding: digits, as: UTF8.self) }
            }
            return "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))\(fraction)"
        }

        mutating func zone() -> String? {
            if take(UInt8(ascii: "Z")) { return "Z" }
            guard index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D else { return nil }
            let sign = bytes[index] == 0x2B ? "+" : "-"
            index += 1
            guard let hour = number(2, 2), hour <= 24, take(0x3A), let minute = number(2, 2), minute < 60 else {
                return nil
            }
            if hour == 0 && minute == 0 { return "Z" }
            return "\(sign)\(padded(hour, 2)):\(padded(minute, 2))"
        }
    }
}
