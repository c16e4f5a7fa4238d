// Only what changed is touched: plans, recreation, scale, orphans, dry runs.
import Foundation
import Testing

@Suite("End to end: reconcile", .serialized)
struct ReconcileTests {
    static func stack(_ greeting: String, extra: String = "") -> String {
        """
        name: rec
        x-sleep: &sleep {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
        services:
          a:
            <<: *sleep
            environment: {GREETING: \(greeting)}
          b:
            <<: *sleep
        \(extra)
        """
    }

    @Test("a converged stack plans nothing; one changed variable recreates one container and says why")
    func recreate() throws {
        try withWorld { world in
            try world.write("compose.yaml", ReconcileTests.stack("one"))
            #expect(try world.run("up", "-d").status == 0)
            let first = try world.run("ps", "-q").lines.sorted()
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("ps", "-q").lines.sorted() == first)
            let idle = try world.run("up", "-d", "--dry-run")
            #expect(idle.status == 0 && !(idle.stdout + idle.stderr).contains("create"), "\(idle)")

            try world.write("compose.yaml", ReconcileTests.stack("two"))
            let plan = try world.run("up", "-d", "--dry-run")
            #expect((plan.stdout + plan.stderr).contains("environment"), "the cause is named: \(plan)")
            #expect(try world.run("ps", "-q").lines.sorted() == first, "a dry run changes nothing")
            #expect(try world.run("up", "-d").status == 0)
            let second = try world.run("ps", "-q").lines.sorted()
            #expect(second.count == 2 && Set(second).intersection(first).count == 1)
            #expect(try world.run("exec", "-T", "a", "sh", "-c", "echo $GREETING").stdout == "two\n")
        }
    }

    @Test("scale up keeps what is there, scale down takes the highest number")
    func scale() throws {
        try withWorld { world in
            try world.write("compose.yaml", ReconcileTests.stack("one"))
            #expect(try world.run("up", "-d", "--scale", "a=3").status == 0)
            #expect(
                try world.run("ps", "--format", "{{.Name}}", "a").lines.sorted() == ["rec-a-1", "rec-a-2", "rec-a-3"])
            let one = try world.run("ps", "-q", "a").lines
            #expect(try world.run("up", "-d", "--scale", "a=1").status == 0)
            let left = try world.run("ps", "-q", "a").lines
            #expect(left.count == 1 && one.contains(left[0]))
            #expect(try world.run("ps", "--format", "{{.Name}}", "a").lines == ["rec-a-1"])
        }
    }

    @Test("an orphan is warned about, and removed when asked")
    func orphans() throws {
        try withWorld { world in
            try world.write("compose.yaml", ReconcileTests.stack("one", extra: "  c: {<<: *sleep}"))
            #expect(try world.run("up", "-d").status == 0)
            try world.write("compose.yaml", ReconcileTests.stack("one"))
            let warned = try world.run("up", "-d")
            #expect(warned.status == 0 && warned.stderr.contains("orphan"), "\(warned)")
            #expect(try world.run("ps", "-q", "--orphans").lines.count == 3)
            #expect(try world.run("up", "-d", "--remove-orphans").status == 0)
            #expect(try world.run("ps", "-q").lines.count == 2)
        }
    }

    @Test("a changed secret is a change; its owner and mode are what the file says")
    func materials() throws {
        try withWorld { world in
            try world.write("token", "first")
            try world.write(
                "compose.yaml",
                """
                name: rec
                services:
                  a:
                    image: localhost/busybox:1
                    command: ["sleep", "100000"]
                    init: true
                    secrets: [{source: token, uid: "1000", gid: "2000", mode: 0440}]
                    configs: [{source: settings, target: /etc/app.conf}]
                secrets: {token: {file: ./token}}
                configs: {settings: {content: "greeting=${WORD:-hello}"}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            let look = try world.run(
                "exec", "-T", "a", "sh", "-c",
                "stat -c '%u %g %a' /run/secrets/token; cat /run/secrets/token /etc/app.conf")
            #expect(look.stdout.contains("1000 2000 440\nfirstgreeting=hello"), "\(look)")
            try world.write("token", "canary-4711")
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("exec", "-T", "a", "cat", "/run/secrets/token").stdout == "canary-4711")
            let grep = try Shell.run("grep -rl canary-4711 '\(world.dataRoot)' | grep -v /secrets/ || true")
            #expect(grep.stdout.isEmpty, "the secret is in \(grep.stdout)")
        }
    }
}
