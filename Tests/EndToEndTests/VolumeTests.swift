// Data: named volumes outlive containers, are seeded once, and are removed only when asked.
import Foundation
import Testing

@Suite("End to end: volumes", .serialized)
struct VolumeTests {
    static let stack = """
        name: vol
        services:
          a:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            volumes:
              - kept:/srv/seed
              - ./bound:/bound
              - /scratch
              - {type: tmpfs, target: /fast, tmpfs: {size: 1048576}}
        volumes: {kept: {}}
        """

    @Test("a named volume is seeded with content and owner, keeps data over down and up, goes only with down -v")
    func lifetime() throws {
        try withWorld { world in
            try world.write("compose.yaml", VolumeTests.stack)
            #expect(try world.run("up", "-d").status == 0)
            let seeded = try world.run(
                "exec", "-T", "a", "sh", "-c", "cat /srv/seed/file; stat -c %u /srv/seed; echo mine > /srv/seed/mine")
            #expect(seeded.stdout == "seeded\n1000\n", "\(seeded)")
            #expect(try world.run("down").status == 0)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("exec", "-T", "a", "cat", "/srv/seed/mine").stdout == "mine\n")
            #expect(try world.run("volumes", "-q").lines.contains("vol_kept"))
            #expect(try world.run("down", "-v").status == 0)
            #expect(!FileManager.default.fileExists(atPath: "\(world.dataRoot)/volumes/vol_kept"))
        }
    }

    @Test("binds are made where they are missing, tmpfs has its size, anonymous volumes survive a recreation")
    func kinds() throws {
        try withWorld { world in
            try world.write("compose.yaml", VolumeTests.stack)
            #expect(try world.run("up", "-d").status == 0)
            let look = try world.run(
                "exec", "-T", "a", "sh", "-c", "echo x > /bound/file; echo y > /scratch/file; df -k /fast | tail -1")
            #expect(look.stdout.contains("1024"), "\(look)")
            #expect(world.read("bound/file") == "x\n")
            #expect(try world.run("up", "-d", "--force-recreate").status == 0)
            #expect(try world.run("exec", "-T", "a", "cat", "/scratch/file").stdout == "y\n")
            #expect(try world.run("up", "-d", "--force-recreate", "-V").status == 0)
            #expect(try world.run("exec", "-T", "a", "cat", "/scratch/file").status != 0)
        }
    }

    static let mounted = """
        name: opts
        services:
          a:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            volumes: ["fast:/fast", "mine:/mine", "closed:/closed"]
          b:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            volumes: ["fast:/fast"]
        volumes:
          fast: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m,mode=1770,noexec"}}
          mine: {driver: local, driver_opts: {type: none, o: bind, device: ./mine}}
          closed: {driver_opts: {type: none, o: "bind,ro", device: "${PWD}/mine"}}
        """

    @Test("driver_opts: one tmpfs for all its users, a directory of the host; gone from the mounts when nobody uses it")
    func driverOptions() throws {
        try withWorld { world in
            try world.write("compose.yaml", VolumeTests.mounted)
            try world.write("mine/file", "of the host\n")
            let up = try world.run("up", "-d", environment: ["PWD": world.stackDirectory.path])
            #expect(up.status == 0, "\(up)")
            func inside(_ service: String, _ script: String) throws -> String {
                let output = try world.run("exec", "-T", service, "sh", "-c", script)
                return output.stdout + output.stderr
            }
            let mounts = try inside("a", "grep -E ' /(fast|mine|closed) ' /proc/mounts")
            #expect(mounts.contains("tmpfs /fast tmpfs rw,noexec,relatime,size=1024k,mode=1770"), "\(mounts)")
            #expect(try inside("a", "cat /mine/file; echo x > /mine/new; echo y > /closed/other").contains("Read-only"))
            #expect(world.read("mine/new") == "x\n")
            #expect(try inside("a", "echo shared > /fast/word") + inside("b", "cat /fast/word") == "shared\n")
            #expect(try world.run("restart", "a").status == 0)
            #expect(try inside("a", "cat /fast/word") == "shared\n", "the other container kept it")

            // The next agent takes the mounts over, and ends them with their last user.
            if let agent = world.agentProcessID { kill(agent, SIGKILL) }
            #expect(try world.run("stop", "a").status == 0)
            #expect(try inside("b", "cat /fast/word") == "shared\n")
            #expect(try world.run("stop").status == 0)
            let table = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
            #expect(!table.contains("\(world.dataRoot)/volumes"), "\(table)")
            #expect(try world.run("down", "-v").status == 0)
            #expect(world.read("mine/file") == "of the host\n" && world.read("mine/new") == "x\n")
        }
    }

    @Test("driver_opts that cannot be mounted: one error, nothing started, nothing mounted")
    func badDriverOptions() throws {
        try withWorld { world in
            func up(_ options: String) throws -> Output {
                try world.write(
                    "compose.yaml",
                    """
                    services: {a: {image: localhost/busybox:1, command: sleep 1000, volumes: ["data:/v"]}}
                    volumes: {data: {driver_opts: \(options)}}
                    """)
                return try world.run("up", "-d")
            }
            let unknown = try up("{typ: tmpfs}")
            #expect(unknown.status != 0 && unknown.stderr.contains("compose.yaml:2:"), "\(unknown)")
            #expect(unknown.stderr.contains("invalid option \"typ\""), "\(unknown)")
            let half = try up("{type: tmpfs}")
            #expect(half.status != 0 && half.stderr.contains("missing option \"device\""), "\(half)")
            let gone = try up("{type: none, o: bind, device: /not/there}")
            #expect(gone.status != 0 && gone.stderr.contains("bind of /not/there: no such file"), "\(gone)")
            #expect(try world.run("down", "-v").status == 0)
            let strange = try up("{type: nosuchfs, device: x}")
            #expect(strange.status != 0 && strange.stderr.contains("nosuchfs of x: no such device"), "\(strange)")
            #expect(try world.run("ps", "-q", "--status", "running").stdout == "")
        }
    }
}
