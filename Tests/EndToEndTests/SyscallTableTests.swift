// Rows S20, S21 and S78: what a container's filter answers to every system call, in all three ABIs of the machine.
import Foundation
import Testing

@Suite("End to end: the table of system calls", .serialized)
struct SyscallTableTests {
    /// Derived from the policy's facts and the kernel's numbers, never from what berth does.
    private func expected(_ capabilities: [String]) throws -> String {
        let made = try Shell.run("'\(Fixture.path("attacks/expected-table"))' \(capabilities.joined(separator: " "))")
        guard made.status == 0 else { throw WorldError("deriving the table: \(made)") }
        return made.stdout
    }

    private func compare(_ seen: String, _ capabilities: [String], _ place: String) throws {
        let (found, wanted) = (seen.split(separator: "\n"), try expected(capabilities).split(separator: "\n"))
        for line in wanted where !found.contains(line) { Issue.record("\(place): expected \(line)") }
        for line in found where !wanted.contains(line) { Issue.record("\(place): found \(line)") }
    }

    @Test("S20, S21: a default container and those with more or fewer capabilities get the policy's table, and a build")
    func tables() throws {
        try withWorld { world in
            let programs = try AttackPrograms.directory()
            let services: [(name: String, options: String, capabilities: [String])] = [
                ("default", "", ["CAP_SYS_CHROOT"]),
                ("none", "cap_drop: [ALL]", []),
                ("nnp", "security_opt: [\"no-new-privileges:true\"]\n    user: guest", ["CAP_SYS_CHROOT"]),
                ("admin", "cap_add: [SYS_ADMIN]", ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"]),
                ("ptrace", "cap_add: [SYS_PTRACE, SYS_NICE]", ["CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_NICE"]),
                (
                    "several", "cap_add: [SYS_MODULE, SYS_TIME, SYS_BOOT, SYSLOG, BPF, PERFMON, DAC_READ_SEARCH]",
                    [
                        "CAP_SYS_CHROOT", "CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_SYS_BOOT", "CAP_SYSLOG", "CAP_BPF",
                        "CAP_PERFMON", "CAP_DAC_READ_SEARCH",
                    ]
                ),
            ]
            let text = services.map {
                """
                  \($0.name):
                    image: localhost/busybox:1
                    command: /prog/syscall-table
                    volumes: ["\(programs):/prog:ro"]
                    \($0.options)
                """
            }
            try world.write("compose.yaml", "name: table\nservices:\n\(text.joined(separator: "\n"))\n")
            for service in services {
                let seen = try world.run("run", "--rm", "-T", service.name)
                #expect(seen.status == 0, "\(seen)")
                try compare(seen.stdout, service.capabilities, service.name)
            }
            // The same for a program beside the main one, and for a step of a build.
            try world.write(
                "Dockerfile.main", "FROM localhost/busybox:1\nCOPY p/syscall-table /t\nRUN /t > /saw\nCMD cat /saw\n")
            try Shell.run("cp -r '\(programs)' '\(world.stackDirectory.path)/p'")
            let built = try world.run("image", "build", "-f", "Dockerfile.main", "-t", "localhost/table:1", ".")
            #expect(built.status == 0, "\(built)")
            let up = try world.up("volumes: [\"\(programs):/prog:ro\"]", image: "localhost/table:1")
            #expect(up.status == 0, "\(up)")
            try compare(try world.inside("a", "/prog/syscall-table"), ["CAP_SYS_CHROOT"], "exec")
            try compare(try world.inside("a", "cat /saw"), ["CAP_SYS_CHROOT"], "RUN")
        }
    }
}
