// Pushing: one image, or several of different platforms with an index of them.
import BerthLinux
import BerthModel
import BerthStore

extension Engine {
    /// Gives an image to the registry that its name says.
    ///
    /// - Parameter members: images of several platforms: they are given under the name, with an index of them.
    package func push(
        _ name: String, members: [String] = [], _ access: RegistryAccess, report: @escaping ProgressReport
    ) async throws -> Digest {
        let reference = try ImageStore.canonical(name)
        let images = try (members.isEmpty ? [reference] : members).map { try image($0) }
        try Engine.checkPlatforms(images, name)
        let shown = ImageReference(reference)?.familiar ?? reference
        @Sendable func tell(_ status: Event.Status, detail: String = "", layer: LayerProgress? = nil) {
            report(
                .event(
                    Event(
                        time: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()),
                        kind: layer == nil ? .image : .layer, name: layer?.layer.short ?? shown, status: status,
                        detail: detail, image: shown, layer: layer)))
        }
        tell(.pushing)
        let asked = question(.push, reference, access)
        do {
            let (pushed, isPacked) = try await offPool {
                try self.parts.images.keepingAll {
                    let manifests = try images.map { try self.packed($0) }
                    var request = asked
                    request.images = manifests.map { SavedImage(manifest: $0, manifestSize: 0, references: []) }
                    request.sources = try self.parts.images.repositories(of: images, besides: reference)
                    let digest = try self.parts.worker.ask(request) { told in
                        if case .layer(let layer) = told { tell(.pushing, layer: layer) }
                    }
                    return (digest ?? manifests[0], manifests != images.map(\.manifestDigest))
                }
            }
            // What was packed for the way is not needed any more.
            if isPacked { try await offPool { _ = try self.collectLayers() } }
            tell(.pushed)
            return pushed
        } catch {
            tell(.error, detail: (error as? BerthError)?.cause ?? "\(error)")
            throw error
        }
    }

    /// An index in which a platform stands twice gives nobody the second one.
    private static func checkPlatforms(_ images: [StoredImage], _ name: String) throws {
        var seen: Set<String> = []
        for image in images where !seen.insert("\(image.config.platform)").inserted {
            throw BerthError(
                .invalid, "pushing \(name)", subject: name,
                cause: "two of its images are for \(image.config.platform)")
        }
    }

    /// The manifest of an image whose layers all have blobs: its own, or that of one that is packed now.
    func packed(_ image: StoredImage) throws -> Digest {
        var request = WorkerRequest(kind: .pack, ingest: "", created: "")
        parts.images.places(of: image, &request)
        if request.trees.isEmpty { return image.manifestDigest }
        request.images = [SavedImage(manifest: image.manifestDigest, manifestSize: 0, references: [])]
        var manifest = image.manifestDigest
        try parts.worker.run(request, archive: nil, progress: { _ in }) { images, ingest in
            try parts.images.takeBlobs(from: ingest)
            if let packed = images.first { manifest = packed.manifest }
        }
        return manifest
    }
}
