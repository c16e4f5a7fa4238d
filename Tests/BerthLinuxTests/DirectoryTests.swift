// Paths inside a root stay inside it, whatever links say; removal follows nothing.
import BerthLinux
import Foundation
import Testing

@Suite("Directory")
struct DirectoryTests {
    /// A directory of its own, gone afterwards.
    func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/berth-directory-\(UUID().uuidString)"
        try Directory.make(path, mode: 0o755)
        defer { try? Directory.remove(path) }
        try body(path)
    }

    @Test(
        "links that lead out are resolved inside the root",
        arguments: ["/etc", "../../../../etc", "/proc/self/root/etc"])
    func escapes(target: String) throws {
        try withDirectory { path in
            symlink(target, "\(path)/out")
            let root = try Directory.open(path, flags: FileFlags.directory)
            #expect(throws: SystemError.self) {
                let found = try Directory.open(inRoot: root, "out/passwd", flags: FileFlags.pathOnly)
                _ = found.number
            }
            let made = try Directory.makeDirectories(inRootNumber: root.number, "a/b/c")
            #expect(try Directory.readLink("/proc/self/fd/\(made.number)") == "\(path)/a/b/c")
        }
    }

    @Test("removing a tree does not follow links")
    func removal() throws {
        try withDirectory { path in
            try Directory.make("\(path)/tree/sub")
            try Directory.make("\(path)/kept")
            try FileIO.replace("\(path)/kept/file", Array("x".utf8))
            symlink("\(path)/kept", "\(path)/tree/link")
            try Directory.remove("\(path)/tree")
            #expect(!FileManager.default.fileExists(atPath: "\(path)/tree"))
            #expect(FileManager.default.fileExists(atPath: "\(path)/kept/file"))
            try Directory.remove("\(path)/never-there")
        }
    }

    @Test("a packet carries its descriptors")
    func packets() throws {
        let (a, b) = try PacketSocket.pair()
        let pipe = try BerthLinux.Process.pipe()
        try PacketSocket.send(a.number, [1, 2, 3], descriptors: [pipe.write.number])
        let packet = try PacketSocket.receive(b.number)
        #expect(packet.payload == [1, 2, 3] && packet.descriptors.count == 1)
        try FileIO.write(number: packet.descriptors[0].number, [9])
        #expect(try FileIO.readAvailable(number: pipe.read.number, limit: 10) == [9])
    }
}
