// One line of a json-file log.
import BerthModel

package struct LogLine: Sendable, Equatable {
    /// With its newline where it had one; a part of a longer line has none.
    package var text: String
    package var isError: Bool
    /// RFC 3339 as written.
    package var time: String

    package init(text: String, isError: Bool, time: String) {
        self.text = text
        self.isError = isError
        self.time = time
    }

    private static let opening = Array("{\"log\":\"".utf8)

    /// A writer that died inside a line leaves its beginning; the next writer's first line follows on it. The opening
    /// has quotes that a string would escape, so the last one in the bytes begins the whole line.
    static func recovered(_ bytes: ArraySlice<UInt8>) -> LogLine? {
        if let line = LogLine(bytes) { return line }
        var begin = bytes.endIndex - opening.count
        while begin > bytes.startIndex {
            if bytes[begin] == 0x7B, bytes[begin..<(begin + opening.count)].elementsEqual(opening) {
                return LogLine(bytes[begin...])
            }
            begin -= 1
        }
        return nil
    }

    /// Nil: the line is torn or not of this format.
    package init?(_ bytes: ArraySlice<UInt8>) {
        var scanner = Scanner(bytes)
        guard scanner.skip("{\"log\":"), let text = scanner.string(), scanner.skip(",\"stream\":"),
            let stream = scanner.string()
        else { return nil }
        if scanner.skip(",\"attrs\":") { scanner.skipObject() }
        guard scanner.skip(",\"time\":"), let time = scanner.string(), scanner.skip("}") else { return nil }
        self.text = text
        isError = stream == "stderr"
        self.time = time
    }

    /// Reads the fixed order of keys that json-file has; faster than a general parser by far.
    private struct Scanner {
        let bytes: ArraySlice<UInt8>
        var index: Int
        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            index = bytes.startIndex
        }

        mutating func skip(_ text: String) -> Bool {
            let wanted = text.utf8
            guard bytes.endIndex - index >= wanted.count, bytes[index..<(index + wanted.count)].elementsEqual(wanted)
            else { return false }
            index += wanted.count
            return true
        }

        mutating func string() -> String? {
            guard index < bytes.endIndex, bytes[index] == 0x22 else { return nil }
            index += 1
            let begin = index
            var plain = true
            while index < bytes.endIndex, bytes[index] != 0x22 {
                if bytes[index] == 0x5C { plain = false; index += 1 }
                index += 1
            }
            guard index < bytes.endIndex else { return nil }
            defer { index += 1 }
            let written = bytes[begin..<index]
            return plain ? String(decoding: written, as: UTF8.self) : Scanner.unescape(written)
        }

        mutating func skipObject() {
            var depth = 0
            while index < bytes.endIndex {
                if bytes[index] == 0x22 { _ = string(); continue }
                if bytes[index] == 0x7B { depth += 1 }
                if bytes[index] == 0x7D { depth -= 1 }
                index += 1
                if depth == 0 { return }
            }
        }

        static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
            digits.count == 4 ? UInt32(String(decoding: digits, as: UTF8.self), radix: 16) : nil
        }

        static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
            var out = String.UnicodeScalarView()
            var plain: [UInt8] = []
            func flush() {
                if plain.isEmpty { return }
                out.append(contentsOf: String(decoding: plain, as: UTF8.self).unicodeScalars)
                plain = []
            }
            var index = bytes.startIndex
            while index < bytes.endIndex {
                guard bytes[index] == 0x5C, index + 1 < bytes.endIndex else {
                    plain.append(bytes[index])
                    index += 1
                    continue
                }
                let code = bytes[index + 1]
                index += 2
                switch code {
                case UInt8(ascii: "n"): plain.append(0x0A)
                case UInt8(ascii: "r"): plain.append(0x0D)
                case UInt8(ascii: "t"): plain.append(0x09)
                case UInt8(ascii: "b"): plain.append(0x08)
                case UInt8(ascii: "f"): plain.append(0x0C)
                case UInt8(ascii: "u"):
                    guard var value = hexadecimal(bytes[index...].prefix(4)) else { continue }
                    index += 4
                    // Two escapes make one character beyond the basic plane.
                    if (0xD800..<0xDC00).contains(value), bytes[index...].starts(with: [0x5C, 0x75]),
                        let low = hexadecimal(bytes[index...].dropFirst(2).prefix(4)), (0xDC00..<0xE000).contains(low)
                    {
                        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                        index += 6
                    }
                    flush()
                    out.append(Unicode.Scalar(value) ?? "\u{FFFD}")
                default: plain.append(code)
                }
            }
            flush()
            return String(out)
        }
    }
}
