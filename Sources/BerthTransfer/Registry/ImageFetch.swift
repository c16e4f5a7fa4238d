// The fetching half of a pull, in a process of its own with a network and no rights: from a reference to verified blobs
// in the ingest directory.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

/// What the fetching process tells the unpacking one.
enum FetchReport: Codable, Sendable {
    /// The manifest to unpack lies in the ingest, and its config; `named` is what the reference led to: an index, or
    /// the same.
    case manifest(ContentDescriptor, named: Digest)
    case layer(LayerProgress)
    /// The blob lies whole and verified in the ingest, or in the store.
    case ready(Digest)
    case finished
    case failed(BerthError)
}

package struct ImageFetch: Sendable {
    private static let layersAtOnce = 6
    static let accept =
        ManifestChoice.manifestTypes.sorted() + ManifestChoice.indexTypes.sorted()

    let request: PullRequest
    let ingest: String
    let limits: TransferLimits
    let report: @Sendable (FetchReport) -> Void

    /// The body of the fetching process: reports on descriptor 1.
    package static func main(_ request: WorkerRequest) async {
        let writer = ReportWriter()
        do {
            guard let pull = request.pull else {
                throw BerthError(.internal, "pulling an image", cause: "there is no reference")
            }
            try await ImageFetch(
                request: pull, ingest: request.ingest, limits: TransferLimits(), report: { writer.write($0) }
            ).run()
            writer.write(.finished)
        } catch let error as BerthError {
            writer.write(.failed(error))
        } catch {
            writer.write(.failed(BerthError(.internal, "pulling an image", cause: "\(error)")))
        }
    }

    func run() async throws {
        guard let reference = ImageReference(request.reference) else {
            throw BerthError(.invalid, "pulling \(request.reference)", cause: "invalid reference format")
        }
        try await RegistryPlaces(access: request.access, name: reference.domain).ask { client in
            try await fetch(reference, client)
        }
    }

    private func fetch(_ reference: ImageReference, _ client: RegistryClient) async throws {
        let asked = reference.digest.map { "\($0)" } ?? reference.tag ?? "latest"
        var document = try await client.manifest(reference.path, asked, accept: ImageFetch.accept)
        let named = document.digest
        var depth = 0
        while true {
            let name = "\(document.digest)"
            let shape: ManifestChoice.Shape = try ImageFetch.decode(document.bytes, name)
            // A registry that does not say the type is believed what the document says.
            let type =
                document.mediaType.isEmpty || document.mediaType == "application/json"
                ? shape.mediaType ?? (shape.isIndex ? MediaType.index : MediaType.manifest) : document.mediaType
            try ManifestChoice.check(shape, type, name)
            if ManifestChoice.indexTypes.contains(type) {
                guard depth < ManifestChoice.indexDepthMax else {
                    throw BerthError(.invalid, "pulling \(reference)", cause: "indexes are nested too deeply")
                }
                depth += 1
                let index: ImageIndex = try ImageFetch.decode(document.bytes, name)
                let chosen = try ManifestChoice.choose(
                    index, for: request.platform ?? .host, isAsked: request.platform != nil)
                document = try await client.manifest(reference.path, "\(chosen.digest)", accept: [chosen.mediaType])
                guard Int64(document.bytes.count) == chosen.size else {
                    throw client.disagrees("\(chosen.digest)", "it has another size than its index says")
                }
                continue
            }
            guard ManifestChoice.manifestTypes.contains(type) else { throw ManifestChoice.noImage(type) }
            return try await fetch(
                reference, client, document, named: named,
                ContentDescriptor(mediaType: type, digest: document.digest, size: Int64(document.bytes.count)))
        }
    }

    private func fetch(
        _ reference: ImageReference, _ client: RegistryClient, _ document: RegistryClient.Document, named: Digest,
        _ descriptor: ContentDescriptor
    ) async throws {
        let manifest: ImageManifest = try ImageFetch.decode(document.bytes, "\(document.digest)")
        try ManifestChoice.check(manifest)
        let configBytes = try await config(client, reference.path, manifest.config)
        let config: ImageConfig = try ImageFetch.decode(configBytes, "\(manifest.config.digest)")
        guard config.rootfs.diff_ids.count == manifest.layers.count else {
            throw BerthError(
                .invalid, "pulling \(reference)",
                cause: "\(manifest.layers.count) layers, but the config names \(config.rootfs.diff_ids.count)")
        }
        try FileIO.replace("\(ingest)/blobs/\(document.digest.hex)", document.bytes)
        try FileIO.replace("\(ingest)/blobs/\(manifest.config.digest.hex)", configBytes)
        report(.manifest(descriptor, named: named))
        let place = PullPlace(request: request, ingest: ingest)
        var wanted: [ContentDescriptor] = []
        for (layer, chainID) in zip(manifest.layers, ContentHash.chainIDs(of: config.rootfs.diff_ids)) {
            let progress: LayerProgress.Phase
            if place.hasStored(blob: layer.digest) {
                progress = place.hasStored(layer: chainID) ? .exists : .downloaded
                report(.ready(layer.digest))
            } else {
                progress = .waiting
                if !wanted.contains(where: { $0.digest == layer.digest }) { wanted.append(layer) }
            }
            report(.layer(LayerProgress(layer: layer.digest, phase: progress, totalBytes: layer.size)))
        }
        try await download(wanted, client, reference.path)
    }

    /// From the store where it is there already.
    private func config(
        _ client: RegistryClient, _ path: String, _ descriptor: ContentDescriptor
    ) async throws -> [UInt8] {
        let place = PullPlace(request: request, ingest: ingest)
        if let bytes = try? FileIO.read(place.storedBlob(descriptor.digest), limit: 4 << 20),
            ContentHash.digest(of: bytes) == descriptor.digest
        {
            return bytes
        }
        return try await client.document(path, descriptor)
    }

    /// Several at once, the base layers first: they are unpacked first.
    private func download(_ layers: [ContentDescriptor], _ client: RegistryClient, _ path: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rest = layers[...]
            func startNext() {
                guard let layer = rest.popFirst() else { return }
                group.addTask { try await download(layer, client, path) }
            }
            for _ in 0..<ImageFetch.layersAtOnce { startNext() }
            while try await group.next() != nil { startNext() }
        }
    }

    private func download(_ layer: ContentDescriptor, _ client: RegistryClient, _ path: String) async throws {
        let hex = layer.digest.hex
        report(.layer(LayerProgress(layer: layer.digest, phase: .downloading, totalBytes: layer.size)))
        try await BlobDownload(
            client: client, path: path, descriptor: layer, limits: limits, progress: { report(.layer($0)) }
        ).run(
            kept: "\(request.partials)/\(hex)", partial: "\(ingest)/blobs/\(PartialBlobs.prefix)\(hex)",
            place: "\(ingest)/blobs/\(hex)")
        report(
            .layer(
                LayerProgress(
                    layer: layer.digest, phase: .downloaded, doneBytes: layer.size, totalBytes: layer.size)))
        report(.ready(layer.digest))
    }

    static func decode<Document: Decodable>(_ bytes: [UInt8], _ name: String) throws -> Document {
        do { return try JSONDecoder().decode(Document.self, from: Data(bytes)) } catch {
            throw BerthError(.invalid, "reading \(name)", subject: name, cause: "\(name) is not what it should be")
        }
    }
}

/// Where the parts of an image lie while it is pulled.
struct PullPlace {
    let request: PullRequest
    let ingest: String

    func storedBlob(_ digest: Digest) -> String { "\(request.blobs)/\(digest.hex)" }
    func storedLayer(_ chainID: Digest) -> String { "\(request.layers)/\(chainID.hex)" }
    func hasStored(blob digest: Digest) -> Bool { (try? FileStatus.of(storedBlob(digest))) != nil }
    func hasStored(layer chainID: Digest) -> Bool { (try? FileStatus.of("\(storedLayer(chainID))/diff")) != nil }
}

/// One report a line; lines of several tasks never mix.
private final class ReportWriter: Sendable {
    private let turn = SerialLock()

    func write(_ report: FetchReport) {
        guard let line = try? JSONEncoder().encode(report) else { return }
        turn.locked {
            // Ignored: an unpacker that is gone takes no reports.
            try? FileIO.write(number: 1, Array(line) + [0x0A])
        }
    }
}
