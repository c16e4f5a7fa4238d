// `stats`: what the stack's containers use, once or again every second.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Stats: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Show what containers use",
        discussion: """
            Examples:
              berth stats                         all of the stack, again every second
              berth stats --no-stream web         once
              berth stats --no-stream --format json | jq .CPUPerc
            """)
    @Flag(name: .shortAndLong, help: "Containers that do not run too") var all = false
    @Flag(help: "Once, and end") var noStream = false
    @Flag(help: "Whole ids") var noTrunc = false
    @Option(help: "table or json") var format = "table"
    @Argument var services: [String] = []

    func run() async throws {
        guard ["table", "json"].contains(format) else {
            throw ValidationError("unsupported format \"\(format)\": table or json")
        }
        let context = try StackContext.identify(services: services)
        let client = try await AgentConnection.client()
        var filter = ContainerFilter(stack: context.name)
        filter.all = all
        var before: [ContainerID: ContainerUsage] = [:]
        for round in 0... {
            let documents = try await client.containers(filter).filter {
                services.isEmpty || services.contains($0.record.slot.service)
            }
            let usage = try await client.usage(documents.map(\.record.id))
            let now = Dictionary(usage.map { ($0.container, $0) }) { first, _ in first }
            // A rate needs two looks; the first round shows none.
            if round > 0 {
                show(documents.map { UsageRow($0, before[$0.record.id], now[$0.record.id], isWhole: noTrunc) })
                if noStream { return }
            }
            before = now
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func show(_ rows: [UsageRow]) {
        if format == "json" { return rows.forEach { Console.shared.out($0.json.text) } }
        let table = Table.text(UsageRow.titles, rows.map(\.cells))
        // From the top of the screen, and nothing of the last round left below.
        let isScreen = !noStream && Terminal.isTerminal(1)
        Console.shared.out(isScreen ? "\u{1B}[H\u{1B}[J\(table)" : table)
    }
}

/// One container's line, in docker's words.
struct UsageRow {
    static let titles = [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
    ]
    private let id: String
    private let name: String
    private var values = ["--", "-- / --", "--", "--", "--", "--"]
    private var throttling = "--"

    init(_ document: ContainerDocument, _ before: ContainerUsage?, _ now: ContainerUsage?, isWhole: Bool) {
        id = isWhole ? document.record.id.text : document.record.id.short
        name = document.record.name
        guard let now else { return }
        let elapsed = now.takenNanoseconds - (before?.takenNanoseconds ?? now.takenNanoseconds)
        let spent = now.cpuNanoseconds - (before?.cpuNanoseconds ?? now.cpuNanoseconds)
        let memory = now.memoryLimitBytes > 0 ? Double(now.memoryBytes) / Double(now.memoryLimitBytes) : 0
        values = [
            UsageRow.percent(elapsed > 0 ? Double(spent) / Double(elapsed) : 0),
            "\(UsageRow.binary(now.memoryBytes)) / \(UsageRow.binary(now.memoryLimitBytes))", UsageRow.percent(memory),
            "\(ContainerText.bytes(now.receivedBytes)) / \(ContainerText.bytes(now.sentBytes))",
            now.readBytes.map { "\(ContainerText.bytes($0)) / \(ContainerText.bytes(now.writtenBytes ?? 0))" }
                ?? "0B / 0B",
            "\(now.processCount)",
        ]
        throttling =
            "\(now.throttledPeriods) / \(now.quotaPeriods), \(now.throttledNanoseconds / 1_000_000)ms"
    }

    var cells: [String] { [id, Console.safe(name)] + values }

    var json: JSONText {
        .object([
            ("BlockIO", .string(values[4])), ("CPUPerc", .string(values[0])), ("Container", .string(id)),
            ("ID", .string(id)), ("MemPerc", .string(values[2])), ("MemUsage", .string(values[1])),
            ("Name", .string(name)), ("NetIO", .string(values[3])), ("PIDs", .string(values[5])),
            ("Throttling", .string(throttling)),
        ])
    }

    /// With two decimals: 0.05 is `5.00%`.
    static func percent(_ fraction: Double) -> String {
        let hundredths = Int((max(0, fraction) * 10_000).rounded())
        let decimals = hundredths % 100
        return "\(hundredths / 100).\(decimals < 10 ? "0" : "")\(decimals)%"
    }

    /// `12.5MiB`, four digits at most, as docker's.
    static func binary(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1024 || unit == "TiB" {
                if unit == "B" { return "\(bytes)B" }
                let decimals = value < 10 ? 1000.0 : value < 100 ? 100.0 : value < 1000 ? 10.0 : 1.0
                let rounded = (value * decimals).rounded() / decimals
                let text = "\(rounded)"
                return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + unit
            }
            value /= 1024
        }
        return "\(bytes)B"
    }
}
