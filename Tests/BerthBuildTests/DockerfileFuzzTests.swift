// Thousands of spoiled Dockerfiles: nothing traps, nothing takes long, every refusal has its place.
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthBuild

@Suite("Build: spoiled Dockerfiles")
struct DockerfileFuzzTests {
    private static let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap(UInt64.init) ?? 20_261_126
    private static let pieces = [
        "\\", "\\\n", "`", "\n", "\r\n", "\r", "\"", "'", "$", "${", "}", "${A:-", "<<EOF", "<<-'E F'", "<<", "3<<X",
        "\nEOF\n",
        "[", "]", "[\"a\"]", "[1]", "--", "--mount=", "--from=$X", "type=", ",", "=", "#", "# escape=`\n", "FROM a\n",
        "ONBUILD ", "RUN ", "COPY ", "HEALTHCHECK --interval=1", "ENV ", "\u{FEFF}", "\u{0}", "\u{301}", "\u{1F600}",
        "\t", " ", "\u{A0}", "*", "?",
        "/", "%", "##", "AS ",
    ]

    private static func spoiled(_ text: String, _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let index = Int.random(in: 0...bytes.count, using: &generator)
            let end = min(bytes.count, index + Int.random(in: 0...8, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.removeSubrange(index..<end)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            case 2: bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
            default: bytes.insert(contentsOf: Array(generator.pick(pieces).utf8), at: index)
            }
        }
        return bytes
    }

    @Test("nothing traps, and every refusal has its place", .timeLimit(.minutes(3)))
    func parsing() throws {
        let files =
            try DockerfileTests.files("good") + DockerfileTests.files("bad").filter { $0.text.utf8.count < 5_000 }
        var generator = SeededGenerator(seed: DockerfileFuzzTests.seed)
        var accepted = 0
        for round in 0..<6_000 {
            let bytes = DockerfileFuzzTests.spoiled(generator.pick(files).text, &generator)
            let (dockerfile, diagnostics) = DockerfileParser.parse(bytes, file: "f")
            let errors = diagnostics.filter { $0.severity == .error }
            if (dockerfile == nil) != !errors.isEmpty || diagnostics.contains(where: { $0.place == nil }) {
                Issue.record("round \(round) of seed \(DockerfileFuzzTests.seed): \(diagnostics)")
            }
            guard let dockerfile else { continue }
            accepted += 1
            use(dockerfile)
        }
        #expect(accepted > 500)
    }

    /// Everything that is done with a file before a build begins.
    private func use(_ dockerfile: Dockerfile) {
        let rules = WordExpansion(escape: dockerfile.directives.escape)
        let lookup: (String) -> String? = { $0.utf8.count.isMultiple(of: 2) ? "a/b.c \"d" : nil }
        for instruction in dockerfile.stages.flatMap(\.instructions) {
            _ = try? rules.word(instruction.source, lookup)
            _ = try? rules.words(instruction.source, lookup)
            switch instruction.kind {
            case .onbuild(let raw):
                let escape = dockerfile.directives.escape
                _ = try? DockerfileParser.parseInstruction(raw, escape: escape, place: instruction.place)
            case .run(let run):
                for mount in run.mounts { _ = try? RunMount(parsing: rules.word(mount, lookup).text) }
            case .copy(let copy): _ = try? copy.chmod.map(FileMode.parse)
            default: break
            }
        }
    }

    @Test("words of anything end in a word or a mistake", .timeLimit(.minutes(2)))
    func words() {
        var generator = SeededGenerator(seed: DockerfileFuzzTests.seed &+ 1)
        for _ in 0..<8_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let text = (0..<count).map { _ in
                generator.oneIn(2) ? generator.pick(WordTable.rows).word : generator.pick(DockerfileFuzzTests.pieces)
            }.joined()
            var rules = WordExpansion(escape: generator.oneIn(4) ? "`" : "\\")
            rules.keepsQuotes = generator.oneIn(4)
            rules.writesQuotes = generator.oneIn(4)
            rules.keepsEscapes = generator.oneIn(4)
            rules.keepsUnset = generator.oneIn(4)
            let word = try? rules.word(text) { WordTable.values[$0] }
            let words = try? rules.words(text) { WordTable.values[$0] }
            if (word == nil) != (words == nil) { Issue.record("\(text.debugDescription)") }
            _ = HeredocWord.all(in: text)
            _ = try? RunMount(parsing: text)
            _ = try? FileMode.parse(text).applied(to: 0o644, isDirectory: true)
        }
    }
}
