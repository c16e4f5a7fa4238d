// What the state takes, what may go, whether it is whole: df, prune, check.
import Foundation
import Testing

@Suite("End to end: housekeeping", .serialized)
struct HousekeepingTests {
    private func lines(_ world: World) throws -> [String: [String: String]] {
        var byType: [String: [String: String]] = [:]
        for line in try world.run("system", "df", "--format", "json").lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String] ?? [:]
            byType[object["Type"] ?? ""] = object
        }
        return byType
    }

    @Test("df counts what is there and what is used; prune removes what nobody names, and with -a what nobody uses")
    func usage() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: keep
                services: {a: {image: localhost/busybox:1, command: sleep 1000, init: true, volumes: ["data:/d"]}}
                volumes: {data: {}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(
                try world.run("exec", "-T", "a", "dd", "if=/dev/zero", "of=/d/x", "bs=1M", "count=3").status == 0)
            let used = try lines(world)
            #expect(used["Images"]?["TotalCount"] == "1" && used["Images"]?["Active"] == "1", "\(used)")
            #expect(used["Containers"]?["Active"] == "1")
            #expect(used["Local Volumes"]?["Size"]?.hasPrefix("3.") == true, "\(used)")
            #expect(used["Local Volumes"]?["Reclaimable"] == "0B (0%)", "\(used)")

            // Another image under the same name leaves the first without one; a container keeps it.
            let other = try Shell.run(
                "cd '\(world.root.path)' && mkdir o && echo x > o/f && tar -C o -cf o.tar .")
            #expect(other.status == 0)
            #expect(try world.run("image", "import", "\(world.root.path)/o.tar", "localhost/busybox:1").status == 0)
            #expect(try world.run("image", "prune").status == 1, "it asks, and there is nobody to answer")
            #expect(try world.run("image", "prune", "-f").stdout == "Total reclaimed space: 0B\n")
            #expect(try world.run("down").status == 0)
            let pruned = try world.run("image", "prune", "-f")
            #expect(pruned.stdout.contains("deleted: sha256:") && !pruned.stdout.contains("space: 0B"), "\(pruned)")
            #expect(try world.run("image", "ls", "-q").lines.count == 1)
            let all = try world.run("image", "prune", "-af")
            #expect(all.stdout.contains("untagged: localhost/busybox:1"), "\(all)")
            let left = try Shell.run(
                "cd '\(world.dataRoot)' && find blobs ingest layers -mindepth 1 ! -name sha256"
            ).stdout
            #expect(left == "", "\(left)")
            #expect(try lines(world)["Local Volumes"]?["Active"] == "0")
            let data = "\(world.dataRoot)/volumes/keep_data"
            #expect(FileManager.default.fileExists(atPath: data), "data is nobody's to prune")
        }
    }

    @Test("check finds what is missing, altered and unknown; repair and a pull make it whole")
    func check() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let image = "\(FakeRegistry.address)/plain/app:1"
            #expect(try world.run("image", "pull", image).status == 0)
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
            let blobs = "\(world.dataRoot)/blobs/sha256"
            let spoiled = try Shell.run(
                """
                set -e; cd '\(blobs)'
                big=$(ls -S | head -1); printf X | dd of=$big bs=1 seek=100 conv=notrunc 2>/dev/null
                rm $(ls -S | sed -n 2p)
                echo stray > \(String(repeating: "ab", count: 32))
                rm -r ../../layers/$(ls ../../layers | head -1)
                """)
            #expect(spoiled.status == 0, "\(spoiled)")
            let found = try world.run("system", "check")
            #expect(found.status == 1, "\(found)")
            for word in ["altered blob", "missing blob", "unknown blob abababababab", "missing layer"] {
                #expect(found.stdout.contains(word), "\(word): \(found)")
            }
            #expect(try world.run("system", "check", "--repair").status == 0)
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
            #expect(try world.run("image", "pull", image).status == 0)
            try world.write("compose.yaml", "services: {web: {image: '\(image)', init: true}}")
            #expect(try world.run("up", "-d").status == 0)
            #expect(try world.run("exec", "-T", "web", "cmp", "/data/large", "/data/linked").status == 0)
        }
    }
}
