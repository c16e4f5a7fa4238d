// Netlink messages: a builder that back-patches lengths and nests by closure, and a bounded reader of what comes back.
import CLinux

package struct NetlinkMessage: Sendable {
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

    /// In the host's byte order, as rtnetlink has its numbers.
    package mutating func attribute(_ type: Int, u32 value: UInt32) { attribute(type, value.nativeBytes) }

    /// In network order, as nfnetlink has its numbers.
    package mutating func attribute(_ type: Int, network value: UInt32) { attribute(type, value.networkBytes) }

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
    var networkBytes: [UInt8] { nativeBytes.reversed() }
}

extension Sequence<UInt8> {
    /// A number in the host's order from at most four bytes.
    var nativeNumber: UInt32 { reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    /// A number in network order from at most four bytes.
    var networkNumber: UInt32 { reduce(0) { $0 << 8 | UInt32($1) } }
}

/// One message that the kernel sent.
package struct NetlinkReply: Sendable, Equatable {
    package var type: Int
    package var flags: Int
    package var sequence: UInt32
    package var payload: [UInt8]

    /// All messages of one datagram; a length that lies ends the list.
    package static func parse(_ datagram: [UInt8]) -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        var offset = 0
        while datagram.count - offset >= 16 {
            let length = Int(datagram[offset..<(offset + 4)].nativeNumber)
            guard length >= 16, length <= datagram.count - offset else { break }
            replies.append(
                NetlinkReply(
                    type: Int(datagram[(offset + 4)..<(offset + 6)].nativeNumber),
                    flags: Int(datagram[(offset + 6)..<(offset + 8)].nativeNumber),
                    sequence: datagram[(offset + 8)..<(offset + 12)].nativeNumber,
                    payload: Array(datagram[(offset + 16)..<(offset + length)])))
            offset += (length + 3) & ~3
        }
        return replies
    }

    /// The attributes behind a fixed header, by type without its flag bits; the last of a type wins.
    package func attributes(after header: Int) -> [Int: [UInt8]] { NetlinkReply.attributes(payload, after: header) }

    package static func attributes(_ bytes: [UInt8], after header: Int) -> [Int: [UInt8]] {
        var found: [Int: [UInt8]] = [:]
        var offset = header
        while bytes.count - offset >= 4 {
            let length = Int(bytes[offset..<(offset + 2)].nativeNumber)
            guard length >= 4, length <= bytes.count - offset else { break }
            let type = Int(bytes[(offset + 2)..<(offset + 4)].nativeNumber) & 0x3FFF
            found[type] = Array(bytes[(offset + 4)..<(offset + length)])
            offset += (length + 3) & ~3
        }
        return found
    }
}

/// Text of an attribute without its terminating zero.
package func netlinkText(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
