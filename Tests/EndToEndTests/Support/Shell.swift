// Runs programs for the end-to-end tests: output through files, so that a surviving daemon can never hold a pipe open.
import Foundation

/// How a program ended and what it said.
struct Output: Sendable, CustomStringConvertible {
    let command: String
    let status: Int32
    let stdout: String
    let stderr: String
    let seconds: Double

    var description: String { "$ \(command)\n[exit \(status)]\n\(stdout)\(stderr)" }
    var lines: [String] { stdout.split(separator: "\n").map(String.init) }
}

/// A program that was started and not yet awaited.
final class RunningProgram {
    private let process: Process
    private let directory: URL
    private let command: String
    private let begin = ContinuousClock.now

    init(
        _ path: String, _ arguments: [String], environment: [String: String], directory workingDirectory: String?,
        input: String? = nil
    )
        throws
    {
        directory = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(
            "berth-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for name in ["out", "err", "in"] {
            let content = name == "in" ? Data((input ?? "").utf8) : Data()
            try content.write(to: directory.appendingPathComponent(name))
        }
        process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        if let workingDirectory { process.currentDirectoryURL = URL(fileURLWithPath: workingDirectory) }
        process.standardOutput = try FileHandle(forWritingTo: directory.appendingPathComponent("out"))
        process.standardError = try FileHandle(forWritingTo: directory.appendingPathComponent("err"))
        process.standardInput = try FileHandle(forReadingFrom: directory.appendingPathComponent("in"))
        command = ([path] + arguments).joined(separator: " ")
        try process.run()
    }

    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var stdoutSoFar: String { text("out") }
    var stderrSoFar: String { text("err") }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end; after the limit the program is killed and its status is -1.
    func wait(limit seconds: Double = 120) -> Output {
        let deadline = begin + .seconds(seconds)
        var timedOut = false
        while process.isRunning {
            if ContinuousClock.now > deadline {
                timedOut = true
                kill(process.processIdentifier, SIGKILL)
            }
            usleep(3_000)
        }
        process.waitUntilExit()
        let elapsed = ContinuousClock.now - begin
        let status =
            timedOut
            ? -1
            : process.terminationReason == .uncaughtSignal
                ? 128 + process.terminationStatus : process.terminationStatus
        defer { try? FileManager.default.removeItem(at: directory) }
        return Output(
            command: command, status: status, stdout: text("out"), stderr: text("err"),
            seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
    }

    private func text(_ name: String) -> String {
        (try? Data(contentsOf: directory.appendingPathComponent(name))).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }
}

enum Shell {
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Runs `sh -c` and returns what it printed.
    @discardableResult
    static func run(_ script: String, environment: [String: String] = [:], limit: Double = 120) throws -> Output {
        try RunningProgram(
            "/bin/sh", ["-c", script], environment: ["PATH": path].merging(environment) { $1 }, directory: nil
        ).wait(limit: limit)
    }
}

/// Checks again and again until it holds; the only wait that tests have.
func eventually(_ limit: Double = 10, _ check: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(limit)
    while true {
        if try check() { return true }
        if ContinuousClock.now > deadline { return false }
        usleep(5_000)
    }
}
