// A bundle with busybox, and the runtimes that are run on it: ours and Debian's as oracles.
import BerthLinux
import BerthTesting
import Foundation

struct Outcome: Equatable {
    var code: Int32
    var output: String
    var errors: String
}

/// A runtime with a state directory of its own.
struct Runtime {
    let path: String
    let root: String

    static func all(in directory: TemporaryDirectory) -> [Runtime] {
        [berth(in: directory)]
            + ["runc", "crun"].map { Runtime(path: "/usr/bin/env", root: directory.path($0), name: $0) }
    }

    static func berth(in directory: TemporaryDirectory) -> Runtime {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build/debug/berth-oci").path
        return Runtime(path: path, root: directory.path("berth"), name: nil)
    }

    let name: String?
    init(path: String, root: String, name: String?) { (self.path, self.root, self.name) = (path, root, name) }

    @discardableResult
    func run(_ arguments: String..., in directory: String = "/") throws -> Outcome { try run(arguments, in: directory) }

    func run(_ arguments: [String], in directory: String = "/") throws -> Outcome {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = (name.map { [$0] } ?? []) + ["--root", root] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        // Files, not pipes: a container that lives on keeps them open.
        let output = "\(root)-out-\(UInt64.random(in: 0...UInt64.max))"
        let errors = output + ".err"
        for path in [output, errors] { FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: try FileIO.readText(output), errors: try FileIO.readText(errors))
    }
}

/// `config.json` as a tree that tests change by path, and a root with busybox.
final class TestBundle {
    let directory: TemporaryDirectory
    var path: String { directory.path("bundle") }
    let id = "berth-test-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    private(set) var config: [String: Any]

    init(_ script: String) throws {
        directory = try TemporaryDirectory("berth-oci")
        // Root of a user namespace is nobody here and must get through.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
        try Directory.make(directory.path("bundle"), mode: 0o755)
        try Directory.make(directory.path("bundle/rootfs"), mode: 0o755)
        try Directory.make(directory.path("bundle/rootfs/bin"), mode: 0o755)
        for name in ["etc", "tmp", "data", "proc", "sys", "dev"] {
            try Directory.make(directory.path("bundle/rootfs/\(name)"), mode: 0o755)
        }
        let root = directory.path("bundle/rootfs")
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(root)/bin/busybox")
        for name in ["sh", "cat", "id", "grep", "sleep", "ls", "echo", "env", "hostname", "test", "touch", "sort"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(root)/bin/\(name)", withDestinationPath: "busybox")
        }
        try Runtime.berth(in: directory).run("spec", in: directory.path("bundle"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.path("bundle/config.json")))
        config = try JSONSerialization.jsonObject(with: bytes) as? [String: Any] ?? [:]
        try set("process.terminal", false)
        try set("process.args", ["sh", "-c", script])
    }

    func set(_ place: String, _ value: Any) throws {
        config = TestBundle.changed(config, place.split(separator: ".").map(String.init)[...], value)
        try JSONSerialization.data(withJSONObject: config).write(
            to: URL(fileURLWithPath: directory.path("bundle/config.json")))
    }

    private static func changed(_ tree: [String: Any], _ keys: ArraySlice<String>, _ value: Any) -> [String: Any] {
        var tree = tree
        guard let key = keys.first else { return tree }
        tree[key] =
            keys.count == 1 ? value : changed(tree[key] as? [String: Any] ?? [:], keys.dropFirst(), value)
        return tree
    }

    /// What a whole run gives.
    func run(_ runtime: Runtime) throws -> Outcome {
        try runtime.run("run", "--bundle", path, id)
    }

    /// Containers of a test never outlive it.
    func with<Result>(_ runtime: Runtime, _ body: () throws -> Result) throws -> Result {
        defer { _ = try? runtime.run("delete", "--force", id) }
        return try body()
    }
}
