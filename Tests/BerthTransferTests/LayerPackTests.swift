// Layers packed: GNU tar says what is in them, unpacking gives the tree back, and the bytes never change.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Foundation
import Testing

@testable import BerthTransfer

@Suite("Packing layers")
struct LayerPackTests {
    static let long = String(repeating: "n", count: 120)
    /// cap_net_bind_service=ep, version 2.
    static let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0] + [UInt8](repeating: 0, count: 12)

    /// A tree with one of everything.
    static func everything(reversed: Bool = false) throws -> PackedTree {
        let tree = try PackedTree()
        try tree.directory("etc") {
            $0.mode = 0o1770; $0.groupID = 7
        }
        var steps: [() throws -> Void] = [
            { try tree.file("empty", "") { $0.seconds = 0 } },
            {
                try tree.file("etc/passwd", "root\n") {
                    $0.mode = 0o4755; $0.userID = 1; $0.groupID = 2
                }
            },
            { try tree.whiteout("etc/shadow") },
            { try tree.whiteout("zzz") },
            { try tree.file("block", String(repeating: "b", count: 512)) { $0.nanoseconds = 999_999_999 } },
            { try tree.file("caf\u{e9}", "1") },
            { try tree.file("cafe\u{301}", "2") },
            { try tree.link("link", "no/where") { $0.userID = 9 } },
            { try tree.link("long-link", LayerPackTests.long) },
            { try tree.node("null", 0o020000, 1, 3) { $0.mode = 0o666 } },
            { try tree.node("loop", 0o060000, 7, 250) },
            { try tree.node("pipe", 0o010000) },
            { try tree.node("socket", 0o140000) },
            {
                try tree.file("big-id") {
                    $0.userID = 3_000_000_000; $0.groupID = 2_097_152
                }
            },
            { try tree.file("old") { $0.seconds = -1 } },
            { try tree.file("late") { $0.seconds = 1 << 33 } },
            {
                try tree.file("attributes") {
                    $0.attributes = [
                        ("user.z", [0, 0x0A, 0xFF]), ("user.a", Array("1".utf8)),
                        ("security.capability", LayerPackTests.capability), ("trusted.overlay.origin", [1]),
                        ("user.overlay.opaque", [0x79]),
                    ]
                }
            },
            {
                try tree.directory("opaque") { $0.attributes = [(PackedTree.opaque, [0x79]), ("user.d", [1])] }
                try tree.file("opaque/inside", "")
            },
            {
                try tree.directory(LayerPackTests.long)
                try tree.file("\(LayerPackTests.long)/\(String(repeating: "m", count: 200))", "long")
            },
        ]
        if reversed { steps.reverse() }
        for step in steps { try step() }
        for (name, target) in [("twin", "etc/passwd"), ("pipe-twin", "pipe"), ("socket-twin", "socket")] {
            try tree.hardLink(name, target)
        }
        try tree.setDirectoryTimes()
        return tree
    }

    @Test("GNU tar reads what the tree is: marks first, kinds, modes, owners, sizes, whole seconds, links")
    func oracle() throws {
        let long = LayerPackTests.long
        let time = "2020-09-13 12:26:40"
        #expect(
            try PackedTree.list(try LayerPackTests.everything().packed()) == [
                "---------- 0/0 0 1970-01-01 00:00:00 .wh.zzz",
                "-rw-r--r-- 0/0 7 \(time) attributes",
                "-rw-r--r-- 3000000000/2097152 7 \(time) big-id",
                "-rw-r--r-- 0/0 512 \(time) block",
                "-rw-r--r-- 0/0 1 \(time) cafe\\314\\201",
                "-rw-r--r-- 0/0 1 \(time) caf\\303\\251",
                "-rw-r--r-- 0/0 0 1970-01-01 00:00:00 empty",
                "drwxrwx--T 0/7 0 \(time) etc/",
                "---------- 0/0 0 1970-01-01 00:00:00 etc/.wh.shadow",
                "-rwsr-xr-x 1/2 5 \(time) etc/passwd",
                "-rw-r--r-- 0/0 7 2242-03-16 12:56:32 late",
                "lrwxrwxrwx 9/0 0 \(time) link -> no/where",
                "lrwxrwxrwx 0/0 0 \(time) long-link -> \(long)",
                "brw------- 0/0 7,250 \(time) loop",
                "drwxr-xr-x 0/0 0 \(time) \(long)/",
                "-rw-r--r-- 0/0 4 \(time) \(long)/\(String(repeating: "m", count: 200))",
                "crw-rw-rw- 0/0 1,3 \(time) null",
                "-rw-r--r-- 0/0 7 1969-12-31 23:59:59 old",
                "drwxr-xr-x 0/0 0 \(time) opaque/",
                "---------- 0/0 0 1970-01-01 00:00:00 opaque/.wh..wh..opq",
                "-rw-r--r-- 0/0 0 \(time) opaque/inside",
                "prw------- 0/0 0 \(time) pipe",
                "hrw------- 0/0 0 \(time) pipe-twin link to pipe",
                "hrwsr-xr-x 1/2 0 \(time) twin link to etc/passwd",
            ])
    }

    @Test("the bytes are for ever: a digest that changes here makes every built layer a damaged one")
    func golden() throws {
        let tree = try LayerPackTests.everything()
        let (diffID, sizeBytes) = try LayerPack.digest(of: tree.path)
        #expect("\(diffID)" == "sha256:51d41a805a4aa4dbc884bba8b280c550b63db79245f8f14f22bcb85af83fc087")
        #expect(sizeBytes == 28_160)
        let empty = try PackedTree()
        #expect(try empty.packed() == [UInt8](repeating: 0, count: 1024))
    }

    @Test("equal trees give equal bytes, in whatever order they were made, however often they are packed")
    func deterministic() throws {
        let tree = try LayerPackTests.everything()
        let first = try tree.packed()
        #expect(try tree.packed() == first)
        #expect(try LayerPackTests.everything(reversed: true).packed() == first)
        let (diffID, sizeBytes) = try LayerPack.digest(of: tree.path)
        #expect(diffID == ContentHash.digest(of: first) && sizeBytes == Int64(first.count))
    }

    @Test("unpacked again it is the same tree, which packs to the same bytes")
    func roundTrip() throws {
        let world = try TransferWorld()
        let tree = try LayerPackTests.everything()
        let packed = try tree.packed()
        let root = try world.unpack([packed])
        let expected = try TransferWorld.list(tree.path).filter { !$0.hasPrefix("socket") }
        #expect(try TransferWorld.list(root) == expected)
        var again: [UInt8] = []
        try LayerPack.write(root) { again += $0 }
        #expect(again == packed)
        #expect(try TransferWorld.isOpaque("\(root)/opaque"))
        #expect(try FileStatus.of("\(root)/etc/shadow", following: false).isWhiteout)
        #expect(try FileStatus.of("\(root)/twin").inode == FileStatus.of("\(root)/etc/passwd").inode)
        let file = try Directory.open("\(root)/attributes")
        #expect(try FileAttributes.names(file.number) == ["security.capability", "user.a", "user.z"])
        #expect(try FileAttributes.value(file.number, "user.z") == [0, 0x0A, 0xFF])
        #expect(try FileAttributes.value(file.number, "security.capability") == LayerPackTests.capability)
        #expect(world.warnings.isEmpty)
    }

    @Test("random trees survive the way there and back", arguments: 0..<12)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let tree = try PackedTree()
        var directories = [""]
        var files: [String] = []
        for number in 0..<60 {
            let parent = directories[Int.random(in: 0..<directories.count, using: &random)]
            let width = [1, 20, 90, 150, 250][Int.random(in: 0..<5, using: &random)]
            let letter = ["x", "é", "日"][Int.random(in: 0..<3, using: &random)]
            let count = max(0, width / letter.utf8.count - 4)
            let name = "\(parent)\(number)\(String(repeating: letter, count: count))"
            switch Int.random(in: 0..<7, using: &random) {
            case 0 where parent.utf8.count < 1200:
                try tree.directory(name) {
                    $0.attributes = random.oneIn(3) ? [(PackedTree.opaque, [0x79])] : []
                }
                directories.append("\(name)/")
            case 1: try tree.whiteout(name)
            case 2: try tree.link(name, String(repeating: letter, count: max(1, width / letter.utf8.count)))
            case 3 where !files.isEmpty:
                try tree.hardLink(name, files[Int.random(in: 0..<files.count, using: &random)])
            default:
                let size = [0, 1, 511, 512, 513, 300_000][Int.random(in: 0..<6, using: &random)]
                let seconds = Int64.random(in: -10...(1 << 34), using: &random)
                let owner = UInt32.random(in: 0...4_000_000, using: &random)
                try tree.file(name, String(repeating: "s", count: size)) {
                    $0.userID = owner
                    $0.seconds = seconds
                }
                files.append(name)
            }
        }
        let packed = try tree.packed()
        let world = try TransferWorld()
        let root = try world.unpack([packed])
        #expect(try TransferWorld.list(root) == TransferWorld.list(tree.path))
        var again: [UInt8] = []
        try LayerPack.write(root) { again += $0 }
        #expect(again == packed)
        #expect(try PackedTree.list(packed).count == packed.count(entriesOf: tree))
    }
}

extension [UInt8] {
    /// Entries that the tree should have given.
    fileprivate func count(entriesOf tree: PackedTree) throws -> Int {
        try TransferWorld.list(tree.path).reduce(0) { sum, line in
            let isOpaque = try line.hasSuffix("/") && TransferWorld.isOpaque("\(tree.path)/\(line)")
            return sum + (isOpaque ? 2 : 1)
        }
    }
}
