// An ingest directory with a canary beside it, gone with the value.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Synchronization
import Testing

@testable import BerthTransfer

final class TransferWorld {
    let directory: TemporaryDirectory
    private(set) var ingest: String
    private var count = 0
    private let warned = Warnings()
    var warnings: [String] { warned.texts.withLock { $0 } }
    private final class Warnings: Sendable { let texts = Mutex<[String]>([]) }
    private var warn: @Sendable (String) -> Void { { [warned] text in warned.texts.withLock { $0.append(text) } } }
    var limits = TransferLimits()
    static let canary = "untouched"

    init() throws {
        directory = try TemporaryDirectory("berth-transfer")
        ingest = ""
        try directory.write("canary", TransferWorld.canary)
    }

    private func newIngest() throws {
        count += 1
        ingest = directory.path("ingest-\(count)")
        try Directory.make("\(ingest)/blobs")
        try Directory.make("\(ingest)/layers")
    }

    func open(_ bytes: [UInt8]) throws -> SharedDescriptor {
        SharedDescriptor(try FileIO.sealedMemory("test-archive", bytes))
    }

    func request(_ kind: WorkerRequest.Kind) -> WorkerRequest {
        WorkerRequest(kind: kind, ingest: ingest, created: "2026-01-02T03:04:05Z")
    }

    func importTree(_ bytes: [UInt8], changes: [String] = []) throws -> IngestedImage {
        try newIngest()
        var request = request(.importTree)
        request.reference = "test"
        request.changes = changes
        let archive = try open(bytes)
        let images = try ArchiveImport.run(
            request, archive: archive.number, limits: limits, warn: warn)
        withExtendedLifetime(archive) {}
        return try #require(images.first)
    }

    func load(_ bytes: [UInt8]) throws -> [IngestedImage] {
        try newIngest()
        let archive = try open(bytes)
        defer { withExtendedLifetime(archive) {} }
        return try ArchiveLoad.run(
            request(.load), archive: archive.number, limits: limits, warn: warn)
    }

    /// Unpacks tars above each other; the last one's directory.
    func unpack(_ tars: [[UInt8]]) throws -> String {
        try newIngest()
        let ingest = Ingest(ingest, limits: limits, warn: warn)
        var places: [String] = []
        for tar in tars {
            let archive = try open(tar)
            places.insert(try ingest.layer(from: archive.number, above: places).place, at: 0)
            withExtendedLifetime(archive) {}
        }
        return "\(places[0])/diff"
    }

    func unpack(_ build: (inout TestTar) -> Void) throws -> String {
        var tar = TestTar()
        build(&tar)
        return try unpack([tar.finished])
    }

    /// Every path below a directory, sorted, with a word for its kind.
    static func list(_ directory: String, _ prefix: String = "") throws -> [String] {
        var lines: [String] = []
        for name in try Directory.names(directory).sorted() {
            let status = try FileStatus.of("\(directory)/\(name)", following: false)
            let path = prefix + name
            switch status.kind {
            case .directory:
                lines.append(path + "/")
                lines += try list("\(directory)/\(name)", path + "/")
            case .symbolicLink: lines.append("\(path) -> \(try Directory.readLink("\(directory)/\(name)"))")
            case .characterDevice where status.isWhiteout: lines.append("\(path) whiteout")
            case .regular: lines.append(path)
            default: lines.append("\(path) \(status.kind)")
            }
        }
        return lines
    }

    static func isOpaque(_ path: String) throws -> Bool {
        let directory = try Directory.open(path, flags: FileFlags.directory)
        return NewEntry.attribute(directory.number, LayerTree.opaqueAttribute) == Array("y".utf8)
    }

    /// The canary is as it was, and nothing stands beside it that should not.
    func checkHost(_ place: SourceLocation = #_sourceLocation) throws {
        #expect(try FileIO.readText(directory.path("canary")) == TransferWorld.canary, sourceLocation: place)
        let names = try Directory.names(directory.path).filter { !$0.hasPrefix("ingest-") && $0 != "canary" }
        #expect(names.isEmpty, sourceLocation: place)
    }
}
