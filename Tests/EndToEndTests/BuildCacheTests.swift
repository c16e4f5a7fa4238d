// What is run again and what is not, and builds that share what they have in common.
import Foundation
import Testing

@Suite("End to end: the build cache", .serialized)
struct BuildCacheTests {
    /// Each step of a build in plain progress: `RUN make` → CACHED or DONE.
    static func steps(_ output: Output) -> [String: String] {
        var names: [Substring: String] = [:]
        var steps: [String: String] = [:]
        for line in output.stderr.split(separator: "\n") where line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            if parts[1].hasPrefix("["), let end = parts[1].firstIndex(of: "]") {
                names[parts[0]] = String(parts[1][parts[1].index(end, offsetBy: 2)...])
            } else if let name = names[parts[0]], parts[1].hasPrefix("CACHED") || parts[1].hasPrefix("DONE") {
                steps[name] = String(parts[1].prefix { $0 != " " })
            }
        }
        return steps
    }

    static let app = """
        FROM localhost/busybox:1 AS one
        ARG V=1
        COPY a.txt /a
        RUN cat /a > /one
        FROM localhost/busybox:1 AS two
        COPY tree /tree
        RUN find /tree > /two
        FROM localhost/busybox:1
        LABEL some=label
        COPY --from=one /one /one
        COPY --from=two /two /two
        RUN cat /one /two > /both

        """

    @Test("nothing changed: nothing runs, and the image is the same; one file changed: what depends on it runs")
    func invalidation() throws {
        try withWorld { world in
            try world.writeBuildContext()
            func build(_ arguments: [String] = [], _ dockerfile: String = BuildCacheTests.app) throws -> [String:
                String]
            {
                let output = try world.build(dockerfile, arguments)
                #expect(output.status == 0, "\(output)")
                return BuildCacheTests.steps(output).filter { !$0.key.hasPrefix("FROM") }
            }
            func id() throws -> String? { try world.inspect("localhost/built:1")["Id"] as? String }
            #expect(try build().values.allSatisfy { $0 == "DONE" })
            let first = try id()
            #expect(try build().values.allSatisfy { $0 == "CACHED" })
            #expect(try id() == first)

            // Times are nothing; content and modes are.
            _ = try Shell.run("touch '\(world.stackDirectory.path)/a.txt' '\(world.stackDirectory.path)/tree/one.txt'")
            #expect(try build().values.allSatisfy { $0 == "CACHED" })
            try world.write("b.txt", "nobody copies this\n")
            #expect(try build().values.allSatisfy { $0 == "CACHED" })

            try world.write("tree/deep/two.txt", "changed\n")
            let tree = try build()
            #expect(tree["COPY a.txt /a"] == "CACHED" && tree["RUN cat /a > /one"] == "CACHED", "\(tree)")
            #expect(tree["COPY tree /tree"] == "DONE" && tree["RUN find /tree > /two"] == "DONE", "\(tree)")
            // What came out of the stage is the same: what copies it need not be run.
            #expect(tree["COPY --from=two /two /two"] == "CACHED", "\(tree)")
            #expect(tree["RUN cat /one /two > /both"] == "CACHED", "\(tree)")

            _ = try Shell.run("chmod 600 '\(world.stackDirectory.path)/a.txt'")
            let mode = try build()
            #expect(mode["COPY a.txt /a"] == "DONE" && mode["RUN find /tree > /two"] == "CACHED", "\(mode)")

            let argument = try build(["--build-arg", "V=2"])
            #expect(argument["COPY a.txt /a"] == "CACHED", "an argument is no input of a copy: \(argument)")
            #expect(argument["RUN cat /a > /one"] == "DONE", "\(argument)")
            #expect(argument["RUN find /tree > /two"] == "CACHED", "\(argument)")

            let label = try build([], BuildCacheTests.app.replacingOccurrences(of: "some=label", with: "other=one"))
            #expect(label.values.allSatisfy { $0 == "CACHED" }, "a label is no input of a command: \(label)")
            #expect(try id() != first)

            let none = try build(["--no-cache"])
            #expect(none.values.allSatisfy { $0 == "DONE" }, "\(none)")
            let filter = try build(["--no-cache-filter", "two"])
            #expect(filter["RUN find /tree > /two"] == "DONE" && filter["RUN cat /a > /one"] == "CACHED", "\(filter)")
        }
    }

    @Test("a failed build keeps what it had done; prune forgets it, and leaves images whole")
    func keeping() throws {
        try withWorld { world in
            let broken = "FROM localhost/busybox:1\nRUN echo slow > /slow\nRUN false\n"
            #expect(try world.build(broken).status == 1)
            let mended = try world.build(broken.replacingOccurrences(of: "false", with: "true"))
            #expect(BuildCacheTests.steps(mended)["RUN echo slow > /slow"] == "CACHED", "\(mended)")
            let cache = try world.run("system", "df", "--format", "json").lines.first { $0.contains("Build Cache") }
            #expect(cache?.contains("\"TotalCount\":\"2\"") == true, "\(cache ?? "none")")
            #expect(try world.run("image", "prune", "-af").status == 0)
            let pruned = try world.run("builder", "prune", "-f")
            #expect(pruned.status == 0 && pruned.stdout.contains("Total:"), "\(pruned)")
            let left = try Shell.run("cd '\(world.dataRoot)' && find layers ingest -mindepth 1").stdout
            #expect(left == "", "\(left)")
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
        }
    }

    @Test("settings of scratch bases are no false hits")
    func poisoning() throws {
        try withWorld { world in
            try world.writeBuildContext()
            // The same instruction above bases that differ in what they say alone.
            for setting in ["ENV A=1", "ENV A=2", "USER guest", "WORKDIR /tmp", "SHELL [\"/bin/sh\", \"-xc\"]"] {
                let base = try world.build("FROM localhost/busybox:1\n\(setting)\n", tag: "localhost/base:1")
                #expect(base.status == 0, "\(base)")
                let built = try world.build(
                    "FROM localhost/base:1\nRUN echo $A $(id -u) $(pwd) $- | tee -a /tmp/said\n")
                #expect(built.status == 0, "\(built)")
                #expect(BuildCacheTests.steps(built).values.contains("CACHED") == false, "\(setting): \(built)")
            }
        }
    }

    @Test("steps that need nothing of each other run at the same time")
    func parallel() throws {
        try withWorld { world in
            // Each waits until the other has begun: one after the other they would wait for ever.
            let meet = { (own: String, other: String) in
                "RUN --mount=type=cache,id=meet,target=/m touch /m/\(own); "
                    + "for i in $(seq 500); do test -e /m/\(other) && exit 0; sleep 0.02; done; exit 1"
            }
            let built = try world.build(
                """
                FROM localhost/busybox:1 AS one
                \(meet("a", "b"))
                RUN touch /one
                FROM localhost/busybox:1 AS two
                \(meet("b", "a"))
                RUN touch /two
                FROM localhost/busybox:1
                COPY --from=one /one /
                COPY --from=two /two /

                """)
            #expect(built.status == 0, "\(built)")
        }
    }
}
