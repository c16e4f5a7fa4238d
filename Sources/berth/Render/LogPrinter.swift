// Log lines with their service's prefix and colour, from several containers at once.
import BerthControl
import BerthLinux
import BerthLog
import BerthModel
import Synchronization

struct LogStyle: Sendable {
    var prefix = true
    var timestamps = false
    var colour = true
    /// `logs` prints everything on standard output; a foreground `up` keeps the two apart.
    var separatesErrors = false
}

final class LogPrinter: Sendable {
    private static let palette = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"]
    private let style: LogStyle
    private let width: Int
    private let colours: [String: String]

    /// - Parameter names: everything that will be printed, for the width of the prefix.
    init(_ names: [String], _ style: LogStyle) {
        self.style = style
        width = names.map(\.count).max() ?? 0
        var assigned: [String: String] = [:]
        for (index, name) in names.enumerated() {
            assigned[name] = LogPrinter.palette[index % LogPrinter.palette.count]
        }
        colours = assigned
    }

    /// `web-1`: the container without its stack.
    static func shortName(_ record: ContainerRecord) -> String {
        record.service.containerName
            ?? (record.name.hasPrefix("\(record.stack)-")
                ? String(record.name.dropFirst(record.stack.count + 1)) : record.name)
    }

    private func prefix(_ name: String) -> String {
        guard style.prefix else { return "" }
        let padded = name + String(repeating: " ", count: max(0, width - name.count)) + "  | "
        guard style.colour, let colour = colours[name], Console.shared.colours(Console.shared.outIsTerminal) else {
            return padded
        }
        return "\u{1B}[\(colour)m\(padded)\u{1B}[0m"
    }

    func show(_ name: String, _ line: LogLine) {
        let time = style.timestamps ? "\(line.time) " : ""
        let text = line.text.hasSuffix("\n") ? line.text : line.text + "\n"
        let whole = prefix(name) + time + text
        if style.separatesErrors && line.isError {
            Console.shared.errorRaw(whole)
        } else {
            Console.shared.outRaw(whole)
        }
    }

    func ended(_ name: String, code: Int32) {
        Console.shared.out("\(name) exited with code \(code)")
    }
}
