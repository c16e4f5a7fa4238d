// The repository as the tidy rules see it: files with their lines, grouped by room.
import Foundation

/// One text file of the repository.
struct SourceFile: Sendable {
    /// Relative to the repository: `Sources/BerthPlan/Plan.swift`.
    let path: String
    let lines: [String]

    /// The room or program: the directory below `Sources`.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Code only: string literals and line comments blanked, so that a rule never trips over prose.
    var code: [String] { lines.map(SourceFile.withoutProse) }

    static func withoutProse(_ line: String) -> String {
        var result = ""
        var inString = false
        var previous: Character = " "
        for character in line {
            if character == "\"" && previous != "\\" { inString.toggle() }
            if !inString && character == "/" && previous == "/" { return String(result.dropLast()) }
            result.append(inString ? " " : character)
            previous = character
        }
        return result
    }
}

/// Reads the working tree once per test run.
enum SourceTree {
    static let root: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func files(below directory: String, extension suffix: String) -> [SourceFile] {
        let base = root.appendingPathComponent(directory)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var found: [SourceFile] = []
        for case let url as URL in walker where url.pathExtension == suffix {
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
            let path = String(url.standardizedFileURL.path.dropFirst(root.standardizedFileURL.path.count + 1))
            found.append(SourceFile(path: path, lines: text.components(separatedBy: "\n")))
        }
        return found.sorted { $0.path < $1.path }
    }

    static let sources = files(below: "Sources", extension: "swift")
    static let tests = files(below: "Tests", extension: "swift")

    static func directories(below directory: String) -> [String] {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(directory).path)) ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            let path = root.appendingPathComponent(directory).appendingPathComponent(name).path
            return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
        }.sorted()
    }
}
