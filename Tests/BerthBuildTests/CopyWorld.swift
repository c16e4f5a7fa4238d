// A context and a destination beside each other, made from short lines and read back as such.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Synchronization

@testable import BerthBuild

/// `a/b=text` is a file, `a/` a directory, `a->b` a link, `a|` a fifo, `a%` a socket.
final class CopyWorld {
    let directory: TemporaryDirectory
    let context: SharedDescriptor
    let target: SharedDescriptor
    let warnings = Mutex<[String]>([])

    var contextPath: String { directory.path("context") }
    var targetPath: String { directory.path("target") }

    init(_ context: [String] = [], target: [String] = []) throws {
        directory = try TemporaryDirectory("berth-copy")
        try Directory.make(directory.path("context"), mode: 0o755)
        try Directory.make(directory.path("target"), mode: 0o755)
        self.context = SharedDescriptor(try Directory.open(directory.path("context"), flags: FileFlags.directory))
        self.target = SharedDescriptor(try Directory.open(directory.path("target"), flags: FileFlags.directory))
        try make(context)
        try make(target, in: self.target)
    }

    func make(_ lines: [String]) throws { try make(lines, in: context) }

    func make(_ lines: [String], in root: SharedDescriptor) throws {
        for line in lines {
            if let arrow = line.range(of: "->") {
                let (parent, name) = try place(String(line[..<arrow.lowerBound]), root)
                try NewEntry.symbolicLink(in: parent.number, name, to: String(line[arrow.upperBound...]))
            } else if let equals = line.firstIndex(of: "=") {
                let (parent, name) = try place(String(line[..<equals]), root)
                try FileIO.replace(
                    "/proc/self/fd/\(parent.number)/\(name)", Array(line[line.index(after: equals)...].utf8),
                    mode: 0o644, durable: false)
            } else if line.hasSuffix("/") {
                let made = try Directory.makeDirectories(inRootNumber: root.number, line)
                _ = made.number
            } else {
                let (parent, name) = try place(String(line.dropLast()), root)
                let mode: UInt32 = line.hasSuffix("|") ? 0o010644 : 0o140644
                try NewEntry.node(in: parent.number, name, mode: mode, major: 0, minor: 0)
            }
        }
    }

    private func place(_ path: String, _ root: SharedDescriptor) throws -> (SharedDescriptor, String) {
        let parts = path.split(separator: "/").map(String.init)
        let above = parts.dropLast().joined(separator: "/")
        return (SharedDescriptor(try Directory.makeDirectories(inRootNumber: root.number, above)), parts.last ?? "")
    }

    /// What is below the destination, by the same lines.
    func listing(_ path: String? = nil, _ prefix: String = "") throws -> [String] {
        let path = path ?? targetPath
        var lines: [String] = []
        for name in try Directory.names(path).sorted() {
            let here = "\(path)/\(name)"
            switch try FileStatus.of(here, following: false).kind {
            case .directory:
                lines.append("\(prefix)\(name)/")
                lines += try listing(here, "\(prefix)\(name)/")
            case .symbolicLink: lines.append("\(prefix)\(name)->\(try Directory.readLink(here))")
            case .fifo: lines.append("\(prefix)\(name)|")
            case .socket: lines.append("\(prefix)\(name)%")
            default: lines.append("\(prefix)\(name)=\(try FileIO.readText(here))")
            }
        }
        return lines
    }

    func select(
        _ sources: [String], _ destination: String = "/", ignoring: [String] = [],
        _ change: (inout CopyRequest) -> Void = { _ in }
    ) throws -> CopySelection {
        var request = CopyRequest(sources: sources, destination: destination)
        change(&request)
        let source = CopySource.context(context, ignoring: IgnorePatterns(ignoring))
        return try CopySelection(request, from: source) { [self] text in warnings.withLock { $0.append(text) } }
    }

    func copy(
        _ sources: [String], _ destination: String = "/", ignoring: [String] = [], timestampMax: Int64? = nil,
        _ change: (inout CopyRequest) -> Void = { _ in }
    ) throws {
        let selection = try select(sources, destination, ignoring: ignoring, change)
        try CopyWriter(root: target, timestampMax: timestampMax).write(selection)
    }

    func digest(_ sources: [String] = ["."], ignoring: [String] = []) throws -> Digest {
        try CopyDigest.digest(of: try select(sources, ignoring: ignoring))
    }

    func status(_ path: String) throws -> FileStatus { try FileStatus.of("\(targetPath)/\(path)", following: false) }

    /// Runs a tool of the machine on a path of the context.
    func run(_ program: String, _ arguments: [String]) throws {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
    }
}

extension CopyWorld: @unchecked Sendable {}
