// Hostile layers: names and links that lead out, abused whiteouts, injected attributes, bombs, damage.
import BerthLinux
import BerthModel
import BerthTesting
import Testing

@testable import BerthTransfer

@Suite("Hostile layers")
struct LayerAttackTests {
    static let escapes = [
        "../canary", "../../canary", "./../canary", "a/../../canary", "a/b/../../../canary", "..", "../", "/..", "./..",
        "/../canary", "a/..", ".//../canary", "x/../../../../../../../../tmp/berth-escape",
    ]

    @Test(
        "S50: names that lead out are refused", arguments: escapes,
        [TestTar.Kind.file, .directory, .symbolicLink, .hardLink])
    func escapingNames(name: String, kind: TestTar.Kind) throws {
        let world = try TransferWorld()
        #expect(throws: BerthError.self) {
            try world.unpack { tar in
                tar.file("target")
                tar.add(name, kind) { $0.target = Array("target".utf8) }
            }
        }
        try world.checkHost()
    }

    @Test("S50: a PAX path is judged like any other name")
    func paxPath() throws {
        let world = try TransferWorld()
        #expect(throws: BerthError.self) {
            try world.unpack { tar in tar.add("innocent") { $0.pax = [("path", Array("../canary".utf8))] } }
        }
        // A name ends at its NUL, and what is behind it leads nowhere.
        let cut = try world.unpack { tar in tar.add("x") { $0.pax = [("path", Array("a\0/../../canary".utf8))] } }
        #expect(try TransferWorld.list(cut) == ["a"])
        let root = try world.unpack { tar in tar.add("../canary") { $0.pax = [("path", Array("a/b".utf8))] } }
        #expect(try TransferWorld.list(root) == ["a/", "a/b"])
        try world.checkHost()
    }

    @Test(
        "S50: absolute names stay below the root", arguments: ["/etc/x", "//etc/x", "/./etc//x", "./etc/x", "etc/./x"])
    func absoluteNames(name: String) throws {
        let world = try TransferWorld()
        let root = try world.unpack { $0.file(name) }
        #expect(try TransferWorld.list(root) == ["etc/", "etc/x"])
    }

    @Test(
        "S51: writing through a link ends inside the root",
        arguments: ["/outside", "../../outside", "/../outside", "../outside"])
    func throughLinks(target: String) throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.directory("outside")
            tar.link("door", target)
            tar.file("door/canary", "hostile")
        }
        #expect(try FileIO.readText("\(root)/outside/canary") == "hostile")
        try world.checkHost()
    }

    @Test("S51: links to the host's own files lead nowhere")
    func hostLinks() throws {
        let world = try TransferWorld()
        let canary = world.directory.path("canary")
        // The same path inside the root takes it.
        let inside = try world.unpack { tar in
            tar.link("door", world.directory.path)
            tar.file("door/canary", "hostile")
        }
        #expect(try FileIO.readText(inside + canary) == "hostile")
        try world.checkHost()
        #expect(throws: BerthError.self) { try world.unpack { $0.hardLink("stolen", canary) } }
        // A file over a link replaces the link.
        let root = try world.unpack { tar in
            tar.link("x", canary)
            tar.file("x", "mine")
        }
        #expect(try FileStatus.of("\(root)/x", following: false).kind == .regular)
        // A hard link to a link is a link, not what it leads to.
        let linked = try world.unpack { tar in
            tar.link("x", canary)
            tar.hardLink("y", "x")
        }
        #expect(try Directory.readLink("\(linked)/y") == canary)
        try world.checkHost()
    }

    @Test("S51: metadata of a replaced or linked name never reaches the target")
    func metadataThroughLinks() throws {
        let world = try TransferWorld()
        let canary = world.directory.path("canary")
        let before = try FileStatus.of(canary)
        _ = try world.unpack { tar in
            tar.add("x", .symbolicLink) {
                $0.target = Array(canary.utf8); $0.mode = 0o4777; $0.userID = 1234
            }
            tar.add("x", .directory) {
                $0.mode = 0o4777; $0.userID = 1234
            }
        }
        #expect(try FileStatus.of(canary) == before)
    }

    @Test("S51: loops of links are an error, not a hang")
    func loops() throws {
        let world = try TransferWorld()
        #expect(throws: BerthError.self) {
            try world.unpack { tar in
                tar.link("a", "b")
                tar.link("b", "a")
                tar.file("a/x")
            }
        }
        #expect(throws: BerthError.self) {
            var below = TestTar()
            below.link("a", "a/a")
            var above = TestTar()
            above.file("a/x")
            _ = try world.unpack([below.finished, above.finished])
        }
    }

    @Test(
        "S51: the root stays a directory", arguments: [".", "/", "./", "//", "/./"],
        [TestTar.Kind.file, .symbolicLink, .hardLink, .characterDevice])
    func root(name: String, kind: TestTar.Kind) throws {
        let world = try TransferWorld()
        // A trailing slash makes some of these a directory for every reader; then its metadata is the root's.
        let root = try? world.unpack { tar in
            tar.file("kept")
            tar.add(name, kind) {
                $0.target = Array("/etc".utf8); $0.major = 1; $0.minor = 3
            }
        }
        if let root {
            #expect(try FileStatus.of(root, following: false).kind == .directory)
            #expect(try TransferWorld.list(root) == ["kept"])
        }
        try world.checkHost()
    }

    @Test(
        "S52: whiteouts of nothing and of parents are refused",
        arguments: [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..."])
    func badWhiteouts(name: String) throws {
        let world = try TransferWorld()
        #expect(throws: BerthError.self) {
            try world.unpack { tar in
                tar.file("a/kept")
                tar.file(name, "")
            }
        }
    }

    @Test("S52: the books of AUFS are passed over")
    func aufs() throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.directory(".wh..wh.plnk")
            tar.file(".wh..wh.aufs", "")
            tar.file("a")
        }
        #expect(try TransferWorld.list(root) == ["a"])
    }

    @Test("S52: a whiteout through a link stays inside")
    func whiteoutThroughLink() throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.directory("inside")
            tar.link("door", "/inside")
            tar.file("door/.wh.canary", "")
        }
        #expect(try TransferWorld.list(root) == ["door -> /inside", "inside/", "inside/canary whiteout"])
        try world.checkHost()
    }

    @Test("S53: a device 0:0 is refused: only a whiteout may hide")
    func deviceZero() throws {
        let world = try TransferWorld()
        #expect(throws: BerthError.self) { try world.unpack { $0.add("passwd", .characterDevice) } }
    }

    @Test("S53: the overlay's and the host's attributes are dropped, capabilities and users' kept")
    func attributes() throws {
        let world = try TransferWorld()
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let hostile = [
            "trusted.overlay.redirect", "trusted.overlay.opaque", "trusted.overlay.metacopy", "user.overlay.opaque",
            "user.overlay.redirect", "security.selinux", "security.ima", "security.evm", "trusted.x", "system.nfs4_acl",
        ]
        for kind in [TestTar.Kind.file, .directory] {
            let root = try world.unpack { tar in
                tar.add("x", kind) { entry in
                    entry.pax = hostile.map { ("SCHILY.xattr.\($0)", Array("y".utf8)) }
                    entry.pax.append(("SCHILY.xattr.user.note", Array("kept".utf8)))
                    if kind == .file { entry.pax.append(("SCHILY.xattr.security.capability", capability)) }
                }
            }
            let file = try Directory.open("\(root)/x")
            for name in hostile { #expect(NewEntry.attribute(file.number, name) == nil, "\(name)") }
            #expect(NewEntry.attribute(file.number, "user.note") == Array("kept".utf8))
            if kind == .file {
                #expect(NewEntry.attribute(file.number, "security.capability")?.prefix(8) == capability[..<8])
            }
        }
    }

    @Test("S54: more than a layer may hold is refused: bytes, entries, sparse files, names, attributes")
    func limits() throws {
        let world = try TransferWorld()
        world.limits.uncompressedBytesMax = 1 << 20
        world.limits.entriesMax = 10
        world.limits.pathBytesMax = 200
        func refused(_ comment: Comment, _ build: (inout TestTar) -> Void) {
            #expect(throws: BerthError.self, comment) { try world.unpack(build) }
        }
        refused("bytes") { $0.add("big") { $0.content = [UInt8](repeating: 0, count: 2 << 20) } }
        refused("entries") { tar in for index in 0..<11 { tar.file("f\(index)", "") } }
        refused("declared") { $0.add("big") { $0.size = 1 << 40 } }
        refused("8 EiB") { $0.add("big") { $0.size = UInt64(Int64.max) } }
        refused("sparse") { tar in
            tar.add("holes") {
                $0.pax = [
                    ("GNU.sparse.major", Array("1".utf8)), ("GNU.sparse.minor", Array("0".utf8)),
                    ("GNU.sparse.name", Array("holes".utf8)),
                    ("GNU.sparse.realsize", Array("4611686018427387904".utf8)),
                ]
                $0.content =
                    Array("1\n4611686018427387900\n4\n".utf8) + [UInt8](repeating: 0, count: 489) + Array("abcd".utf8)
            }
        }
        refused("a name of many parts") { tar in
            tar.add("x") { $0.pax = [("path", Array(String(repeating: "d/", count: 150).utf8) + [0x78])] }
        }
        refused("a part beyond 255 bytes") { tar in
            tar.add("x") { $0.pax = [("path", [UInt8](repeating: 0x61, count: 300))] }
        }
        world.limits = TransferLimits()
        world.limits.attributeBytesMax = 100
        refused("attribute") { tar in
            tar.add("x") { $0.pax = [("SCHILY.xattr.user.big", [UInt8](repeating: 0x61, count: 101))] }
        }
        refused("a PAX header beyond reason") { tar in
            tar.append(name: Array("pax".utf8), kind: 0x78, content: [UInt8](repeating: 0x61, count: 4 << 20))
            tar.file("x")
        }
        refused("a PAX header said to be huge") { tar in
            tar.append(name: Array("pax".utf8), kind: 0x78, content: [], size: 1 << 40)
        }
    }

    @Test("S54: a bomb stops at the limit, whatever it is compressed with", arguments: Compression.allCases)
    func bombs(compression: Compression) throws {
        let world = try TransferWorld()
        world.limits.uncompressedBytesMax = 4 << 20
        var tar = TestTar()
        // None of them is too large by itself.
        for number in 0..<16 { tar.add("zeros\(number)") { $0.content = [UInt8](repeating: 0, count: 1 << 20) } }
        let bomb = compression.compress(tar.finished)
        #expect(throws: BerthError.self) { try world.unpack([bomb]) }
        // As a bomb inside a bomb.
        #expect(throws: BerthError.self) { try world.unpack([Compression.gzip.compress(bomb)]) }
    }

    @Test("S54: a window that would take gigabytes to look back into is refused", arguments: [10, 17, 18, 21, 31])
    func windows(exponent: UInt8) throws {
        let world = try TransferWorld()
        var tar = TestTar()
        tar.file("x")
        let bytes = tar.finished
        // A frame of one raw block: magic, no content size, the window, then 21 bits of length behind last and kind.
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, exponent << 3]
        let head = UInt32(bytes.count) << 3 | 1
        frame += [UInt8(head & 0xFF), UInt8(head >> 8 & 0xFF), UInt8(head >> 16 & 0xFF)] + bytes
        if exponent <= 17 {
            #expect(try TransferWorld.list(try world.unpack([frame])) == ["x"])
        } else {
            #expect(throws: BerthError.self) { try world.unpack([frame]) }
        }
    }

    @Test("S54: a full disk is an error before it is full")
    func reserve() throws {
        let world = try TransferWorld()
        world.limits.reserveBytesMax = .max
        world.limits.reserveDivisor = 1
        let error = #expect(throws: BerthError.self) { try world.unpack { $0.file("x") } }
        #expect(error?.code == .exhausted)
    }

    @Test("damage is an error or a tree inside the root, never a trap", arguments: 0..<60)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let world = try TransferWorld()
        var tar = TestTar()
        tar.directory("d")
        tar.file("d/f", "some text")
        tar.link("l", "d/f")
        tar.hardLink("h", "d/f")
        tar.add("p") { $0.pax = [("path", Array("long/name".utf8)), ("mtime", Array("1.5".utf8))] }
        tar.file("d/.wh.gone", "")
        tar.add("dev", .characterDevice) {
            $0.major = 1; $0.minor = 3
        }
        var bytes = tar.finished
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes = Array(bytes[..<max(1, at)])
            default: bytes.replaceSubrange(at..<min(bytes.count, at + 8), with: Array("../../x/".utf8))
            }
        }
        // Checksums made right, so that the damage is seen by more than the checksum.
        for begin in stride(from: 0, to: bytes.count - 511, by: 512) where random.oneIn(2) {
            for index in 148..<156 { bytes[begin + index] = 0x20 }
            let sum = bytes[begin..<(begin + 512)].reduce(0) { $0 + Int($1) }
            let octal = String(sum, radix: 8)
            let digits = Array((String(repeating: "0", count: max(0, 6 - octal.count)) + octal).utf8) + [0]
            for (index, byte) in digits.prefix(7).enumerated() { bytes[begin + 148 + index] = byte }
        }
        _ = try? world.unpack([bytes])
        _ = try? world.unpack([Compression.gzip.compress(bytes)])
        try world.checkHost()
    }
}
