// The registry of one's own: what it may give, what it was given, what goes.
import BerthLinux
import BerthModel
import BerthStore

extension Engine {
    package func sharedNames() throws -> [SharedName] { try parts.images.sharedNames() }

    /// Gives the layers of a name's image blobs where they have none. The name leads to the result for others.
    package func packShared(_ name: String) async throws -> Digest {
        let reference = try ImageStore.canonical(name)
        try await parts.pulling.run("pack \(reference)") {
            try await self.offPool {
                try self.parts.images.keepingAll {
                    let image = try self.image(reference)
                    let packed = try self.packed(image)
                    if packed == image.manifestDigest { return }
                    let document = SharedDocument(manifest: packed, image: image.manifestDigest)
                    try self.parts.images.share(reference, document)
                }
            }
        }
        guard let name = try parts.images.sharedNames().first(where: { $0.reference == reference }) else {
            throw ImageStore.noSuchImage(name)
        }
        return name.manifest
    }

    /// Takes what a client of the registry has sent: with a tag, an image becomes a local one, and an index its image
    /// for this host; everything else is kept to be given again.
    package func takeShared(_ upload: SharedUpload) async throws {
        let reference = try ImageStore.canonical(upload.reference)
        guard upload.directory == "\(parts.layout.uploads)/blobs", let name = ImageReference(reference),
            name.digest == nil || name.digest == upload.manifest
        else { throw BerthError(.invalid, "taking \(upload.reference)", cause: "it is no upload of this store") }
        var request = WorkerRequest(kind: .take, ingest: "", created: "")
        request.reference = reference
        request.take = TakeWork(upload: upload, layout: parts.layout)
        let finished = request
        do {
            try await offPool {
                try self.parts.images.keepingAll {
                    try self.parts.worker.run(finished, archive: nil, progress: { _ in }) { images, ingest in
                        try self.keep(images, upload.manifest, reference, from: ingest)
                    }
                }
            }
        } catch {
            // Ignored: what failed is what counts; the next one tries again.
            _ = try? await offPool { try self.collectLayers() }
            throw error
        }
        try await offPool { _ = try self.collectLayers() }
    }

    private func keep(_ images: [IngestedImage], _ manifest: Digest, _ reference: String, from ingest: String) throws {
        guard let image = images.first else {
            try parts.images.takeBlobs(from: ingest)
            return try parts.images.share(reference, SharedDocument(manifest: manifest, image: nil))
        }
        try parts.images.commit(images, from: ingest)
        // An index goes out as the index that it is, and stands for the one image of it that is here.
        if image.manifest == manifest {
            _ = try parts.images.unshare(reference)
        } else {
            try parts.images.share(reference, SharedDocument(manifest: manifest, image: image.manifest))
        }
    }

    /// A tag; or by digest all names of one repository that lead to it.
    package func removeShared(_ name: String) async throws {
        guard let reference = ImageReference(name) else { throw ImageStore.noSuchImage(name) }
        try await offPool {
            let names = try self.parts.images.sharedNames().filter { shared in
                guard let digest = reference.digest else { return shared.reference == reference.canonical }
                let other = ImageReference(shared.reference)
                return shared.manifest == digest && other?.domain == reference.domain && other?.path == reference.path
            }
            if names.isEmpty { throw ImageStore.noSuchImage(name) }
            let used = Set(self.parts.registry.all().map(\.record).flatMap(\.usedImages).map(\.id))
            let leased = try self.parts.store.leasedImages()
            for shared in names {
                // Names by digest go with the last tag, and may be gone already.
                if try self.parts.images.book.references()[shared.reference] != nil {
                    _ = try self.parts.images.remove(shared.reference, force: false, inUse: used, leased: leased)
                }
                _ = try self.parts.images.unshare(shared.reference)
            }
            try self.collectLayers()
        }
    }
}
