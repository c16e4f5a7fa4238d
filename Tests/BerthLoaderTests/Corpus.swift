// The corpus of stack files: cases by area, and beside them what compose's own program made of each.
import BerthModel
import Foundation

@testable import BerthLoader

/// One case: a few files and a command line, with the recorded answer. `Fixtures/corpus/record` has the format.
struct CorpusCase: Sendable, CustomStringConvertible {
    var area: String
    var title: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var files: [String: String] = [:]
    var answer: [String: any Sendable] = [:]
    /// Why berth decides otherwise; docs/differences.md has all of these.
    var differs: String?
    /// Why its YAML is other text than compose's.
    var prints: String?

    var description: String { "\(area): \(title)" }
    var isAccepted: Bool { answer["model"] != nil }

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Fixtures/corpus")
    static let areas: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [])
        .filter { $0.hasSuffix(".cases") }.map { String($0.dropLast(6)) }.sorted()

    static func load(_ area: String) throws -> [CorpusCase] {
        let text = try String(contentsOf: directory.appendingPathComponent("\(area).cases"), encoding: .utf8)
        var cases: [CorpusCase] = []
        var target: String?
        var lines: [String] = []
        func close() {
            if let name = target, !cases.isEmpty { cases[cases.count - 1].files[name] = body(lines) }
            target = nil
            lines = []
        }
        for line in text.components(separatedBy: "\n") {
            if line.hasPrefix("=== ") {
                close()
                cases.append(CorpusCase(area: area, title: line.dropFirst(4).trimmingCharacters(in: .whitespaces)))
            } else if line.hasPrefix("--- ") {
                close()
                target = line.dropFirst(4).trimmingCharacters(in: .whitespaces)
            } else if target != nil {
                lines.append(line)
            } else if line.hasPrefix("args: ") {
                cases[cases.count - 1].arguments += try ShellWords.split(String(line.dropFirst(6)))
            } else if line.hasPrefix("differs: ") {
                cases[cases.count - 1].differs = String(line.dropFirst(9))
            } else if line.hasPrefix("prints: ") {
                cases[cases.count - 1].prints = String(line.dropFirst(8))
            } else if line.hasPrefix("env: ") {
                let parts = line.dropFirst(5).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                cases[cases.count - 1].environment[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
            }
        }
        close()
        let answers = try String(contentsOf: directory.appendingPathComponent("\(area).answers"), encoding: .utf8)
        for (index, line) in answers.split(separator: "\n").enumerated() where index < cases.count {
            cases[index].answer =
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable] ?? [:]
        }
        return cases
    }

    private static func body(_ lines: [String]) -> String {
        var lines = lines
        while lines.last == "" { lines.removeLast() }
        var text = lines.map { $0 + "\n" }.joined()
        for (mark, meaning) in [("␠", " "), ("␉", "\t"), ("␍", "\r"), ("␀", "\0")] {
            text = text.replacingOccurrences(of: mark, with: meaning)
        }
        return text
    }

    // MARK: Loading

    static let home = "/home/demo"

    var options: LoadOptions {
        var options = LoadOptions(
            workingDirectory: "\(CorpusCase.home)/stack",
            environment: ["HOME": CorpusCase.home, "PATH": "/usr/bin:/bin", "PWD": "\(CorpusCase.home)/stack"].merging(
                environment
            ) { $1 })
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            let parts = flag.split(separator: "=", maxSplits: 1).map(String.init)
            func value() -> String { parts.count == 2 ? parts[1] : rest.popFirst() ?? "" }
            switch parts[0] {
            case "-f", "--file": options.files.append(value())
            case "-p", "--project-name": options.stackName = value()
            case "--profile": options.profiles.append(value())
            case "--env-file": options.environmentFiles.append(value())
            case "--project-directory", "--workdir": options.projectDirectory = value()
            case "--all-resources": options.keepsUnusedResources = true
            case "--compatibility": options.skips.insert(.normalisation)
            default: break
            }
        }
        return options
    }

    var source: CorpusFiles {
        var all: [String: String] = [:]
        for (name, text) in files { all[PathText.join("\(CorpusCase.home)/stack", name)] = text }
        return CorpusFiles(files: all)
    }

    func load() -> LoadResult { StackLoader(files: source).load(options) }

    /// What differs from the recorded answer; nil where nothing does.
    func disagreement(_ result: LoadResult) -> String? {
        let errors = result.diagnostics.filter { $0.severity == .error }.map(\.description)
        guard let expected = answer["model"] else {
            return result.model == nil ? nil : "accepted, and compose says: \(answer["error"] ?? "nothing")"
        }
        guard let model = result.model else { return "refused: \(errors.joined(separator: " | "))" }
        guard let actual = try? JSONSerialization.jsonObject(with: Data(model.json.utf8)) else {
            return "the printed model is not JSON: \(model.json)"
        }
        var difference = CorpusCase.difference(expected, actual, "")
        for (service, digest) in answer["hashes"] as? [String: String] ?? [:]
        where model.hash(of: service)?.hex != digest {
            difference.append("hash of \(service): \(model.hashedText(of: service) ?? "none")")
        }
        return difference.isEmpty ? nil : difference.joined(separator: " | ")
    }

    private static func difference(_ expected: Any, _ actual: Any, _ path: String) -> [String] {
        if let expected = expected as? [String: Any], let actual = actual as? [String: Any] {
            return Set(expected.keys).union(actual.keys).sorted().flatMap { key -> [String] in
                let here = path.isEmpty ? key : "\(path).\(key)"
                guard let wanted = expected[key] else { return ["\(here) is there: \(text(actual[key]))"] }
                guard let found = actual[key] else { return ["\(here) is missing: \(text(wanted))"] }
                return difference(wanted, found, here)
            }
        }
        if let expected = expected as? [Any], let actual = actual as? [Any], expected.count == actual.count {
            return zip(expected, actual).enumerated().flatMap { difference($1.0, $1.1, "\(path)[\($0)]") }
        }
        return text(expected) == text(actual) ? [] : ["\(path): \(text(expected)) expected, \(text(actual)) found"]
    }

    private static func text(_ value: Any?) -> String {
        guard let value else { return "nothing" }
        let data = try? JSONSerialization.data(
            withJSONObject: ["v": value], options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data ?? Data(), as: UTF8.self).dropFirst(5).dropLast().description
    }
}

/// Files in memory, with the directories that they imply.
struct CorpusFiles: FileSource {
    var files: [String: String]

    func read(_ path: String) throws -> [UInt8] {
        guard let text = files[path] else {
            throw BerthError(
                .notFound, "reading \(path)", cause: exists(path) ? "is a directory" : "no such file or directory")
        }
        return Array(text.utf8)
    }
    func isFile(_ path: String) -> Bool { files[path] != nil }
    func exists(_ path: String) -> Bool { isFile(path) || files.keys.contains { $0.hasPrefix(path + "/") } }
    func readStandardInput() throws -> [UInt8] { try read("-") }
}
