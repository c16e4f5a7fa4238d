// Hand-written projects: what is said about each, what is written for it, and that it holds.
import BerthBuild
import BerthLoader
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthInit

/// The files of one project as the loader sees them.
struct GeneratedStack: FileSource {
    let files: [GeneratedFile]

    func read(_ path: String) throws -> [UInt8] {
        guard let file = files.first(where: { "/home/demo/\($0.path)" == path }) else {
            throw BerthError(.notFound, "reading \(path)", cause: "no such file")
        }
        return Array(file.text.utf8)
    }
    func isFile(_ path: String) -> Bool { files.contains { "/home/demo/\($0.path)" == path } }
    func exists(_ path: String) -> Bool { path == "/home/demo" || isFile(path) }
    func readStandardInput() throws -> [UInt8] { [] }
}

@Suite("Init: projects")
struct ProjectTests {
    static let names = (try? ProjectFixtures.names()) ?? []

    @Test("what is said and written", arguments: names)
    func goldens(name: String) throws {
        let findings = try ProjectFixtures.look(name)
        let explanation = ExplanationText(findings)
        let sections =
            [(name: "explanation", text: explanation.sight + "\n" + explanation.remarks)]
            + ProjectInit.files(findings).map { (name: $0.path, text: $0.text) }
        let differences = try GoldenFile("Fixtures/projects/\(name).golden").differences(from: sections)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("there are enough of them") func count() { #expect(ProjectTests.names.count >= 16) }

    @Test("each Dockerfile is read, and no check has a remark", arguments: names)
    func dockerfiles(name: String) throws {
        let files = ProjectInit.files(try ProjectFixtures.look(name))
        guard let file = files.first(where: { $0.path == "Dockerfile" }) else { return }
        let ignore = files.first { $0.path == ".dockerignore" }.map { IgnorePatterns(text: $0.text) }
        // The experimental ones too: what is copied must not be ignored.
        let text = "# check=experimental=all\n" + file.text
        let (dockerfile, diagnostics) = DockerfileParser.parse(text, file: "Dockerfile")
        #expect(diagnostics.isEmpty, "\(diagnostics)")
        let remarks = DockerfileChecks.run(try #require(dockerfile), text: text, ignore: ignore)
        #expect(remarks.isEmpty, "\(remarks)")
    }

    @Test(
        "each image runs as somebody, says its port and its health, and starts without a shell of ours",
        arguments: names)
    func quality(name: String) throws {
        let findings = try ProjectFixtures.look(name)
        guard let file = ProjectInit.files(findings).first(where: { $0.path == "Dockerfile" }) else { return }
        let lines = file.text.split(separator: "\n")
        let last = lines.lastIndex { $0.hasPrefix("FROM ") }.map { lines[$0...] } ?? []
        #expect(last.contains { $0.hasPrefix("USER ") && !$0.contains("root") }, "\(file.text)")
        #expect(last.contains { $0.hasPrefix("CMD [\"") }, "\(file.text)")
        #expect(last.contains { $0.hasPrefix("HEALTHCHECK") } == (findings.port != nil), "\(file.text)")
        #expect(last.contains { $0.hasPrefix("EXPOSE") } == (findings.port != nil), "\(file.text)")
        for line in lines where line.hasPrefix("FROM ") {
            #expect(line.contains(":") && !line.contains(":latest"), "\(line): an image has a version")
        }
    }

    @Test("each stack file loads without a remark, with and without passwords of one's own", arguments: names)
    func stacks(name: String) throws {
        let findings = try ProjectFixtures.look(name)
        let source = GeneratedStack(files: ProjectInit.files(findings))
        for environment in [[:], ["DB_PASSWORD": "p: #1", "DATABASE_PASSWORD": "x", "MYSQL_PASSWORD": "y"]] {
            let options = LoadOptions(workingDirectory: "/home/demo", environment: environment)
            let result = StackLoader(files: source).load(options)
            #expect(result.diagnostics.isEmpty && result.hostDiagnostics.isEmpty, "\(result.diagnostics)")
            let stack = try #require(result.stack)
            #expect(stack.services["web"]?.build != nil)
            #expect(stack.services.count == 1 + findings.databases.count + findings.processes.count)
        }
    }

    @Test("looking again at what was written changes nothing and writes nothing", arguments: names)
    func again(name: String) throws {
        let project = try MemoryProject(fixture: name)
        let first = try ProjectInit.look(at: project, name: name)
        for file in ProjectInit.files(first) { project.files[file.path] = Array(file.text.utf8) }
        let second = try ProjectInit.look(at: project, name: name)
        #expect(ProjectInit.files(second).isEmpty && second.existing.all.count == 3)
        #expect(second.port?.value == first.port?.value && second.language == first.language)
        #expect(second.databases == first.databases)
    }
}
