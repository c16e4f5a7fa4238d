// The worker's one directory: layers unpacked, blobs by digest, documents encoded.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import Synchronization

final class Ingest: Sendable {
    let directory: String
    let limits: TransferLimits
    private let warn: @Sendable (String) -> Void
    private let count = Atomic(0)

    init(_ directory: String, limits: TransferLimits, warn: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.limits = limits
        self.warn = warn
    }

    struct Layer: Sendable {
        var descriptor: ContentDescriptor
        var diffID: Digest
        /// Where it was unpacked; named by ChainID once that is known.
        var place: String
        var uncompressedBytes: Int64
        /// Above other layers it unpacks differently.
        var dependsOnLowers: Bool
    }

    func blobPath(_ digest: Digest) -> String { "\(directory)/blobs/\(digest.hex)" }

    /// Unpacks a layer; its bytes become a blob.
    ///
    /// - Parameters:
    ///   - file: the path of the source where that is a file of the ingest's own: moved, not copied, to be the blob.
    ///   - lowers: where the layers below are unpacked, nearest first.
    func layer(from source: Int32, file: String? = nil, above lowers: [String] = []) throws -> Layer {
        try layer(from: source, file: file) { lowers }
    }

    /// - Parameter lowers: called when something below is looked for, which is seldom; it may wait for it.
    func layer(from source: Int32, file: String? = nil, above lowers: @escaping () throws -> [String]) throws -> Layer {
        let count = count.add(1, ordering: .relaxed).newValue
        let place = "\(directory)/layers/unnamed-\(count)"
        let unnamed = "\(directory)/blobs/unnamed-\(count)"
        try Directory.make("\(place)/diff", mode: 0o755)
        let blob = try Directory.open(unnamed, flags: FileFlags.create, mode: 0o600)
        let stream = try ArchiveStream(source: source, blobFile: blob.number, writesGiven: file == nil, limits: limits)
        defer { stream.stop() }
        let below = LowerLayers {
            try lowers().map { SharedDescriptor(try Directory.open("\($0)/diff", flags: FileFlags.directory)) }
        }
        let root = try Directory.open("\(place)/diff", flags: FileFlags.directory)
        try LayerUnpack(stream, into: root, above: below, limits: limits, warn: warn).run()
        let (digest, size) = stream.blob
        if let file, stream.keepsGiven {
            try Directory.remove(unnamed)
            if file != blobPath(digest) { try FileMove.rename(file, blobPath(digest)) }
        } else {
            try FileMove.rename(unnamed, blobPath(digest))
        }
        return Layer(
            descriptor: ContentDescriptor(mediaType: MediaType.layer + stream.compression, digest: digest, size: size),
            diffID: stream.diffID, place: place, uncompressedBytes: stream.uncompressedBytes,
            dependsOnLowers: below.wasAsked)
    }

    /// Gives a layer the name that the store knows it by.
    func name(_ layer: inout Layer, _ chainID: Digest) throws {
        let named = "\(directory)/layers/\(chainID.hex)"
        if layer.place == named { return }
        try FileIO.replace("\(layer.place)/size", Array("\(layer.uncompressedBytes)".utf8))
        try FileMove.rename(layer.place, named)
        layer.place = named
    }

    /// Stores a document; its digest names it. Keys are sorted, so equal documents have equal digests.
    func document(_ value: some Encodable) throws -> (digest: Digest, sizeBytes: Int64) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try blob(Array(try encoder.encode(value)))
    }

    func blob(_ bytes: [UInt8]) throws -> (digest: Digest, sizeBytes: Int64) {
        let digest = ContentHash.digest(of: bytes)
        try FileIO.replace(blobPath(digest), bytes)
        return (digest, Int64(bytes.count))
    }
}
