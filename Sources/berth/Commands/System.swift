// `system` and `image prune`: what berth takes of the disk, what may go, whether it is whole.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct System: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Disk usage, and the state's health", subcommands: [SystemDf.self, SystemCheck.self])
}

struct SystemDf: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "df", abstract: "Show what takes space")
    @Option(help: "table or json") var format = "table"

    func run() async throws {
        let report = try await AgentConnection.client().diskReport()
        func reclaimable(_ line: DiskReport.Line) -> String {
            let share = line.sizeBytes > 0 ? line.reclaimableBytes * 100 / line.sizeBytes : 0
            return ContainerText.bytes(line.reclaimableBytes) + (line.sizeBytes > 0 ? " (\(min(100, share))%)" : "")
        }
        if format == "json" {
            for line in report.lines {
                Console.shared.out(
                    JSONText.object([
                        ("Active", .string("\(line.active)")), ("Reclaimable", .string(reclaimable(line))),
                        ("Size", .string(ContainerText.bytes(line.sizeBytes))),
                        ("TotalCount", .string("\(line.total)")), ("Type", .string(line.type)),
                    ]).text)
            }
            return
        }
        Console.shared.out(
            Table.text(
                ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"],
                report.lines.map {
                    [$0.type, "\($0.total)", "\($0.active)", ContainerText.bytes($0.sizeBytes), reclaimable($0)]
                }))
    }
}

struct SystemCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look for missing, altered and unknown content of images",
        discussion: """
            Exit code 1: something is wrong. With --repair, unknown content goes, and so do the names of damaged images:
            pulling or loading them makes them whole. Volumes are never touched.
            """)
    @Flag(help: "Put right what can be put right") var repair = false

    func run() async throws {
        let problems = try await AgentConnection.client().checkStore(repairs: repair)
        for problem in problems {
            let detail = problem.detail.isEmpty ? "" : ": \(Console.safe(problem.detail))"
            Console.shared.out("\(problem.kind.rawValue) \(problem.object) \(Console.safe(problem.name))\(detail)")
        }
        if problems.isEmpty { return Console.shared.out("nothing is wrong") }
        if !repair { throw ExitCode(1) }
        Console.shared.out("repaired")
    }
}
