// Content digests, as OCI writes them. Only sha256 is stored; nothing else can become a file name.

/// `sha256:` and 64 lower-case hex digits.
package struct Digest: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The 64 hex digits, safe as a file name.
    package let hex: String

    /// Nil unless the text is exactly `sha256:` and 64 lower-case hex digits.
    package init?(_ text: String) {
        let prefix = "sha256:"
        guard text.hasPrefix(prefix) else { return nil }
        self.init(hex: String(text.dropFirst(prefix.count)))
    }

    package init?(hex: String) {
        guard hex.utf8.count == 64, hex.utf8.allSatisfy({ Hex.isLowerDigit($0) }) else { return nil }
        self.hex = hex
    }

    /// From the 32 bytes of a SHA-256.
    package init(bytes: some Sequence<UInt8>) {
        let text = Hex.encode(bytes)
        precondition(text.utf8.count == 64, "a SHA-256 has 32 bytes")
        hex = text
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let digest = Digest(text) else {
            throw BerthError(.corrupt, "reading a digest", cause: "\"\(text)\" is not sha256: and 64 hex digits")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var short: String { String(hex.prefix(12)) }
    package var description: String { "sha256:" + hex }
    package static func < (a: Digest, b: Digest) -> Bool { a.hex < b.hex }
}
