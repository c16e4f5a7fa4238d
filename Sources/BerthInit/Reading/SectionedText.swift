// Files of `[section]` and `name = value` lines (pyproject.toml, Pipfile), as far as a look needs them.

struct SectionedText {
    struct Row {
        var section: String
        var line: NumberedLine
        /// What stands before the first `=`, without quotes; nil: the line is no assignment.
        var name: String?
        var value: Substring
    }

    let rows: [Row]

    init(_ lines: [NumberedLine]) {
        var section = ""
        rows = lines.compactMap { line in
            let text = TextLines.trimmed(line.text)
            if text.isEmpty || text.hasPrefix("#") { return nil }
            if text.hasPrefix("["), let end = text.firstIndex(of: "]"), !text.contains("=") {
                section = text[..<end].filter { $0 != "[" && $0 != "\"" }
                return nil
            }
            guard let sign = text.firstIndex(of: "=") else {
                return Row(section: section, line: line, name: nil, value: text[...])
            }
            let name = TextLines.trimmed(text[..<sign]).filter { $0 != "\"" && $0 != "'" }
            return Row(section: section, line: line, name: name, value: text[text.index(after: sign)...])
        }
    }

    func value(_ section: String, _ name: String) -> (text: String, line: NumberedLine)? {
        guard let row = rows.first(where: { $0.section == section && $0.name == name }) else { return nil }
        let text = QuotedText.all(in: row.value).first.map(String.init) ?? TextLines.trimmed(row.value)
        return (text, row.line)
    }

    func hasSection(_ name: String) -> Bool {
        rows.contains { $0.section == name || $0.section.hasPrefix(name + ".") }
    }

    /// The texts of an array that may go over several lines.
    func array(_ section: String, _ name: String) -> [(text: String, line: NumberedLine)] {
        guard let first = rows.firstIndex(where: { $0.section == section && $0.name == name }) else { return [] }
        var found: [(text: String, line: NumberedLine)] = []
        for (index, row) in rows[first...].enumerated() {
            // Behind the first line, a name of its own means that nobody closed the array.
            let text = index == 0 ? row.value : row.line.text
            found += QuotedText.all(in: text).map { (String($0), row.line) }
            if TextLines.trimmed(text).hasSuffix("]") { break }
        }
        return found
    }
}
