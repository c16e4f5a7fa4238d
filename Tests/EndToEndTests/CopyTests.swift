// `cp`: what lands where, whose it is, and that no link of a container leads out of it.
import Foundation
import Testing

@Suite("End to end: copying files", .serialized)
struct CopyTests {
    static let stack = """
        name: files
        services:
          app:
            image: localhost/busybox:1
            command: ["sh", "-c", "mkdir -p /srv/tree/sub && echo a > /srv/tree/a && echo b > /srv/tree/sub/b && ln -sf a /srv/tree/link && exec sleep 100000"]
            init: true
            volumes: ["data:/data"]
            deploy: {replicas: 2}
        volumes: {data: {}}
        """

    private func withStack(_ body: (World) throws -> Void) throws {
        try withWorld { world in
            try world.write("compose.yaml", CopyTests.stack)
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { (try? world.run("exec", "-T", "app", "test", "-L", "/srv/tree/link").status) == 0 })
            try body(world)
        }
    }

    private func inside(_ world: World, _ script: String, index: Int = 1) throws -> String {
        try world.run("exec", "-T", "--index", "\(index)", "app", "sh", "-c", script).stdout
    }

    @Test("out of a container and into it: a file, a directory, its content; where it lands is docker's rule")
    func rules() throws {
        try withStack { world in
            #expect(try world.run("cp", "app:/srv/tree", "out").status == 0)
            #expect(world.read("out/a") == "a\n" && world.read("out/sub/b") == "b\n")
            let link = world.stackDirectory.appendingPathComponent("out/link").path
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "a", "a link stays one")
            #expect(try world.run("cp", "app:/srv/tree", "out").status == 0)
            #expect(world.read("out/tree/a") == "a\n", "into a directory that is there: below its name")
            #expect(try world.run("cp", "app:/srv/tree/.", "flat").status == 0)
            #expect(world.read("flat/sub/b") == "b\n")
            #expect(try world.run("cp", "-L", "app:/srv/tree/link", "followed").status == 0)
            #expect(world.read("followed") == "a\n")

            try world.write("in/one", "1\n")
            try world.write("in/deep/two", "2\n")
            #expect(try world.run("cp", "in", "app:/made").status == 0)
            #expect(try world.run("cp", "in/.", "app:/srv/tree").status == 0)
            #expect(try world.run("cp", "in/one", "app:/srv/tree/a").status == 0, "over a file")
            #expect(try world.run("cp", "in/one", "app:data/").status == 0, "relative to the root, into a volume")
            let seen = try inside(
                world, "cat /made/deep/two /srv/tree/one /srv/tree/a /data/one; stat -c %u:%g /made/one")
            #expect(seen == "2\n1\n1\n1\n0:0\n", "\(seen)")
            #expect(try inside(world, "ls /made 2>&1 | head -1", index: 2).contains("No such file"), "one replica only")
            #expect(try world.run("cp", "--all", "in", "app:/both").status == 0)
            for index in 1...2 { #expect(try inside(world, "cat /both/one", index: index) == "1\n") }
            #expect(try world.run("cp", "--index", "2", "in/one", "app:/second").status == 0)
            #expect(try inside(world, "cat /second", index: 2) == "1\n")
        }
    }

    @Test("owners are the copier's, or kept with -a; a stopped container has files too, in its volumes as well")
    func owners() throws {
        try withStack { world in
            #expect(try inside(world, "echo x > /mine && chown 1000:2000 /mine && chmod 640 /mine").isEmpty)
            for (flags, expected) in [([], "0:0 640"), (["-a"], "1000:2000 640")] {
                let copied = try world.start(["cp"] + flags + ["app:/mine", "kept"]).wait()
                #expect(copied.status == 0, "\(copied)")
                #expect(try Shell.run("stat -c '%u:%g %a' \(world.stackDirectory.path)/kept").stdout == "\(expected)\n")
            }
            #expect(try world.run("stop").status == 0)
            try world.write("later", "later\n")
            #expect(try world.run("cp", "later", "app:/srv/later").status == 0)
            #expect(try world.run("cp", "later", "app:/data/later").status == 0)
            #expect(try world.run("cp", "app:/mine", "again").status == 0)
            #expect(try world.run("start").status == 0)
            #expect(try inside(world, "cat /srv/later /data/later") == "later\nlater\n")
        }
    }

    @Test("a link of the container leads nowhere outside it; mistakes are one sentence")
    func hostile() throws {
        try withStack { world in
            try world.write("secret", "the host's\n")
            try world.write("victim/kept", "kept\n")
            let host = world.stackDirectory.path
            let plant =
                "mkdir -p \(host)/x; ln -s \(host)/secret /peek; ln -s \(host)/victim /out; ln -s / /top; "
                + "mkdir /tmp/dir; ln -s ../../../../../../..\(host)/victim /tmp/dir/up"
            #expect(try inside(world, plant).isEmpty)
            let peek = try world.run("cp", "-L", "app:/peek", "peeked")
            #expect(peek.status == 1 && world.read("peeked").isEmpty, "\(peek)")
            for target in ["app:/out/planted", "app:/tmp/dir/up/planted", "app:/top\(host)/victim/planted"] {
                _ = try world.run("cp", "secret", target)
                #expect(!FileManager.default.fileExists(atPath: "\(host)/victim/planted"), "\(target)")
            }
            for (words, part) in [
                (["a", "b"], "SERVICE:PATH"), (["app:/a", "app:/b"], "between services"),
                (["app:/gone", "x"], "no such file"), (["gone", "app:/x"], "no such file"),
                (["secret", "app:/nowhere/"], "no such directory"), (["victim", "app:/etc/passwd"], "is a file"),
                (["other:/a", "x"], "no container"), (["secret", "app:/no/such/place"], "no such file"),
            ] {
                let refused = try world.start(["cp"] + words).wait()
                #expect(refused.status != 0 && refused.stderr.contains(part), "\(words): \(refused)")
            }
        }
    }
}
