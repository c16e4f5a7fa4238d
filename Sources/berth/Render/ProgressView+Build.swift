// Steps of a build: rows with the end of their output on a terminal, numbered lines when piped.
import BerthModel
import FoundationEssentials
import Synchronization

extension ProgressView {
    /// Lines below a step that runs.
    private static let tailLines = 5
    /// Lines that a step which failed is shown with, where they were not shown before.
    private static let keptLines = 20

    func show(_ step: BuildProgress) {
        if step.status == .warning {
            if mode != .json { Console.shared.warn(Console.safe(step.text)) }
            return
        }
        switch mode {
        case _ where hidesBuilds: keep(step)
        case .quiet: keep(step)
        case .json: showJSON(step)
        case .plain: showPlain(step)
        case .terminal: showRow(step)
        }
    }

    private static func seconds(_ step: BuildProgress) -> Double? { step.elapsedMilliseconds.map { $0 / 1000 } }

    /// As docker's plain progress has it: a number a step.
    private func showPlain(_ step: BuildProgress) {
        let number = "#\(step.step)"
        switch step.status {
        case .started: Console.shared.error("\(number) \(Console.safe(step.name))")
        case .output:
            for line in ProgressView.lines(step.text) { Console.shared.error("\(number) \(line)") }
        case .cached:
            Console.shared.error("\(number) CACHED")
        case .done:
            Console.shared.error("\(number) DONE \(ProgressView.format(ProgressView.seconds(step) ?? 0))s")
        case .failed:
            Console.shared.error("\(number) ERROR: \(Console.safe(step.text, keepNewlines: true))")
        case .warning: break
        }
    }

    private func showRow(_ step: BuildProgress) {
        state.withLock { state in
            var row = Row(
                kind: "", name: Console.safe(step.name), status: "Running", seconds: ProgressView.seconds(step),
                isDone: false, isError: false)
            row.step = step.step
            let index = state.rows.firstIndex { $0.step == step.step }
            switch step.status {
            case .output:
                guard let index else { return }
                let lines = ProgressView.lines(step.text)
                state.rows[index].tail = Array((state.rows[index].tail + lines).suffix(ProgressView.tailLines))
                state.written[step.step] = Array(
                    ((state.written[step.step] ?? []) + lines).suffix(ProgressView.keptLines))
                return draw(&state)
            case .cached:
                row.status = "CACHED"
                row.seconds = nil
                row.isDone = true
            case .done:
                row.status = "Done"
                row.isDone = true
            case .failed:
                row.status = "Failed"
                row.isError = true
            default: break
            }
            if let index { state.rows[index] = row } else { state.rows.append(row) }
            draw(&state)
            if step.status == .failed { showFailure(step, &state) }
        }
    }

    private func keep(_ step: BuildProgress) {
        state.withLock { state in
            if step.status == .output {
                let lines = (state.written[step.step] ?? []) + ProgressView.lines(step.text)
                state.written[step.step] = Array(lines.suffix(ProgressView.keptLines))
            } else if step.status == .failed {
                showFailure(step, &state)
            }
        }
    }

    /// What the step wrote last, and where in the Dockerfile it stands.
    private func showFailure(_ step: BuildProgress, _ state: inout State) {
        // Below everything that was drawn: it stays.
        state.drawn = 0
        let rule = String(repeating: "-", count: 20)
        Console.shared.error("\(rule)\n > \(Console.safe(step.name)):")
        for line in state.written[step.step] ?? [] { Console.shared.error(line) }
        Console.shared.error("\(rule)\n\(Console.safe(step.text, keepNewlines: true))\n\(rule)")
    }

    private func showJSON(_ step: BuildProgress) {
        struct Line: Encodable { var id: String; var status: String; var text: String; var parent_id: String }
        let status: String
        switch step.status {
        case .started, .output: status = "Working"
        case .failed: status = "Error"
        default: status = "Done"
        }
        let line = Line(
            id: "#\(step.step)", status: status, text: step.text.isEmpty ? step.status.rawValue : step.text,
            parent_id: step.name)
        if let data = try? JSONEncoder().encode(line) { Console.shared.error(String(decoding: data, as: UTF8.self)) }
    }

    /// Of a line that was written over itself, the last state.
    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            let last = line.split(separator: "\r").last ?? ""
            return Console.safe(String(last))
        }
    }
}
