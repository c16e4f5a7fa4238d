// What reading a stack file costs. Instructions are counted, not seconds: they are the same on a busy machine.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: cost")
struct CostTests {
    /// Recorded with the release build of Swift 6.3.1 on x86-64. A change that makes it cheaper records less here.
    enum Bound: String, CaseIterable, CustomTestStringConvertible {
        case smallFile = "one service beside a database"
        case largeFile = "200 services with anchors, 20 included files"
        /// On another thread than the first; nothing of the program's size is paid for that.
        case waiting = "a command that may wait"

        var instructions: Double {
            switch self {
            case .smallFile: 16.6e6
            case .largeFile: 240e6
            case .waiting: 8.8e6
            }
        }
        var words: [String] { self == .waiting ? ["version"] : ["config", "-q"] }
        var testDescription: String { rawValue }

        func write(to directory: String) throws {
            switch self {
            case .waiting: break
            case .smallFile: try Data(CostTests.small.utf8).write(to: URL(fileURLWithPath: directory + "/compose.yaml"))
            case .largeFile:
                let script = SourceRoot.url.appendingPathComponent("examples/bench/large-stack").path
                let made = try Shell.run("'\(script)' '\(directory)'")
                #expect(made.status == 0, "\(made)")
            }
        }
    }

    static let small = """
        services:
          web:
            image: nginx:1.27
            ports: ["8080:80"]
            environment:
              A: b
            depends_on: [db]
          db:
            image: postgres:16
            volumes: [data:/var/lib/postgresql/data]
        volumes:
          data:
        """

    @Test("a command costs at most a tenth more than was recorded", arguments: Bound.allCases)
    func command(bound: Bound) throws {
        let release = SourceRoot.url.appendingPathComponent(".build/release/berth").path
        try #require(
            FileManager.default.fileExists(atPath: release), "run make test, or make release before this suite")
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("berth-cost-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try bound.write(to: directory.path)
        // Without its debugging information: valgrind cannot read what this compiler writes.
        let program = directory.path + "/berth"
        let stripped = try Shell.run("strip -o '\(program)' '\(release)'")
        try #require(stripped.status == 0, "\(stripped)")

        let counted = try RunningProgram(
            "/usr/bin/valgrind", ["--tool=callgrind", "--callgrind-out-file=/dev/null", program] + bound.words,
            // The order of hash tables would differ from run to run.
            environment: ["PATH": Shell.path, "HOME": "/root", "SWIFT_DETERMINISTIC_HASHING": "1"],
            directory: directory.path
        ).wait()
        #expect(counted.status == 0, "\(counted)")
        let line = counted.stderr.split(separator: "\n").first { $0.contains("Collected : ") }
        let count = try #require(line?.split(separator: " ").last.flatMap { Double($0) }, "\(counted)")
        #expect(count <= bound.instructions * 1.1, "\(bound): \(count) instructions, recorded \(bound.instructions)")
    }
}
