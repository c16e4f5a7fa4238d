// Projects in one text each, as a listing and a reader.
import BerthInit
import Foundation

/// Files in memory. Links and other things can be put in by hand.
final class MemoryProject: ProjectSource {
    var files: [String: [UInt8]]
    var others: [String: ProjectEntry] = [:]
    private(set) var readPaths: [String] = []

    init(_ files: [String: String]) { self.files = files.mapValues { Array($0.utf8) } }

    /// `--- path` begins a file.
    convenience init(text: String) {
        var files: [String: String] = [:]
        for part in ("\n" + text).components(separatedBy: "\n--- ").dropFirst() {
            let lines = part.components(separatedBy: "\n")
            files[lines[0]] = lines.dropFirst().joined(separator: "\n") + "\n"
        }
        self.init(files)
    }

    convenience init(fixture name: String) throws {
        let url = ProjectFixtures.directory.appendingPathComponent("\(name).project")
        self.init(text: try String(contentsOf: url, encoding: .utf8))
    }

    func entries(of directory: String) -> [ProjectEntry] {
        let prefix = directory.isEmpty ? "" : directory + "/"
        var found: [String: ProjectEntry] = [:]
        for (path, bytes) in files where path.hasPrefix(prefix) {
            let parts = path.dropFirst(prefix.count).split(separator: "/").map(String.init)
            guard let name = parts.first else { continue }
            found[name] =
                parts.count == 1 ? ProjectEntry(name, .file, sizeBytes: bytes.count) : ProjectEntry(name, .directory)
        }
        for (path, entry) in others where path == prefix + entry.name { found[entry.name] = entry }
        return Array(found.values)
    }

    func read(_ path: String, limit: Int) -> [UInt8]? {
        readPaths.append(path)
        return files[path].flatMap { $0.count <= limit ? $0 : nil }
    }
}

enum ProjectFixtures {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/projects")

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".project") }
            .map { String($0.dropLast(".project".count)) }.sorted()
    }

    static func look(_ name: String) throws -> ProjectFindings {
        try ProjectInit.look(at: MemoryProject(fixture: name), name: name)
    }
}
