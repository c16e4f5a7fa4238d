// Networks and volumes by hand: made before a stack, used by several, removed when nobody uses them.
import Foundation
import Testing

@Suite("End to end: networks and volumes by hand", .serialized)
struct ResourceTests {
    @Test("an external network joins two stacks; it goes when asked, and not while somebody is in it")
    func network() throws {
        try withWorld { world in
            for name in ["front", "back"] {
                try world.write(
                    "\(name).yaml",
                    """
                    name: \(name)
                    services:
                      \(name):
                        image: localhost/busybox:1
                        command: ["sh", "-c", "mkdir /www; echo \(name) > /www/index.html; exec httpd -f -p 80 -h /www"]
                        init: true
                        networks: [proxy]
                    networks: {proxy: {external: true}}
                    """)
            }
            let missing = try world.run("-f", "front.yaml", "up", "-d")
            #expect(missing.status == 1 && missing.stderr.contains("could not be found"), "\(missing)")
            let made = try world.run("network", "create", "--subnet", "10.66.0.0/24", "--label", "team=blue", "proxy")
            #expect(made.status == 0 && made.stdout.count == 65, "\(made)")
            let again = try world.run("network", "create", "proxy")
            #expect(again.status == 1 && again.stderr.contains("already exists"), "\(again)")
            for name in ["front", "back"] { #expect(try world.run("-f", "\(name).yaml", "up", "-d").status == 0) }
            let across = try world.run("-f", "front.yaml", "exec", "-T", "front", "wget", "-q", "-O-", "http://back/")
            #expect(across.stdout == "back\n", "\(across)")
            let inspected = try world.run("network", "inspect", "proxy")
            let shown = try JSONSerialization.jsonObject(with: Data(inspected.stdout.utf8)) as? [[String: Any]]
            #expect((shown?.first?["Containers"] as? [String: Any])?.count == 2, "\(inspected)")
            #expect(shown?.first?["Labels"] as? [String: String] == ["team": "blue"])
            #expect(try world.run("network", "ls").stdout.contains("proxy"))

            let used = try world.run("network", "rm", "proxy")
            #expect(used.status == 1 && used.stderr.contains("back-back-1"), "\(used)")
            for name in ["front", "back"] {
                let down = try world.run("-f", "\(name).yaml", "down")
                #expect(down.status == 0 && !down.stderr.contains("proxy"), "it is not the stack's: \(down)")
            }
            #expect(try world.run("network", "rm", "proxy").stdout == "proxy\n")
            #expect(try world.run("network", "rm", "proxy").status == 1)
            #expect(try world.run("network", "rm", "-f", "proxy").status == 0)
            for bad in [
                ["create", "--subnet", "banana", "x1"], ["create", "bridge"], ["create", "-d", "overlay", "x1"],
            ] {
                let refused = try world.start(["network"] + bad).wait()
                #expect(refused.status != 0 && !refused.stderr.isEmpty, "\(refused)")
            }
            #expect(try world.run("network", "ls", "-q").stdout.isEmpty)
        }
    }

    @Test("a volume made by hand outlives stacks; prune takes only what has no name, unless asked for more")
    func volume() throws {
        try withWorld { world in
            #expect(try world.run("volume", "create", "archive").stdout == "archive\n")
            #expect(try world.run("volume", "create", "archive").stdout == "archive\n", "once more is no error")
            let other = try world.run("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "archive")
            #expect(other.status == 1 && other.stderr.contains("other options"), "\(other)")
            try world.write(
                "compose.yaml",
                """
                name: keep
                services:
                  app:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "echo kept > /data/file; exec sleep 100000"]
                    init: true
                    volumes: ["archive:/data", "/unnamed"]
                volumes: {archive: {external: true}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            let file = "\(world.dataRoot)/volumes/archive/_data/file"
            #expect(eventually { FileManager.default.fileExists(atPath: file) })
            let inspected = try world.run("volume", "inspect", "archive")
            #expect(inspected.stdout.contains("/volumes/archive/_data\""), "\(inspected)")
            let used = try world.run("volume", "rm", "archive")
            #expect(used.status == 1 && used.stderr.contains("keep-app-1"), "\(used)")
            #expect(try world.run("volume", "prune", "-f").stdout.contains("Total reclaimed space: 0B"))
            #expect(try world.run("down").status == 0)

            let unasked = try world.run("volume", "prune")
            #expect(unasked.status == 1 && unasked.stderr.contains("--force"), "\(unasked)")
            let pruned = try world.run("volume", "prune", "-f")
            #expect(pruned.status == 0 && pruned.stdout.contains("Deleted Volumes:"), "the unnamed one: \(pruned)")
            #expect(try world.run("volume", "ls", "-q").stdout == "archive\n")
            #expect(FileManager.default.fileExists(atPath: file))
            #expect(try world.run("volume", "prune", "-af").stdout.contains("archive"))
            #expect(!FileManager.default.fileExists(atPath: file))
            #expect(try world.run("volume", "rm", "archive").status == 1)
        }
    }
}
