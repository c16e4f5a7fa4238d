// `build:` in a stack: up builds what is missing, builds again when asked, and only what changed is replaced.
import Foundation
import Testing

@Suite("End to end: stacks that are built", .serialized)
struct BuildStackTests {
    static let stack = """
        name: made
        services:
          web:
            build:
              context: web
              args: {GREETING: hello}
            init: true
            command: sleep 1000
          worker:
            build: {context: web, target: worker, args: {GREETING: hello}}
            image: localhost/worker:5
            init: true
            command: sleep 1000
            depends_on: [web]

        """
    static let dockerfile = """
        FROM localhost/busybox:1 AS base
        ARG GREETING
        RUN echo $GREETING > /greeting; cat /proc/sys/kernel/random/uuid > /id
        FROM base AS worker
        RUN touch /worker
        FROM base
        COPY page.txt /page

        """

    private func write(_ world: World) throws {
        try world.write("compose.yaml", BuildStackTests.stack)
        try world.write("web/Dockerfile", BuildStackTests.dockerfile)
        try world.write("web/page.txt", "one\n")
    }

    private func ids(_ world: World) throws -> [String: String] {
        var ids: [String: String] = [:]
        for service in ["web", "worker"] { ids[service] = try world.run("ps", "-q", service).stdout }
        return ids
    }

    @Test("up builds what is missing, as one graph; again it builds nothing; --build replaces what changed, alone")
    func up() throws {
        try withWorld { world in
            try write(world)
            let first = try world.run("--progress", "plain", "up", "-d")
            #expect(first.status == 0, "\(first)")
            let web = try world.run("exec", "-T", "web", "cat", "/greeting", "/page", "/id")
            let worker = try world.run("exec", "-T", "worker", "cat", "/id")
            #expect(web.stdout.hasPrefix("hello\none\n"), "\(web)")
            #expect(web.lines.last == worker.lines.last, "what both are made from was made once")
            #expect(try world.run("images").stdout.contains("made-web"))
            let before = try ids(world)

            let second = try world.run("--progress", "plain", "up", "-d")
            #expect(second.status == 0 && !second.stderr.contains("RUN"), "\(second)")
            let cached = try world.run("--progress", "plain", "up", "-d", "--build")
            #expect(cached.status == 0 && cached.stderr.contains("CACHED"), "\(cached)")
            #expect(try ids(world) == before, "the same image is no change")

            try world.write("web/page.txt", "two\n")
            #expect(try world.run("up", "-d").status == 0)
            #expect(try ids(world) == before, "without --build nobody looks")
            let third = try world.run("--progress", "plain", "up", "-d", "--build")
            #expect(third.status == 0, "\(third)")
            #expect(try world.run("exec", "-T", "web", "cat", "/page").stdout == "two\n")
            let after = try ids(world)
            #expect(after["web"] != before["web"] && after["worker"] == before["worker"], "\(before) \(after)")
        }
    }

    @Test("a secret that only a build needs is not missed by who does not build")
    func secrets() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: kept
                services:
                  web:
                    build:
                      context: .
                      dockerfile_inline: |
                        FROM localhost/busybox:1
                        RUN --mount=type=secret,id=key,required cat /run/secrets/key > /dev/null
                      secrets: [key]
                    init: true
                    command: sleep 1000
                secrets: {key: {file: ./key}}
                """)
            try world.write("key", "open\n")
            #expect(try world.run("build").status == 0)
            try FileManager.default.removeItem(at: world.stackDirectory.appendingPathComponent("key"))
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            let build = try world.run("build", "--no-cache")
            #expect(build.status == 1 && build.stderr.contains("/key"), "\(build)")
        }
    }

    @Test("build names images as compose does; --no-build refuses; a mistake in a Dockerfile stops everything")
    func commands() throws {
        try withWorld { world in
            try write(world)
            let refused = try world.run("up", "-d", "--no-build")
            #expect(refused.status == 1 && refused.stderr.contains("made-web"), "\(refused)")
            let built = try world.run("build", "--build-arg", "GREETING=bye", "web")
            #expect(built.status == 0, "\(built)")
            let labels = (try world.inspect("made-web")["Config"] as? [String: Any])?["Labels"] as? [String: String]
            #expect(labels?["com.docker.compose.project"] == "made", "\(labels ?? [:])")
            #expect(labels?["com.docker.compose.service"] == "web")
            let ran = try world.run("run", "--rm", "-T", "--no-deps", "web", "cat", "/greeting")
            #expect(ran.stdout == "bye\n", "\(ran)")
            let quiet = try world.run("build", "-q", "web")
            #expect(quiet.status == 0 && quiet.stdout.hasPrefix("sha256:") && quiet.stderr == "", "\(quiet)")

            try world.write("web/Dockerfile", "FROM localhost/busybox:1\nRUM true\nCOPPY a b\n")
            let wrong = try world.run("up", "-d", "--build")
            #expect(wrong.status == 1, "\(wrong)")
            #expect(wrong.stderr.contains("Dockerfile:2") && wrong.stderr.contains("Dockerfile:3"), "\(wrong)")
            #expect(wrong.stderr.contains("did you mean RUN?"), "\(wrong)")
            #expect(try world.run("ps", "-aq").stdout == "", "nothing is half there")
        }
    }

    @Test("secrets, contexts by name and services as contexts of each other")
    func inputs() throws {
        try withWorld { world in
            try world.write("key.txt", "top secret\n")
            try world.write("lib/lib.txt", "lib\n")
            try world.write(
                "compose.yaml",
                """
                name: made
                services:
                  base:
                    build: {dockerfile_inline: "FROM localhost/busybox:1\\nRUN echo base > /base\\n"}
                    profiles: [never]
                  app:
                    build:
                      dockerfile_inline: |
                        FROM common
                        COPY --from=lib lib.txt /own
                        RUN --mount=type=secret,id=key sha256sum < /run/secrets/key > /sum
                      additional_contexts: {common: "service:base", lib: ./lib}
                      secrets: [key]
                    command: cat /base /own /sum
                secrets: {key: {file: key.txt}}

                """)
            let ran = try world.run("--profile", "never", "up", "--no-log-prefix", "app")
            #expect(ran.status == 0 && ran.stdout.contains("base\nlib\n"), "\(ran)")
            let sum = try Shell.run("sha256sum < '\(world.stackDirectory.path)/key.txt'").stdout
            #expect(ran.stdout.contains(sum), "\(ran)")
            let found = try Shell.run("grep -rl 'top secret' '\(world.root.path)' | grep -v /stack/").stdout
            #expect(found == "", "a secret is in no layer, no cache and no database: \(found)")
        }
    }
}
