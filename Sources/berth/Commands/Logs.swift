// `logs`: what containers have written, and what they write.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthLog
import BerthModel

struct Logs: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Show the output of containers",
        discussion: """
            Examples:
              berth logs -f web
              berth logs --tail 20 -t
              berth logs --since 10m
            """)
    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on as they write") var follow = false
    @Option(name: [.customShort("n"), .customLong("tail")], help: "Lines from the end, or all") var tail = "all"
    @Flag(name: [.customShort("t"), .customLong("timestamps")], help: "Show times") var timestamps = false
    @Option(help: "From a time (RFC 3339) or a duration ago (10m)") var since: String?
    @Option(help: "To a time or a duration ago") var until: String?
    @Flag(help: "No colours") var noColor = false
    @Flag(help: "No prefixes") var noLogPrefix = false
    @Option(help: "Only the replica of this number") var index: Int?
    @Argument(help: "Services; none: all") var services: [String] = []

    func run() async throws {
        let context = try StackContext.identify(services: services)
        var selection = LogSelection()
        if tail != "all" {
            guard let count = Int(tail), count >= 0 else {
                throw BerthError(.invalid, "reading --tail \(tail)", cause: "expected a number or all")
            }
            selection.tail = count
        }
        selection.since = try since.map(Logs.instant)
        selection.until = try until.map(Logs.instant)
        let client = try await AgentConnection.client()
        let documents = try await client.containers(ContainerFilter(stack: context.name)).filter { document in
            (services.isEmpty || services.contains(document.record.slot.service))
                && (index == nil || document.record.slot.number == index)
        }
        let style = LogStyle(prefix: !noLogPrefix, timestamps: timestamps, colour: !noColor)
        let printer = LogPrinter(documents.map { LogPrinter.shortName($0.record) }, style)
        if follow { return try await followAll(documents, selection, printer, client) }
        // One container's lines after the other's would hide what happened when: by time, as docker does.
        var lines: [(String, LogLine)] = []
        if documents.count == 1, let only = documents.first {
            let name = LogPrinter.shortName(only.record)
            return LogFile(path: only.logFile).read(selection) { printer.show(name, $0) }
        }
        for document in documents {
            let name = LogPrinter.shortName(document.record)
            LogFile(path: document.logFile).read(selection) { lines.append((name, $0)) }
        }
        for (name, line) in lines.enumerated().sorted(by: {
            ($0.element.1.time, $0.offset) < ($1.element.1.time, $1.offset)
        }).map(\.element) {
            printer.show(name, line)
        }
    }

    private func followAll(
        _ documents: [ContainerDocument], _ selection: LogSelection, _ printer: LogPrinter, _ client: ControlClient
    ) async throws {
        let poller = try Poller()
        await withTaskGroup(of: Void.self) { group in
            for document in documents {
                group.addTask {
                    guard let follower = try? LogFollower(document.logFile, selection, poller: poller) else { return }
                    let waiter = Task {
                        _ = try? await client.wait(container: document.record.id)
                        follower.finish()
                    }
                    for await line in follower.lines { printer.show(LogPrinter.shortName(document.record), line) }
                    waiter.cancel()
                }
            }
        }
    }

    /// RFC 3339 in UTC for a time or a duration before now.
    static func instant(_ text: String) throws -> String {
        if text.contains("T") || text.contains("-") { return text }
        var seconds = 0.0
        var digits = ""
        for character in text {
            if character.isNumber || character == "." { digits.append(character); continue }
            guard let value = Double(digits),
                let factor = ["s": 1.0, "m": 60, "h": 3600, "d": 86400][String(character)]
            else {
                throw BerthError(
                    .invalid, "reading the time \(text)", cause: "expected RFC 3339 or a duration such as 10m")
            }
            seconds += value * factor
            digits = ""
        }
        if !digits.isEmpty { return "\(Timestamp(nanosecondsSinceEpoch: Int64((Double(digits) ?? 0) * 1e9)))" }
        return "\(Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds() - Int64(seconds * 1e9)))"
    }
}
