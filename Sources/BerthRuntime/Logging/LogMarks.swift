// What log lines say of their container: the tag and the extra attributes that `logging.options` ask for.
import BerthModel

struct LogMarks {
    let record: ContainerRecord

    private func option(_ name: String) -> String { record.service.logging?.options[name] ?? "" }

    /// Labels and variables that `labels`, `labels-regex`, `env` and `env-regex` choose.
    func attributes() throws -> [String: String] {
        var chosen: [String: String] = [:]
        let variables = Dictionary(
            SpecBuilder.environment(record, home: "").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
            }
        ) { $1 }
        for (list, values) in [("labels", record.labels), ("env", variables)] {
            for name in option(list).split(separator: ",").map(String.init) {
                if let value = values[name] { chosen[name] = value }
            }
            let pattern = option("\(list)-regex")
            guard !pattern.isEmpty else { continue }
            do {
                let expression = try Regex(pattern)
                for (name, value) in values where name.contains(expression) { chosen[name] = value }
            } catch {
                throw BerthError(
                    .invalid, "reading the logging options", subject: record.service.name,
                    cause: "\(list)-regex \"\(pattern)\" is no regular expression")
            }
        }
        return chosen
    }

    /// The `tag` with its fields filled in; without one Docker's default, the short id.
    func tag() throws -> String {
        let text = option("tag")
        if text.isEmpty { return record.id.short }
        var tag = ""
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            tag += rest[..<open.lowerBound]
            let name = rest[open.upperBound..<close.lowerBound].filter { $0 != " " }
            guard let value = fields[name] else {
                throw BerthError(
                    .invalid, "reading the logging options", subject: record.service.name,
                    cause: "the tag \"\(text)\" names \"{{\(name)}}\", which is not known",
                    hint: "known are \(fields.keys.sorted().joined(separator: ", "))")
            }
            tag += value
            rest = rest[close.upperBound...]
        }
        return tag + rest
    }

    private var fields: [String: String] {
        [
            ".ID": record.id.short, ".FullID": record.id.text, ".Name": record.name,
            ".ImageID": String(record.imageID.hex.prefix(12)), ".ImageFullID": "\(record.imageID)",
            ".ImageName": record.imageReference, ".DaemonName": "berth",
        ]
    }
}
