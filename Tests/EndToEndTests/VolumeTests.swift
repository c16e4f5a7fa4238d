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
}
