// Names and ids as Docker shapes them.

/// 64 lower-case hex digits. `short` (12 digits) is what people see and what file and link names use.
package struct ContainerID: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    /// Nil unless the text is exactly 64 lower-case hex digits.
    package init?(_ text: String) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ Hex.isLowerDigit($0) }) else { return nil }
        self.text = text
    }

    /// From 32 random bytes.
    package init(randomBytes: [UInt8]) {
        precondition(randomBytes.count == 32, "a container id has 32 bytes")
        text = Hex.encode(randomBytes)
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer().decode(String.self)
        guard let id = ContainerID(value) else {
            throw BerthError(.corrupt, "reading a container id", cause: "\"\(value)\" is not 64 hex digits")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var short: String { String(text.prefix(12)) }
    /// The name that this container has beside the one that has its slot's.
    package func steppedBack(from name: String) -> String { "\(short)_\(name)" }
    package var description: String { text }
    package static func < (a: ContainerID, b: ContainerID) -> Bool { a.text < b.text }
}

/// Lower-case hexadecimal text.
package enum Hex {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    package static func isLowerDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}

/// The unit that owns an address, a DNS name and a share of published ports: a service and a replica number (from 1).
/// Containers come and go in it. One-off containers (`run`) have a slot of their own with `oneOff` set.
package struct ReplicaSlot: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package var service: String
    package var number: Int
    /// The random suffix of a one-off container; nil for a replica.
    package var oneOff: String?

    package init(service: String, number: Int, oneOff: String? = nil) {
        self.service = service
        self.number = number
        self.oneOff = oneOff
    }

    package var description: String { oneOff.map { "\(service)-run-\($0)" } ?? "\(service)-\(number)" }

    package static func < (a: ReplicaSlot, b: ReplicaSlot) -> Bool {
        (a.service, a.number, a.oneOff ?? "") < (b.service, b.number, b.oneOff ?? "")
    }
}

/// Checks of user-given names.
package enum NameRules {
    /// `[a-zA-Z0-9][a-zA-Z0-9_.-]+`: containers and volumes (docker's rule), at most 255 bytes.
    package static func isContainerName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard bytes.count >= 2, bytes.count <= 255, isAlphanumeric(bytes[0]) else { return false }
        return bytes.dropFirst().allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
    }

    /// `^[a-z0-9][a-z0-9_-]*$`: compose's project names.
    package static func isStackName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= 255, isLowerAlphanumeric(first) else { return false }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D }
    }

    static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    package static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (0x41...0x5A).contains(byte)
    }
}
