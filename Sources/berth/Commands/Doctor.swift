// `doctor`: what this host offers, and what each lack costs.
import ArgumentParser
import BerthDoctor
import BerthLinux
import BerthModel

struct Doctor: QuickCommand {
    static let configuration = subcommand(
        abstract: "Look at this host, and say what each lack costs",
        discussion: """
            Nothing is changed and no agent is started. It fails only where berth cannot run.

            Examples:
              sudo berth doctor
              sudo berth doctor --format json | jq '.checks[] | select(.level != "ok")'
            """)
    @Option(help: "table or json") var format = "table"

    func validate() throws {
        guard ["table", "json"].contains(format) else {
            throw ValidationError("unsupported format \"\(format)\": table or json")
        }
    }

    func runAtOnce() throws -> Bool {
        let diagnosis = Diagnosis.of(HostLook.facts())
        Console.shared.out(format == "json" ? Doctor.json(diagnosis) : Doctor.text(diagnosis))
        if !diagnosis.canRun { throw ExitCode(1) }
        return true
    }

    func run() async throws { _ = try runAtOnce() }

    static func json(_ diagnosis: Diagnosis) -> String {
        let checks = diagnosis.findings.map { finding in
            JSONText.object([
                ("name", .string(finding.name)), ("level", .string(finding.level.rawValue)),
                ("found", .string(finding.found)), ("cost", .string(finding.cost)), ("hint", .string(finding.hint)),
            ])
        }
        return JSONText.object([("canRun", .bool(diagnosis.canRun)), ("checks", .array(checks))]).text
    }

    static func text(_ diagnosis: Diagnosis) -> String {
        let width = diagnosis.findings.map(\.name.count).max() ?? 0
        var lines: [String] = []
        for finding in diagnosis.findings {
            let mark = finding.level == .ok ? "ok  " : finding.level == .warning ? "lack" : "stop"
            let gap = String(repeating: " ", count: width - finding.name.count)
            lines.append("\(mark)  \(finding.name)\(gap)  \(finding.found)")
            let indent = String(repeating: " ", count: width + 8)
            if !finding.cost.isEmpty { lines.append("\(indent)costs: \(finding.cost)") }
            if !finding.hint.isEmpty { lines.append("\(indent)do: \(finding.hint)") }
        }
        lines.append(diagnosis.canRun ? "berth can run here" : "berth cannot run here")
        return lines.joined(separator: "\n")
    }
}
