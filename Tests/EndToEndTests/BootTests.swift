// Across a shutdown and a boot: what has a policy comes back, stack by stack, in its order; nothing else does.
import Foundation
import Testing

@Suite("End to end: shutdown and boot", .serialized)
struct BootTests {
    private static let stack = """
        name: boot
        x-service: &service {image: "localhost/busybox:1", init: true, volumes: ["stamps:/stamps"]}
        services:
          store:
            <<: *service
            command:
              - sh
              - -c
              - "rm -f /tmp/ready; echo store >>/stamps/order; sleep 0.3; echo ready >>/stamps/order; touch /tmp/ready; exec sleep 100000"
            restart: always
            healthcheck: {test: ["CMD", "test", "-f", "/tmp/ready"], interval: 1s}
          web:
            <<: *service
            command: ["sh", "-c", "echo web >>/stamps/order; exec sleep 100000"]
            restart: unless-stopped
            depends_on: {store: {condition: service_healthy}}
          plain: {<<: *service, command: ["sleep", "100000"]}
          stopped: {<<: *service, command: ["sleep", "100000"], restart: unless-stopped}
          always: {<<: *service, command: ["sleep", "100000"], restart: always}
        volumes: {stamps: {}}
        """

    /// Service → state.
    private static func states(_ world: World) throws -> [String: String] {
        var states: [String: String] = [:]
        for line in try world.run("ps", "-a", "--format", "json").lines {
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            states[row?["Service"] as? String ?? ""] = row?["State"] as? String
        }
        return states
    }

    private static let after = [
        "store": "running", "web": "running", "plain": "exited", "stopped": "exited", "always": "running",
    ]

    private static func begin(_ world: World) throws -> String {
        try world.write("compose.yaml", stack)
        #expect(try world.run("up", "-d", "--wait").status == 0)
        #expect(try world.run("stop", "stopped", "always").status == 0)
        let order = "\(world.dataRoot)/volumes/boot_stamps/_data/order"
        #expect(try String(contentsOfFile: order, encoding: .utf8) == "store\nready\nweb\n")
        try "".write(toFile: order, atomically: false, encoding: .utf8)
        return order
    }

    @Test(
        "suspend stops everything; resume brings back what its policies say, in order; once more it has nothing to do")
    func suspended() throws {
        try withWorld { world in
            let order = try Self.begin(world)
            #expect(try world.run("suspend").status == 0)
            #expect(try Set(Self.states(world).values) == ["exited"])
            let resumed = try world.run("resume")
            #expect(resumed.status == 0 && resumed.stdout == "boot: always, store, web\n", "\(resumed)")
            #expect(try Self.states(world) == Self.after)
            #expect(try String(contentsOfFile: order, encoding: .utf8) == "store\nready\nweb\n")
            #expect(try world.run("stop").status == 0)
            #expect(try world.run("resume").status == 0)
            #expect(try Set(Self.states(world).values) == ["exited"], "a stop by hand is no suspension")
        }
    }

    @Test("after a boot the first command finds them coming back: a machine that went down without a word")
    func powerLoss() throws {
        try withWorld { world in
            let order = try Self.begin(world)
            let name = LeakScan.worldName(world.dataRoot) ?? "?"
            // All of ours dies at once and sees no other die; memory is gone, and the boot has another name.
            let died = try world.onHost(
                """
                pkill -STOP -f '^berth-agent .*\(world.runRoot)'
                pkill -KILL -f '^berth-shim .*\(world.runRoot)'
                pkill -KILL -f '^berth-agent .*\(world.runRoot)'
                # A boot leaves no group. Each goes when the last of its processes has been reaped.
                while find /sys/fs/cgroup -type d -name 'berth-\(name)' | grep -q .; do
                    find /sys/fs/cgroup -path '*/berth-\(name)/*' -name cgroup.kill | while read -r k; do echo 1 >$k; done
                    find /sys/fs/cgroup -depth -type d -path '*/berth-\(name)*' -exec rmdir {} + 2>/dev/null
                done
                echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet
                rm -rf '\(world.runRoot)'/*
                python3 -c "import sqlite3; d = sqlite3.connect('\(world.dataRoot)/state.db'); \
                d.execute(\\"UPDATE facts SET value = 'another' WHERE name = 'boot'\\"); d.commit()"
                """)
            #expect(died.status == 0, "\(died)")
            let resumed = try world.run("resume")
            #expect(resumed.status == 0 && resumed.stdout == "boot: always, store, web\n", "\(resumed)")
            let states = try Self.states(world)
            #expect(states == Self.after, "\(states)")
            let seen = try String(contentsOfFile: order, encoding: .utf8)
            #expect(seen == "store\nready\nweb\n", "\(seen)")
        }
    }

    @Test("the doctor looks at this host, and says it as JSON too")
    func doctor() throws {
        try withWorld { world in
            let shown = try world.run("doctor", "--format", "json")
            let document = try JSONSerialization.jsonObject(with: Data(shown.stdout.utf8)) as? [String: Any]
            #expect(shown.status == 0 && document?["canRun"] as? Bool == true, "\(shown)")
            #expect((document?["checks"] as? [[String: Any]])?.contains { $0["name"] as? String == "kernel" } == true)
            #expect(try world.run("doctor").stdout.hasSuffix("berth can run here\n"))
            #expect(try world.run("doctor", "--format", "xml").status != 0)
        }
    }
}
