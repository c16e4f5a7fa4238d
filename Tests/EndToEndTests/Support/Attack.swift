// What the attack suites share: images with evil in their tree, hostile programs, and the host that must not notice.
import Foundation
import Testing

/// The programs of `Fixtures/attacks`, compiled once for this process.
enum AttackPrograms {
    private static let lock = NSLock()

    /// A directory with `attacker` and `syscall-table`, static.
    static func directory() throws -> String {
        lock.lock()
        defer { lock.unlock() }
        let directory = "\(NSTemporaryDirectory())/berth-attacks-\(getpid())"
        if FileManager.default.fileExists(atPath: directory) { return directory }
        let made = try Shell.run(
            """
            set -e; mkdir -p '\(directory).new'; cd '\(Fixture.path("attacks"))'
            for p in attacker syscall-table; do cc -O1 -static -Wall -Wextra -Werror -o '\(directory).new'/$p $p.c; done
            mv '\(directory).new' '\(directory)'
            """)
        guard made.status == 0 else { throw WorldError("compiling the attackers: \(made)") }
        atexit { try? FileManager.default.removeItem(atPath: "\(NSTemporaryDirectory())/berth-attacks-\(getpid())") }
        return directory
    }
}

extension World {
    /// Imports busybox's tree as `localhost/NAME:1`, changed by a script that runs in it.
    func importTree(_ name: String, changes: [String] = [], _ script: String) throws {
        let tree = root.appendingPathComponent("tree-\(name)").path
        let made = try Shell.run(
            "set -e; mkdir '\(tree)'; cd '\(tree)'; tar -xf '\(try BusyboxImage.path())'\n\(script)\n"
                + "tar --numeric-owner -cf '\(tree).tar' .")
        guard made.status == 0 else { throw WorldError("making the tree of \(name): \(made)") }
        let words =
            ["image", "import"] + changes.flatMap { ["--change", $0] } + ["\(tree).tar", "localhost/\(name):1"]
        let imported = try start(words).wait()
        guard imported.status == 0 else { throw WorldError("importing \(name): \(imported)") }
        _ = try Shell.run("rm -rf '\(tree)' '\(tree).tar'")
    }

    /// Runs a script in a service's container; what it printed, without the last newline.
    func inside(_ service: String, _ script: String) throws -> String {
        try run("exec", "-T", service, "sh", "-c", script).stdout.trimmingCharacters(in: .newlines)
    }

    /// A stack of one service `a` made of lines of YAML; how `up -d` went.
    func up(_ lines: String, image: String = "localhost/busybox:1", command: String = "sleep 100000") throws -> Output {
        try write(
            "compose.yaml",
            """
            name: attack
            services:
              a:
                image: \(image)
                command: \(command)
                init: true
                stop_grace_period: 0s
            \(lines.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            volumes: {vol: {}, wol: {}}
            """)
        return try run("up", "-d")
    }
}

/// Facts of the host that no container may change: a file and a directory of the world's, and what every host has.
struct HostCanary {
    let file: String
    let directory: String
    static let word = "what-only-the-host-knows"
    private let world: World
    private var before = ""

    init(_ world: World) throws {
        self.world = world
        directory = world.root.appendingPathComponent("canary").path
        file = "\(directory)/file"
        let made = try Shell.run(
            "mkdir -p '\(directory)/inner' && echo \(HostCanary.word) > '\(file)' && chmod 640 '\(file)'")
        guard made.status == 0 else { throw WorldError("making the canary: \(made)") }
        before = try facts()
    }

    /// What has changed; empty: nothing.
    func changes() throws -> String {
        let now = try facts()
        return now == before ? "" : "was:\n\(before)\nis:\n\(now)"
    }

    private func facts() throws -> String {
        try Shell.run(
            """
            find '\(directory)' /etc/passwd /etc/shadow /etc/hosts /etc/resolv.conf /etc/hostname /dev/null /dev/zero \
              -printf '%p %i %u:%g %m %s %T@ %y\\n' | sort
            cat '\(file)' /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname; ls -1aiU / | sort
            """
        ).stdout
    }
}

/// Runs a body in a fresh world whose host must be the same afterwards.
func withHost(image: Bool = true, _ body: (World, HostCanary) throws -> Void) throws {
    try withWorld(image: image) { world in
        let canary = try HostCanary(world)
        try body(world, canary)
        let changes = try canary.changes()
        if !changes.isEmpty { throw WorldError("the host has changed: \(changes)") }
    }
}
