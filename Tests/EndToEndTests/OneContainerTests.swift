// One file, one container: the foreground, exit codes, exec, run, and nothing left after many of them.
import Foundation
import Testing

@Suite("End to end: one container", .serialized)
struct OneContainerTests {
    static let hello = """
        name: one
        services:
          web:
            image: localhost/busybox:1
            command: ["sh", "-c", "echo to stdout; echo to stderr >&2; exit ${CODE:-0}"]
        """

    @Test("up in the foreground shows the log and ends with the container")
    func foreground() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.hello)
            let up = try world.run("up")
            #expect(up.status == 0, "\(up)")
            #expect(up.stdout.contains("web-1  | to stdout"), "\(up)")
            #expect(up.stderr.contains("web-1  | to stderr") || up.stdout.contains("web-1  | to stderr"), "\(up)")
            #expect((up.stdout + up.stderr).contains("web-1 exited with code 0"), "\(up)")
        }
    }

    @Test("up in the foreground again starts the container again, and stays until this run ends")
    func foregroundAgain() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: again
                services:
                  web:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo begin; sleep 0.5; echo end; exit 4"]
                """)
            for _ in 1...3 {
                let up = try world.run("up", "--exit-code-from", "web")
                #expect(
                    up.status == 4 && up.lines == ["web-1  | begin", "web-1  | end", "web-1 exited with code 4"],
                    "\(up)")
            }
        }
    }

    @Test("--exit-code-from returns the container's code", arguments: [0, 3, 255])
    func exitCode(code: Int32) throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.hello)
            let up = try world.start(["up", "--exit-code-from", "web"], environment: ["CODE": "\(code)"]).wait()
            #expect(up.status == code, "\(up)")
        }
    }

    static let sleeper = """
        name: one
        services:
          web:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            environment: {GREETING: hello}
        """

    @Test("exec runs inside: environment, user, directory, exit code, standard input")
    func exec() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            #expect(try world.run("up", "-d").status == 0)
            let plain = try world.run("exec", "-T", "web", "sh", "-c", "echo $GREETING; exit 7")
            #expect(plain.stdout == "hello\n" && plain.status == 7, "\(plain)")
            let user = try world.run(
                "exec", "-T", "-u", "guest", "-w", "/tmp", "-e", "A=b", "web", "sh", "-c", "id -u; id -G; pwd; echo $A")
            #expect(user.lines == ["1000", "1000 2000", "/tmp", "b"], "\(user)")
            let input = try world.run("exec", "-T", "web", "cat", input: "through standard input")
            #expect(input.stdout == "through standard input", "\(input)")
            for program in ["no-such-program", "/etc/passwd"] {
                #expect(try world.run("exec", "-T", "web", program).status == 126, "Docker's code, whatever the reason")
            }
            let capabilities = try world.run("exec", "-T", "web", "grep", "^Cap", "/proc/self/status")
            #expect(capabilities.stdout.contains("CapEff:\t00000000a80425fb"), "\(capabilities)")
            #expect(capabilities.stdout.contains("CapInh:\t0000000000000000"), "\(capabilities)")
        }
    }

    @Test("exec with a terminal has a terminal")
    func execTerminal() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            #expect(try world.run("up", "-d").status == 0)
            // `script` gives berth a terminal of its own; the command inside says whether it has one, and how wide.
            let inside = "tty; stty size; test -t 0 && test -t 1 && echo is-a-terminal"
            let output = try world.onHost(
                "script -qec \"stty rows 33 cols 101; '\(world.berth)' exec web sh -c '\(inside)'\" /dev/null </dev/null"
            )
            #expect(output.stdout.contains("/dev/pts/0"), "\(output)")
            #expect(output.stdout.contains("is-a-terminal"), "\(output)")
            #expect(output.stdout.contains("33 101"), "\(output)")
        }
    }

    @Test("run returns the command's code and removes its container when asked")
    func run() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            let run = try world.run("run", "--rm", "web", "sh", "-c", "echo from run; exit 5")
            #expect(run.status == 5 && run.stdout.contains("from run"), "\(run)")
            let missing = try world.run("run", "--rm", "--entrypoint", "no-such-program", "web")
            #expect(missing.status == 1 && missing.stderr.contains("no-such-program"), "\(missing)")
            let left = try world.run("ps", "-aq")
            #expect(left.stdout.isEmpty, "\(left)")
        }
    }

    @Test("stop ends with the signal's code, kill with 137, ps -a says so")
    func stopAndKill() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("stop").status == 0)
            #expect(try world.run("ps", "-a").stdout.contains("Exited (143)"))
            #expect(try world.run("start").status == 0)
            #expect(try world.run("ps").stdout.contains("Up "))
            #expect(try world.run("kill").status == 0)
            #expect(eventually { (try? world.run("ps", "-a").stdout.contains("Exited (137)")) == true })
        }
    }

    @Test("a container that ignores its stop signal is killed after the grace period")
    func grace() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: one
                services:
                  web:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "trap 'echo not yet' TERM; while :; do sleep 0.1; done"]
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { (try? world.run("top").stdout.contains("sleep")) == true })
            let stop = try world.run("stop", "-t", "1")
            #expect(stop.status == 0 && stop.seconds >= 0.9, "\(stop)")
            #expect(try world.run("ps", "-a").stdout.contains("Exited (137)"))
        }
    }

    @Test("one interrupt stops a foreground up gracefully, with 130; the containers stay, stopped")
    func interrupt() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: one
                services:
                  web:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "trap 'echo told to stop; exit 9' TERM; echo up; while :; do sleep 0.05; done"]
                """)
            let up = try world.start(["up"])
            #expect(eventually { up.stdoutSoFar.contains("web-1  | up") })
            up.signal(SIGINT)
            let ended = up.wait(limit: 30)
            #expect(ended.status == 130, "\(ended)")
            #expect(ended.stderr.contains("Gracefully stopping"), "\(ended)")
            #expect(ended.stdout.contains("told to stop"), "\(ended)")
            #expect(try world.run("ps", "-a").stdout.contains("Exited (9)"))
        }
    }

    @Test("pause freezes, unpause goes on")
    func pause() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("pause").status == 0)
            #expect(try world.run("ps", "-a").stdout.contains("(Paused)"))
            #expect(try world.run("unpause").status == 0)
            #expect(try world.run("exec", "-T", "web", "true").status == 0)
        }
    }

    @Test("two hundred runs leave nothing")
    func twoHundredRuns() throws {
        try withWorld { world in
            try world.write("compose.yaml", OneContainerTests.sleeper)
            #expect(try world.run("run", "--rm", "-T", "web", "true").status == 0)
            for round in 1...200 {
                let run = try world.run("run", "--rm", "-T", "web", "sh", "-c", "exit \(round % 7)")
                #expect(run.status == Int32(round % 7), "round \(round): \(run)")
            }
            let left = try world.run("ps", "-aq")
            #expect(left.stdout.isEmpty, "\(left)")
        }
    }
}
