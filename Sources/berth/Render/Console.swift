// What the user sees: results on standard output, everything else on standard error. Colour only on a terminal.
import BerthLinux
import BerthModel
import Synchronization

final class Console: Sendable {
    static let shared = Console()
    private let lock = Mutex(())

    let outIsTerminal = Terminal.isTerminal(1)
    let errorIsTerminal = Terminal.isTerminal(2)

    /// Colour on a stream, by --ansi and NO_COLOR.
    func colours(_ isTerminal: Bool) -> Bool {
        switch GlobalOptions.current.ansi {
        case "always": true
        case "never": false
        default: isTerminal && EnvironmentVariables.value("NO_COLOR") == nil
        }
    }

    func out(_ text: String) { write(1, text + "\n") }
    func outRaw(_ text: String) { write(1, text) }
    func error(_ text: String) { write(2, text + "\n") }
    func errorRaw(_ text: String) { write(2, text) }

    private func write(_ number: Int32, _ text: String) {
        lock.withLock { _ in
            // Ignored: whoever closed the stream does not want it.
            try? FileIO.write(number: number, Array(text.utf8))
        }
    }

    func warn(_ text: String) {
        error(colours(errorIsTerminal) ? "\u{1B}[33mWARN\u{1B}[0m \(text)" : "WARN \(text)")
    }

    func fail(_ failure: BerthError) {
        let head = colours(errorIsTerminal) ? "\u{1B}[31mberth:\u{1B}[0m" : "berth:"
        error("\(head) \(Console.safe(failure.description, keepNewlines: true))")
        if let hint = failure.hint {
            error(
                colours(errorIsTerminal)
                    ? "\u{1B}[2mhint: \(Console.safe(hint, keepNewlines: true))\u{1B}[0m" : "hint: \(hint)")
        }
    }

    /// Control characters of names and outputs, made visible: nothing that a container writes moves our cursor.
    static func safe(_ text: String, keepNewlines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            return text
        }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n" && keepNewlines || scalar == "\t" {
                result.append(scalar)
            } else if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                result.append(contentsOf: "\\x\(Hex.encode([UInt8(scalar.value)]))".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

/// Columns of text, padded to the widest cell, three spaces between.
enum Table {
    static func text(_ titles: [String], _ rows: [[String]]) -> String {
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            return cells.joined(separator: "   ")
        }.joined(separator: "\n")
    }
}
