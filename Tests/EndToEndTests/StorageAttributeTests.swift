// What a service mounts beside volumes and binds, and where its processes are counted and run.
import Foundation
import Testing

@Suite("End to end: attributes of storage and processors", .serialized)
struct StorageAttributeTests {
    @Test("an image as a mount: whole or a part, read-only, a bind inside it on top; it is in use as long")
    func imageMount() throws {
        try withWorld { world in
            try world.write(
                "asset/Dockerfile", "FROM scratch\nCOPY page.txt /site/page.txt\nCOPY other.txt /other.txt\n")
            try world.write("asset/page.txt", "a page\n")
            try world.write("asset/other.txt", "other\n")
            try world.write("mine.txt", "mine\n")
            let built = try world.run("image", "build", "-t", "assets:1", "asset")
            #expect(built.status == 0, "\(built)")
            try world.write(
                "compose.yaml",
                """
                name: mounts
                services:
                  app:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    volumes:
                      - {type: image, source: "assets:1", target: /all}
                      - {type: image, source: "assets:1", target: /part, image: {subpath: site}}
                      - ./mine.txt:/all/other.txt
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            let read = try world.run(
                "exec", "-T", "app", "cat", "/all/site/page.txt", "/part/page.txt", "/all/other.txt")
            #expect(read.stdout == "a page\na page\nmine\n", "\(read)")
            let written = try world.run(
                "exec", "-T", "app", "sh", "-c", "echo x > /all/site/page.txt || touch /part/new")
            #expect(written.status != 0 && written.stderr.contains("Read-only"), "\(written)")

            let refused = try world.run("image", "rm", "assets:1")
            #expect(refused.status == 1, "\(refused)")
            #expect(try world.run("image", "prune", "-af").status == 0)
            #expect(try world.run("restart", "app").status == 0)
            let again = try world.run("exec", "-T", "app", "cat", "/part/page.txt")
            #expect(again.stdout == "a page\n", "\(again)")
            #expect(try world.run("down").status == 0)
            #expect(try world.run("image", "rm", "assets:1").status == 0)

            let gone = try world.run("up", "-d", "--pull", "never")
            #expect(gone.status == 1 && gone.stderr.contains("assets:1"), "\(gone)")
            try world.write(
                "compose.yaml",
                "services: {a: {image: x, volumes: [{type: image, source: 'Not An Image', target: /x}]}}")
            let bad = try world.run("up", "-d")
            #expect(bad.status == 1 && bad.stderr.contains("compose.yaml:1:"), "\(bad)")
        }
    }

    @Test("a part of a volume; a processor of one's own; the host's control groups or a view of one's own")
    func places() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: places
                services:
                  fill:
                    image: localhost/busybox:1
                    command: sh -c 'mkdir -p /data/inner && echo deep > /data/inner/file'
                    volumes: ["data:/data"]
                  app:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    depends_on: {fill: {condition: service_completed_successfully}}
                    cpuset: "0"
                    cgroup: private
                    volumes: [{type: volume, source: data, target: /part, volume: {subpath: inner}}]
                  wide:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    cgroup: host
                volumes: {data: {}}
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            #expect(try world.run("exec", "-T", "app", "ls", "/part").stdout == "file\n")
            let allowed = try world.run("exec", "-T", "app", "grep", "Cpus_allowed_list", "/proc/self/status").stdout
            #expect(allowed.hasSuffix("\t0\n"), "\(allowed)")
            let own = try world.run("exec", "-T", "app", "cat", "/proc/self/cgroup").stdout
            #expect(own.contains("0::/\n") && !own.contains("berth-"), "\(own)")
            #expect(try world.run("exec", "-T", "wide", "cat", "/proc/self/cgroup").stdout.contains("0::/berth-"))
        }
    }
}
