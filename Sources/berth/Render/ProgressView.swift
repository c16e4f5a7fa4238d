// Progress of a request: in place on a terminal, a line an event when piped, JSON when asked.
import BerthControl
import BerthLinux
import BerthModel
import FoundationEssentials
import Synchronization

final class ProgressView: Sendable {
    enum Mode: Sendable { case terminal, plain, json, quiet }

    struct Row {
        var kind: String; var name: String; var status: String; var seconds: Double?; var isDone: Bool;
        var isError: Bool
        /// Of a layer's row.
        var image: String?
        /// Of a build step: its number, and the end of what it wrote.
        var step: Int?
        var tail: [String] = []
    }
    struct State {
        var rows: [Row] = []
        var drawn = 0
        /// Of build steps, by number: the end of what they wrote, for who sees only failures.
        var written: [Int: [String]] = [:]
    }

    let mode: Mode
    private let title: String
    let state = Mutex(State())

    /// Layers and images are not shown.
    private let hidesPulls: Bool
    let hidesBuilds: Bool

    init(title: String, quiet: Bool = false, hidesPulls: Bool = false, hidesBuilds: Bool = false) {
        self.hidesBuilds = hidesBuilds
        self.title = title
        self.hidesPulls = hidesPulls
        if quiet {
            mode = .quiet
            return
        }
        switch GlobalOptions.current.progress ?? EnvironmentVariables.value("COMPOSE_PROGRESS") ?? "auto" {
        case "quiet": mode = .quiet
        case "json": mode = .json
        case "plain": mode = .plain
        case "tty": mode = .terminal
        default: mode = Console.shared.errorIsTerminal && Console.shared.colours(true) ? .terminal : .plain
        }
    }

    private static let kinds: [Event.Kind: String] = [
        .layer: "Layer", .container: "Container", .network: "Network", .volume: "Volume", .image: "Image",
        .service: "Service",
        .stack: "Stack",
    ]
    private static let doing: Set<Event.Status> = [
        .creating, .starting, .waiting, .stopping, .killing, .removing, .pausing, .unpausing, .restarting, .recreate,
        .pulling, .pushing, .building,
    ]

    func show(_ event: Event) {
        if hidesPulls && (event.kind == .image || event.kind == .layer) && event.status != .error { return }
        if let layer = event.layer { return show(layer, of: event) }
        let kind = ProgressView.kinds[event.kind] ?? ""
        let seconds = event.elapsedMilliseconds.map { $0 / 1000 }
        switch mode {
        case .quiet: return
        case .json: showJSON(event)
        case .plain:
            let detail = event.detail.isEmpty ? "" : " \(Console.safe(event.detail))"
            let time = seconds.map { "  \(ProgressView.format($0))s" } ?? ""
            Console.shared.error(" \(kind) \(Console.safe(event.name))  \(event.status.rawValue)\(detail)\(time)")
        case .terminal:
            state.withLock { state in
                let row = Row(
                    kind: kind, name: Console.safe(event.name), status: event.status.rawValue, seconds: seconds,
                    isDone: !ProgressView.doing.contains(event.status), isError: event.status == .error)
                // An image that is there needs no rows for its layers any more.
                if event.kind == .image, row.isDone { state.rows.removeAll { $0.image == event.name } }
                if let index = state.rows.firstIndex(where: { $0.kind == row.kind && $0.name == row.name }) {
                    state.rows[index] = row
                } else {
                    state.rows.append(row)
                }
                draw(&state)
            }
        }
    }

    /// A layer on its way: how far on a terminal, a line for each phase elsewhere.
    private func show(_ layer: LayerProgress, of event: Event) {
        let isMoving = [.downloading, .pushing].contains(layer.phase) && layer.doneBytes > 0
        switch mode {
        case .quiet: return
        case .json: showJSON(layer, of: event)
        case .plain:
            if !isMoving && layer.phase != .waiting { Console.shared.error(" \(event.name) \(layer.phase.rawValue)") }
        case .terminal:
            state.withLock { state in
                let isDone = layer.isEnded
                var row = Row(
                    kind: "  ", name: event.name, status: layer.phase.rawValue, seconds: nil, isDone: isDone,
                    isError: false)
                row.image = event.image
                if isMoving {
                    row.status +=
                        " \(ContainerText.bytes(layer.doneBytes))/\(ContainerText.bytes(layer.totalBytes))"
                }
                place(row, in: &state)
                draw(&state)
            }
        }
    }

    /// Below its image, after the layers that are there.
    private func place(_ row: Row, in state: inout State) {
        if let index = state.rows.firstIndex(where: { $0.image == row.image && $0.name == row.name }) {
            state.rows[index] = row
        } else if let above = state.rows.lastIndex(where: {
            $0.image == row.image || $0.image == nil && $0.kind == "Image" && $0.name == row.image
        }) {
            state.rows.insert(row, at: above + 1)
        } else {
            state.rows.append(row)
        }
    }

    private func showJSON(_ layer: LayerProgress, of event: Event) {
        struct Line: Encodable {
            var id: String; var parent_id: String; var status: String; var text: String
            var current: Int64; var total: Int64
        }
        let line = Line(
            id: event.name, parent_id: "Image \(event.image ?? "")",
            status: layer.isEnded ? "Done" : "Working", text: layer.phase.rawValue,
            current: layer.doneBytes, total: layer.totalBytes)
        if let data = try? JSONEncoder().encode(line) { Console.shared.error(String(decoding: data, as: UTF8.self)) }
    }

    private func showJSON(_ event: Event) {
        struct Line: Encodable { var id: String; var status: String; var text: String?; var parent_id: String? }
        let line = Line(
            id: "\(ProgressView.kinds[event.kind] ?? "") \(event.name)",
            status: event.status == .error ? "Error" : ProgressView.doing.contains(event.status) ? "Working" : "Done",
            text: event.status.rawValue)
        if let data = try? JSONEncoder().encode(line) { Console.shared.error(String(decoding: data, as: UTF8.self)) }
    }

    /// Moves up over what was drawn and draws all rows again.
    func draw(_ state: inout State) {
        let limit = Int(Terminal.size(2)?.rows ?? 24) - 2
        let counted = state.rows.filter { $0.image == nil }
        let done = counted.filter(\.isDone).count
        var text = state.drawn > 0 ? "\u{1B}[\(state.drawn)A" : ""
        text += "\u{1B}[J[+] \(title) \(done)/\(counted.count)\n"
        let columns = Int(Terminal.size(2)?.columns ?? 80)
        let width = min(state.rows.map { $0.kind.count + $0.name.count + 1 }.max() ?? 0, max(20, columns - 22))
        var room = max(1, limit)
        var first = state.rows.endIndex
        // The newest rows that fit, with what they say.
        while first > 0, room >= 1 + state.rows[first - 1].tail.count {
            first -= 1
            room -= 1 + state.rows[first].tail.count
        }
        var lineCount = 1
        for row in state.rows[min(first, max(0, state.rows.count - 1))...] {
            let mark =
                row.isError ? "\u{1B}[31m✘\u{1B}[0m" : row.isDone ? "\u{1B}[32m✔\u{1B}[0m" : "\u{1B}[33m⠿\u{1B}[0m"
            let whole = row.kind.isEmpty ? row.name : "\(row.kind) \(row.name)"
            let name = whole.count > width ? whole.prefix(width - 1) + "…" : whole[...]
            let pad = String(repeating: " ", count: max(0, width - name.count))
            let colour = row.isError ? "31" : row.isDone ? "32" : "33"
            let time = row.seconds.map { "  \u{1B}[34m\(ProgressView.format($0))s\u{1B}[0m" } ?? ""
            text += "\u{1B}[2K \(mark) \(name)\(pad)  \u{1B}[\(colour)m\(row.status)\u{1B}[0m\(time)\n"
            for line in row.tail { text += "\u{1B}[2K    \u{1B}[2m\(line.prefix(max(10, columns - 6)))\u{1B}[0m\n" }
            lineCount += 1 + row.tail.count
        }
        state.drawn = lineCount
        Console.shared.errorRaw(text)
    }

    /// Above the rows, which are drawn again below it.
    private func warn(_ text: String) {
        state.withLock { state in
            if mode == .terminal, state.drawn > 0 { Console.shared.errorRaw("\u{1B}[\(state.drawn)A\u{1B}[J") }
            state.drawn = 0
            Console.shared.warn(Console.safe(text))
            if mode == .terminal, !state.rows.isEmpty { draw(&state) }
        }
    }

    static func format(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Shows a stream to its end; its result.
    @discardableResult
    func follow(_ stream: ProgressStream) async throws -> RequestResult {
        var result = RequestResult()
        // What is drawn is final then: a later request draws below whatever was written since.
        defer { state.withLock { $0 = State() } }
        for try await item in stream {
            switch item {
            case .event(let event): show(event)
            case .warning(let text): warn(text)
            case .build(let step): show(step)
            case .plan(let plan): Console.shared.out(mode == .json ? PlanText.json(plan) : PlanText.text(plan))
            case .result(let ended): result = ended
            }
        }
        return result
    }
}
