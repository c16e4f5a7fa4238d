// A store on a directory of its own, references in memory, images made by hand.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Synchronization

@testable import BerthStore

/// References in memory; fails when told to, as a crash between two steps would.
final class MemoryBook: ReferenceBook {
    struct Failure: Error {}
    private let state = Mutex<(references: [String: Digest], stepsLeft: Int?)>(([:], nil))

    func failAfter(_ steps: Int?) { state.withLock { $0.stepsLeft = steps } }

    private func step(_ body: (inout [String: Digest]) -> Void) throws {
        try state.withLock { state in
            if let left = state.stepsLeft {
                if left == 0 { throw Failure() }
                state.stepsLeft = left - 1
            }
            body(&state.references)
        }
    }

    func references() throws -> [String: Digest] { state.withLock { $0.references } }
    func set(_ reference: String, _ manifest: Digest) throws { try step { $0[reference] = manifest } }
    func remove(_ reference: String) throws { try step { $0[reference] = nil } }

    private let shared = Mutex<[String: SharedDocument]>([:])
    func documents() throws -> [String: SharedDocument] { shared.withLock { $0 } }
    func set(_ reference: String, _ document: SharedDocument) throws {
        try step { _ in }
        shared.withLock { $0[reference] = document }
    }
    func removeDocument(_ reference: String) throws {
        try step { _ in }
        shared.withLock { $0[reference] = nil }
    }
}

final class StoreWorld {
    let directory: TemporaryDirectory
    let layout: StateLayout
    let book = MemoryBook()
    let images: ImageStore
    private var count = 0

    init() throws {
        directory = try TemporaryDirectory("berth-store")
        layout = StateLayout(dataRoot: directory.path("data"), runRoot: directory.path("run"), world: "00000000")
        images = try ImageStore(layout: layout, book: book)
        try Directory.make(layout.runRoot)
    }

    /// Beside the test bundle, where the build puts all programs.
    static let worker = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/berth-worker").path

    var client: WorkerClient { WorkerClient(program: StoreWorld.worker, layout: layout) }

    func newIngest() throws -> String {
        count += 1
        let ingest = "\(layout.ingest)/\(count)"
        try Directory.make("\(ingest)/blobs")
        try Directory.make("\(ingest)/layers")
        return ingest
    }

    /// Puts an image of layers with these contents into an ingest directory.
    func prepare(_ contents: [String], _ references: [String], variant: String = "", in ingest: String) throws
        -> IngestedImage
    {
        func blob(_ bytes: [UInt8]) throws -> ContentDescriptor {
            let digest = ContentHash.digest(of: bytes)
            try FileIO.replace("\(ingest)/blobs/\(digest.hex)", bytes, durable: false)
            return ContentDescriptor(mediaType: MediaType.layer, digest: digest, size: Int64(bytes.count))
        }
        let layers = try contents.map { try blob(Array($0.utf8)) }
        let diffIDs = layers.map(\.digest)
        for (content, chainID) in zip(contents, ContentHash.chainIDs(of: diffIDs)) {
            let place = "\(ingest)/layers/\(chainID.hex)"
            try Directory.make("\(place)/diff", mode: 0o755)
            try FileIO.replace("\(place)/diff/\(content)", Array(content.utf8), durable: false)
            try FileIO.replace("\(place)/size", Array("\(content.utf8.count)".utf8), durable: false)
        }
        var config = ImageConfig(platform: .host, rootfs: .init(diffIDs: diffIDs))
        config.author = variant
        let stored = try blob(Array(try JSONEncoder().encode(config)))
        let manifest = ImageManifest(
            config: ContentDescriptor(mediaType: MediaType.config, digest: stored.digest, size: stored.size),
            layers: layers)
        let written = try blob(Array(try JSONEncoder().encode(manifest)))
        return IngestedImage(manifest: written.digest, config: stored.digest, references: references, layers: diffIDs)
    }

    @discardableResult
    func commit(_ contents: [String], _ references: [String], variant: String = "") throws -> IngestedImage {
        let ingest = try newIngest()
        defer { try? Directory.remove(ingest) }
        let image = try prepare(contents, references, variant: variant, in: ingest)
        try images.commit([image], from: ingest)
        return image
    }

    func blobs() throws -> Set<String> { Set(try Directory.names(layout.blobs)) }
    func layers() throws -> Set<String> { Set(try Directory.names(layout.layers)) }

    static func blobs(of image: IngestedImage) -> Set<String> {
        Set(([image.manifest, image.config] + image.layers).map(\.hex))
    }

    static func chain(of image: IngestedImage) -> Set<String> { Set(ContentHash.chainIDs(of: image.layers).map(\.hex)) }
}
