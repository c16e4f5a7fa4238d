// Overlays as kernels before 6.7 want them: all layers in one option. Needs root.
import BerthTesting
import Testing

@testable import BerthLinux

@Suite("Overlays with all layers in one option")
struct OverlayTests {
    private static func layers(_ count: Int, in directory: TemporaryDirectory) throws -> [String] {
        try (0..<count).map { index in
            // A colon or a comma in a name separates nothing.
            let path = directory.path("layer:\(index),x")
            try Directory.make(path, mode: 0o755)
            try FileIO.replace("\(path)/own-\(index)", Array("\(index)".utf8), durable: false)
            try FileIO.replace("\(path)/all", Array("\(index)".utf8), durable: false)
            return path
        }
    }

    private static func text(_ mount: borrowing Descriptor, _ name: String) throws -> String {
        try FileIO.readText("/proc/self/fd/\(mount.number)/\(name)")
    }

    @Test("the uppermost layer wins, each is seen, writes go to the upper directory", arguments: [1, 2, 15, 60])
    func writable(count: Int) throws {
        let directory = try TemporaryDirectory()
        let lowers = try Self.layers(count, in: directory)
        for name in ["upper", "work"] { try Directory.make(directory.path(name)) }
        let mount = try DetachedMount.allInOne(lowers, (directory.path("upper"), directory.path("work")))
        #expect(try Self.text(mount, "all") == "0")
        for index in 0..<count { #expect(try Self.text(mount, "own-\(index)") == "\(index)") }
        try FileIO.replace("/proc/self/fd/\(mount.number)/new", Array("new".utf8), durable: false)
        #expect(try FileIO.readText(directory.path("upper/new")) == "new")
    }

    @Test("read-only; the process's working directory is what it was; too many layers are an error that says so")
    func readOnly() throws {
        let directory = try TemporaryDirectory()
        let before = try Directory.readLink("/proc/self/cwd")
        let mount = try DetachedMount.allInOne(try Self.layers(3, in: directory), nil)
        #expect(try Self.text(mount, "all") == "0")
        #expect(throws: SystemError.self) {
            try FileIO.replace("/proc/self/fd/\(mount.number)/new", [], durable: false)
        }
        #expect(try Directory.readLink("/proc/self/cwd") == before)
        let many = try TemporaryDirectory()
        let lowers = try Self.layers(200, in: many)
        #expect {
            _ = try DetachedMount.allInOne(lowers, nil)
        } throws: { "\($0)".contains("200 layers") }
    }
}
