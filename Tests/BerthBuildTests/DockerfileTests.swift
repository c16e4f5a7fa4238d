// Dockerfiles that are right and that are not: what each is read as, or what is said about it.
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthBuild

@Suite("Build: Dockerfiles")
struct DockerfileTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/dockerfiles")

    /// Name and content of each file, in order.
    static func files(_ kind: String) throws -> [(name: String, text: String)] {
        let directory = directory.appendingPathComponent(kind)
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { name in
            let bytes = try Data(contentsOf: directory.appendingPathComponent(name))
            return (String(name.dropLast(".dockerfile".count)), String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func remarks(_ diagnostics: [Diagnostic]) -> [String] {
        diagnostics.map { "\($0.severity.rawValue) \($0)" }
    }

    @Test("what is right is read, word for word")
    func good() throws {
        let files = try DockerfileTests.files("good")
        #expect(files.count >= 60)
        let sections = files.map { file in
            let (dockerfile, diagnostics) = DockerfileParser.parse(file.text, file: "Dockerfile")
            if dockerfile == nil { Issue.record("\(file.name): \(diagnostics)") }
            let lines = (dockerfile.map { [DockerfileDump.text($0)] } ?? []) + DockerfileTests.remarks(diagnostics)
            return (name: file.name, text: lines.joined(separator: "\n"))
        }
        let differences = try GoldenFile("Fixtures/dockerfiles/good.golden").differences(from: sections)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("every mistake is said, with its place")
    func bad() throws {
        let files = try DockerfileTests.files("bad")
        #expect(files.count >= 40)
        let sections = files.map { file in
            let (dockerfile, diagnostics) = DockerfileParser.parse(file.text, file: "Dockerfile")
            if dockerfile != nil { Issue.record("\(file.name) is read") }
            for diagnostic in diagnostics where diagnostic.place == nil { Issue.record("\(file.name): \(diagnostic)") }
            return (name: file.name, text: DockerfileTests.remarks(diagnostics).joined(separator: "\n"))
        }
        let differences = try GoldenFile("Fixtures/dockerfiles/bad.golden").differences(from: sections)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("a trigger is one instruction, with the escape of its file")
    func triggers() throws {
        let place = SourcePlace(file: "base", line: 7, column: 1)
        func kind(_ raw: String, escape: Character = "\\") throws -> Instruction.Kind {
            try DockerfileParser.parseInstruction(raw, escape: escape, place: place).kind
        }
        #expect(try kind("RUN make") == .run(RunInstruction(command: .shell("make"))))
        #expect(try kind("user me") == .user("me"))
        #expect(try kind("RUN a `\n b", escape: "`") == .run(RunInstruction(command: .shell("a  b"))))
        var copy = CopyInstruction(isAdd: false, sources: [], destination: "/x")
        copy.heredocs = [Heredoc(name: "EOF", content: "a\n", expands: true)]
        #expect(try kind("COPY <<EOF /x\na\nEOF") == .copy(copy))
        for raw in ["", "# a", "FROM x", "RUN a\nRUN b", "RNU a", "RUN <<EOF\na", "COPY a"] {
            #expect(throws: DockerfileError.self, "\(raw)") { try kind(raw) }
        }
        let instruction = try DockerfileParser.parseInstruction("RUN a", escape: "\\", place: place)
        #expect(instruction.place == place && instruction.source == "RUN a")
    }

    @Test("what ONBUILD keeps is read again as it was")
    func onbuild() throws {
        let text = "FROM a\nONBUILD RUN <<-EOF\n\tone\n\tEOF\nONBUILD COPY --from=b <<'E' c /d\n$x\nE\n"
        let stage = try #require(DockerfileParser.parse(text, file: "f").dockerfile?.stages.first)
        for instruction in stage.instructions {
            guard case .onbuild(let raw) = instruction.kind else { continue }
            let inner = try DockerfileParser.parseInstruction(raw, escape: "\\", place: instruction.place)
            switch inner.kind {
            case .run(let run): #expect(run.heredocs.map(\.content) == ["one\n"])
            case .copy(let copy): #expect(copy.from == "b" && copy.heredocs.map(\.expands) == [false])
            default: Issue.record("\(inner)")
            }
        }
    }

    @Test("a file of more than a mebibyte is refused, and one of a mebibyte is read in time", .timeLimit(.minutes(1)))
    func large() {
        let line = "RUN echo \"$HOME\" 'a b' \\\n"
        let many = "FROM a\n" + String(repeating: line, count: 40_000) + "x\n"
        #expect(DockerfileParser.parse(many, file: "f").dockerfile != nil)
        #expect(DockerfileParser.parse(many + many, file: "f").dockerfile == nil)
        let names = (0..<50_000).map { "<<a\($0)" }
        let heredocs =
            "FROM a\nCOPY \(names.joined(separator: " \\\n")) /\n" + names.map { "\($0.dropFirst(2))\n" }.joined()
        let copy = DockerfileParser.parse(heredocs, file: "f").dockerfile?.stages.first?.instructions.first
        if case .copy(let copy)? = copy?.kind {
            #expect(copy.heredocs.count == names.count)
        } else {
            Issue.record("no COPY")
        }
        let short = "FROM a\n" + String(repeating: "CMD x\n", count: 170_000)
        #expect(DockerfileParser.parse(short, file: "f").dockerfile?.stages.first?.instructions.count == 170_000)
    }
}
