// Netlink messages: a builder that back-patches lengths and nests by closure, and a bounded reader of attributes.
import CLinux

package struct NetlinkMessage {
    package private(set) var bytes: [UInt8]

    package init(type: Int, flags: Int, sequence: UInt32) {
        bytes = [UInt8](repeating: 0, count: 16)
        set(0, UInt32(16))
        bytes[4] = UInt8(type & 255)
        bytes[5] = UInt8(type >> 8)
        bytes[6] = UInt8(flags & 255)
        bytes[7] = UInt8(flags >> 8)
        set(8, sequence)
    }

    private mutating func set(_ offset: Int, _ value: UInt32) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
    }

    private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }

    /// The family's fixed header.
    package mutating func header(_ fields: [UInt8]) {
        bytes.append(contentsOf: fields)
        pad()
    }

    package mutating func attribute(_ type: Int, _ value: [UInt8]) {
        let length = 4 + value.count
        bytes += [UInt8(length & 255), UInt8(length >> 8), UInt8(type & 255), UInt8(type >> 8)]
        bytes += value
        pad()
    }

    package mutating func attribute(_ type: Int, u32 value: UInt32) {
        attribute(type, (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) })
    }

    package mutating func attribute(_ type: Int, text: String) { attribute(type, Array(text.utf8) + [0]) }

    package mutating func nested(_ type: Int, _ body: (inout NetlinkMessage) -> Void) {
        let begin = bytes.count
        bytes += [0, 0, UInt8(type & 255), UInt8(type >> 8)]
        body(&self)
        let length = bytes.count - begin
        bytes[begin] = UInt8(length & 255)
        bytes[begin + 1] = UInt8(length >> 8)
    }

    /// The whole message with its length in place.
    package func finished() -> [UInt8] {
        var copy = self
        copy.set(0, UInt32(bytes.count))
        return copy.bytes
    }
}

extension UInt32 {
    var nativeBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> UInt32(8 * $0)) } }
}
