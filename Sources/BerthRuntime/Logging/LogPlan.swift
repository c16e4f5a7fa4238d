// `logging` as the shim's writers need it.
import BerthLinux
import BerthModel

/// The container's own log, and who else gets its output.
struct LogPlan: Equatable {
    var bytesMax: Int64 = 10_000_000
    var filesMax = 3
    /// No file: `logs` has nothing to show.
    var isOff = false
    /// Rendered JSON for every line; empty: none.
    var attributes = ""
    var forward: LogForward?

    init(_ record: ContainerRecord) throws {
        guard let logging = record.service.logging else { return }
        let route: LogRoute?
        do {
            route = try LogRoute.of(logging)
        } catch {
            throw BerthError(
                .invalid, "reading the logging options", subject: record.service.name, cause: error.message,
                hint: error.suggestion)
        }
        let options = logging.options
        isOff = logging.driver == "none" || options["cache-disabled"] == "true"
        let prefix = route == nil ? "max" : "cache-max"
        if let size = options["\(prefix)-size"] { bytesMax = LogOptions.bytes(size) ?? 0 }
        if let count = options["\(prefix)-file"], let number = Int(count), number > 0 { filesMax = number }
        let marks = LogMarks(record: record)
        if let route {
            forward = try LogPlan.forward(route, marks, options)
        } else if (logging.driver ?? "json-file") == "json-file" {
            var pairs = try marks.attributes()
            if options["tag"] != nil { pairs["tag"] = try marks.tag() }
            if !pairs.isEmpty {
                attributes =
                    "{"
                    + pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
                        "\(quoted($0.key)):\(quoted($0.value))"
                    }.joined(separator: ",") + "}"
            }
        }
    }

    /// As Go's encoder escapes.
    private func quoted(_ text: String) -> String {
        JSONString.quoted(text, escaping: JSONString.lineSeparators.union(JSONString.markup))
    }

    private static func forward(_ route: LogRoute, _ marks: LogMarks, _ options: [String: String]) throws -> LogForward
    {
        let tag = try marks.tag()
        var forward: LogForward
        switch route {
        case .journal:
            forward = LogForward(format: .journal, tag: tag)
            forward.paths = ["/run/systemd/journal/socket"]
            forward.isStream = false
            forward.fields = try journalFields(marks, tag)
        case .syslog(let place, let format, let facility):
            let formats: [SyslogFormat: LogForward.Format] = [
                .local: .local, .rfc3164: .rfc3164, .rfc5424: .rfc5424, .rfc5424micro: .rfc5424micro,
            ]
            forward = LogForward(format: formats[format] ?? .local, tag: tag)
            forward.facility = facility
            switch place {
            case .local: forward.paths = ["/dev/log", "/var/run/syslog", "/var/run/log"]
            case .socket(let path, let isStream): (forward.paths, forward.isStream) = ([path], isStream)
            case .host(let host, let port, let isStream):
                (forward.host, forward.port, forward.isStream) = (host, port, isStream)
            }
        }
        forward.losesOverflow = options["mode"] == "non-blocking"
        if let size = options["max-buffer-size"].flatMap(LogOptions.bytes) { forward.pendingBytesMax = Int(size) }
        return forward
    }

    /// Docker's names in the journal.
    private static func journalFields(_ marks: LogMarks, _ tag: String) throws -> [String] {
        let record = marks.record
        let own = [
            "CONTAINER_ID=\(record.id.short)", "CONTAINER_ID_FULL=\(record.id.text)", "CONTAINER_NAME=\(record.name)",
            "CONTAINER_TAG=\(tag)", "IMAGE_NAME=\(record.imageReference)", "SYSLOG_IDENTIFIER=\(tag)",
        ]
        return try own
            + marks.attributes().sorted { $0.key < $1.key }.compactMap { name, value in
                let key = journalName(name)
                return key.isEmpty ? nil : "\(key)=\(value)"
            }
    }

    /// Upper case letters, digits and underscores, not beginning with one: what a journal field may be called.
    static func journalName(_ name: String) -> String {
        let upper = name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return String(String(upper).drop { $0 == "_" || $0.isNumber }.prefix(64))
    }
}
