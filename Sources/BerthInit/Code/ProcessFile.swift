// `Procfile`: the project's programs by name, as platforms read it.

enum ProcessFile {
    struct Row {
        var name: String
        var text: String
        var line: Int
    }

    static func rows(_ tree: ProjectTree) -> [Row] {
        tree.lines("Procfile", limit: LookLimits.codeBytesMax).prefix(100).compactMap { line in
            guard let colon = line.text.firstIndex(of: ":") else { return nil }
            let name = TextLines.trimmed(line.text[..<colon])
            let text = TextLines.trimmed(line.text[line.text.index(after: colon)...])
            let isName = !name.isEmpty && name.count <= 40 && name.utf8.allSatisfy(isNameByte)
            return isName && !text.isEmpty ? Row(name: name, text: text, line: line.number) : nil
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The command that answers requests, listening on `port`.
    static func web(_ tree: ProjectTree, port: Int?) -> Finding<[String]>? {
        guard let row = rows(tree).first(where: { $0.name == "web" }) else { return nil }
        return Finding(command(row.text, port: port), .seen("Procfile", row.line, row.text))
    }

    /// The others: `release` runs before, everything else beside.
    static func others(_ tree: ProjectTree) -> [ProjectProcess] {
        rows(tree).filter { $0.name != "web" }.prefix(10).map { row in
            let isJob = row.name == "release"
            return ProjectProcess(
                name: row.name.lowercased(), kind: isJob ? .job : .worker, command: command(row.text, port: nil),
                evidence: .seen("Procfile", row.line, row.text))
        }
    }

    private static func command(_ text: String, port: Int?) -> [String] {
        guard let port else { return ShellWords.command(text) }
        return ShellWords.command(
            text.replacing("${PORT:-\(port)}", with: "\(port)").replacing("${PORT}", with: "\(port)")
                .replacing("$PORT", with: "\(port)"))
    }
}
