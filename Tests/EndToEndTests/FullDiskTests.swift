// A disk without a byte left: what runs goes on, what fails says so, and a stack can still be taken down.
import Foundation
import Testing

@Suite("End to end: a full disk", .serialized)
struct FullDiskTests {
    @Test("down works with no byte free, and nothing is lost; with space again everything works")
    func full() throws {
        try withWorld(image: false) { world in
            let tar = try BusyboxImage.path()
            try world.write(
                "compose.yaml",
                """
                name: full
                services:
                  app:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "while :; do echo hello; sleep 0.05; done"]
                    init: true
                    volumes: ["data:/data"]
                volumes: {data: }
                """)
            // In a mount namespace of its own: a small disk for everything that berth keeps. The shell stays in it.
            let script = """
                set -e
                mkdir -p \(world.dataRoot); mount -t tmpfs -o size=48m none \(world.dataRoot)
                B=\(world.berth)
                $B image import \(tar) localhost/busybox:1 >/dev/null
                $B up -d; $B exec -T app sh -c 'echo kept > /data/file'
                fill() { cat /dev/zero > \(world.dataRoot)/fill 2>/dev/null || :; }
                set +e; fill; fill
                df --output=avail \(world.dataRoot) | tail -1
                $B exec -T app sh -c 'echo more > /data/more' 2>&1; echo "exec $?"
                $B down -t 0; echo "down $?"
                $B ps -aq | wc -l
                fill; $B up -d; echo "up $?"
                rm \(world.dataRoot)/fill
                $B up -d; echo "up $?"
                $B exec -T app cat /data/file
                $B system check; $B down -v -t 0; echo "down $?"
                """
            let output = try world.onHost(
                "exec unshare -m sh -c '\(script.replacingOccurrences(of: "'", with: "'\\''"))'", limit: 120)
            let lines = output.stdout.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(
                lines == [
                    "0", "sh: write error: No space left on device", "exec 1", "down 0", "0", "up 1", "up 0", "kept",
                    "nothing is wrong", "down 0",
                ], "\(output)")
            #expect(
                output.stderr.contains("No space left on device") || output.stderr.contains("disk is full"), "\(output)"
            )
        }
    }
}
