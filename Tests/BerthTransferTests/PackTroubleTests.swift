// What a tar cannot say, and trees that change or are not whole: an error, never another layer.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Foundation
import Testing

@testable import BerthTransfer

@Suite("Packing what is difficult")
struct PackTroubleTests {
    private func refused(_ cause: String, _ build: (PackedTree) throws -> Void) throws {
        let tree = try PackedTree()
        try build(tree)
        let error = #expect(throws: BerthError.self, "\(cause)") { try tree.packed() }
        #expect(error?.cause?.contains(cause) == true, "\(cause): \(error?.cause ?? "none")")
    }

    @Test("names that would remove something, attributes without words, and parts of files are refused")
    func refusals() throws {
        try refused("begins with .wh.") { try $0.file(".wh.x") }
        try refused("begins with .wh.") { try $0.directory(".wh..wh..opq") }
        try refused("no way to say") { try $0.file("x") { $0.attributes = [("user.a=b", [1])] } }
        try refused("trusted.overlay.redirect") {
            try $0.directory("d") { $0.attributes = [("trusted.overlay.redirect", Array("/x".utf8))] }
        }
        try refused("trusted.overlay.metacopy") {
            try $0.file("f") { $0.attributes = [("trusted.overlay.metacopy", [])] }
        }
    }

    @Test("a file that changes under the walk is an error", arguments: ["grown", "shrunk", "rewritten"])
    func changing(way: String) throws {
        let tree = try PackedTree()
        let size = 1 << 20
        try tree.file("big", String(repeating: "x", count: size))
        var isChanged = false
        let error = #expect(throws: BerthError.self) {
            try LayerPack.write(tree.path) { bytes in
                guard bytes.count > TarHeader.blockBytes, !isChanged else { return }
                isChanged = true
                let file = try Directory.open("\(tree.path)/big", flags: FileFlags.write)
                switch way {
                case "grown": try NewEntry.truncate(file.number, Int64(size) + 1)
                case "shrunk": try NewEntry.truncate(file.number, Int64(size) - 1)
                default: try FileIO.write(number: file.number, [0x79])
                }
            }
        }
        #expect(isChanged && error?.cause == "big: it changed while it was read")
    }

    @Test("a layer that packs to something else than it is said to be is told, however it differs")
    func descriptor() throws {
        let tree = try PackedTree()
        try tree.file("a", "text")
        let (digest, size) = try LayerPack.digest(of: tree.path)
        try LayerPack.write(tree.path, as: digest, sizeBytes: size) { _ in }
        for wrong in [size - 512, size + 512] {
            var written: Int64 = 0
            let error = #expect(throws: BerthError.self) {
                try LayerPack.write(tree.path, as: digest, sizeBytes: wrong) { written += Int64($0.count) }
            }
            #expect(error?.code == .corrupt && written <= max(wrong, size))
        }
        let file = try Directory.open("\(tree.path)/a", flags: FileFlags.write)
        try FileIO.write(number: file.number, Array("TEXT".utf8))
        #expect(throws: BerthError.self) { try LayerPack.write(tree.path, as: digest, sizeBytes: size) { _ in } }
    }

    @Test("names that are no text keep their bytes; so do targets of links")
    func bytes() throws {
        let tree = try PackedTree()
        let name: [UInt8] = [0x61, 0xE9, 0xFF]
        let path = (Array("\(tree.path)/".utf8) + name).map { CChar(bitPattern: $0) } + [0]
        let file = try #require(fopen(path, "w"))
        fclose(file)
        let target = name.map { CChar(bitPattern: $0) } + [0]
        #expect(symlink(target, "\(tree.path)/link") == 0)
        let lines = try PackedTree.list(try tree.packed())
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix(" a\\351\\377") == true, "\(lines)")
        #expect(lines.last?.hasSuffix(" link -> a\\351\\377") == true, "\(lines)")
    }

    @Test("mounts are not entered: in a layer they are an error, in a tree their places stay")
    func mounts() throws {
        let tree = try PackedTree()
        let elsewhere = try PackedTree()
        try elsewhere.file("foreign")
        try tree.directory("mnt")
        try tree.file("after")
        try tree.setDirectoryTimes()
        // Of the same file system: only the mount tells them apart.
        #expect(try PackedTree.run("mount", ["--bind", elsewhere.path, "\(tree.path)/mnt"]).status == 0)
        defer { _ = try? PackedTree.run("umount", ["\(tree.path)/mnt"]) }
        let error = #expect(throws: BerthError.self) { try tree.packed() }
        #expect(error?.cause == "mnt/: something is mounted there")
        var packed: [UInt8] = []
        let root = try Directory.open(tree.path, flags: FileFlags.directory)
        try LayerPack.writeTree(root.number) { packed += $0 }
        #expect(try PackedTree.list(packed).map { $0.split(separator: " ").last } == ["after", "mnt/"])
    }

    @Test("a whole tree is packed as it shows: no marks are read in it")
    func tree() throws {
        let tree = try PackedTree()
        try tree.file(".wh.kept", "")
        try tree.directory("d") { $0.attributes = [(PackedTree.opaque, [0x79])] }
        try tree.whiteout("zero")
        var packed: [UInt8] = []
        let root = try Directory.open(tree.path, flags: FileFlags.directory)
        try LayerPack.writeTree(root.number) { packed += $0 }
        let lines = try PackedTree.list(packed)
        #expect(lines.map { $0.split(separator: " ").last } == [".wh.kept", "d/", "zero"])
        #expect(lines.last?.hasPrefix("c") == true)
    }
}

@Suite("Headers of a tar")
struct TarHeaderTests {
    /// Where PAX begins for a header.
    private func usesPax(_ header: TarHeader) -> Bool { header.encoded().count > TarHeader.blockBytes }

    private func header(_ path: String, _ change: (inout TarHeader) -> Void = { _ in }) -> TarHeader {
        var header = TarHeader(path: Array(path.utf8), kind: .file)
        change(&header)
        return header
    }

    @Test("PAX only where ustar has no room: on either side of each border")
    func borders() {
        func of(_ change: (inout TarHeader) -> Void) -> Bool { usesPax(header("x", change)) }
        #expect(!of { $0.sizeBytes = (8 << 30) - 1 } && of { $0.sizeBytes = 8 << 30 })
        #expect(!of { $0.userID = 2_097_151 } && of { $0.userID = 2_097_152 })
        #expect(!of { $0.groupID = 2_097_151 } && of { $0.groupID = 2_097_152 })
        #expect(!of { $0.modified = 0 } && of { $0.modified = -1 })
        #expect(!of { $0.modified = (8 << 30) - 1 } && of { $0.modified = 8 << 30 })
        #expect(!of { $0.link = [UInt8](repeating: 0x61, count: 100) })
        #expect(of { $0.link = [UInt8](repeating: 0x61, count: 101) })
        #expect(of { $0.link = Array("é".utf8) } && of { $0.attributes = [("user.a", [])] })
        #expect(usesPax(header("é")) && !usesPax(header("e")))
        func name(_ prefix: Int, _ last: Int, _ end: String = "") -> String {
            (prefix > 0 ? String(repeating: "p", count: prefix) + "/" : "") + String(repeating: "n", count: last) + end
        }
        #expect(!usesPax(header(name(0, 100))) && usesPax(header(name(0, 101))))
        #expect(!usesPax(header(name(155, 100))) && usesPax(header(name(156, 100))))
        #expect(usesPax(header(name(155, 101))))
        #expect(!usesPax(header(name(155, 99, "/"))) && usesPax(header(name(155, 100, "/"))))
        #expect(!usesPax(header(name(0, 99, "/"))) && usesPax(header(name(0, 100, "/"))))
    }

    @Test("GNU tar reads sizes beyond 8 GiB, and lengths whose own digits carry over")
    func large() throws {
        // GNU tar seeks over content in a file; here it only reads the first header.
        let big = header("big") { $0.sizeBytes = 9 << 30 }.encoded()
        #expect(try PackedTree.run("tar", ["--numeric-owner", "-tvf", "-"], input: big).text.contains("9663676416"))
        for count in [85, 86, 87, 88, 89, 90, 91, 984, 985, 986, 987, 988, 989, 990, 991, 992, 4000] {
            let path = String(repeating: "é", count: count)
            let bytes = header(path).encoded() + [UInt8](repeating: 0, count: 1024)
            #expect(bytes.count % TarHeader.blockBytes == 0)
            let lines = try PackedTree.run("tar", ["--quoting-style=literal", "-tf", "-"], input: bytes)
            #expect(lines.text == path + "\n", "\(count)")
        }
    }
}
