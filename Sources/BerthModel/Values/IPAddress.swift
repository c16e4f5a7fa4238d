// IPv4 and IPv6 addresses and IPv4 prefixes as values: parse, print, arithmetic.

/// An IPv4 address in host byte order.
package struct IPv4Address: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package var value: UInt32

    package init(value: UInt32) { self.value = value }

    /// Four decimal numbers 0–255 without leading zeros; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            guard part.count == 1 || part.first != 0x30 else { return nil }
            guard let number = UInt8(String(decoding: part, as: UTF8.self)) else { return nil }
            value = value << 8 | UInt32(number)
        }
        self.value = value
    }

    package static let any = IPv4Address(value: 0)
    package static let loopback = IPv4Address(value: 0x7F00_0001)

    package var isLoopback: Bool { value >> 24 == 127 }
    package var bytes: [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let address = IPv4Address(text) else {
            throw BerthError(.corrupt, "reading an IPv4 address", cause: "\"\(text)\" is none")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { bytes.map { String($0) }.joined(separator: ".") }
    package static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.value < b.value }
}

/// An IPv4 prefix with host bits cleared: `172.18.0.0/16`.
package struct IPv4Prefix: Codable, Sendable, Hashable, CustomStringConvertible {
    package let network: IPv4Address
    package let length: Int

    package init(_ address: IPv4Address, length: Int) {
        precondition((0...32).contains(length), "a prefix length is 0 to 32")
        self.length = length
        network = IPv4Address(value: address.value & IPv4Prefix.mask(length))
    }

    /// `a.b.c.d/n`; host bits may be set and are cleared.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]),
            (0...32).contains(length)
        else { return nil }
        self.init(address, length: length)
    }

    package static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length) }

    package var first: UInt32 { network.value }
    package var last: UInt32 { network.value | ~IPv4Prefix.mask(length) }
    package var broadcast: IPv4Address { IPv4Address(value: last) }

    package func contains(_ address: IPv4Address) -> Bool { (first...last).contains(address.value) }
    package func overlaps(_ other: IPv4Prefix) -> Bool { first <= other.last && other.first <= last }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let prefix = IPv4Prefix(text) else {
            throw BerthError(.corrupt, "reading an IPv4 prefix", cause: "\"\(text)\" is none")
        }
        self = prefix
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { "\(network)/\(length)" }
}
