// A tar writer that writes what it is told, right or wrong: archives that no honest program makes.

package struct TestTar {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package enum Kind: UInt8 {
        case file = 0x30, hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
    }

    package struct Entry {
        package var name: [UInt8]
        package var kind: UInt8
        package var content: [UInt8] = []
        package var target: [UInt8] = []
        package var mode: UInt64 = 0o644
        package var userID: UInt64 = 0
        package var groupID: UInt64 = 0
        package var seconds: UInt64 = 1_600_000_000
        package var major: UInt64 = 0
        package var minor: UInt64 = 0
        /// Said in the header where it is not the content's.
        package var size: UInt64?
        package var pax: [(String, [UInt8])] = []

        package init(_ name: String, _ kind: Kind) {
            self.name = Array(name.utf8)
            self.kind = kind.rawValue
            if kind == .directory { mode = 0o755 }
            if kind == .symbolicLink { mode = 0o777 }
        }
    }

    package mutating func add(_ name: String, _ kind: Kind = .file, _ change: (inout Entry) -> Void = { _ in }) {
        var entry = Entry(name, kind)
        change(&entry)
        append(entry)
    }

    package mutating func file(_ name: String, _ text: String = "content") {
        add(name) { $0.content = Array(text.utf8) }
    }
    package mutating func directory(_ name: String) { add(name, .directory) }
    package mutating func link(_ name: String, _ target: String) {
        add(name, .symbolicLink) { $0.target = Array(target.utf8) }
    }
    package mutating func hardLink(_ name: String, _ target: String) {
        add(name, .hardLink) { $0.target = Array(target.utf8) }
    }

    package mutating func append(_ entry: Entry) {
        if !entry.pax.isEmpty {
            var records: [UInt8] = []
            for (key, value) in entry.pax { records += TestTar.paxRecord(key, value) }
            append(name: Array("pax".utf8), kind: 0x78, content: records)
        }
        append(
            name: entry.name, kind: entry.kind, content: entry.content, target: entry.target, mode: entry.mode,
            ids: (entry.userID, entry.groupID), seconds: entry.seconds, device: (entry.major, entry.minor),
            size: entry.size)
    }

    /// The record's length counts its own digits.
    package static func paxRecord(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [0x20] + Array(key.utf8) + [0x3D] + value + [0x0A]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
        return Array(String(length).utf8) + rest
    }

    package mutating func append(
        name: [UInt8], kind: UInt8, content: [UInt8] = [], target: [UInt8] = [], mode: UInt64 = 0o644,
        ids: (UInt64, UInt64) = (0, 0), seconds: UInt64 = 0, device: (UInt64, UInt64) = (0, 0), size: UInt64? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: [UInt8], at offset: Int, limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { header[offset + index] = byte }
        }
        func number(_ value: UInt64, at offset: Int, digits: Int) {
            let octal = String(value, radix: 8)
            if octal.utf8.count < digits {
                put(
                    Array((String(repeating: "0", count: digits - 1 - octal.utf8.count) + octal).utf8), at: offset,
                    limit: digits)
                return
            }
            header[offset] = 0x80
            for index in 0..<min(8, digits - 1) {
                header[offset + digits - 1 - index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
        }
        put(name, at: 0, limit: 100)
        number(mode, at: 100, digits: 8)
        number(ids.0, at: 108, digits: 8)
        number(ids.1, at: 116, digits: 8)
        number(size ?? UInt64(content.count), at: 124, digits: 12)
        number(seconds, at: 136, digits: 12)
        header[156] = kind
        put(target, at: 157, limit: 100)
        put(Array("ustar\u{0}00".utf8), at: 257, limit: 8)
        number(device.0, at: 329, digits: 8)
        number(device.1, at: 337, digits: 8)
        put([UInt8](repeating: 0x20, count: 8), at: 148, limit: 8)
        let sum = header.reduce(UInt64(0)) { $0 + UInt64($1) }
        number(sum, at: 148, digits: 7)
        header[155] = 0x20
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    package var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
