// Taking what a client of the local registry has sent: every byte is copied and hashed on the way, since the process
// that received it has talked to strangers and may still hold its files open.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

package struct SharedTake {
    private let work: TakeWork
    private let ingest: Ingest
    private let reference: String

    /// What became a local image; nothing where the content is only to be kept.
    package static func run(
        _ request: WorkerRequest, warn: @escaping @Sendable (String) -> Void
    ) throws -> [IngestedImage] {
        guard let work = request.take, let reference = request.reference else {
            throw BerthError(.internal, "taking an image", cause: "nothing was given")
        }
        let ingest = Ingest(request.ingest, limits: TransferLimits(), warn: warn)
        return try SharedTake(work: work, ingest: ingest, reference: reference).run()
    }

    private func run() throws -> [IngestedImage] {
        let upload = work.upload
        let bytes = try document(upload.manifest)
        let name = "\(upload.manifest)"
        try ManifestChoice.check(try ImageFetch.decode(bytes, name), upload.mediaType, name)
        let links: ManifestLinks = try ImageFetch.decode(bytes, name)
        _ = try ingest.blob(bytes)
        let isTag = ImageReference(reference)?.digest == nil
        if links.isIndex {
            for child in links.manifests ?? [] where !isStored(child.digest) { throw missing(child.digest) }
            // Ignored: an index without an image for this host is an index all the same.
            guard isTag, ManifestChoice.indexTypes.contains(upload.mediaType),
                let chosen = try? ManifestChoice.choose(
                    try ImageFetch.decode(bytes, name), for: .host, isAsked: false),
                let image = try? document(chosen.digest),
                let inner = try? ImageFetch.decode(image, name) as ManifestLinks, inner.isImage
            else { return [] }
            return [try unpack(image, chosen.digest, [reference])]
        }
        if isTag && links.isImage { return [try unpack(bytes, upload.manifest, try names())] }
        for descriptor in links.content { try keep(descriptor) }
        return []
    }

    /// As a pull names it: by its tag, and by its digest.
    private func names() throws -> [String] {
        guard var byDigest = ImageReference(reference) else { return [reference] }
        byDigest.tag = nil
        byDigest.digest = work.upload.manifest
        return [reference, byDigest.canonical]
    }

    private func unpack(_ bytes: [UInt8], _ digest: Digest, _ references: [String]) throws -> IngestedImage {
        let manifest: ImageManifest = try ImageFetch.decode(bytes, "\(digest)")
        try ManifestChoice.check(manifest)
        try keep(manifest.config)
        let config: ImageConfig = try ImageFetch.decode(
            try document(manifest.config.digest), "\(manifest.config.digest)")
        let diffIDs = config.rootfs.diff_ids
        guard diffIDs.count == manifest.layers.count else {
            throw BerthError(.invalid, "taking \(reference)", cause: "its config names other layers")
        }
        var lowers: [String] = []
        for (index, chainID) in ContentHash.chainIDs(of: diffIDs).enumerated() {
            let layer = manifest.layers[index]
            let stored = "\(work.layers)/\(chainID.hex)"
            if (try? FileStatus.of("\(stored)/diff")) != nil {
                try keep(layer)
                lowers.insert(stored, at: 0)
                continue
            }
            let place = isStored(layer.digest) ? storedPath(layer.digest) : sentPath(layer.digest)
            guard let source = try? Directory.open(place, flags: FileFlags.readNoFollow) else {
                throw missing(layer.digest)
            }
            var unpacked = try ingest.layer(from: source.number, above: lowers)
            guard unpacked.diffID == diffIDs[index], unpacked.descriptor.digest == layer.digest,
                unpacked.descriptor.size == layer.size
            else { throw ImageLoader.disagrees("\(layer.digest)") }
            try ingest.name(&unpacked, chainID)
            lowers.insert(unpacked.place, at: 0)
        }
        return IngestedImage(
            manifest: digest, config: manifest.config.digest, references: references, layers: diffIDs)
    }

    // MARK: Content

    private func sentPath(_ digest: Digest) -> String { "\(work.upload.directory)/\(digest.hex)" }
    private func storedPath(_ digest: Digest) -> String { "\(work.blobs)/\(digest.hex)" }
    private func isStored(_ digest: Digest) -> Bool { (try? FileStatus.of(storedPath(digest))) != nil }

    private func missing(_ digest: Digest) -> BerthError {
        BerthError(
            .notFound, "taking \(reference)", subject: "\(digest)", cause: "\(digest) has not been sent",
            hint: "push it again")
    }

    /// A document: sent, or in the store already.
    private func document(_ digest: Digest) throws -> [UInt8] {
        for path in [sentPath(digest), storedPath(digest)] {
            guard let file = try? Directory.open(path, flags: FileFlags.readNoFollow) else { continue }
            let bytes = try FileIO.read(number: file.number, limit: ArchiveLoad.documentBytesMax)
            guard ContentHash.digest(of: bytes) == digest else { throw ImageLoader.disagrees("\(digest)") }
            return bytes
        }
        throw missing(digest)
    }

    /// Copies a blob into the ingest, unless the store has it.
    private func keep(_ descriptor: ContentDescriptor) throws {
        let digest = descriptor.digest
        if let status = try? FileStatus.of(storedPath(digest)) {
            guard status.sizeBytes == descriptor.size else { throw ImageLoader.disagrees("\(digest)") }
            return
        }
        let place = ingest.blobPath(digest)
        if (try? FileStatus.of(place)) != nil { return }
        guard let source = try? Directory.open(sentPath(digest), flags: FileFlags.readNoFollow) else {
            throw missing(digest)
        }
        let unnamed = "\(place).new"
        let target = try Directory.open(unnamed, flags: FileFlags.create, mode: 0o600)
        var reserve = try DiskReserve(target.number, ingest.limits)
        var hash = ContentHash()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try FileIO.readSome(source.number, &buffer)
            if count == 0 { break }
            try reserve.spend(Int64(count))
            try buffer.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                hash.update(part)
                try FileIO.write(number: target.number, part)
            }
        }
        guard hash.byteCount == descriptor.size, hash.finish() == digest else {
            throw ImageLoader.disagrees("\(digest)")
        }
        try FileMove.rename(unnamed, place)
    }
}
