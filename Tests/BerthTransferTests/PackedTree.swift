// A tree made by hand, to be packed: everything about it is said, so that its bytes are known.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Foundation

@testable import BerthTransfer

final class PackedTree {
    static let opaque = "trusted.overlay.opaque"
    private let parent: TemporaryDirectory
    let path: String
    private let root: SharedDescriptor

    init() throws {
        parent = try TemporaryDirectory("berth-pack")
        path = parent.path("diff")
        try Directory.make(path, mode: 0o755)
        root = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
    }

    struct Metadata {
        var userID: UInt32 = 0
        var groupID: UInt32 = 0
        var mode: UInt32 = 0o644
        var seconds: Int64 = 1_600_000_000
        var nanoseconds: Int64 = 0
        var attributes: [(String, [UInt8])] = []
    }

    private func set(_ name: String, _ metadata: Metadata, isLink: Bool = false) throws {
        try NewEntry.setMetadata(
            in: root.number, name, userID: metadata.userID, groupID: metadata.groupID,
            mode: isLink ? nil : metadata.mode, seconds: metadata.seconds, nanoseconds: metadata.nanoseconds)
        // Last: a new owner takes capabilities away.
        if !metadata.attributes.isEmpty {
            let file = try Directory.open("\(path)/\(name)")
            for (key, value) in metadata.attributes { try NewEntry.setAttribute(file.number, key, value) }
        }
    }

    private func metadata(_ mode: UInt32, _ change: (inout Metadata) -> Void) -> Metadata {
        var metadata = Metadata()
        metadata.mode = mode
        change(&metadata)
        return metadata
    }

    func file(_ name: String, _ content: String = "content", _ change: (inout Metadata) -> Void = { _ in }) throws {
        let file = try NewEntry.file(in: root.number, name)
        try FileIO.write(number: file.number, Array(content.utf8))
        try set(name, metadata(0o644, change))
    }

    /// Content may follow: `finish` it then, or its time is not what was said.
    func directory(_ name: String, _ change: (inout Metadata) -> Void = { _ in }) throws {
        if (try? FileStatus.of(name, in: root.number)) == nil { try NewEntry.directory(in: root.number, name) }
        try set(name, metadata(0o755, change))
    }

    func link(_ name: String, _ target: String, _ change: (inout Metadata) -> Void = { _ in }) throws {
        try NewEntry.symbolicLink(in: root.number, name, to: target)
        try set(name, metadata(0o777, change), isLink: true)
    }

    func hardLink(_ name: String, _ target: String) throws {
        try NewEntry.hardLink(in: root.number, name, to: root.number, target)
    }

    /// - Parameter kind: the file type bits of a mode.
    func node(
        _ name: String, _ kind: UInt32, _ major: UInt32 = 0, _ minor: UInt32 = 0,
        _ change: (inout Metadata) -> Void = { _ in }
    ) throws {
        try NewEntry.node(in: root.number, name, mode: kind | 0o600, major: major, minor: minor)
        try set(name, metadata(0o600, change))
    }

    func whiteout(_ name: String) throws { try NewEntry.whiteout(in: root.number, name) }

    /// Of every directory, once everything is in it.
    func setDirectoryTimes(_ seconds: Int64 = 1_600_000_000) throws {
        for line in try TransferWorld.list(path) where line.hasSuffix("/") {
            let name = String(line.dropLast())
            let status = try FileStatus.of(name, in: root.number)
            try NewEntry.setMetadata(
                in: root.number, name, userID: status.userID, groupID: status.groupID, mode: status.mode,
                seconds: seconds, nanoseconds: 0)
        }
    }

    func packed() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try LayerPack.write(path) { bytes += $0 }
        return bytes
    }

    // MARK: Programs

    /// A program's output. The bytes are what it reads.
    static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> (
        status: Int32, text: String
    ) {
        let directory = try TemporaryDirectory("berth-run")
        try directory.write("in", input)
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["TZ=UTC", "LC_ALL=C", program] + arguments
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: directory.path("in")))
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    /// What GNU tar reads in it: kind and mode, owner, size, time, name. Bytes beyond ASCII as it escapes them.
    static func list(_ tar: [UInt8]) throws -> [String] {
        let (status, text) = try run(
            "tar", ["--numeric-owner", "--full-time", "--quoting-style=escape", "-tvf", "-"], input: tar)
        guard status == 0 else { throw BerthError(.invalid, "listing", cause: text) }
        return text.split(separator: "\n").map { line in
            line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
    }
}
