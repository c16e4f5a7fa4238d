// The unpacking half of a pull, without a network: layers from the base up, several at once, each as soon as it is
// there and verified.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

package struct ImagePull: Sendable {
    let request: WorkerRequest
    let pull: PullRequest
    let ingest: Ingest
    let progress: @Sendable (LayerProgress) -> Void

    /// - Parameter reports: the fetching process's output.
    package static func run(
        _ request: WorkerRequest, reports: Int32, warn: @escaping @Sendable (String) -> Void,
        progress: @escaping @Sendable (LayerProgress) -> Void
    ) throws -> [IngestedImage] {
        guard let pull = request.pull else {
            throw BerthError(.internal, "pulling an image", cause: "there is no reference")
        }
        let ingest = Ingest(request.ingest, limits: TransferLimits(), warn: warn)
        let worker = ImagePull(request: request, pull: pull, ingest: ingest, progress: progress)
        return [try worker.run(FetchReports(reports, progress))]
    }

    private func run(_ reports: FetchReports) throws -> IngestedImage {
        let (descriptor, named) = try reports.manifest()
        // The fetching process has read hostile bytes: what it says is looked at again.
        let bytes = try verified(descriptor.digest)
        let manifest: ImageManifest = try ImageFetch.decode(bytes, "\(descriptor.digest)")
        try ManifestChoice.check(manifest)
        let config: ImageConfig = try ImageFetch.decode(
            try verified(manifest.config.digest), "\(manifest.config.digest)")
        let diffIDs = config.rootfs.diff_ids
        guard diffIDs.count == manifest.layers.count else {
            throw BerthError(.corrupt, "pulling \(pull.reference)", cause: "its config names other layers")
        }
        let place = PullPlace(request: pull, ingest: request.ingest)
        let stack = UnpackedLayers(count: diffIDs.count)
        do {
            for (index, chainID) in ContentHash.chainIDs(of: diffIDs).enumerated() {
                let layer = manifest.layers[index]
                try reports.awaitReady(layer.digest)
                if place.hasStored(layer: chainID) {
                    stack.set(index, .success(place.storedLayer(chainID)))
                } else {
                    stack.run(index) { try unpack(layer, diffIDs[index], chainID, place) { try stack.below(index) } }
                }
            }
        } catch {
            // Those that are under way end first: they read what is about to be removed.
            stack.abandon(error)
            throw error
        }
        try stack.awaitAll()
        try reports.awaitEnd()
        return IngestedImage(
            manifest: descriptor.digest, config: manifest.config.digest,
            references: try names(named), layers: diffIDs)
    }

    /// The name that was asked for, and the one by the digest that it led to.
    private func names(_ named: Digest) throws -> [String] {
        let asked = try ImageStore.canonical(pull.reference)
        guard var reference = ImageReference(asked) else { return [asked] }
        reference.tag = nil
        reference.digest = named
        return asked == reference.canonical ? [asked] : [asked, reference.canonical]
    }

    private func verified(_ digest: Digest) throws -> [UInt8] {
        let bytes = try FileIO.read(ingest.blobPath(digest), limit: ArchiveLoad.documentBytesMax)
        guard ContentHash.digest(of: bytes) == digest else { throw ImageLoader.disagrees("\(digest)") }
        return bytes
    }

    private func unpack(
        _ layer: ContentDescriptor, _ diffID: Digest, _ chainID: Digest, _ place: PullPlace,
        above lowers: @escaping () throws -> [String]
    ) throws -> String {
        progress(LayerProgress(layer: layer.digest, phase: .extracting, totalBytes: layer.size))
        let fetched = ingest.blobPath(layer.digest)
        let isFetched = (try? FileStatus.of(fetched)) != nil
        let source = try Directory.open(isFetched ? fetched : place.storedBlob(layer.digest))
        var unpacked = try ingest.layer(from: source.number, file: isFetched ? fetched : nil, above: lowers)
        guard unpacked.diffID == diffID, unpacked.descriptor.digest == layer.digest else {
            throw ImageLoader.disagrees("\(layer.digest)")
        }
        try ingest.name(&unpacked, chainID)
        progress(LayerProgress(layer: layer.digest, phase: .done, doneBytes: layer.size, totalBytes: layer.size))
        return unpacked.place
    }
}

/// The fetching process's reports, read as far as the unpacking needs them.
private final class FetchReports {
    private let reader: LineReader
    private let progress: (LayerProgress) -> Void
    private var ready: Set<Digest> = []
    private var isFinished = false

    init(_ number: Int32, _ progress: @escaping (LayerProgress) -> Void) {
        reader = LineReader(number, lineBytesMax: 1 << 20)
        self.progress = progress
    }

    private func next() throws -> FetchReport {
        guard let line = try reader.next(),
            let report = try? JSONDecoder().decode(FetchReport.self, from: Data(line))
        else {
            throw BerthError(
                .internal, "pulling an image", cause: "the fetching process ended without a word")
        }
        switch report {
        case .layer(let layer): progress(layer)
        case .ready(let digest): ready.insert(digest)
        case .finished: isFinished = true
        case .failed(let error): throw error
        case .manifest: break
        }
        return report
    }

    func manifest() throws -> (ContentDescriptor, named: Digest) {
        while true {
            if case .manifest(let descriptor, let named) = try next() { return (descriptor, named) }
        }
    }

    func awaitReady(_ digest: Digest) throws { while !ready.contains(digest) { _ = try next() } }
    func awaitEnd() throws { while !isFinished { _ = try next() } }
}
