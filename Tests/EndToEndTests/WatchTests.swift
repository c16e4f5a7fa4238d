// `develop.watch`: a file that changes on the host changes in every replica, and what follows from it happens.
import Foundation
import Testing

@Suite("End to end: watch", .serialized)
struct WatchTests {
    static let stack = """
        name: dev
        services:
          app:
            image: localhost/busybox:1
            command: sh -c 'date +%s%N > /out/started-$$HOSTNAME; sleep 100000'
            init: true
            volumes: ["./out:/out"]
            deploy: {replicas: 2}
            develop:
              watch:
                - {path: ./src, action: sync, target: /app/src, initial_sync: true, ignore: ["*.tmp", "cache/"]}
                - {path: ./settings.ini, action: sync+restart, target: /etc/settings.ini}
                - path: ./jobs
                  action: sync+exec
                  target: /jobs
                  exec: {command: [sh, -c, 'cat /jobs/* > /out/ran-$$(hostname)']}
        """

    @Test("sync, sync+restart, sync+exec: made, changed, moved and removed files, links, ignored ones, all replicas")
    func watch() throws {
        try withWorld { world in
            try world.write("compose.yaml", WatchTests.stack)
            for (name, text) in [
                ("src/a.txt", "one"), ("src/deep/b.txt", "b"), ("src/x.tmp", "no"), ("src/cache/c", "no"),
                ("settings.ini", "v1"), ("jobs/first", "1"), ("src/.dockerignore", "secret*\n"),
                ("src/secret.key", "no"),
            ] {
                try world.write(name, text)
            }
            let watcher = try world.start(["watch"])
            defer {
                watcher.signal(SIGINT)
                _ = watcher.wait(limit: 20)
            }
            #expect(eventually(30) { watcher.stderrSoFar.contains("Watch enabled") }, "\(watcher.stderrSoFar)")
            func inside(_ script: String) throws -> [String] {
                try (1...2).map {
                    try world.run("exec", "-T", "--index", "\($0)", "app", "sh", "-c", script).stdout
                }
            }
            func becomes(_ script: String, _ text: String) throws -> Bool {
                try eventually { try inside(script) == [text, text] }
            }
            #expect(try becomes("cd /app/src && find . -type f | sort", "./.dockerignore\n./a.txt\n./deep/b.txt\n"))
            try world.write("src/a.txt", "two")
            #expect(try becomes("cat /app/src/a.txt", "two"))
            try world.write("src/new/dir/file", "made")
            #expect(try becomes("cat /app/src/new/dir/file", "made"))
            let source = world.stackDirectory.path + "/src"
            #expect(
                try Shell.run("cd '\(source)' && mv deep moved && ln -s a.txt link && chmod 0755 a.txt").status == 0)
            #expect(
                try becomes(
                    "cat /app/src/moved/b.txt; readlink /app/src/link; test -e /app/src/deep || echo gone",
                    "ba.txt\ngone\n"))
            #expect(try becomes("test -x /app/src/a.txt && echo x", "x\n"))
            try world.write("src/y.tmp", "no")
            #expect(try Shell.run("rm -r '\(source)/new'").status == 0)
            #expect(try becomes("ls -A /app/src | sort", ".dockerignore\na.txt\nlink\nmoved\n"))

            let before = try inside("cat /out/started-$HOSTNAME")
            try world.write("settings.ini", "v2")
            #expect(try becomes("cat /etc/settings.ini", "v2"))
            #expect(
                try eventually { try zip(inside("cat /out/started-$HOSTNAME"), before).allSatisfy { $0 != $1 } },
                "both were restarted")
            try world.write("jobs/second", "2")
            #expect(try becomes("cat /out/ran-$(hostname)", "2"), "only what changed is copied")
            #expect(try becomes("cat /app/src/a.txt", "two"))
        }
    }

    @Test("a link in the container leads nowhere outside; rules that cannot be kept, and none at all, are said")
    func edges() throws {
        try withWorld { world in
            let canary = world.root.appendingPathComponent("canary")
            try Data("untouched".utf8).write(to: canary)
            try world.write(
                "compose.yaml",
                """
                name: dev
                services:
                  app:
                    image: localhost/busybox:1
                    command: sh -c 'ln -s \(canary.path) /app; ln -s / /root-of-it; sleep 100000'
                    init: true
                    develop:
                      watch:
                        - {path: ./one, action: sync, target: /app}
                        - {path: ./two, action: sync, target: /root-of-it/made}
                """)
            try world.write("one/file", "x")
            try world.write("two/file", "x")
            let watcher = try world.start(["watch", "--quiet"])
            #expect(try eventually(30) { try world.run("ps", "-q").lines.count == 1 })
            let seen = try eventually(20) {
                try world.write("one/file", "y")
                try world.write("two/file", "y")
                return try world.run("exec", "-T", "app", "cat", "/made/file").stdout == "y"
            }
            #expect(seen, "\(watcher.stderrSoFar)")
            #expect(try String(contentsOf: canary, encoding: .utf8) == "untouched")
            watcher.signal(SIGINT)
            #expect(watcher.wait(limit: 20).status == 0)

            try world.write("compose.yaml", "name: dev\nservices: {app: {image: 'localhost/busybox:1'}}")
            let none = try world.run("watch", "--no-up")
            #expect(none.status == 1 && none.stderr.contains("configured for watch"), "\(none)")
        }
    }
}
