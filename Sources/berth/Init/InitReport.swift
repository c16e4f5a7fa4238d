// What `init` says: for people what was seen, what was written and what comes next; for programs the same as JSON.
import BerthInit
import BerthModel

struct InitReport {
    let findings: ProjectFindings
    let files: [GeneratedFile]
    /// Nothing was written.
    let isDry: Bool
    /// The directory as it was given; nil: the current one.
    let directory: String?

    var text: String {
        let explanation = ExplanationText(findings)
        var text = explanation.sight + "\n"
        for file in files { text += "\(isDry ? "Would write" : "Wrote") \(file.path)\n" }
        for path in findings.existing.all { text += "Left \(path) as it is\n" }
        if !explanation.remarks.isEmpty { text += "\n" + explanation.remarks }
        if isDry {
            for file in files { text += "\n--- \(file.path)\n\(file.text)" }
        } else {
            text += "\nNext: \(next)\n"
        }
        return Console.safe(text, keepNewlines: true)
    }

    private var next: String {
        let name = findings.existing.stackFile ?? "compose.yaml"
        let file = directory.map { "-f \($0)/\(name) " } ?? ""
        // A stack file that was there has ports of its own.
        guard findings.existing.stackFile == nil, let port = findings.port?.value else {
            return "berth \(file)up --build"
        }
        return "berth \(file)up --build, then open http://localhost:\(port < 1024 ? port + 8000 : port)"
    }

    var json: String {
        func finding<Value>(_ name: String, _ found: Finding<Value>?, _ value: (Value) -> JSONText) -> [(
            String, JSONText
        )] {
            guard let found else { return [] }
            return [(name, .object([("value", value(found.value)), ("evidence", InitReport.json(found.evidence))]))]
        }
        func words(_ command: [String]) -> JSONText { .array(command.map { .string($0) }) }
        var fields: [(String, JSONText)] = [("name", .string(findings.name))]
        fields += finding("language", findings.language) { .string($0.rawValue) }
        fields += finding("version", findings.version) { .string($0) }
        fields += finding("framework", findings.framework) { .string($0) }
        fields += finding("packages", findings.packageTool) { .string($0) }
        fields += finding("start", findings.start, words)
        fields += finding("port", findings.port) { .number(Int64($0)) }
        fields += finding("health", findings.healthPath) { .string($0) }
        let processes = findings.processes.map { process in
            JSONText.object([
                ("name", .string(process.name)), ("kind", .string(process.kind.rawValue)),
                ("command", words(process.command)), ("evidence", InitReport.json(process.evidence)),
            ])
        }
        let databases = findings.databases.map { database in
            JSONText.object([
                ("kind", .string(database.kind.rawValue)), ("image", .string(database.kind.image)),
                ("evidence", .array(database.evidence.map(InitReport.json))),
            ])
        }
        let written = files.map { file in
            JSONText.object([
                ("path", .string(file.path)), ("written", .bool(!isDry)), ("text", .string(file.text)),
            ])
        }
        fields += [
            ("processes", .array(processes)), ("databases", .array(databases)), ("files", .array(written)),
            ("existing", .array(findings.existing.all.map { .string($0) })),
            ("remarks", .array(ExplanationText(findings).allRemarks.map { .string($0) })),
        ]
        return JSONText.object(fields).text + "\n"
    }

    private static func json(_ evidence: Evidence) -> JSONText {
        var fields: [(String, JSONText)] = []
        if let path = evidence.path { fields.append(("file", .string(path))) }
        if let line = evidence.line { fields.append(("line", .number(Int64(line)))) }
        fields.append((evidence.path == nil ? "assumed" : "text", .string(evidence.words)))
        return .object(fields)
    }
}
