// The worker's one directory: layers unpacked, blobs by digest, documents encoded.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

struct Ingest {
    let directory: String
    let limits = TransferLimits()

    struct Layer {
        var descriptor: ContentDescriptor
        var diffID: Digest
        /// Where it was unpacked; named by ChainID once that is known.
        var unpacked: String
        var uncompressedBytes: Int64
    }

    /// Unpacks a layer; its bytes become a blob.
    func layer(from source: Int32, number: Int) throws -> Layer {
        let unpacked = "\(directory)/layers/unnamed-\(number)"
        let blobPath = "\(directory)/blobs/unnamed-\(number)"
        try Directory.make("\(unpacked)/diff", mode: 0o755)
        let blob = try Directory.open(blobPath, flags: FileFlags.create, mode: 0o600)
        let stream = try ArchiveStream(source: source, copyTo: blob.number, limits: limits)
        let root = try Directory.open("\(unpacked)/diff", flags: FileFlags.directory)
        let unpack = try LayerUnpack(stream, into: root, limits: limits)
        try unpack.run()
        let (digest, size) = stream.blob
        try FileMove.rename(blobPath, "\(directory)/blobs/\(digest.hex)")
        return Layer(
            descriptor: ContentDescriptor(mediaType: MediaType.layer + stream.compression, digest: digest, size: size),
            diffID: stream.diffID, unpacked: unpacked, uncompressedBytes: stream.uncompressedBytes)
    }

    /// Names the layers by their chain.
    func nameLayers(_ layers: [Layer]) throws {
        for (layer, chainID) in zip(layers, ContentHash.chainIDs(of: layers.map(\.diffID))) {
            try FileIO.replace("\(layer.unpacked)/size", Array("\(layer.uncompressedBytes)".utf8))
            try FileMove.intoPlace(layer.unpacked, "\(directory)/layers/\(chainID.hex)")
        }
    }

    /// Stores a document; its digest names it. Keys are sorted, so equal documents have equal digests.
    func document(_ value: some Encodable) throws -> (digest: Digest, sizeBytes: Int64) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try blob(Array(try encoder.encode(value)))
    }

    func blob(_ bytes: [UInt8]) throws -> (digest: Digest, sizeBytes: Int64) {
        let digest = ContentHash.digest(of: bytes)
        try FileIO.replace("\(directory)/blobs/\(digest.hex)", bytes)
        return (digest, Int64(bytes.count))
    }
}
