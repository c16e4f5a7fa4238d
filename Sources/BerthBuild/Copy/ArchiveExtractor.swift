// Archives that ADD unpacks: told by their first bytes here, read by whoever may decompress.
import BerthLinux

/// Reads archives; it runs where untrusted bytes may be decompressed.
package protocol ArchiveExtractor: Sendable {
    /// Unpacks an open archive, from its start, into a directory that is there as long as the body runs.
    ///
    /// - Returns: false where it is no archive after all (a compressed file that holds no tar).
    func extract(_ archive: Int32, _ body: (SharedDescriptor) throws -> Void) throws -> Bool
}

/// What the first bytes of a file say.
package enum ArchiveKind: Sendable, Equatable {
    case tar, gzip, bzip2, xz, zstd

    package static let headerBytes = 512

    /// Nil: neither a tar nor compressed by what ADD knows.
    package init?(header: [UInt8]) {
        let magics: [(ArchiveKind, [UInt8])] = [
            (.gzip, [0x1F, 0x8B, 0x08]), (.bzip2, [0x42, 0x5A, 0x68]), (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
            (.zstd, [0x28, 0xB5, 0x2F, 0xFD]),
        ]
        if let match = magics.first(where: { header.starts(with: $0.1) }) {
            self = match.0
        } else if ArchiveKind.isTar(header) {
            self = .tar
        } else {
            return nil
        }
    }

    /// The header's checksum is right, whichever dialect it is: unsigned or, of old ones, signed.
    private static func isTar(_ header: [UInt8]) -> Bool {
        guard header.count >= headerBytes else { return false }
        let field = header[148..<156].drop { $0 == 0x20 || $0 == 0 }.prefix { (0x30...0x37).contains($0) }
        guard !field.isEmpty else { return false }
        let wanted = field.reduce(0) { $0 << 3 | Int($1 - 0x30) }
        var unsigned = 8 * 0x20
        var signed = unsigned
        for (index, byte) in header.prefix(headerBytes).enumerated() where !(148..<156).contains(index) {
            unsigned += Int(byte)
            signed += Int(Int8(bitPattern: byte))
        }
        return wanted == unsigned || wanted == signed
    }
}
