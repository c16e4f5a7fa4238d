// Every case of the corpus means what compose says it means; every refusal has its place.
import BerthModel
import Foundation
import Testing

@testable import BerthLoader

@Suite("Loader: corpus")
struct CorpusTests {
    @Test("agrees with compose", arguments: CorpusCase.areas)
    func agrees(_ area: String) throws {
        let cases = try CorpusCase.load(area)
        #expect(!cases.isEmpty)
        var report = ""
        for one in cases {
            let result = one.load()
            switch (one.disagreement(result), one.differs) {
            case (let disagreement?, nil): report += "\(one.title)\n    \(disagreement)\n"
            case (nil, let reason?): report += "\(one.title)\n    agrees, and is said to differ: \(reason)\n"
            default: break
            }
        }
        if let path = ProcessInfo.processInfo.environment["CORPUS_REPORT"] {
            try report.write(toFile: "\(path)/\(area).txt", atomically: true, encoding: .utf8)
        }
        #expect(report.isEmpty, "\(area):\n\(report.prefix(4000))")
    }

    @Test("config's YAML is compose's, byte for byte, interpolated or not", arguments: CorpusCase.areas)
    func text(_ area: String) throws {
        var report = ""
        for one in try CorpusCase.load(area) {
            var raw = one.options
            raw.skips.insert(.interpolation)
            for (form, options) in [("yaml", one.options), ("raw", raw)] {
                let model = StackLoader(files: one.source).load(options).model
                guard let expected = one.answer[form] as? String, one.differs == nil, one.prints == nil else { continue }
                let yaml = model?.yaml ?? "refused"
                if SHA256Digest.digest(of: Array(yaml.utf8)).hex.prefix(12) != expected {
                    report += "\(one.title) (\(form))\n\(yaml)\n"
                }
            }
        }
        if let path = ProcessInfo.processInfo.environment["CORPUS_REPORT"] {
            try report.write(toFile: "\(path)/\(area).yaml.txt", atomically: true, encoding: .utf8)
        }
        #expect(report.isEmpty, "\(area):\n\(report.prefix(4000))")
    }

    /// Flags, variables and files that are not there have no place in a file.
    private static let placeless = [
        "no stack file found", "cannot read", "not found", "of -p", "of COMPOSE_PROJECT_NAME", "gives no stack name",
        "COMPOSE_FILE names nothing", "--project-directory names a directory",
    ]

    @Test("every refusal says where", arguments: CorpusCase.areas)
    func places(_ area: String) throws {
        for one in try CorpusCase.load(area) {
            let result = one.load()
            guard result.model == nil else { continue }
            let errors = result.diagnostics.filter { $0.severity == .error }
            let isPlaced = errors.contains { $0.place != nil }
            let isExcused = errors.contains { error in CorpusTests.placeless.contains { "\(error)".contains($0) } }
            if !isPlaced && !isExcused { Issue.record("\(one): \(errors)") }
        }
    }
}
