// Lines from a pipe, one after the other, with a bound.
import CLinux

package final class LineReader {
    private let number: Int32
    private let lineBytesMax: Int
    private var pending: [UInt8] = []
    private var isAtEnd = false

    package init(_ number: Int32, lineBytesMax: Int) {
        self.number = number
        self.lineBytesMax = lineBytesMax
    }

    /// The next line without its newline; nil at the end. Blocks.
    package func next() throws(SystemError) -> [UInt8]? {
        var searched = 0
        while true {
            if let newline = pending[searched...].firstIndex(of: 0x0A) {
                let line = Array(pending[..<newline])
                pending.removeFirst(newline + 1)
                return line
            }
            searched = pending.count
            if isAtEnd {
                if pending.isEmpty { return nil }
                defer { pending = [] }
                return pending
            }
            if pending.count > lineBytesMax { throw SystemError(call: "read", errno: EMSGSIZE) }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = try systemCall("read") {
                chunk.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { isAtEnd = true } else { pending.append(contentsOf: chunk[..<count]) }
        }
    }
}

package enum ByteSearch {
    /// Where a byte is next, from an index on; the end where it is not.
    package static func index(of byte: UInt8, in bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBytes { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let found = memchr(base + start, Int32(byte), buffer.count - start)
            else { return bytes.count }
            return UnsafeRawPointer(found) - base
        }
    }

    /// How often a byte is in a range.
    package static func count(of byte: UInt8, in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var found = 0
        var index = ByteSearch.index(of: byte, in: bytes, from: range.lowerBound)
        while index < range.upperBound {
            found += 1
            index = ByteSearch.index(of: byte, in: bytes, from: index + 1)
        }
        return found
    }
}

extension SharedDescriptor {
    /// Gives the open file up now, though references remain: the number is /dev/null from here on.
    package func closeEarly() {
        let null = clinux_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
        guard null >= 0 else { return }
        dup3(null, number, O_CLOEXEC)
        close(null)
    }
}
