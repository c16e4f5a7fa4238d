// The project's files, listed once within bounds and read when somebody asks.

/// One line of a file, counted from 1.
struct NumberedLine {
    var number: Int
    var text: Substring
}

final class ProjectTree {
    /// What others have made, and what nobody writes by hand.
    private static let skipped: Set<String> = [
        ".git", ".hg", ".svn", ".idea", ".vscode", "node_modules", "bower_components", ".venv", "venv", "env", ".tox",
        "__pycache__", ".mypy_cache", ".pytest_cache", "site-packages", ".build", ".swiftpm", "target", ".gradle",
        ".mvn", "vendor", ".next", ".nuxt", ".cache", ".terraform",
    ]

    private let source: any ProjectSource
    /// Paths of files with their sizes; the upper ones first, then by name.
    let files: [(path: String, sizeBytes: Int)]
    let directories: Set<String>
    /// There is more than was looked at.
    let isCut: Bool
    private let paths: Set<String>
    private var texts: [String: String?] = [:]

    init(_ source: any ProjectSource) {
        self.source = source
        var files: [(path: String, sizeBytes: Int)] = []
        var directories: Set<String> = []
        var waiting: [(path: String, depth: Int)] = [("", 0)]
        var seen = 0
        var isCut = false
        var isFull = false
        var next = 0
        while next < waiting.count, !isFull {
            let (directory, depth) = waiting[next]
            next += 1
            for entry in source.entries(of: directory).sorted(by: { $0.name < $1.name }) {
                seen += 1
                if seen > LookLimits.entriesMax || files.count >= LookLimits.filesMax {
                    isFull = true
                    break
                }
                let path = directory.isEmpty ? entry.name : "\(directory)/\(entry.name)"
                // What cannot be written into a Dockerfile is not looked at.
                if entry.name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) { continue }
                switch entry.kind {
                case .file: files.append((path, entry.sizeBytes))
                case .directory:
                    directories.insert(path)
                    if ProjectTree.skipped.contains(entry.name) { continue }
                    if depth < LookLimits.depthMax { waiting.append((path, depth + 1)) } else { isCut = true }
                case .other: continue
                }
            }
        }
        self.files = files
        self.directories = directories
        self.isCut = isCut || isFull
        paths = Set(files.map(\.path))
    }

    func has(_ path: String) -> Bool { paths.contains(path) }

    /// The first of them that is there.
    func first(_ candidates: String...) -> String? { candidates.first(where: has) }

    /// A manifest's text; nil where it is not there, too large, or unreadable.
    func text(_ path: String, limit: Int = LookLimits.manifestBytesMax) -> String? {
        guard has(path) else { return nil }
        if let known = texts[path] { return known }
        let text = source.read(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
        texts[path] = text
        return text
    }

    func lines(_ path: String, limit: Int = LookLimits.manifestBytesMax) -> [NumberedLine] {
        TextLines.numbered(text(path, limit: limit) ?? "")
    }

    /// Where a word first stands in a file.
    func line(of word: String, in path: String) -> Int? {
        lines(path).first { $0.text.contains(word) }?.number
    }
}

enum TextLines {
    /// Lines without their ends; longer ones than anybody writes are cut.
    static func numbered(_ text: String) -> [NumberedLine] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().map { index, line in
            NumberedLine(number: index + 1, text: line.prefix(LookLimits.lineCharactersMax))
        }
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var text = text[...].drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
