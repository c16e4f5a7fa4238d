// Documents tell the truth: links resolve, every room has its page, every fixture an owner.
import Foundation
import Testing

@Suite("Tidy: documents and fixtures")
struct DocumentTests {
    static let documents: [SourceFile] =
        SourceTree.files(below: "docs", extension: "md") + SourceTree.files(below: "Sources", extension: "md")
        + SourceTree.files(below: "examples", extension: "md")
        + ["README.md", "CONTRIBUTING.md"].compactMap { name in
            guard let text = try? String(contentsOf: SourceTree.root.appendingPathComponent(name), encoding: .utf8)
            else {
                return nil
            }
            return SourceFile(path: name, lines: text.components(separatedBy: "\n"))
        }

    @Test("every document has one title, every relative link leads somewhere")
    func titlesAndLinks() {
        #expect(DocumentTests.documents.contains { $0.path == "README.md" })
        for document in DocumentTests.documents {
            var fenced = false
            var titles = 0
            for (index, line) in document.lines.enumerated() {
                if line.hasPrefix("```") { fenced.toggle() }
                if fenced { continue }
                if line.hasPrefix("# ") { titles += 1 }
                for target in DocumentTests.links(in: line) where !target.contains("://") && !target.hasPrefix("#") {
                    let path = String(target.split(separator: "#")[0])
                    let base = SourceTree.root.appendingPathComponent(document.path).deletingLastPathComponent()
                    if !FileManager.default.fileExists(atPath: base.appendingPathComponent(path).path) {
                        Issue.record("\(document.path):\(index + 1): the link \(target) leads nowhere")
                    }
                }
            }
            if titles != 1 { Issue.record("\(document.path): \(titles) titles; a document has one") }
        }
    }

    static func links(in line: String) -> [String] {
        line.components(separatedBy: "](").dropFirst().compactMap { $0.split(separator: ")").first.map(String.init) }
    }

    @Test("every room has a page of at most fifteen lines and a row in the architecture")
    func rooms() throws {
        let architecture = try String(
            contentsOf: SourceTree.root.appendingPathComponent("docs/ARCHITECTURE.md"), encoding: .utf8)
        for room in SourceTree.directories(below: "Sources") {
            #expect(architecture.contains("`\(room)`"), "docs/ARCHITECTURE.md does not name the room \(room)")
            if room.hasPrefix("C") { continue }
            let page = SourceTree.root.appendingPathComponent("Sources/\(room)/README.md")
            let text = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
            let lines = text.components(separatedBy: "\n").count
            if lines < 4 || lines > 17 {
                Issue.record("Sources/\(room)/README.md: \(lines) lines; intent, door, invariants fit 15")
            }
        }
    }

    @Test("every fixture has exactly one owner")
    func fixtures() {
        for suite in SourceTree.directories(below: "Tests") {
            let owned = SourceTree.tests.filter { $0.path.hasPrefix("Tests/\(suite)/") }
            for entry in SourceTree.directories(below: "Tests/\(suite)/Fixtures") {
                let owners = owned.filter { file in
                    file.lines.contains { $0.contains("\"\(entry)\"") || $0.contains("\(entry)/") }
                }
                if owners.isEmpty { Issue.record("Tests/\(suite)/Fixtures/\(entry): no test names it") }
            }
        }
    }

    @Test("the project speaks of itself alone")
    func noForeignPaths() {
        // Spelled in halves, so that this file does not break its own rule.
        let foreign = ["/wo" + "rk/", "/tmp/pe" + "ers", "shared/refer" + "ence"]
        for file in SourceTree.sources + SourceTree.tests + DocumentTests.documents {
            for (index, line) in file.lines.enumerated() {
                for word in foreign where line.contains(word) {
                    Issue.record("\(file.path):\(index + 1): \(word) is outside the repository")
                }
            }
        }
    }
}
