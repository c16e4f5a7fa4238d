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
}
