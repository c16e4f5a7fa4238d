// `sudo berth`: what the user has is found, and what is made for them is theirs.
import Foundation
import Testing

@Suite("End to end: with sudo", .serialized)
struct SudoTests {
    @Test("HOME, the SSH agent and ~ are the user's; directories made for binds too; sudo is named for what is unset")
    func world() throws {
        try withWorld { world in
            let home = world.root.appendingPathComponent("home").path
            #expect(
                try Shell.run("mkdir -p \(home) && chown 4321:4321 \(home) \(world.stackDirectory.path)").status == 0)
            try world.write(
                "compose.yaml",
                """
                name: mine
                services:
                  app:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    environment: {AGENT: "${SSH_AUTH_SOCK:-none}", LOST: "$LOST"}
                    volumes: ["~/deep/data:/data", "./here/data:/here"]
                """)
            // A program of sudo's name with the user's environment, and below it what sudo lets through.
            let sudo = world.root.appendingPathComponent("sudo").path
            #expect(try Shell.run("cp /bin/dash \(sudo)").status == 0)
            let words = "SUDO_UID=4321 SUDO_GID=4321 SUDO_HOME=\(home)"
            func run(_ arguments: String) throws -> Output {
                try world.onHost(
                    "SSH_AUTH_SOCK=/agent/sock \(sudo) -c 'env -u SSH_AUTH_SOCK HOME=/root \(words) \(world.berth) \(arguments); exit $?'"
                )
            }
            let up = try run("up -d")
            #expect(up.status == 0, "\(up)")
            #expect(up.stderr.contains("sudo --preserve-env=LOST berth"), "\(up)")
            #expect(try world.run("exec", "-T", "app", "sh", "-c", "echo $AGENT").stdout == "/agent/sock\n")
            let owners = try Shell.run(
                "stat -c '%u:%g' \(home)/deep \(home)/deep/data \(world.stackDirectory.path)/here/data | sort -u")
            #expect(owners.stdout == "4321:4321\n", "\(owners)")
            // Another HOME than root's was kept on purpose.
            let kept = try world.onHost("HOME=/elsewhere \(words) \(world.berth) config")
            #expect(kept.stdout.contains("source: /elsewhere/deep/data"), "\(kept)")
        }
    }
}
