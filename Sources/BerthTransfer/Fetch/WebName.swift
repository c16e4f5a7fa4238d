// What a file of the web is called, and how old it is: words of strangers, of which one part of a path is left.
import BerthModel

enum WebName {
    private static let fallback = "download"
    private static let bytesMax = 255
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The name that the server gives, else the last part of the path, else `download`. Never a way to anywhere.
    static func of(path: String, disposition: String?) -> String {
        let own = plain(decoded(String(path.prefix { $0 != "?" && $0 != "#" })))
        return disposition.flatMap(fileName).flatMap(plain) ?? own ?? fallback
    }

    /// The last part of what may be a path; nil: it is no name.
    private static func plain(_ text: String) -> String? {
        let parts = text.split(omittingEmptySubsequences: true) { $0 == "/" || $0 == "\\" }
        guard let last = parts.last, last != ".", last != "..", last.utf8.count <= bytesMax,
            last.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return nil }
        return String(last)
    }

    /// `attachment; filename="a b.txt"` (RFC 6266); the form with an encoding (`filename*`) is not read.
    private static func fileName(_ header: String) -> String? {
        var rest = header.drop { $0 != ";" }
        while rest.first == ";" {
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst()
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let letter = rest.popFirst(), letter != "\"" {
                    if letter == "\\", let next = rest.popFirst() { value.append(next) } else { value.append(letter) }
                }
                rest = rest.drop { $0 != ";" }
            } else {
                value = String(rest.prefix { $0 != ";" })
                rest = rest.dropFirst(value.count)
            }
            if name.lowercased().trimmedOfBlanks == "filename" { return value.trimmedOfBlanks }
        }
        return nil
    }

    /// Without its percent escapes; one that is none stays.
    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var left = Array(text.utf8)[...]
        while let byte = left.popFirst() {
            let digits = String(decoding: left.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                left = left.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Seconds since the epoch of `Wed, 21 Oct 2015 07:28:00 GMT` (RFC 9110, IMF-fixdate).
    static func time(_ text: String) -> Int64? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: words[2]), words[1].utf8.count == 2
        else { return nil }
        let number = month + 1
        let time = Timestamp(rfc3339: "\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
        return time.map { $0.nanosecondsSinceEpoch / 1_000_000_000 }
    }
}

extension String {
    fileprivate var trimmedOfBlanks: String {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
