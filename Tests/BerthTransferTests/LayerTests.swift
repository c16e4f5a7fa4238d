// Honest layers: what is in the tar is in the tree, and layers above each other mean what the overlay shows.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Testing

@testable import BerthTransfer

@Suite("Layers")
struct LayerTests {
    @Test("kinds, owners, modes, times, set-id bits, long names")
    func metadata() throws {
        let world = try TransferWorld()
        let long = String(repeating: "n", count: 120) + "/" + String(repeating: "m", count: 200)
        let root = try world.unpack { tar in
            tar.add(".", .directory) {
                $0.mode = 0o751; $0.seconds = 1_000_000_001
            }
            tar.add("d", .directory) {
                $0.mode = 0o1777; $0.seconds = 1_000_000_002
            }
            tar.add("d/sudo") {
                $0.mode = 0o4755; $0.userID = 7; $0.groupID = 8;
                $0.pax = [("mtime", Array("1000000003.123456789".utf8))]
            }
            tar.add("link", .symbolicLink) {
                $0.target = Array("no/where".utf8); $0.userID = 9; $0.seconds = 1_000_000_004
            }
            tar.add("null", .characterDevice) {
                $0.major = 1; $0.minor = 3; $0.mode = 0o666
            }
            tar.add("loop", .blockDevice) {
                $0.major = 7; $0.minor = 250
            }
            tar.add("pipe", .fifo) { $0.mode = 0o600 }
            tar.add("short") { $0.pax = [("path", Array(long.utf8))] }
            tar.add("big-id") { $0.userID = 3_000_000_000 }
            tar.hardLink("twin", "d/sudo")
        }
        func status(_ path: String) throws -> FileStatus { try FileStatus.of("\(root)/\(path)", following: false) }
        #expect(try status(".").mode == 0o751)
        #expect(try status(".").modifiedSeconds == 1_000_000_001)
        #expect(try status("d").mode == 0o1777)
        #expect(try status("d").modifiedSeconds == 1_000_000_002)
        let sudo = try status("d/sudo")
        #expect(sudo.mode == 0o4755 && sudo.userID == 7 && sudo.groupID == 8 && sudo.linkCount == 2)
        #expect(sudo.modifiedSeconds == 1_000_000_003 && sudo.modifiedNanoseconds == 123_456_789)
        #expect(try status("twin").inode == sudo.inode)
        #expect(try status("link").userID == 9 && status("link").modifiedSeconds == 1_000_000_004)
        #expect(
            try status("null").kind == .characterDevice && status("null").deviceMinor == 3
                && status("null").mode == 0o666)
        #expect(try status("loop").kind == .blockDevice && status("loop").deviceMinor == 250)
        #expect(try status("pipe").kind == .fifo)
        #expect(try status(long).kind == .regular)
        #expect(try status("big-id").userID == 3_000_000_000)
    }

    @Test("names keep their bytes: composed, decomposed, other scripts; what is no UTF-8 is told")
    func names() throws {
        let world = try TransferWorld()
        let names = ["caf\u{e9}", "cafe\u{301}", "日本", "a b", "tab\there", "quote\"", "back\\slash", "new\nline"]
        let root = try world.unpack { tar in
            for name in names { tar.file(name) }
            for name in names { tar.add("p") { $0.pax = [("path", Array("pax-\(name)".utf8))] } }
        }
        let expected = Set((names + names.map { "pax-\($0)" }).map { Array($0.utf8) })
        #expect(Set(try Directory.names(root).map { Array($0.utf8) }) == expected)
        #expect(world.warnings.isEmpty)
        _ = try world.unpack { tar in tar.add("") { $0.name = [0x61, 0xE9] } }
        #expect(world.warnings.count == 1)
    }

    @Test("targets of links keep their bytes too, the very first one and those of PAX headers included")
    func targets() throws {
        for target in ["データ", "äöü", "/ключ/é"] {
            let world = try TransferWorld()
            let root = try world.unpack { tar in
                tar.link("first", target)
                tar.add("second", .symbolicLink) {
                    $0.target = Array("short".utf8); $0.pax = [("linkpath", Array(target.utf8))]
                }
                tar.file(target.split(separator: "/").joined(separator: "/"))
                tar.add("third", .hardLink) {
                    $0.target = Array("short".utf8)
                    $0.pax = [("linkpath", Array(target.utf8)), ("path", Array("é3".utf8))]
                }
            }
            #expect(try Directory.readLink("\(root)/first") == target)
            #expect(try Directory.readLink("\(root)/second") == target)
            #expect(try FileIO.readText("\(root)/é3") == "content")
        }
    }

    @Test("later entries replace earlier ones, directories merge")
    func replacement() throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.file("a", "first")
            tar.file("a", "second")
            tar.file("d/x")
            tar.directory("d")
            tar.file("d/y")
            tar.file("was-directory/x")
            tar.file("was-directory", "now a file")
            tar.link("was-link", "d")
            tar.directory("was-link")
        }
        #expect(try TransferWorld.list(root) == ["a", "d/", "d/x", "d/y", "was-directory", "was-link/"])
        #expect(try FileIO.readText("\(root)/a") == "second")
    }

    @Test("holes stay holes")
    func sparse() throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.add("holes") {
                $0.pax = [
                    ("GNU.sparse.major", Array("1".utf8)), ("GNU.sparse.minor", Array("0".utf8)),
                    ("GNU.sparse.name", Array("holes".utf8)), ("GNU.sparse.realsize", Array("1048580".utf8)),
                ]
                let map = Array("2\n1048576\n3\n1048580\n0\n".utf8)
                $0.content = map + [UInt8](repeating: 0, count: 512 - map.count) + Array("abc".utf8)
            }
        }
        let file = try FileIO.read("\(root)/holes")
        #expect(file.count == 1_048_580)
        #expect(Array(file[1_048_576..<1_048_579]) == Array("abc".utf8))
        #expect(file.prefix(1_048_576).allSatisfy { $0 == 0 })
    }

    @Test("whiteouts hide what is below and nothing of their own layer, in either order")
    func whiteouts() throws {
        let world = try TransferWorld()
        let root = try world.unpack { tar in
            tar.file(".wh.gone", "")
            tar.file(".wh.late", "")
            tar.file("late", "own")
            tar.file("early", "own")
            tar.file(".wh.early", "")
            tar.file(".wh.dir-late", "")
            tar.file("dir-late/x")
            tar.file("dir-early/x")
            tar.file(".wh.dir-early", "")
            tar.file("opaque/x")
            tar.file("opaque/.wh..wh..opq", "")
            tar.directory("opaque")
        }
        #expect(
            try TransferWorld.list(root) == [
                "dir-early/", "dir-early/x", "dir-late/", "dir-late/x", "early", "gone whiteout", "late", "opaque/",
                "opaque/x",
            ])
        for name in ["dir-early", "dir-late", "opaque"] {
            #expect(try TransferWorld.isOpaque("\(root)/\(name)"), "\(name)")
        }
    }

    @Test("what a layer leaves out of its paths is taken from below: links lead on, directories keep their metadata")
    func lowerParents() throws {
        let world = try TransferWorld()
        var base = TestTar()
        base.directory("usr/bin")
        base.link("bin", "usr/bin")
        base.link("sbin", "/bin")
        base.add("tmp", .directory) {
            $0.mode = 0o1777; $0.userID = 5; $0.seconds = 1_000_000_000
        }
        base.file("gone/x")
        var middle = TestTar()
        middle.file(".wh.gone", "")
        var top = TestTar()
        top.file("bin/tool")
        top.file("sbin/other")
        top.file("tmp/file")
        top.file("gone/new")
        top.file("fresh/x")
        let root = try world.unpack([base.finished, middle.finished, top.finished])
        #expect(
            try TransferWorld.list(root) == [
                "fresh/", "fresh/x", "gone/", "gone/new", "tmp/", "tmp/file", "usr/", "usr/bin/", "usr/bin/other",
                "usr/bin/tool",
            ])
        let tmp = try FileStatus.of("\(root)/tmp")
        #expect(tmp.mode == 0o1777 && tmp.userID == 5 && tmp.modifiedSeconds == 1_000_000_000)
        #expect(try FileStatus.of("\(root)/fresh").mode == 0o755)
    }

    @Test("a hard link to a lower layer's file brings a copy of it")
    func lowerHardLink() throws {
        let world = try TransferWorld()
        var base = TestTar()
        base.link("bin", "usr/bin")
        base.add("usr/bin/tool") {
            $0.content = Array("tool".utf8); $0.mode = 0o4755; $0.userID = 3
        }
        base.file("hidden")
        var middle = TestTar()
        middle.file(".wh.hidden", "")
        var top = TestTar()
        top.hardLink("bin/alias", "bin/tool")
        let root = try world.unpack([base.finished, middle.finished, top.finished])
        #expect(try TransferWorld.list(root) == ["usr/", "usr/bin/", "usr/bin/alias", "usr/bin/tool"])
        let alias = try FileStatus.of("\(root)/usr/bin/alias")
        #expect(alias.mode == 0o4755 && alias.userID == 3 && alias.linkCount == 2)
        #expect(try FileIO.readText("\(root)/usr/bin/alias") == "tool")
        var broken = TestTar()
        broken.hardLink("y", "hidden")
        #expect(throws: BerthError.self) { try world.unpack([base.finished, middle.finished, broken.finished]) }
    }

    @Test("an opaque root hides every lower name")
    func opaqueRoot() throws {
        let world = try TransferWorld()
        var base = TestTar()
        base.file("a")
        base.file("d/x")
        var top = TestTar()
        top.file("d/y")
        top.file(".wh..wh..opq", "")
        let root = try world.unpack([base.finished, top.finished])
        #expect(try TransferWorld.list(root) == ["a whiteout", "d/", "d/y"])
        #expect(try TransferWorld.isOpaque("\(root)/d"))
    }

    @Test("the digests are of the bytes", arguments: Compression.allCases)
    func digests(compression: Compression) throws {
        let world = try TransferWorld()
        var tar = TestTar()
        tar.file("etc/motd", "hello")
        let given = compression.compress(tar.finished)
        let image = try world.importTree(given)
        #expect(image.layers == [ContentHash.digest(of: tar.finished)])
        // What registries have no name for is kept plain.
        let kept = [.xz, .bzip2].contains(compression) ? tar.finished : given
        let blob = "\(world.ingest)/blobs/\(ContentHash.digest(of: kept).hex)"
        #expect(try FileIO.read(blob) == kept)
        #expect(try FileIO.readText("\(world.ingest)/layers/\(image.layers[0].hex)/diff/etc/motd") == "hello")
        #expect(try Directory.names("\(world.ingest)/layers") == [image.layers[0].hex])
        #expect(try Directory.names("\(world.ingest)/blobs").allSatisfy { Digest(hex: $0) != nil })
    }

    @Test("bytes behind the end belong to the digests; cut and foreign archives are refused")
    func ends() throws {
        let world = try TransferWorld()
        var tar = TestTar()
        tar.file("a", String(repeating: "text ", count: 1000))
        let padded = tar.finished + [UInt8](repeating: 0, count: 9000) + Array("behind".utf8)
        #expect(try world.importTree(padded).layers == [ContentHash.digest(of: padded)])
        let two = Compression.gzip.compress(tar.bytes) + Compression.gzip.compress([UInt8](repeating: 0, count: 1024))
        #expect(try world.importTree(two).layers == [ContentHash.digest(of: tar.finished)])
        let gzip = Compression.gzip.compress(tar.finished)
        #expect(throws: BerthError.self) { try world.importTree(Array(gzip[..<(gzip.count / 2)])) }
        #expect(throws: BerthError.self) { try world.importTree(Array(tar.bytes[..<700])) }
        #expect(throws: BerthError.self) { try world.importTree(Array("this is a text, not a tar".utf8)) }
        #expect(throws: BerthError.self) { try world.importTree(Compression.gzip.compress(Array("nor is this".utf8))) }
        #expect(throws: BerthError.self) {
            try world.importTree((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167) })
        }
    }

    @Test("an empty archive is an image of nothing")
    func empty() throws {
        let world = try TransferWorld()
        let image = try world.importTree(TestTar().finished)
        #expect(try TransferWorld.list("\(world.ingest)/layers/\(image.layers[0].hex)/diff").isEmpty)
    }
}
