// What was seen and why, for people: a line each, aligned, with the place.

package struct ExplanationText {
    private let findings: ProjectFindings

    package init(_ findings: ProjectFindings) { self.findings = findings }

    /// What was seen.
    package var sight: String {
        var what = findings.language.value == .pages ? "static site" : "\(findings.language.value.rawValue) project"
        if let framework = findings.framework { what += " (\(framework.value))" }
        return "\(findings.name): a \(what)\n\n" + ExplanationText.table(rows)
    }

    /// What the user has to look at; empty: nothing.
    package var remarks: String {
        if allRemarks.isEmpty { return "" }
        return "To look at:\n" + allRemarks.map { "  - \($0)\n" }.joined()
    }

    package var allRemarks: [String] { findings.remarks + variableRemarks }

    private var rows: [(String, String, String)] {
        var rows: [(String, String, String)] = []
        func add<Value>(_ title: String, _ finding: Finding<Value>?, _ text: (Value) -> String) {
            guard let finding else { return }
            rows.append((title, text(finding.value), "\(finding.evidence)"))
        }
        add("language", findings.language) { $0.rawValue }
        // A Dockerfile that is there says these itself.
        let isOurs = findings.existing.dockerfile == nil
        add("version", isOurs ? findings.version : nil) { $0 }
        add("framework", findings.framework) { $0 }
        add("packages", isOurs ? findings.packageTool : nil) { $0 }
        add("start", isOurs ? findings.start : nil) { ExplanationText.words($0) }
        add("port", findings.port) { "\($0)" }
        add("health", isOurs ? findings.healthPath : nil) { "GET \($0)" }
        for process in findings.processes {
            let kind = process.kind.rawValue
            let words = ExplanationText.words(process.command)
            rows.append((kind, process.name == kind ? words : "\(process.name): \(words)", "\(process.evidence)"))
        }
        for database in findings.databases {
            for (index, evidence) in database.evidence.enumerated() {
                rows.append((index == 0 ? "database" : "", index == 0 ? database.kind.title : "", "\(evidence)"))
            }
        }
        return rows
    }

    private static func table(_ rows: [(String, String, String)]) -> String {
        let width = min(36, rows.map(\.1.count).max() ?? 0)
        return rows.map { title, value, reason in
            let head = "  " + padded(title, 10) + " "
            // A long value has its reason below it.
            if value.count > width { return "\(head)\(value)\n\(padded("", 13 + width))  \(reason)\n" }
            return "\(head)\(padded(value, width))  \(reason)\n"
        }.joined()
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// As it would be typed.
    static func words(_ command: [String]) -> String {
        command.map { word in
            word.contains(where: { $0.isWhitespace || "\"'$;&|<>()".contains($0) }) ? "'\(word)'" : word
        }.joined(separator: " ")
    }

    private var variableRemarks: [String] {
        if findings.existing.stackFile != nil { return [] }
        let variables = ServiceVariables(findings)
        return variables.unasked.map { name in
            "no line of code says where the database is: \(name) is set, read it"
        }
    }
}
