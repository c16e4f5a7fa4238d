// Expected text, kept in files beside the tests that own them.
package import Foundation
import Synchronization

/// Sections of expected text in one file: `=== name` and the lines below it. `UPDATE_GOLDEN=1` rewrites them.
package struct GoldenFile: Sendable {
    private let url: URL
    private static let updating = Mutex(())

    /// - Parameter name: a path below the folder of the test that names it.
    package init(_ name: String, of test: String = #filePath) {
        url = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent(name)
    }

    private static var isUpdating: Bool { ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" }

    /// What differs between the whole file and these sections, a remark each; empty where they are the same.
    package func differences(from sections: [(name: String, text: String)]) throws -> [String] {
        if Set(sections.map(\.name)).count != sections.count { return ["a name occurs twice"] }
        if GoldenFile.isUpdating {
            try write(sections)
            return []
        }
        let wanted = try read()
        let missing = wanted.map(\.name).filter { name in !sections.contains { $0.name == name } }
        return missing.map { "\(url.lastPathComponent): nothing gives \($0) any more" }
            + sections.compactMap { difference($0, wanted) }
    }

    /// What differs in one section, for tests whose cases run one by one; nil where nothing does.
    package func difference(in name: String, from text: String) throws -> String? {
        guard GoldenFile.isUpdating else { return difference((name, text), try read()) }
        return try GoldenFile.updating.withLock { _ in
            var sections = (try? read()) ?? []
            if let index = sections.firstIndex(where: { $0.name == name }) {
                sections[index].text = text
            } else {
                sections.append((name, text))
            }
            try write(sections)
            return nil
        }
    }

    /// The names of all sections; a test whose cases run one by one holds them to its own list.
    package func names() throws -> [String] { try read().map(\.name) }

    private func difference(
        _ section: (name: String, text: String), _ wanted: [(name: String, text: String)]
    ) -> String? {
        let text = GoldenFile.sections(GoldenFile.text(of: [section])).first?.text ?? ""
        guard let expected = wanted.first(where: { $0.name == section.name })?.text else {
            return "\(url.lastPathComponent): there is no section \(section.name)"
        }
        return text == expected
            ? nil : "\(url.lastPathComponent): \(section.name)\n--- expected\n\(expected)\n--- is\n\(text)"
    }

    private func read() throws -> [(name: String, text: String)] {
        GoldenFile.sections(try String(contentsOf: url, encoding: .utf8))
    }

    private func write(_ sections: [(name: String, text: String)]) throws {
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try GoldenFile.text(of: sections).write(to: url, atomically: true, encoding: .utf8)
    }

    private static func text(of sections: [(name: String, text: String)]) -> String {
        sections.map { "=== \($0.name)\n\($0.text.isEmpty ? "(nothing)" : $0.text)\n" }.joined(separator: "\n")
    }

    private static func sections(_ text: String) -> [(name: String, text: String)] {
        ("\n" + text).components(separatedBy: "\n=== ").dropFirst().map { part in
            let lines = part.components(separatedBy: "\n")
            return (lines[0], lines.dropFirst().joined(separator: "\n").trimmingCharacters(in: .newlines))
        }
    }
}
