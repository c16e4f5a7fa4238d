// One line of a json-file log.
import BerthModel

package struct LogLine: Sendable, Equatable {
    /// With its newline where it had one; a part of a longer line has none.
    package var text: String
    package var isError: Bool
    /// RFC 3339 as written.
    package var time: String

    /// Nil: the line is torn or not of this format.
    package init?(_ bytes: ArraySlice<UInt8>) {
        var scanner = Scanner(bytes)
        guard scanner.skip("{\"log\":"), let text = scanner.string(), scanner.skip(",\"stream\":"), let stream = scanner.string()
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
            guard bytes.endIndex - index >= wanted.count, bytes[index..<(index + wanted.count)].elementsEqual(wanted) else { return false }
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
            return plain ? String(decoding: bytes[begin..<index], as: UTF8.self) : Scanner.unescape(bytes[begin..<index])
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

        static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
            var out = String.UnicodeScalarView()
            var plain: [UInt8] = []
            func flush() {
                if !plain.isEmpty { out.append(contentsOf: String(decoding: plain, as: UTF8.self).unicodeScalars); plain = [] }
            }
            var index = bytes.startIndex
            while index < bytes.endIndex {
                guard bytes[index] == 0x5C, index + 1 < bytes.endIndex else { plain.append(bytes[index]); index += 1; continue }
                let code = bytes[index + 1]
                index += 2
                switch code {
                case UInt8(ascii: "n"): plain.append(0x0A)
                case UInt8(ascii: "r"): plain.append(0x0D)
                case UInt8(ascii: "t"): plain.append(0x09)
                case UInt8(ascii: "b"): plain.append(0x08)
                case UInt8(ascii: "f"): plain.append(0x0C)
                case UInt8(ascii: "u"):
                    guard index + 4 <= bytes.endIndex,
                        let value = UInt32(String(decoding: bytes[index..<(index + 4)], as: UTF8.self), radix: 16)
                    else { continue }
                    index += 4
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
