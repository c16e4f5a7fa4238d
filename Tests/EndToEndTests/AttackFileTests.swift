// Rows S40, S43–S45: copies, exports and volumes while somebody inside puts links in the way.
import Foundation
import Testing

@Suite("End to end: attacks on copies and volumes", .serialized)
struct AttackFileTests {
    @Test(
        "S40, S44: what changes places with a link, pipe or device while it is copied: never the host's, never stuck"
    )
    func swaps() throws {
        try withHost { world, canary in
            let programs = try AttackPrograms.directory()
            let script = """
                for d in /data /vol; do
                  mkdir -p $$d/dir && echo inside > $$d/dir/file && ln -s \(canary.directory) $$d/link
                  echo inside > $$d/plain && mkfifo $$d/pipe && mknod $$d/disk b 254 0
                  /prog/attacker swap $$d/dir $$d/link & /prog/attacker swap $$d/plain $$d/pipe & /prog/attacker swap $$d/plain $$d/disk &
                done
                touch /ready; exec sleep 100000
                """
            let up = try world.up(
                "volumes: [\"\(programs):/prog:ro\", \"vol:/vol\"]\ncpus: 0.5",
                command:
                    "\n      - sh\n      - -c\n      - |\n\(script.split(separator: "\n").map { "        \($0)" }.joined(separator: "\n"))"
            )
            #expect(up.status == 0, "\(up)")
            #expect(try eventually { try world.inside("a", "ls /ready") == "/ready" })
            try world.write("mine/planted", "planted\n")
            for round in 0..<25 {
                for place in ["/data", "/vol"] {
                    _ = try world.run("cp", "a:\(place)/dir/file", "out-\(round)", limit: 20)
                    _ = try world.run("cp", "a:\(place)/plain", "plain-\(round)", limit: 20)
                    _ = try world.run("cp", "mine/planted", "a:\(place)/dir/planted", limit: 20)
                    _ = try world.run("cp", "mine/.", "a:\(place)/dir", limit: 20)
                }
                if round % 5 == 0 {
                    _ = try world.run("cp", "a:/vol", "tree-\(round)", limit: 20)
                    _ = try world.run("cp", "-aL", "a:/vol/link", "followed-\(round)", limit: 20)
                    let archive = world.root.appendingPathComponent("export-\(round).tar").path
                    let export = try world.run("export", "-o", archive, "a", limit: 40)
                    #expect(export.status >= 0, "\(export)")
                }
                #expect(try canary.changes() == "")
            }
            let read = try Shell.run(
                "grep -rl --devices=skip '\(HostCanary.word)' '\(world.stackDirectory.path)' '\(world.root.path)'/export-*.tar; find '\(world.stackDirectory.path)' -name 'plain-*' -size +1M"
            ).stdout
            #expect(read == "", "the host's content was read: \(read)")
        }
    }

    @Test("S40: absolute links are of the container: /var/run works, and nothing else leads out")
    func insideLinks() throws {
        try withHost { world, canary in
            try world.importTree(
                "links",
                "mkdir -p run/x; echo here > run/x/f; ln -s /run var/run; ln -s /../../..\(canary.directory) out")
            #expect(try world.up("", image: "localhost/links:1").status == 0)
            #expect(try world.run("cp", "a:/var/run/x/f", "f").status == 0)
            #expect(world.read("f") == "here\n")
            #expect(try world.run("cp", "f", "a:/var/run/x/g").status == 0)
            #expect(try world.inside("a", "cat /run/x/g") == "here")
            for words in [
                ["cp", "a:/out/file", "x"], ["cp", "-L", "a:/out", "y"], ["cp", "f", "a:/out/file"],
                ["cp", "f", "a:/out/new"],
            ] {
                #expect(try world.start(words).wait().status == 1, "\(words)")
            }
        }
    }

    @Test("S43: no owner or mode of the host's is set through a link that stands where a directory was")
    func modes() throws {
        try withHost { world, canary in
            try world.write("tree/dir/file", "x\n")
            #expect(try world.up("").status == 0)
            for (place, link) in [
                ("/d/dir", canary.directory), ("/d/dir", "/../..\(canary.file)"), ("/d", canary.directory),
            ] {
                _ = try world.inside("a", "rm -rf /d; mkdir -p $(dirname \(place)); ln -s \(link) \(place)")
                try Shell.run(
                    "chmod 777 '\(world.stackDirectory.path)/tree/dir'; chown -R 12:34 '\(world.stackDirectory.path)/tree'"
                )
                _ = try world.run("cp", "-a", "tree/.", "a:/d")
                #expect(try canary.changes() == "", "\(place) \(link)")
            }
            // Out of the container, over what was copied before: a link stays one.
            _ = try world.inside(
                "a", "rm -rf /d; mkdir -p /d/sub; ln -s \(canary.directory) /d/sub/out; chmod 7777 /d/sub")
            #expect(try world.run("cp", "-a", "a:/d", "copied").status == 0)
            #expect(try world.run("cp", "-a", "a:/d/.", "copied").status == 0, "over what was copied before")
            let kind = try Shell.run("stat -c %F '\(world.stackDirectory.path)/copied/sub/out'").stdout
            #expect(kind == "symbolic link\n", "\(kind)")
        }
    }

    @Test("S45: a volume takes the image's own content, once, by no link and no path out of it")
    func seeding() throws {
        try withHost { world, canary in
            let trees = [
                ("up", "VOLUME /../../../..\(canary.directory)", "true"),
                ("link", "VOLUME /foo", "ln -s \(canary.directory) foo"),
                ("root", "VOLUME /foo", "mkdir -p srv/s; echo seed > srv/s/f; ln -s /../../../srv/s foo"),
                ("magic", "VOLUME /foo", "ln -s /proc/1/root\(canary.directory) foo"),
            ]
            for (name, change, script) in trees {
                try world.importTree(name, changes: [change], script)
                let up = try world.up("", image: "localhost/\(name):1")
                if up.status == 0 {
                    let seen = try world.inside("a", "cat /foo/f; cat /foo/file \(canary.file)")
                    #expect(seen == (name == "root" ? "seed" : ""), "\(name): \(seen)")
                }
                let found = try Shell.run("grep -rl '\(HostCanary.word)' '\(world.dataRoot)/volumes'; true").stdout
                #expect(found == "", "\(found)")
                #expect(try world.run("down", "-v", "-t", "0").status == 0)
            }
            #expect(try world.up("volumes: [\"vol:/srv/seed\"]").status == 0)
            #expect(
                try world.inside("a", "cat /srv/seed/file; rm /srv/seed/file; echo own > /srv/seed/own") == "seeded")
            #expect(try world.run("restart", "-t", "0").status == 0)
            #expect(try world.inside("a", "ls /srv/seed") == "own", "what is not empty is left alone")
            #expect(try world.run("up", "-d", "--force-recreate", "-t", "0").status == 0)
            #expect(try world.inside("a", "ls /srv/seed") == "own")
        }
    }
}
