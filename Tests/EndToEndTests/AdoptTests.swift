// Coming from Docker: its volumes are found and copied, never changed; its socket is never handed out by accident.
import Foundation
import Testing

@Suite("End to end: coming from Docker", .serialized)
struct AdoptTests {
    private static let stack = """
        name: app
        services:
          db:
            image: localhost/busybox:1
            command: sleep 100000
            init: true
            volumes: ["data:/data", "fresh:/fresh"]
        volumes: {data: , fresh: }
        """

    /// Docker's directories as it leaves them, with a volume that has something in it.
    private func dockerStore(_ world: World) throws -> String {
        let root = world.root.appendingPathComponent("docker").path
        let made = try Shell.run(
            """
            mkdir -p \(root)/volumes/app_data/_data/base \(root)/volumes/app_fresh/_data
            cd \(root)/volumes/app_data/_data && echo rows > base/1 && ln -s base/1 link && ln base/1 hard
            chown -R 70:70 . && chmod 700 . && chmod 640 base/1 && touch -d 2020-01-01 base/1
            """)
        #expect(made.status == 0, "\(made)")
        return root
    }

    private func listing(_ path: String) throws -> String {
        try Shell.run("cd '\(path)' && find . -printf '%P %M %U:%G %n %l %T@\\n' | sort && cat base/1").stdout
    }

    @Test("a volume of Docker's is copied whole, once, and Docker's own stays as it was")
    func copies() throws {
        try withWorld { world in
            let docker = try dockerStore(world)
            let source = "\(docker)/volumes/app_data/_data"
            let before = try listing(source)
            try world.write("compose.yaml", Self.stack)
            let dry = try world.run("--dry-run", "adopt", "--docker-root", docker)
            #expect(dry.status == 0 && dry.stdout.contains("volume app_data: would copy"), "\(dry)")
            #expect(dry.stdout.contains("volume app_fresh: Docker has nothing in it"), "\(dry)")
            #expect(try !world.run("volume", "ls", "-q").stdout.contains("app_data"))

            // Somebody writes to it, in whatever container: a copy would be torn.
            let user = try world.start(
                program: "/usr/bin/unshare",
                ["-m", "sh", "-c", "mount --bind \(source) /mnt && exec sleep 100000"])
            let isUsed = {
                try Shell.run("grep -l 'app_data/_data /mnt' /proc/\(user.processID)/mountinfo").status == 0
            }
            #expect(try eventually { try isUsed() })
            let refused = try world.run("adopt", "--docker-root", docker)
            #expect(refused.status == 1 && refused.stderr.contains("process \(user.processID) ("), "\(refused)")
            user.signal(SIGKILL)
            _ = user.wait()

            let adopted = try world.run("adopt", "--docker-root", docker)
            #expect(adopted.status == 0 && adopted.stdout.contains("volume app_data: copied"), "\(adopted)")
            #expect(try listing("\(world.dataRoot)/volumes/app_data/_data") == before)
            #expect(try listing(source) == before)
            let up = try world.run("up", "-d")
            #expect(up.status == 0 && !up.stderr.contains("WARN"), "\(up)")
            #expect(try world.run("exec", "-T", "db", "cat", "/data/link").stdout == "rows\n")
            let again = try world.run("adopt", "--docker-root", docker)
            #expect(again.status == 0 && again.stdout.contains("volume app_data: kept"), "\(again)")
        }
    }

    @Test("who starts with an empty volume is told that Docker has it with data")
    func told() throws {
        try withWorld(image: false) { world in
            let docker = try dockerStore(world)
            let tar = try BusyboxImage.path()
            // The agent sees a Docker where Docker is.
            let begun = try world.onHost(
                """
                unshare -m sh -c 'mount -t tmpfs none /var/lib && mkdir /var/lib/docker \
                && mount --bind \(docker) /var/lib/docker && exec "$0" image import \(tar) localhost/busybox:1' \
                \(world.berth)
                """)
            #expect(begun.status == 0, "\(begun)")
            try world.write("compose.yaml", Self.stack)
            let up = try world.run("up", "-d")
            #expect(up.status == 0 && up.stderr.contains("WARN volume app_data is new here and begins empty"), "\(up)")
            #expect(!up.stderr.contains("app_fresh is new here"), "\(up)")
            #expect(try !world.run("up", "-d").stderr.contains("begins empty"))
        }
    }

    @Test("an engine's socket is left out with its place, and bound only where the file insists")
    func socket() throws {
        try withWorld { world in
            let socket = world.root.appendingPathComponent("docker.sock").path
            FileManager.default.createFile(atPath: socket, contents: Data("other".utf8))
            try world.write(
                "compose.yaml",
                """
                name: app
                services:
                  left:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    volumes:
                      - /var/run/docker.sock:/var/run/docker.sock:ro
                      - \(socket):/sock
                  insists:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    volumes: [{type: bind, source: \(socket), target: /sock, bind: {create_host_path: false}}]
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(
                up.stderr.contains("compose.yaml:8:") && up.stderr.contains("/var/run/docker.sock is left out"), "\(up)"
            )
            #expect(up.stderr.contains("compose.yaml:9:") && !up.stderr.contains("compose.yaml:14:"), "\(up)")
            #expect(try world.run("exec", "-T", "left", "ls", "/var/run/docker.sock", "/sock").status != 0)
            #expect(try world.run("exec", "-T", "insists", "cat", "/sock").stdout == "other")
        }
    }
}
