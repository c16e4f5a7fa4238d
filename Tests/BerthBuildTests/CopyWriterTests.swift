// What is written: owners, modes, times, attributes, holes, nodes, archives.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Synchronization
import Testing

@testable import BerthBuild

@Suite("Copy: writing")
struct CopyWriterTests {
    @Test("a context's files belong to root, a stage's keep their owner, --chown is for all and for new parents")
    func owners() throws {
        let world = try CopyWorld(["d/f=1", "d/l->f"])
        try world.run("/bin/chown", ["-hR", "7:8", "\(world.contextPath)/d"])
        try world.copy(["d"], "/context/")
        #expect(try world.status("context/f").userID == 0)
        try world.copy(["d"], "/made/in/") { $0.owner = CopyOwner(userID: 5, groupID: 6) }
        for path in ["made", "made/in", "made/in/f", "made/in/l"] {
            let status = try world.status(path)
            #expect(status.userID == 5 && status.groupID == 6, "\(path)")
        }
        let stage = CopySource.image(world.context, title: "stage build")
        let selection = try CopySelection(CopyRequest(sources: ["."], destination: "/stage"), from: stage)
        try CopyWriter(root: world.target).write(selection)
        #expect(try world.status("stage/d").userID == 7 && world.status("stage/d/l").groupID == 8)
        #expect(try world.status("stage").userID == 0 && world.status("stage").mode == 0o755)
    }

    @Test("modes and times are kept, whatever the mask of the process; --chmod changes files and directories")
    func modes() throws {
        let world = try CopyWorld(["d/f=1", "d/s/g=2"])
        try world.run("/bin/chmod", ["4777", "\(world.contextPath)/d/f"])
        try world.run("/bin/chmod", ["1777", "\(world.contextPath)/d/s"])
        for path in ["d/f", "d/s/g", "d/s"] {
            try world.run("/bin/touch", ["-d", "2001-02-03 04:05:06.789 UTC", "\(world.contextPath)/\(path)"])
        }
        try world.copy(["d"], "/n")
        #expect(try world.status("n/f").mode == 0o4777 && world.status("n/s").mode == 0o1777)
        for path in ["n/f", "n/s/g", "n/s"] {
            let status = try world.status(path)
            #expect(status.modifiedSeconds == 981_173_106 && status.modifiedNanoseconds == 789_000_000, "\(path)")
        }
        try world.copy(["d"], "/m") { $0.changeMode = { _, isDirectory in isDirectory ? 0o711 : 0o604 } }
        #expect(try world.status("m/f").mode == 0o604 && world.status("m/s").mode == 0o711)
    }

    @Test("an existing directory takes the mode of the one copied onto it, the destination itself keeps its own")
    func existingDirectories() throws {
        let world = try CopyWorld(["d/s/g=2"], target: ["n/s/"])
        try world.run("/bin/chmod", ["700", "\(world.contextPath)/d", "\(world.contextPath)/d/s"])
        try world.copy(["d"], "/n")
        #expect(try world.status("n").mode == 0o755 && world.status("n/s").mode == 0o700)
    }

    @Test("no time is later than the epoch that was asked for")
    func timestamps() throws {
        let world = try CopyWorld(["d/new=1", "d/old=1", "d/l->new"])
        try world.run("/bin/touch", ["-d", "2001-02-03 UTC", "\(world.contextPath)/d/old"])
        try world.copy(["d"], "/n/", timestampMax: 1_000_000_000) {
            $0.inlineFiles = [InlineFile(name: "i", content: [])]
        }
        for path in ["n/new", "n/l", "n/i"] { #expect(try world.status(path).modifiedSeconds == 1_000_000_000) }
        #expect(try world.status("n/old").modifiedSeconds < 1_000_000_000)
    }

    @Test("attributes and capabilities travel; the overlay's do not")
    func attributes() throws {
        let world = try CopyWorld(["f=1"])
        let file = try Directory.open("\(world.contextPath)/f", flags: FileFlags.readWrite)
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        try NewEntry.setAttribute(file.number, "security.capability", capability)
        try NewEntry.setAttribute(file.number, "user.note", [1, 0, 2])
        try NewEntry.setAttribute(file.number, "trusted.overlay.opaque", [0x79])
        try NewEntry.setAttribute(file.number, "user.overlay.whiteout", [0x79])
        try world.copy(["f"], "/f") { $0.owner = CopyOwner(userID: 3, groupID: 3) }
        let copy = try Directory.open("\(world.targetPath)/f", flags: FileFlags.readNoFollow)
        #expect(NewEntry.attribute(copy.number, "security.capability") == capability)
        #expect(NewEntry.attribute(copy.number, "user.note") == [1, 0, 2])
        #expect(NewEntry.attribute(copy.number, "trusted.overlay.opaque") == nil)
        #expect(NewEntry.attribute(copy.number, "user.overlay.whiteout") == nil)
    }

    @Test("holes stay holes, large files are whole")
    func content() throws {
        let world = try CopyWorld()
        let sparse = "\(world.contextPath)/sparse"
        try world.run(
            "/bin/sh",
            ["-c", "truncate -s 64M \(sparse); printf x | dd of=\(sparse) bs=1 seek=20000000 conv=notrunc 2>&1"])
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<3_000_001).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try world.directory.write("context/large", bytes)
        try world.copy(["."], "/")
        let status = try world.status("sparse")
        #expect(status.sizeBytes == 64 << 20 && status.allocatedBytes < 1 << 20)
        let copy = try Directory.open("\(world.targetPath)/sparse", flags: FileFlags.readNoFollow)
        NewEntry.seek(copy.number, 20_000_000)
        #expect(try FileIO.readStart(copy.number, count: 2) == [0x78, 0])
        #expect(try FileIO.read("\(world.targetPath)/large") == bytes)
    }

    @Test("names that are not UTF-8 are copied as they are")
    func bytes() throws {
        let world = try CopyWorld()
        try world.run(
            "/bin/sh",
            ["-c", "cd \(world.contextPath); mkdir \"$(printf 'd\\377')\"; echo 1 > \"$(printf 'd\\377/f\\376')\""])
        try world.copy(["."], "/")
        let top = try DirectoryEntry.names(in: world.target.number)
        #expect(top.map(\.bytes) == [[0x64, 0xFF]])
        let below = try DirectoryEntry.openDirectory(top[0], in: world.target.number)
        #expect(try DirectoryEntry.names(in: below.number).map(\.bytes) == [[0x66, 0xFE]])
    }

    @Test("heredocs come after the sources, under their names or the destination's")
    func inline() throws {
        let world = try CopyWorld(["a=1"])
        let file = InlineFile(name: "EOF", content: Array("text\n".utf8))
        try world.copy([], "/one/file") { $0.inlineFiles = [file] }
        try world.copy(["a"], "/two/") {
            $0.inlineFiles = [file]
            $0.owner = CopyOwner(userID: 4, groupID: 4)
        }
        #expect(try world.listing() == ["one/", "one/file=text\n", "two/", "two/EOF=text\n", "two/a=1"])
        #expect(try world.status("one/file").mode == 0o644 && world.status("two/EOF").userID == 4)
    }

    @Test("fifos and devices are copied as such, sockets are told of, a whiteout is refused")
    func nodes() throws {
        let world = try CopyWorld(["d/f|", "d/s%", "d/x=1"])
        try NewEntry.node(in: world.context.number, "null", mode: 0o020666, major: 1, minor: 3)
        try world.run("/bin/chmod", ["666", "\(world.contextPath)/null"])
        try world.copy(["d", "null"], "/")
        #expect(try world.listing(world.targetPath).filter { !$0.hasPrefix("null") } == ["f|", "x=1"])
        #expect(try world.status("null").deviceMajor == 1 && world.status("null").mode == 0o666)
        #expect(world.warnings.withLock { $0 } == ["s is a socket and is not copied"])
        try NewEntry.node(in: world.context.number, "whiteout", mode: 0o020000, major: 0, minor: 0)
        #expect(throws: BerthError.self) { try world.copy(["whiteout"], "/w") }
    }

    @Test("an overlay is copied from and into like any directory, and its lower layers stay as they are")
    func overlay() throws {
        let world = try CopyWorld(["d/f=new", "d/s/g=2", "d/l->f"], target: ["d/f=old", "d/k=kept", "d/s/h=3"])
        let path = { world.directory.path($0) }
        for name in ["upper", "work", "merged"] { try Directory.make(path(name), mode: 0o755) }
        let options = "lowerdir=\(path("target")),upperdir=\(path("upper")),workdir=\(path("work"))"
        try world.run("/bin/mount", ["-t", "overlay", "overlay", "-o", options, path("merged")])
        defer { try? world.run("/bin/umount", [path("merged")]) }
        let merged = SharedDescriptor(try Directory.open(path("merged"), flags: FileFlags.directory))
        try CopyWriter(root: merged).write(try world.select(["."]))
        let expected = ["d/", "d/f=new", "d/k=kept", "d/l->f", "d/s/", "d/s/g=2", "d/s/h=3"]
        #expect(try world.listing(path("merged")) == expected)
        #expect(try world.listing() == ["d/", "d/f=old", "d/k=kept", "d/s/", "d/s/h=3"])
        let stage = CopySource.image(merged, title: "stage build")
        let selection = try CopySelection(CopyRequest(sources: ["."], destination: "/again"), from: stage)
        let digest = try CopyDigest.digest(of: selection)
        try Directory.make(path("plain"), mode: 0o755)
        let plain = try Directory.open(path("plain"), flags: FileFlags.directory)
        try CopyWriter(root: SharedDescriptor(plain)).write(selection)
        #expect(try world.listing("\(path("plain"))/again") == expected)
        #expect(
            try CopyDigest.digest(of: try CopySelection(CopyRequest(sources: ["."], destination: "/"), from: stage))
                == digest)
    }

    // MARK: Archives

    final class Extractor: ArchiveExtractor {
        let extracted = Mutex<[[UInt8]]>([])
        let directory: String
        init(_ directory: String) { self.directory = directory }
        func extract(_ archive: Int32, _ body: (SharedDescriptor) throws -> Void) throws -> Bool {
            let start = try FileIO.readStart(archive, count: 20)
            if start.starts(with: [0x1F, 0x8B]) && !start.contains(0x54) { return false }
            extracted.withLock { $0.append(Array(start.prefix(6))) }
            let content = SharedDescriptor(try Directory.open(directory, flags: FileFlags.directory))
            if !FileManager.default.fileExists(atPath: "\(directory)/unpacked") { try NewEntry.directory(in: content.number, "unpacked") }
            try body(content)
            return true
        }
    }

    @Test("ADD unpacks what is an archive by its content, whatever its name")
    func archives() throws {
        let world = try CopyWorld(["plain.tar.gz=no archive", "d/x.tar=not looked at"])
        try world.run("/bin/tar", ["-C", world.contextPath, "-cf", "\(world.contextPath)/real.txt", "d"])
        try world.directory.write("context/packed", [0x1F, 0x8B, 0x08, 0x54])
        try world.directory.write("context/zipped", [0x1F, 0x8B, 0x08, 0x00])
        try Directory.make(world.directory.path + "/archive", mode: 0o755)
        let extractor = Extractor(world.directory.path + "/archive")
        func add(_ source: String, _ destination: String) throws {
            let selection = try world.select([source], destination) { $0.unpacks = true }
            try CopyWriter(root: world.target, extractor: extractor).write(selection)
        }
        try add("plain.tar.gz", "/a")
        try add("real.txt", "/b")
        try add("packed", "/c/d")
        try add("zipped", "/e")
        try add("d", "/g")
        #expect(
            try world.listing().filter { !$0.hasPrefix("e=") } == [
                "a=no archive", "b/", "b/unpacked/", "c/", "c/d/", "c/d/unpacked/", "g/", "g/x.tar=not looked at",
            ])
        #expect(extractor.extracted.withLock { $0.map { $0.prefix(2) } } == [[0x64, 0x2F], [0x1F, 0x8B]])
        #expect(ArchiveKind(header: [UInt8](repeating: 0, count: 512)) == nil)
        #expect(
            ArchiveKind(header: [0x28, 0xB5, 0x2F, 0xFD]) == .zstd && ArchiveKind(header: [0x42, 0x5A, 0x68]) == .bzip2)
    }
}
