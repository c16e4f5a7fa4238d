// What was seen and why, for people: a line each, aligned, with the place.

package struct ExplanationText {
    private let findings: ProjectFindings

    package init(_ findings: ProjectFindings) { self.findings = findings }

    /// What was seen.
    package var sight: String {
        let what =
            findings.framework.map { "\(findings.language.value.rawValue) project (\($0.value))" }
            ?? "\(findings.language.value.rawValue)\(findings.language.value == .pages ? "" : " project")"
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
        add("language", findings.language) { value in
            [value.rawValue, findings.version?.value].compactMap { $0 }.joined(separator: " ")
        }
        if let version = findings.version { rows.append(("", "version \(version.value)", "\(version.evidence)")) }
        add("framework", findings.framework) { $0 }
        add("packages", findings.packageTool) { $0 }
        add("start", findings.start) { ExplanationText.words($0) }
        add("port", findings.port) { "\($0)" }
        add("health", findings.healthPath) { "GET \($0)" }
        for process in findings.processes {
            rows.append(
                (
                    process.kind.rawValue, "\(process.name): \(ExplanationText.words(process.command))",
                    "\(process.evidence)"
                ))
        }
        for database in findings.databases {
            for (index, evidence) in database.evidence.enumerated() {
                rows.append((index == 0 ? "database" : "", index == 0 ? database.kind.title : "", "\(evidence)"))
            }
        }
        return rows
    }

    /// The language's own row says no version, which has a row and a reason of its own.
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
