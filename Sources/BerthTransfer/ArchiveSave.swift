// `image save`: an OCI layout that is a docker-archive too, deterministic: equal images give equal bytes.
import BerthLinux
import BerthModel
import BerthStore
import CArchive
import FoundationEssentials

package enum ArchiveSave {
    package static func run(_ request: WorkerRequest, archive: Int32) throws {
        guard let writer = archive_write_new() else {
            throw BerthError(.exhausted, "writing an archive", cause: "no memory")
        }
        defer { archive_write_free(writer) }
        archive_write_set_format_pax_restricted(writer)
        archive_write_set_bytes_in_last_block(writer, 1)
        guard archive_write_open_fd(writer, archive) == ARCHIVE_OK else { throw failure(writer) }
        do { try members(writer, request) } catch {
            // Or freeing the writer would give what is half an archive an end.
            archive_write_fail(writer)
            throw error
        }
        guard archive_write_close(writer) == ARCHIVE_OK else { throw failure(writer) }
    }

    private static func members(_ writer: OpaquePointer, _ request: WorkerRequest) throws {
        let manifests = try request.images.map { try manifest(of: $0, request) }
        let sizes = Dictionary(
            manifests.flatMap { $0.layers.map { ($0.digest, $0.size) } }, uniquingKeysWith: { first, _ in first })
        for text in Set(request.blobs.keys).union(request.trees.keys).sorted() {
            guard let digest = Digest(text) else { continue }
            if let path = request.blobs[text] {
                try writeFile(writer, "blobs/sha256/\(digest.hex)", from: path)
            } else if let diff = request.trees[text] {
                try writeTree(writer, digest, diff, sizes: sizes)
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(writer, "index.json", Array(try encoder.encode(try index(request))))
        let entries = zip(request.images, manifests).map(dockerEntry)
        try write(writer, "manifest.json", Array(try encoder.encode(entries)))
        try write(writer, "oci-layout", Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))
    }

    private static func index(_ request: WorkerRequest) throws -> ImageIndex {
        var index = ImageIndex(manifests: [])
        for image in request.images {
            for reference in image.references.isEmpty ? [nil] : image.references.map(Optional.some) {
                var descriptor = ContentDescriptor(
                    mediaType: MediaType.manifest, digest: image.manifest, size: image.manifestSize)
                if let reference {
                    let tag = ImageReference(reference)?.tag
                    descriptor.annotations = ["io.containerd.image.name": reference].merging(
                        tag.map { ["org.opencontainers.image.ref.name": $0] } ?? [:]
                    ) { $1 }
                }
                index.manifests.append(descriptor)
            }
        }
        return index
    }

    private static func manifest(of image: SavedImage, _ request: WorkerRequest) throws -> ImageManifest {
        guard let path = request.blobs[image.manifest.description] else {
            throw BerthError(.corrupt, "saving images", subject: "\(image.manifest)", cause: "its manifest is missing")
        }
        return try JSONDecoder().decode(ImageManifest.self, from: Data(try FileIO.read(path, limit: 4 << 20)))
    }

    private static func dockerEntry(_ image: SavedImage, _ manifest: ImageManifest) -> DockerArchiveEntry {
        DockerArchiveEntry(
            Config: "blobs/sha256/\(manifest.config.digest.hex)",
            RepoTags: image.references.compactMap { ImageReference($0)?.familiar },
            Layers: manifest.layers.map { "blobs/sha256/\($0.digest.hex)" })
    }

    private static func header(_ writer: OpaquePointer, _ name: String, size: Int64) throws {
        let entry = archive_entry_new()
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, name)
        archive_entry_set_size(entry, size)
        archive_entry_set_filetype(entry, 0o100000)
        archive_entry_set_perm(entry, 0o644)
        guard archive_write_header(writer, entry) == ARCHIVE_OK else { throw failure(writer) }
    }

    private static func write(_ writer: OpaquePointer, _ name: String, _ bytes: [UInt8]) throws {
        try header(writer, name, size: Int64(bytes.count))
        guard archive_write_data(writer, bytes, bytes.count) >= 0 else { throw failure(writer) }
    }

    private static func writeFile(_ writer: OpaquePointer, _ name: String, from path: String) throws {
        let file = try Directory.open(path)
        try header(writer, name, size: try FileStatus.of(file.number).sizeBytes)
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = try FileIO.readSome(file.number, &buffer)
            if count == 0 { return }
            guard archive_write_data(writer, buffer, count) >= 0 else { throw failure(writer) }
        }
    }

    /// A layer that has no blob; its manifest says what it is packed to.
    private static func writeTree(
        _ writer: OpaquePointer, _ digest: Digest, _ diff: String, sizes: [Digest: Int64]
    ) throws {
        guard let size = sizes[digest] else {
            throw BerthError(.corrupt, "saving images", subject: "\(digest)", cause: "no manifest names the layer")
        }
        try header(writer, "blobs/sha256/\(digest.hex)", size: size)
        try LayerPack.write(diff, as: digest, sizeBytes: size) { bytes in
            guard archive_write_data(writer, bytes.baseAddress, bytes.count) == bytes.count else {
                throw failure(writer)
            }
        }
    }

    private static func failure(_ writer: OpaquePointer) -> BerthError {
        let text = archive_error_string(writer).map { String(cString: $0) } ?? "unknown"
        return BerthError(.unavailable, "writing the archive", cause: text)
    }
}
