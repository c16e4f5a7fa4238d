// Headers of a tar stream: ustar, and a PAX header before it where ustar has no room. Written here, by no library,
// because a digest names these bytes: they must be the same with every version of everything.
import BerthModel

struct TarHeader {
    enum Kind: UInt8 {
        case file = 0x30, hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
        case extended = 0x78
    }

    /// Directories end with a slash.
    var path: [UInt8]
    var kind: Kind
    var mode: UInt32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    var sizeBytes: Int64 = 0
    /// Seconds since the epoch.
    var modified: Int64 = 0
    var link: [UInt8] = []
    var deviceMajor: UInt32 = 0
    var deviceMinor: UInt32 = 0
    /// By name.
    var attributes: [(name: String, value: [UInt8])] = []

    static let blockBytes = 512
    private static let nameBytes = 100
    private static let prefixBytes = 155

    /// One block, or three and more.
    func encoded() -> [UInt8] {
        var records: [(String, [UInt8])] = []
        let (prefix, name) = TarHeader.split(path)
        if name == nil { records.append(("path", path)) }
        if !TarHeader.fits(link) { records.append(("linkpath", link)) }
        if sizeBytes > 0o77777777777 { records.append(("size", Array("\(sizeBytes)".utf8))) }
        if userID > 0o7777777 { records.append(("uid", Array("\(userID)".utf8))) }
        if groupID > 0o7777777 { records.append(("gid", Array("\(groupID)".utf8))) }
        if modified < 0 || modified > 0o77777777777 { records.append(("mtime", Array("\(modified)".utf8))) }
        for (name, value) in attributes { records.append(("SCHILY.xattr.\(name)", value)) }
        let own = block(prefix: name == nil ? [] : prefix, name: name ?? Array(TarHeader.ascii(path).prefix(100)))
        if records.isEmpty { return own }
        return extended(records) + own
    }

    /// The PAX header and its records, in the order of their keys' bytes.
    private func extended(_ records: [(String, [UInt8])]) -> [UInt8] {
        var body: [UInt8] = []
        for (key, value) in records.sorted(by: { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }) {
            let rest = [0x20] + Array(key.utf8) + [0x3D] + value + [0x0A]
            var length = rest.count + 1
            while "\(length)".utf8.count + rest.count != length { length = "\(length)".utf8.count + rest.count }
            body += Array("\(length)".utf8) + rest
        }
        let short = TarHeader.ascii(path).split(separator: 0x2F).last ?? []
        var header = TarHeader(path: Array("PaxHeaders.0/".utf8 + short.prefix(87)), kind: .extended)
        header.sizeBytes = Int64(body.count)
        return header.block(prefix: [], name: header.path) + body + TarHeader.padding(Int64(body.count))
    }

    static func padding(_ sizeBytes: Int64) -> [UInt8] {
        let rest = Int(sizeBytes % Int64(blockBytes))
        return rest == 0 ? [] : [UInt8](repeating: 0, count: blockBytes - rest)
    }

    private func block(prefix: [UInt8], name: [UInt8]) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarHeader.blockBytes)
        func put(_ bytes: [UInt8], at offset: Int) {
            block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
        func octal(_ value: Int64, _ digits: Int, at offset: Int) {
            let fitting = value < 0 || value >= 1 << Int64(3 * digits) ? 0 : value
            let text = String(fitting, radix: 8)
            put(Array((String(repeating: "0", count: digits - text.count) + text).utf8), at: offset)
        }
        put(name, at: 0)
        octal(Int64(mode), 7, at: 100)
        octal(Int64(userID), 7, at: 108)
        octal(Int64(groupID), 7, at: 116)
        octal(sizeBytes, 11, at: 124)
        octal(modified, 11, at: 136)
        put([UInt8](repeating: 0x20, count: 8), at: 148)
        block[156] = kind.rawValue
        put(TarHeader.fits(link) ? link : TarHeader.standIn(link), at: 157)
        put(Array("ustar\u{0}00".utf8), at: 257)
        if kind == .characterDevice || kind == .blockDevice {
            octal(Int64(deviceMajor), 7, at: 329)
            octal(Int64(deviceMinor), 7, at: 337)
        }
        put(prefix, at: 345)
        let sum = block.reduce(0) { $0 + Int64($1) }
        octal(sum, 6, at: 148)
        block[154] = 0
        return block
    }

    private static func fits(_ bytes: [UInt8]) -> Bool { bytes.count <= nameBytes && bytes.allSatisfy { $0 < 0x80 } }

    /// What ustar has two fields for; no name: it needs PAX.
    private static func split(_ path: [UInt8]) -> (prefix: [UInt8], name: [UInt8]?) {
        if fits(path) { return ([], path) }
        guard path.allSatisfy({ $0 < 0x80 }), path.count <= nameBytes + prefixBytes + 1 else { return ([], nil) }
        let end = min(path.count - 1, prefixBytes + 1)
        guard let slash = path[..<end].dropLast(path[end - 1] == 0x2F && end == path.count ? 1 : 0).lastIndex(of: 0x2F),
            slash > 0, slash <= prefixBytes, path.count - slash - 1 <= nameBytes, path.count - slash - 1 > 0
        else { return ([], nil) }
        return (Array(path[..<slash]), Array(path[(slash + 1)...]))
    }

    /// What stands in the field of a link that PAX says. Never nothing: libarchive takes an empty one for no link.
    private static func standIn(_ link: [UInt8]) -> [UInt8] {
        let short = ascii(link).prefix(nameBytes)
        return short.isEmpty ? [0x5F] : Array(short)
    }

    private static func ascii(_ bytes: [UInt8]) -> [UInt8] { bytes.filter { $0 < 0x80 } }
}
