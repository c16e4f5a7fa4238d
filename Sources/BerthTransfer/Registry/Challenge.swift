// `WWW-Authenticate` (RFC 9110 §11.6.1): what a registry asks for before it answers.

/// One challenge: its scheme in lower case, and its parameters by lower-case name.
struct Challenge: Equatable {
    var scheme: String
    var parameters: [String: String]

    /// All challenges of the header's values. What cannot be read is left out: a registry that asks for nothing
    /// readable refuses us by its status.
    static func parse(_ values: [String]) -> [Challenge] { values.flatMap { parse($0) } }

    private static func parse(_ text: String) -> [Challenge] {
        var scanner = Scanner(text.utf8.prefix(8192))
        var found: [Challenge] = []
        while let word = scanner.token() {
            if scanner.take(UInt8(ascii: "=")) {
                // A parameter of the challenge before it.
                guard let value = scanner.value(), !found.isEmpty else { return found }
                found[found.count - 1].parameters[word.lowercased()] = value
            } else {
                found.append(Challenge(scheme: word.lowercased(), parameters: [:]))
            }
            while scanner.take(UInt8(ascii: ",")) {}
        }
        return found
    }

    private struct Scanner {
        private var rest: ArraySlice<UInt8>
        init(_ bytes: some Sequence<UInt8>) { rest = Array(bytes)[...] }

        private mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

        mutating func take(_ byte: UInt8) -> Bool {
            skipBlanks()
            guard rest.first == byte else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func token() -> String? {
            skipBlanks()
            let word = rest.prefix { !([0x20, 0x09, 0x2C, 0x3D, 0x22] as [UInt8]).contains($0) }
            rest = rest.dropFirst(word.count)
            return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
        }

        /// A token, or text in quotes with backslashes.
        mutating func value() -> String? {
            guard take(UInt8(ascii: "\"")) else { return token() }
            var bytes: [UInt8] = []
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\"") { return String(decoding: bytes, as: UTF8.self) }
                if byte == UInt8(ascii: "\\") {
                    guard let next = rest.popFirst() else { return nil }
                    bytes.append(next)
                } else {
                    bytes.append(byte)
                }
            }
            return nil
        }
    }
}
