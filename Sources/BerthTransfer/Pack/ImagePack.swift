// A built image as it leaves the host: its layers packed and compressed, in a manifest of their own. The config, and so
// the image's id, stays as it is.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch
import FoundationEssentials
import Synchronization

package enum ImagePack {
    /// Writes what the store has no blobs of into the ingest directory. The image's `manifest` names it all.
    package static func run(_ request: WorkerRequest) throws -> [IngestedImage] {
        let ingest = Ingest(request.ingest, limits: TransferLimits(), warn: { _ in })
        return try request.images.map { image in
            guard let path = request.blobs[image.manifest.description] else {
                throw BerthError(
                    .corrupt, "packing an image", subject: "\(image.manifest)", cause: "its manifest is missing")
            }
            var manifest = try JSONDecoder().decode(
                ImageManifest.self, from: Data(try FileIO.read(path, limit: 4 << 20)))
            manifest.layers = try packed(manifest.layers, request.trees, ingest)
            let written = try ingest.document(manifest)
            return IngestedImage(
                manifest: written.digest, config: manifest.config.digest, references: [], layers: [])
        }
    }

    private static func packed(
        _ layers: [ContentDescriptor], _ trees: [String: String], _ ingest: Ingest
    ) throws -> [ContentDescriptor] {
        let results = Mutex<[Int: Result<ContentDescriptor, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: layers.count) { index in
            guard let diff = trees[layers[index].digest.description] else { return }
            let result = Result { try compress(diff, layers[index], index, ingest) }
            results.withLock { $0[index] = result }
        }
        let made = results.withLock { $0 }
        return try layers.indices.map { try made[$0]?.get() ?? layers[$0] }
    }

    private static func compress(
        _ diff: String, _ layer: ContentDescriptor, _ index: Int, _ ingest: Ingest
    ) throws -> ContentDescriptor {
        let unnamed = "\(ingest.directory)/blobs/unnamed-\(index)"
        let file = try Directory.open(unnamed, flags: FileFlags.create, mode: 0o600)
        let number = file.number
        let (blob, size) = try GzipStream.compress(into: number, ingest.limits) { put in
            try LayerPack.write(diff, as: layer.digest, sizeBytes: layer.size, to: put)
        }
        try FileMove.rename(unnamed, ingest.blobPath(blob))
        return ContentDescriptor(mediaType: MediaType.layerGzip, digest: blob, size: size)
    }
}
