// Directories that are broken, huge, or made to be misread: one clear error, or a sensible answer, and never a trap.
import BerthBuild
import BerthLoader
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthInit

@Suite("Init: bad input")
struct HostileTests {
    private func refusal(_ project: MemoryProject) -> BerthError? {
        do {
            _ = try ProjectInit.look(at: project, name: "it")
            return nil
        } catch { return error as? BerthError }
    }

    @Test("nothing is there: the error says what was looked for")
    func empty() throws {
        for project in [MemoryProject([:]), MemoryProject(["README.md": "# a", "photo.jpg": "x"])] {
            let error = try #require(refusal(project))
            #expect(error.code == .notFound && error.message == "looking for a project in it")
            for name in ["package.json", "requirements.txt", "go.mod", "pom.xml", "Package.swift", "index.html"] {
                #expect(error.cause?.contains(name) == true, "\(error)")
            }
        }
    }

    @Test("projects below are named")
    func below() throws {
        let error = try #require(refusal(MemoryProject(["api/go.mod": "module a", "front/package.json": "{}"])))
        #expect(error.hint?.contains("berth init api, berth init front") == true, "\(error)")
    }

    @Test(
        "a package.json that is none",
        arguments: ["", "{", "[]", "null", "{\"scripts\": ", "\u{0}\u{1}", String(repeating: "[", count: 100_000)])
    func brokenJSON(text: String) throws {
        let error = try #require(refusal(MemoryProject(["package.json": text])))
        #expect(error.code == .invalid && error.message == "reading package.json" && error.hint != nil, "\(error)")
    }

    @Test("a package.json of two megabytes is refused, not read")
    func hugeManifest() throws {
        let project = MemoryProject(["package.json": "{\"a\": \"\(String(repeating: "x", count: 2 << 20))\"}"])
        #expect(try #require(refusal(project)).cause?.contains("larger than 1 MiB") == true)
    }

    @Test("members of the wrong kinds are as if they were not there")
    func wrongKinds() throws {
        let text = #"{"scripts": 3, "dependencies": ["pg"], "engines": {"node": {}}, "main": [], "packageManager": 1}"#
        let findings = try ProjectInit.look(at: MemoryProject(["package.json": text]), name: "it")
        #expect(findings.start == nil && findings.databases.isEmpty && findings.remarks.contains { $0.contains("CMD") })
    }

    @Test("a number beside the word port is none where nothing listens")
    func ports() throws {
        let client = "port = 8000\nconnect('somewhere', port)\n"
        #expect(try ProjectInit.look(at: MemoryProject(["main.py": client]), name: "it").port == nil)
        let server = client + "make_server('', port, page).serve_forever()\n"
        #expect(try ProjectInit.look(at: MemoryProject(["main.py": server]), name: "it").port?.value == 8000)
    }

    @Test("links are not followed, and nothing of what was made by others is read")
    func links() throws {
        let project = MemoryProject([
            "server.py": "import os\n", "node_modules/evil/index.js": "process.env.STOLEN",
            ".git/config": "x", "venv/lib/a.py": "os.environ['STOLEN']",
        ])
        project.others["requirements.txt"] = ProjectEntry("requirements.txt", .other)
        project.others["loop"] = ProjectEntry("loop", .other)
        let findings = try ProjectInit.look(at: project, name: "it")
        #expect(findings.packageTool == nil && findings.variables.isEmpty)
        #expect(project.readPaths.allSatisfy { !$0.contains("node_modules") && !$0.contains(".git/") })
        #expect(!project.readPaths.contains("requirements.txt"))
    }

    /// A directory in which everything is again the same, however deep one goes.
    private final class Endless: ProjectSource {
        var asked = 0
        func entries(of directory: String) -> [ProjectEntry] {
            asked += 1
            return (0..<50).map { ProjectEntry("d\($0)", .directory) } + [ProjectEntry("main.py", .file, sizeBytes: 10)]
        }
        func read(_ path: String, limit: Int) -> [UInt8]? { Array("port = 8000\n".utf8) }
    }

    @Test("a directory without an end has one for us") func endless() throws {
        let source = Endless()
        let findings = try ProjectInit.look(at: source, name: "it")
        #expect(findings.remarks.contains { $0.contains("larger than what was looked at") } && source.asked < 1_000)
    }

    @Test("names and texts that would end an instruction, a string or a document stay what they are")
    func injections() throws {
        let project = MemoryProject([
            "package.json": """
            {"scripts": {"start": "node 'a\\"] \\\\nRUN evil.js'", "build": "x"},
             "dependencies": {"express\\nRUN evil": "1", "pg": "2"}, "engines": {"node": "20\\nRUN evil"}}
            """,
            "Procfile": "release: sh -c \"echo $HOME `id` ${X}\"\nweb\u{7}: x\n\u{1B}[31m: y\n-: z\n",
            ".env.example": "A=\"}${B} #'\nDB_NAME=a\"; DROP\nDATABASE_URL=postgres://x/${Y}\"\n  - z: 1\nOK=fine\n",
            "name\nRUN evil/package.json": "{}",
        ])
        let findings = try ProjectInit.look(at: project, name: "it")
        let files = ProjectInit.files(findings)
        for file in files {
            let lines = file.text.split(separator: "\n")
            #expect(!lines.contains { $0.hasPrefix("RUN evil") || $0.hasPrefix("  - z") }, "\(file.text)")
        }
        let (dockerfile, diagnostics) = DockerfileParser.parse(files[0].text, file: "Dockerfile")
        #expect(dockerfile != nil && diagnostics.isEmpty, "\(diagnostics)\n\(files[0].text)")
        #expect(HostileTests.loads(files), "\(files.last?.text ?? "")")
    }

    @Test("any bytes in any file: an answer or an error, and what is written is well formed", .timeLimit(.minutes(2)))
    func mutants() throws {
        for (index, name) in try ProjectFixtures.names().enumerated() {
            var generator = SeededGenerator(seed: UInt64(index + 1))
            for _ in 0..<40 {
                let project = try MemoryProject(fixture: name)
                let path = project.files.keys.sorted().randomElement(using: &generator) ?? ""
                guard var bytes = project.files[path], !bytes.isEmpty else { continue }
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                    case 2: bytes.insert(contentsOf: Array("\"'${\n".utf8.shuffled(using: &generator)), at: place)
                    default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                project.files[path] = bytes
                guard let findings = try? ProjectInit.look(at: project, name: name) else { continue }
                let files = ProjectInit.files(findings)
                _ = ExplanationText(findings).sight
                if let text = files.first(where: { $0.path == "Dockerfile" })?.text {
                    let (dockerfile, diagnostics) = DockerfileParser.parse(text, file: "Dockerfile")
                    #expect(dockerfile != nil && diagnostics.isEmpty, "\(name) \(path): \(diagnostics)\n\(text)")
                }
                #expect(HostileTests.loads(files), "\(name) \(path): \(files.last?.text ?? "")")
            }
        }
    }

    /// Whether the stack file among them is one.
    private static func loads(_ files: [GeneratedFile]) -> Bool {
        let options = LoadOptions(workingDirectory: "/home/demo", environment: [:])
        return StackLoader(files: GeneratedStack(files: files)).load(options).stack != nil
    }
}
