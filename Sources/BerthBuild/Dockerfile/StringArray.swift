// The JSON form of instructions: an array of strings, judged as strictly as Go judges JSON.

enum StringArray {
    /// Nil: the text is none.
    static func read(_ text: String) -> [String]? {
        guard let items = JSONItems.read(text) else { return nil }
        var words: [String] = []
        for item in items {
            guard let item else { return nil }
            words.append(item)
        }
        return words
    }

    /// True: it is an array, of something else than strings.
    static func isOfOthers(_ text: String) -> Bool { JSONItems.read(text)?.contains(nil) ?? false }
}

/// A reader of one JSON array. No comma too many, no control characters, nothing behind it.
struct JSONItems {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    private static let depthMax = 200

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// Its strings, and nil for everything else; nil: it is no array.
    static func read(_ text: String) -> [String?]? {
        let trimmed = text.trimmedOfBlanks
        guard trimmed.utf8.first == UInt8(ascii: "[") else { return nil }
        var reader = JSONItems(trimmed)
        guard let items = reader.array(), reader.index == reader.bytes.count else { return nil }
        return items
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func array() -> [String?]? {
        guard take(UInt8(ascii: "[")), depth < JSONItems.depthMax else { return nil }
        depth += 1
        defer { depth -= 1 }
        var items: [String?] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return items }
        while true {
            skipBlanks()
            if next == UInt8(ascii: "\"") {
                guard let text = string() else { return nil }
                items.append(text)
            } else {
                guard skipValue() else { return nil }
                items.append(nil)
            }
            skipBlanks()
            if take(UInt8(ascii: "]")) { return items }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    /// Something that is no string; false: it is nothing.
    private mutating func skipValue() -> Bool {
        switch next {
        case UInt8(ascii: "["): return array() != nil
        case UInt8(ascii: "{"): return skipObject()
        case UInt8(ascii: "t"): return skip("true")
        case UInt8(ascii: "f"): return skip("false")
        case UInt8(ascii: "n"): return skip("null")
        default: return skipNumber()
        }
    }

    private mutating func skip(_ word: String) -> Bool {
        guard bytes[index...].starts(with: word.utf8) else { return false }
        index += word.utf8.count
        return true
    }

    private mutating func skipObject() -> Bool {
        guard take(UInt8(ascii: "{")), depth < JSONItems.depthMax else { return false }
        depth += 1
        defer { depth -= 1 }
        skipBlanks()
        if take(UInt8(ascii: "}")) { return true }
        while true {
            skipBlanks()
            guard string() != nil else { return false }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { return false }
            skipBlanks()
            if next == UInt8(ascii: "\"") {
                guard string() != nil else { return false }
            } else {
                guard skipValue() else { return false }
            }
            skipBlanks()
            if take(UInt8(ascii: "}")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    private mutating func skipDigits() -> Bool {
        let begin = index
        while let byte = next, (0x30...0x39).contains(byte) { index += 1 }
        return index > begin
    }

    private mutating func skipNumber() -> Bool {
        _ = take(UInt8(ascii: "-"))
        // No other digit follows a zero at the beginning.
        if !take(UInt8(ascii: "0")) && !skipDigits() { return false }
        if take(UInt8(ascii: ".")) && !skipDigits() { return false }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return skipDigits()
        }
        return true
    }

    // MARK: Strings

    private static let escapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
        UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]

    private mutating func string() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var text: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escaped() else { return nil }
                text += Array(String(Character(scalar)).utf8)
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    /// What a backslash stands before. Half of a pair is replaced, as Go does it.
    private mutating func escaped() -> Unicode.Scalar? {
        guard let byte = next else { return nil }
        index += 1
        if let scalar = JSONItems.escapes[byte] { return scalar }
        guard byte == UInt8(ascii: "u"), let unit = hexadecimal() else { return nil }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let before = index
        if unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = hexadecimal(),
            (0xDC00...0xDFFF).contains(low)
        {
            return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        }
        index = before
        return "\u{FFFD}"
    }

    private mutating func hexadecimal() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[index..<index + 4], as: UTF8.self)
        guard digits.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else { return nil }
        guard let value = UInt32(digits, radix: 16) else { return nil }
        index += 4
        return value
    }
}
