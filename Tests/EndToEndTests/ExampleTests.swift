// Every example is a test: what its README shows is what happens.
import Foundation
import Testing

@Suite("End to end: examples", .serialized)
struct ExampleTests {
    static func copy(_ example: String, into world: World) throws {
        let made = try Shell.run("cp -r '\(SourceRoot.url.path)/examples/\(example)/.' '\(world.stackDirectory.path)/'")
        #expect(made.status == 0, "\(made)")
    }

    @Test("the busybox image is made as its README says")
    func busyboxImage() throws {
        try withWorld(image: false) { world in
            let made = try world.onHost("BERTH='\(world.berth)' sh '\(SourceRoot.url.path)/examples/images/busybox'")
            #expect(made.status == 0, "\(made)")
            #expect(try world.run("image", "ls").stdout.contains("localhost/busybox"))
        }
    }

    @Test("hello")
    func hello() throws {
        try withWorld { world in
            try ExampleTests.copy("hello", into: world)
            let up = try world.run("-p", "hello", "up")
            #expect(up.status == 0 && up.stdout.contains("hello-1  | hello from berth"), "\(up)")
            #expect(try world.run("-p", "hello", "-f", "compose.yaml", "down").status == 0)
        }
    }

    @Test("chain")
    func chain() throws {
        try withWorld { world in
            try ExampleTests.copy("chain", into: world)
            let up = try world.run("up", "-d", "--wait")
            #expect(up.status == 0, "\(up)")
            let listed = try world.run("ps", "-a")
            #expect(listed.stdout.contains("(healthy)") && listed.stdout.contains("Exited (0)"), "\(listed)")
        }
    }

    @Test("scaled: three replicas answer to one name")
    func scaled() throws {
        try withWorld { world in
            try ExampleTests.copy("scaled", into: world)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(eventually { (try? world.run("ps", "-a", "client").stdout.contains("Exited (0)")) == true })
            let hosts = Set(try world.run("logs", "--no-log-prefix", "client").lines)
            #expect(hosts.count >= 2 && hosts.count <= 3, "\(hosts)")
        }
    }

    @Test("materials: owner, mode and content")
    func materials() throws {
        try withWorld { world in
            try ExampleTests.copy("materials", into: world)
            let up = try world.run("up")
            #expect(up.status == 0, "\(up)")
            #expect(up.stdout.contains("-r--------    1 1000     1000"), "\(up)")
            #expect(up.stdout.contains("greeting = hello") && up.stdout.contains("token has 29 bytes"), "\(up)")
        }
    }

    @Test("the demo: five services, a page, a note that outlives the containers")
    func demo() throws {
        try withWorld(image: false) { world in
            let cache =
                ProcessInfo.processInfo.environment["CACHE"] ?? SourceRoot.url.appendingPathComponent(".cache").path
            let tree = try Shell.run("CACHE='\(cache)' '\(SourceRoot.url.path)/examples/demo/make-image'", limit: 600)
            #expect(tree.status == 0, "\(tree)")
            let demo = try world.onHost(
                "CACHE='\(cache)' BERTH='\(world.berth)' DEMO_PORT=18090 '\(SourceRoot.url.path)/examples/demo/run'",
                limit: 300)
            #expect(demo.status == 0, "\(demo)")
            #expect(demo.stdout.contains("the note is still there"), "\(demo)")
        }
    }
}
