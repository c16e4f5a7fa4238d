// Mutated files: no crash, no hang, and the same verdict and the same model as compose.
import BerthModel
import Foundation
import Testing

@testable import BerthLoader

@Suite("Loader: mutants")
struct MutationTests {
    static let verdicts = CorpusCase.directory.appendingPathComponent("mutants.verdicts")

    @Test("thousands of wrong files are judged as compose judges them", .timeLimit(.minutes(10)))
    func verdicts() throws {
        let mutants = try Mutants.make()
        if let directory = ProcessInfo.processInfo.environment["MUTANTS"] {
            for (index, text) in mutants.enumerated() {
                try text.write(toFile: "\(directory)/\(index).yaml", atomically: false, encoding: .utf8)
            }
        }
        let expected = try String(contentsOf: MutationTests.verdicts, encoding: .utf8).split(separator: "\n").map(
            String.init)
        try #require(expected.count == mutants.count, "the corpus has changed: record the mutants anew")
        var disagreements: [String] = []
        var accepted = 0
        var different = 0
        for (index, text) in mutants.enumerated() {
            let one = CorpusCase(area: "mutants", title: "\(index)", files: ["compose.yaml": text])
            let result = one.load()
            let verdict = result.model.map { "a \(MutationTests.digest($0))" } ?? "r"
            if expected[index].first == "a" { accepted += 1 }
            if verdict.first != expected[index].first {
                // What compose crashes on has no answer.
                if expected[index] == "?" { continue }
                disagreements.append(
                    "\(index): \(expected[index].first == "a" ? "refused: \(result.diagnostics.map(\.description))" : "accepted")"
                )
            } else if verdict != expected[index] {
                different += 1
                if ProcessInfo.processInfo.environment["MUTANTS"] != nil {
                    disagreements.append("\(index): another model")
                }
            }
            if result.model == nil {
                let isPlaced =
                    result.diagnostics.contains { $0.severity == .error && $0.place != nil }
                    || "\(result.diagnostics)".contains("not found")
                if !isPlaced { disagreements.append("\(index): refused without a place: \(result.diagnostics)") }
            }
        }
        #expect(
            disagreements.isEmpty,
            "\(disagreements.count) of \(mutants.count):\n\(disagreements.prefix(60).joined(separator: "\n"))")
        #expect(Double(different) <= 0.005 * Double(accepted), "\(different) of \(accepted) models differ")
    }

    /// Over the model with keys in order, as `record` makes it.
    static func digest(_ model: StackModel) -> String {
        guard let value = try? JSONSerialization.jsonObject(with: Data(model.json.utf8)) else { return "?" }
        return SHA256Digest.digest(of: Array(canonical(value).utf8)).hex.prefix(12).description
    }

    private static func canonical(_ value: Any) -> String {
        switch value {
        case let map as [String: Any]:
            let keys = CanonicalValue.sorted(map.keys)
            let fields = keys.map { "\(JSONString.quoted($0)):\(canonical(map[$0] ?? NSNull()))" }
            return "{" + fields.joined(separator: ",") + "}"
        case let list as [Any]: return "[" + list.map(canonical).joined(separator: ",") + "]"
        case let text as String: return JSONString.quoted(text)
        case let number as NSNumber:
            if CFBoolean.isBoolean(number) { return number.boolValue ? "true" : "false" }
            return number.stringValue
        default: return "null"
        }
    }
}

private enum CFBoolean {
    static func isBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c" || "\(type(of: number))".contains("Boolean")
    }
}
