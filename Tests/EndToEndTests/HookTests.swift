// `post_start` and `pre_stop`: commands inside the container, after its start and before its stop.
import Foundation
import Testing

@Suite("End to end: hooks", .serialized)
struct HookTests {
    private func stack(start: String, stop: String) -> String {
        """
        name: hooks
        services:
          a:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            user: "1000"
            environment: {OWN: service}
            volumes: ["./out:/out"]
            post_start: \(start)
            pre_stop: \(stop)
          b:
            image: localhost/busybox:1
            command: ["sh", "-c", "cp /out/log /out/seen-by-b; sleep 100000"]
            init: true
            volumes: ["./out:/out"]
            depends_on: [a]
        """
    }

    @Test("they run in order, as who and where they say, before dependants start and before the stop")
    func order() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                stack(
                    start: """

                                - {command: [sh, -c, 'echo one $$(id -u) $$OWN >> /out/log'], user: root}
                                - command: sh -c 'echo two $$(id -u) $$(pwd) $$MORE >> /out/log'
                                  working_dir: /srv
                                  environment: [MORE=hook]
                        """,
                    stop: "[{command: [sh, -c, 'echo bye >> /out/log']}]"))
            try world.write("out/log", "")
            let out = world.stackDirectory.path + "/out"
            #expect(try Shell.run("chmod 0777 '\(out)' && chmod 0666 '\(out)/log'").status == 0)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(world.read("out/log") == "one 0 service\ntwo 1000 /srv hook\n")
            #expect(eventually { world.read("out/seen-by-b") == world.read("out/log") }, "b starts after a's hooks")
            #expect(try world.run("up", "-d").status == 0)
            #expect(world.read("out/log") == "one 0 service\ntwo 1000 /srv hook\n", "nothing started, nothing runs")
            #expect(try world.run("restart", "a").status == 0)
            let twice = "one 0 service\ntwo 1000 /srv hook\n"
            #expect(world.read("out/log") == twice + "bye\n" + twice)
            #expect(try world.run("down").status == 0)
            #expect(world.read("out/log") == twice + "bye\n" + twice + "bye\n")
        }
    }

    @Test("a hook that fails: the command fails, says which and what it printed; a stop leaves the container running")
    func failure() throws {
        try withWorld { world in
            try world.write("out/log", "")
            try world.write(
                "compose.yaml", stack(start: "[{command: [sh, -c, 'echo broken; exit 3']}]", stop: "[]"))
            let up = try world.run("up", "-d")
            #expect(up.status == 1, "\(up)")
            #expect(up.stderr.contains("post_start hook") && up.stderr.contains("exited with status 3"), "\(up)")
            #expect(up.stderr.contains("| broken"), "\(up)")
            #expect(try world.run("ps", "-q", "b", "--status", "running").stdout == "", "its dependant is not started")
            #expect(try world.run("down").status == 0)

            try world.write("compose.yaml", stack(start: "[]", stop: "[{command: [/not/there]}]"))
            #expect(try world.run("up", "-d").status == 0)
            let stop = try world.run("stop", "a")
            #expect(stop.status == 1 && stop.stderr.contains("pre_stop hook"), "\(stop)")
            #expect(try world.run("ps", "-q", "a", "--status", "running").lines.count == 1)
            #expect(try world.run("kill").status == 0)
        }
    }
}
