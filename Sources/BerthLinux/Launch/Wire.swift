// A bounded binary codec: little-endian integers, length-prefixed bytes. Reading never traps and never allocates on
// trust.

package struct WireWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    package init() {}

    package mutating func u8(_ value: UInt8) { bytes.append(value) }
    package mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }
    package mutating func int(_ value: some BinaryInteger) {
        let wide = Int64(value)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: wide >> Int64(shift))) }
    }
    package mutating func data(_ value: [UInt8]) {
        int(value.count)
        bytes.append(contentsOf: value)
    }
    package mutating func text(_ value: String) { data(Array(value.utf8)) }
    package mutating func texts(_ value: [String]) {
        int(value.count)
        for item in value { text(item) }
    }
    package mutating func ints(_ value: [some BinaryInteger]) {
        int(value.count)
        for item in value { int(item) }
    }
}

/// What is wrong with bytes that should be a message.
package struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

package struct WireReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0
    /// No list in any message has more items than this.
    private static let itemsMax = 65536

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { offset == bytes.count }

    package mutating func u8() throws(WireError) -> UInt8 {
        guard offset < bytes.count else { throw WireError("the message ends early") }
        defer { offset += 1 }
        return bytes[offset]
    }
    package mutating func flag() throws(WireError) -> Bool { try u8() != 0 }
    package mutating func int<Value: FixedWidthInteger>(as type: Value.Type = Value.self) throws(WireError) -> Value {
        guard bytes.count - offset >= 8 else { throw WireError("the message ends early") }
        var wide: UInt64 = 0
        for index in 0..<8 { wide |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += 8
        guard let value = Value(exactly: Int64(bitPattern: wide)) else { throw WireError("a number is out of range") }
        return value
    }
    package mutating func data() throws(WireError) -> [UInt8] {
        let count = try int(as: Int.self)
        guard count >= 0, count <= bytes.count - offset else { throw WireError("a length goes beyond the message") }
        defer { offset += count }
        return Array(bytes[offset..<(offset + count)])
    }
    package mutating func text() throws(WireError) -> String { String(decoding: try data(), as: UTF8.self) }
    package mutating func texts() throws(WireError) -> [String] {
        var result: [String] = []
        for _ in 0..<(try count()) { result.append(try text()) }
        return result
    }
    package mutating func ints<Value: FixedWidthInteger>(as type: Value.Type = Value.self) throws(WireError) -> [Value]
    {
        var result: [Value] = []
        for _ in 0..<(try count()) { result.append(try int()) }
        return result
    }
    package mutating func count() throws(WireError) -> Int {
        let count = try int(as: Int.self)
        guard (0...WireReader.itemsMax).contains(count) else { throw WireError("a list has too many items") }
        return count
    }
}
