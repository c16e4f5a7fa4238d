// Errors as runc writes them: one line to standard error and one to the log, as text or JSON.
import BerthLinux
import BerthModel

struct Report {
    private var path: String?
    private var isJSON = false

    init() {}

    init(_ global: [String: [String]]) {
        path = global["log"]?.last
        isJSON = global["log-format"]?.last == "json"
    }

    func write(_ error: any Error) {
        let message = text(error)
        let time = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds() / 1_000_000_000 * 1_000_000_000)
        let quoted = JSONString.quoted(message)
        let plain = "time=\"\(time)\" level=error msg=\(quoted)\n"
        if let path, !path.isEmpty {
            let line = isJSON ? "{\"level\":\"error\",\"msg\":\(quoted),\"time\":\"\(time)\"}\n" : plain
            // Ignored: standard error still says it.
            if let file = try? Directory.open(path, flags: FileFlags.append, mode: 0o644) {
                try? FileIO.write(file, Array(line.utf8))
            }
        }
        try? FileIO.write(number: 2, Array((path == nil ? plain : "\(message)\n").utf8))
    }

    private func text(_ error: any Error) -> String {
        guard let error = error as? BerthError else { return "\(error)" }
        return error.description
    }
}

func printLine(_ text: String) throws { try FileIO.write(number: 1, Array("\(text)\n".utf8)) }
