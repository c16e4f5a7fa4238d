// `commit` and `export` of containers, formats of what is said about images, and what revisions keep.
import Foundation
import Testing

@Suite("End to end: commit and export", .serialized)
struct CommitTests {
    private let stack = """
        name: shop
        services:
          web: {image: 'localhost/busybox:1', init: true, command: [sleep, '1000'], environment: {FROM: stack}}
        """

    @Test("what a container has changed is a layer of a new image: files, removals, links; and the words of the flags")
    func commit() throws {
        try withWorld { world in
            try world.write("compose.yaml", stack)
            #expect(try world.run("up", "-d").status == 0)
            let changed = try world.run(
                "exec", "-T", "web", "sh", "-c",
                "echo new > /new && ln /new /linked && rm /srv/seed/file && chmod 4755 /new && mkdir /d && rm -r /root")
            #expect(changed.status == 0, "\(changed)")
            let made = try world.run(
                "commit", "-a", "me", "-m", "with data", "-c", "ENV MORE=b", "-c", "CMD [\"cat\", \"/linked\"]", "web",
                "localhost/made:1")
            #expect(made.status == 0 && made.stdout.hasPrefix("sha256:"), "\(made)")
            let still = try world.run("ps", "--format", "{{.State}}")
            #expect(still.stdout == "running\n", "\(still)")
            let said = try world.run(
                "image", "inspect", "-f",
                "{{.Author}} {{.Comment}} {{index .Config.Cmd 0}} {{range .Config.Env}}{{println .}}{{end}}",
                "localhost/made:1")
            #expect(said.stdout.hasPrefix("me with data cat "), "\(said)")
            #expect(said.stdout.contains("FROM=stack\n") && said.stdout.contains("MORE=b\n"), "\(said)")
            let history = try world.run(
                "image", "history", "--no-trunc", "--format", "{{.Comment}}|{{.CreatedBy}}", "localhost/made:1")
            #expect(history.lines.first == "with data|sleep 1000", "\(history)")
            #expect(try world.run("down").status == 0)
            try world.write(
                "compose.yaml",
                """
                services:
                  made: {image: 'localhost/made:1'}
                """)
            let ran = try world.run("run", "--rm", "-T", "made")
            #expect(ran.stdout == "new\n", "\(ran)")
            let tree = try world.run(
                "run", "--rm", "-T", "made", "sh", "-c",
                "stat -c '%a %h' /new; ls -d /srv/seed/file /root /d 2>/dev/null; echo $FROM $MORE")
            #expect(tree.stdout == "4755 2\n/d\nstack b\n", "\(tree)")
            // What is mounted into every container is no change of this one.
            let layers = "\(world.dataRoot)/layers"
            let places = try Shell.run(
                "cd '\(layers)' && ls -d */diff/dev */diff/etc/hosts */diff/etc/resolv.conf | wc -l")
            let base = try Shell.run(
                "tar -tf '\(try BusyboxImage.path())' | grep -cE '^./(dev/|etc/hosts|etc/resolv.conf)$'")
            #expect(places.stdout == base.stdout, "\(places)")
            // A layer that came so goes out as any other does.
            let archive = world.root.appendingPathComponent("made.tar").path
            #expect(try world.run("image", "save", "-o", archive, "localhost/made:1").status == 0)
            #expect(try world.run("image", "rm", "localhost/made:1").status == 0)
            #expect(try world.run("image", "load", "-i", archive).status == 0)
            #expect(try world.run("run", "--rm", "-T", "made").stdout == "new\n")
            #expect(try world.run("system", "check").status == 0)
        }
    }

    @Test("a stopped container is committed too; one that is not there, and a name that is none, are refused")
    func others() throws {
        try withWorld { world in
            try world.write("compose.yaml", stack)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("exec", "-T", "web", "touch", "/kept").status == 0)
            #expect(try world.run("stop", "-t", "0").status == 0)
            let made = try world.run("container", "commit", "shop-web-1", "localhost/stopped:1")
            #expect(made.status == 0, "\(made)")
            let list = try world.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "localhost/stopped")
            #expect(list.stdout == "localhost/stopped:1\n", "\(list)")
            let none = try world.run("container", "commit", "nobody")
            #expect(none.status == 1 && none.stderr.contains("no such container: nobody"), "\(none)")
            let bad = try world.run("commit", "web", "NOT OK")
            #expect(bad.status == 1 && bad.stderr.contains("invalid reference format"), "\(bad)")
            let change = try world.run("commit", "-c", "RUN x", "web")
            #expect(change.status == 1 && change.stderr.contains("unknown instruction RUN"), "\(change)")
        }
    }

    @Test("export gives the whole tree as it shows: layers, changes, no removed files, nothing that is mounted")
    func export() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                stack.replacingOccurrences(of: "init: true", with: "init: true, volumes: ['vol:/vol']")
                    + "\nvolumes: {vol: {}}")
            #expect(try world.run("up", "-d").status == 0)
            let changed = try world.run(
                "exec", "-T", "web", "sh", "-c", "echo new > /new; rm /srv/seed/file; echo x > /vol/secret")
            #expect(changed.status == 0)
            let archive = world.root.appendingPathComponent("web.tar").path
            let exported = try world.run("export", "-o", archive, "web")
            #expect(exported.status == 0, "\(exported)")
            let names = Set(try Shell.run("tar -tf '\(archive)'").lines)
            #expect(names.isSuperset(of: ["new", "bin/busybox", "srv/seed/", "vol/"]), "\(names.sorted().prefix(40))")
            #expect(!names.contains("srv/seed/file") && !names.contains("vol/secret"))
            #expect(!names.contains { $0.contains(".wh.") })
            let piped = try world.onHost("'\(world.berth)' container export shop-web-1 | tar -xOf - new")
            #expect(piped.stdout == "new\n", "\(piped)")
        }
    }

    @Test("what a revision ran stays when its name goes on, until nothing of the stack is left to go back from")
    func leases() throws {
        try withWorld { world in
            func make(_ text: String) throws -> String {
                let imported = try world.run(
                    "image", "import", "-c", "ENV V=\(text)", "-c", "CMD [\"sleep\", \"1000\"]",
                    try BusyboxImage.path(),
                    "localhost/app:1")
                return imported.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            try world.write("compose.yaml", "name: shop\nservices: {web: {image: 'localhost/app:1', init: true}}")
            let first = try make("one")
            #expect(try world.run("up", "-d").status == 0)
            let second = try make("two")
            #expect(try world.run("up", "-d", "-t", "0").status == 0)
            let third = try make("three")
            #expect(try world.run("image", "prune", "-f").status == 0)
            #expect(try world.run("image", "prune", "-af").status == 0)
            let kept = try world.run("image", "ls", "-q", "--no-trunc").lines
            // The third never ran, and nobody's container is made from it.
            #expect(Set(kept) == [first, second], "\(kept) of \(first) \(second) \(third)")
            #expect(try world.run("system", "check").status == 0)
            #expect(try world.run("down", "-t", "0").status == 0)
            #expect(try world.run("image", "prune", "-af").status == 0)
            #expect(try world.run("image", "ls", "-q").stdout == "")
            let left = try Shell.run("cd '\(world.dataRoot)' && find blobs layers -mindepth 1 ! -name sha256").stdout
            #expect(left == "", "\(left)")
        }
    }

    @Test("prune by age, label and budget: what is old, what is marked, and no more than it takes")
    func prune() throws {
        try withWorld(image: false) { world in
            func names() throws -> [String] {
                try world.run("image", "ls", "--format", "{{.Repository}}").lines.sorted()
            }
            for number in 1...4 {
                let layout = world.root.appendingPathComponent("l\(number)").path
                let archive = "\(layout).tar"
                // Contents that differ, so that each has bytes of its own.
                let made = try Shell.run(
                    "'\(Fixture.path("make-many"))' '\(layout)' 1 \(1_000_000 + number) && skopeo copy -q "
                        + "--insecure-policy oci:\(layout):latest oci-archive:\(archive):localhost/n\(number):1")
                #expect(made.status == 0, "\(made)")
                #expect(try world.run("image", "load", "-i", archive).status == 0)
            }
            let small = try Shell.run(
                "head -c 1000 /dev/zero > '\(world.root.path)/f'; cd '\(world.root.path)'; tar -cf s.tar f")
            #expect(small.status == 0)
            let imported = try world.run(
                "image", "import", "-c", "LABEL keep=no tier=1", "\(world.root.path)/s.tar", "localhost/marked:1")
            #expect(imported.status == 0, "\(imported)")
            let young = try world.run("image", "prune", "-af", "--filter", "until=1h", "--filter", "label=keep=no")
            #expect(young.status == 0 && young.stdout.contains("reclaimed space: 0B"), "\(young)")
            let other = try world.run("image", "prune", "-af", "--filter", "label=tier=2")
            #expect(try other.status == 0 && names().count == 5, "\(other)")
            #expect(try world.run("image", "prune", "-f", "--filter", "label=tier").status == 0)
            #expect(try names().contains("localhost/marked"), "it has a name")
            #expect(
                try world.run("image", "prune", "-af", "--filter", "label=tier", "--filter", "until=0s").status == 0)
            #expect(try names() == (1...4).map { "localhost/n\($0)" })
            // Each takes two megabytes: its blob, and its tree.
            let budget = try world.run("image", "prune", "-af", "--keep-storage", "5mb")
            #expect(budget.status == 0, "\(budget)")
            #expect(try names().count == 2, "\(budget)")
            #expect(try world.run("image", "prune", "-af", "--keep-storage", "5mb").status == 0)
            #expect(try names().count == 2)
            for (flag, words) in [("until=soon", "neither an age"), ("size=1", "only until"), ("label", "NAME=VALUE")] {
                let bad = try world.run("image", "prune", "-af", "--filter", flag)
                #expect(bad.status == 1 && bad.stderr.contains(words), "\(bad)")
            }
            #expect(try world.run("image", "prune", "-af").status == 0)
            #expect(try world.run("system", "check").status == 0)
        }
    }

    @Test("load --from-docker takes what docker saves: the images that are named, or all that have a name")
    func docker() throws {
        try withWorld(image: false) { world in
            let bin = world.root.appendingPathComponent("bin").path
            let layout = try RegistryImage.layout()
            let made = try Shell.run(
                """
                set -e; mkdir -p '\(bin)'; cd '\(bin)'
                skopeo copy -q --insecure-policy oci:\(layout):latest docker-archive:a.tar:shop/web:1
                cat > docker <<'END'
                #!/bin/sh
                printf '%s\\n' "$*" >> '\(bin)/asked'
                case "$*" in
                "image ls --format {{.Repository}}:{{.Tag}}") printf 'shop/web:1\\n<none>:<none>\\n' ;;
                "image save shop/web:1") cat '\(bin)/a.tar' ;;
                *) echo "no such image" >&2; exit 1 ;;
                esac
                END
                chmod 755 docker
                """)
            #expect(made.status == 0, "\(made)")
            let path = ["PATH": "\(bin):\(Shell.path)"]
            let all = try world.run("image", "load", "--from-docker", environment: path)
            #expect(all.status == 0 && all.stdout == "Loaded image: shop/web:1\n", "\(all)")
            #expect(try world.run("image", "rm", "shop/web:1").status == 0)
            let one = try world.run("image", "load", "--from-docker", "shop/web:1", environment: path)
            #expect(one.status == 0 && one.stdout == "Loaded image: shop/web:1\n", "\(one)")
            let none = try world.run("image", "load", "--from-docker", "nothing:1", environment: path)
            #expect(none.status == 1 && none.stderr.contains("docker image save ended with 1"), "\(none)")
            let option = try world.run("image", "load", "--from-docker", "--", "-o/etc/x", environment: path)
            #expect(option.status == 1 && option.stderr.contains("invalid reference format"), "\(option)")
            let asked = try String(contentsOfFile: "\(bin)/asked", encoding: .utf8)
            #expect(!asked.contains("-o/etc/x"))
            let without = try world.run("image", "load", "--from-docker", environment: ["PATH": "/nonexistent"])
            #expect(without.status == 1 && without.stderr.contains("there is no docker on PATH"), "\(without)")
            let left = try Shell.run("ls /tmp | grep -c '^berth-archive-' || true").stdout
            #expect(left == "0\n")
        }
    }

    @Test("formats: templates over images, tables, json; the tags and digests of one repository")
    func formats() throws {
        try withWorld { world in
            for tag in ["2", "3"] {
                #expect(try world.run("image", "tag", "localhost/busybox:1", "localhost/busybox:\(tag)").status == 0)
            }
            #expect(try world.run("image", "tag", "localhost/busybox:1", "localhost/other:1").status == 0)
            let tags = try world.run("image", "ls", "--format", "{{.Tag}}", "localhost/busybox")
            #expect(tags.lines.sorted() == ["1", "2", "3"], "\(tags)")
            let one = try world.run("image", "ls", "--format", "{{.Tag}}", "localhost/busybox:2")
            #expect(one.stdout == "2\n", "\(one)")
            let table = try world.run("image", "ls", "--format", "table {{.Repository}}\\t{{.ID}}", "localhost/other")
            #expect(table.lines.first?.hasPrefix("REPOSITORY        IMAGE ID") ?? false, "\(table)")
            let json = try world.run("image", "ls", "--format", "json", "localhost/other")
            #expect(json.stdout.contains("\"Repository\":\"localhost/other\""), "\(json)")
            let nothing = try world.run("image", "inspect", "--format", "{{.Nope}}", "localhost/other:1")
            #expect(nothing.status == 1 && nothing.stderr.contains("there is no field Nope"), "\(nothing)")
        }
    }
}
