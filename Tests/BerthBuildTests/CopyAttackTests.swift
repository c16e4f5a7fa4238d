// Contexts, stages and destinations that want out of their roots, or want to hold the build up.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Synchronization
import Testing

@testable import BerthBuild

@Suite("Copy: attacks")
struct CopyAttackTests {
    /// A secret beside the roots: nothing of it is ever copied, nothing of it ever changes.
    static func world(_ context: [String], target: [String] = []) throws -> CopyWorld {
        let world = try CopyWorld(context, target: target)
        try Directory.make(world.directory.path("outside"), mode: 0o755)
        try world.directory.write("outside/secret", "host secret")
        return world
    }

    static func outsideIsUnchanged(_ world: CopyWorld) throws -> Bool {
        try world.listing(world.directory.path("outside")) == ["secret=host secret"]
    }

    @Test(
        "a source never leaves its root",
        arguments: [
            "../outside/secret", "/../outside/secret", "up/secret", "absolute", "chain", "proc",
            "d/../../outside/secret",
            "up/*", "u*/secret",
        ])
    func sources(source: String) throws {
        let world = try CopyAttackTests.world([
            "up->../outside", "absolute->/etc/shadow", "chain->first", "first->../../../../etc/shadow",
            "proc->/proc/self/root/etc/shadow", "d/x=1",
        ])
        for parents in [false, true] {
            // Ignored: not found is as good as nothing copied.
            try? world.copy([source], "/") { $0.keepsParents = parents }
        }
        #expect(try world.listing().allSatisfy { !$0.contains("=") })
        #expect(try CopyAttackTests.outsideIsUnchanged(world))
    }

    @Test("a link to the host is a link inside, and what it names is the root's own")
    func links() throws {
        let world = try CopyAttackTests.world(["l->/etc/shadow", "etc/shadow=of the context", "d/l->/etc/shadow"])
        try world.copy(["l"], "/f")
        try world.copy(["d"], "/d")
        #expect(try world.listing() == ["d/", "d/l->/etc/shadow", "f=of the context"])
    }

    @Test(
        "a destination never leaves its root",
        arguments: ["/up/x", "/up/", "/abs/x", "/file", "/../outside/x", "/deep/x", "/loop/x"])
    func destinations(destination: String) throws {
        let world = try CopyAttackTests.world(
            ["secret=attack"],
            target: ["up->../outside", "deep->../../../../../../../../tmp", "file->../outside/secret", "loop->loop"])
        try NewEntry.symbolicLink(in: world.target.number, "abs", to: world.directory.path("outside"))
        let before = try? FileStatus.of("/tmp/x")
        // Ignored: an error is as good as staying inside.
        try? world.copy(["secret"], destination)
        #expect(try CopyAttackTests.outsideIsUnchanged(world))
        #expect((try? FileStatus.of("/tmp/x")) == before)
    }

    @Test("links below the destination are not followed by what is copied onto them")
    func merged() throws {
        let world = try CopyAttackTests.world(["d/up/secret=attack"], target: ["up->../outside"])
        #expect(throws: BerthError.self) { try world.copy(["d"], "/") }
        let file = try CopyAttackTests.world(["d/f=attack"], target: ["f->../outside/secret"])
        try file.copy(["d"], "/")
        #expect(try file.listing() == ["f=attack"])
        #expect(try CopyAttackTests.outsideIsUnchanged(world) && CopyAttackTests.outsideIsUnchanged(file))
    }

    @Test("loops of links end", arguments: ["loop", "a", "ring/x", "self/self/self"])
    func loops(source: String) throws {
        let world = try CopyWorld(["loop->loop", "a->b", "b->a", "ring->ring/ring", "self->."])
        _ = try? world.select([source])
        try world.copy(["."], "/")
        #expect(try world.listing() == ["a->b", "b->a", "loop->loop", "ring->ring/ring", "self->."])
    }

    @Test("a fifo is never opened", .timeLimit(.minutes(1)))
    func fifo() throws {
        let world = try CopyWorld(["f|", "l->f", ".dockerignore|"])
        _ = try world.digest(["."])
        try world.copy(["f"], "/one")
        try world.copy(["l"], "/two")
        try world.copy(["f"], "/three") { $0.unpacks = true }
        #expect(try world.listing() == ["one|", "three|", "two|"])
        #expect(throws: BerthError.self) { try IgnoreFile.find(in: world.context, dockerfile: nil) }
    }

    @Test("a file that becomes a fifo or a link after the look is an error", .timeLimit(.minutes(1)))
    func swappedFiles() throws {
        for replacement in ["f|", "f->../outside/secret"] {
            let world = try CopyAttackTests.world(["f=1", "d/x=1"])
            let selections = try [world.select(["."]), world.select(["f"])]
            try FileManager.default.removeItem(atPath: "\(world.contextPath)/f")
            try world.make([replacement])
            #expect(throws: (any Error).self) { try CopyDigest.digest(of: selections[0]) }
            #expect(throws: (any Error).self) { try CopyWriter(root: world.target).write(selections[0]) }
            // The file itself is held open: what was looked at, or an error.
            _ = try? CopyWriter(root: world.target).write(selections[1])
            #expect(try world.listing().allSatisfy { !$0.contains("host secret") })
        }
    }

    @Test("directories that are swapped for links while they are copied lead nowhere", .timeLimit(.minutes(1)))
    func swappedDirectories() throws {
        let world = try CopyAttackTests.world(["d/e/secret=inside", "x->../../outside"])
        let stop = Atomic(false)
        let thread = Thread { [path = world.contextPath, outside = world.directory.path("outside")] in
            _ = try? FileManager.default.createSymbolicLink(atPath: "\(path)/swap", withDestinationPath: outside)
            while !stop.load(ordering: .relaxed) {
                _ = try? FileManager.default.moveItem(atPath: "\(path)/d/e", toPath: "\(path)/aside")
                _ = try? FileManager.default.moveItem(atPath: "\(path)/swap", toPath: "\(path)/d/e")
                _ = try? FileManager.default.moveItem(atPath: "\(path)/d/e", toPath: "\(path)/swap")
                _ = try? FileManager.default.moveItem(atPath: "\(path)/aside", toPath: "\(path)/d/e")
            }
        }
        thread.start()
        for round in 0..<300 {
            // Ignored: an error is as good as staying inside.
            _ = try? world.digest(["d"])
            try? world.copy(["d"], "/\(round)")
            try? world.copy(["d/e"], "/e\(round)")
            try? world.copy(["d/e/secret"], "/s\(round)")
        }
        stop.store(true, ordering: .relaxed)
        #expect(try world.listing().allSatisfy { !$0.hasSuffix("=host secret") })
    }

    @Test("a wildcard may match more than a process may open")
    func wide() throws {
        let world = try CopyWorld(["d0/x=1"])
        try world.run(
            "/bin/sh", ["-c", "cd \(world.contextPath); seq -f f%g 2000 | xargs touch; seq -f d%g 2000 | xargs mkdir"])
        let before = try Directory.names("/proc/self/fd").count
        let selection = try world.select(["*"])
        #expect(try Directory.names("/proc/self/fd").count < before + 20)
        _ = try CopyDigest.digest(of: selection)
        try CopyWriter(root: world.target).write(selection)
        #expect(try world.listing().count == 2001)
    }

    @Test("names with a NUL are refused")
    func nul() throws {
        let world = try CopyWorld(["a=1"])
        #expect(throws: BerthError.self) { try world.select(["a\0.txt"]) }
        #expect(throws: BerthError.self) { try world.select(["a"], "/b\0c") }
        for name in ["../x", "a\0b", ""] {
            #expect(throws: BerthError.self) {
                try world.select([]) { $0.inlineFiles = [InlineFile(name: name, content: [])] }
            }
        }
    }

    @Test("very deep directories are an error, not a crash")
    func depth() throws {
        let world = try CopyWorld()
        let script = "cd \(world.contextPath); for i in $(seq 600); do mkdir d; cd d; done; echo x > f"
        try world.run("/bin/sh", ["-c", script])
        let error = #expect(throws: BerthError.self) { try world.select(["."]) }
        #expect(error?.code == .unsupported)
        #expect(throws: BerthError.self) { try world.copy([Array(repeating: "d", count: 600).joined(separator: "/")]) }
        let path = Array(repeating: "n", count: 600).joined(separator: "/")
        try world.make(["f=1"])
        #expect(throws: BerthError.self) { try world.copy(["f"], "/\(path)/") }
    }

    @Test("patterns made to take long do not", .timeLimit(.minutes(1)))
    func patterns() throws {
        let name = String(repeating: "a", count: 200)
        let world = try CopyWorld(["\(name)=1"])
        let stars = String(repeating: "*a", count: 60) + "b"
        #expect(try world.select([stars]).matches.isEmpty)
        let ignored = [stars, String(repeating: "**/a*", count: 30), "!" + String(repeating: "**/*a", count: 30) + "b"]
        try world.copy(["."], "/", ignoring: ignored)
        #expect(try world.listing() == ["\(name)=1"])
    }
}
