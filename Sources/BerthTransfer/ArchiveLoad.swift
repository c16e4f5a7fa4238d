// `image load`: docker-archives and OCI layouts. Members are found by a table of names, never by a path on disk.
import BerthLinux
import BerthModel
import BerthStore
import CArchive
import FoundationEssentials

/// `manifest.json` of a docker-archive.
struct DockerArchiveEntry: Codable {
    var Config: String
    var RepoTags: [String]?
    var Layers: [String]
}

package enum ArchiveLoad {
    private static let documentBytesMax = 4 << 20
    private static let imagesMax = 1024
    private static let layersMax = 500

    package static func run(_ request: WorkerRequest, archive: Int32) throws -> [IngestedImage] {
        let members = try ArchiveMembers(archive, directory: request.ingest)
        let ingest = Ingest(directory: request.ingest)
        var loader = Loader(members: members, ingest: ingest)
        if members.has("index.json") && members.has("oci-layout") { return try loader.layout() }
        guard members.has("manifest.json") else {
            throw BerthError(
                .invalid, "loading images", cause: "the archive has neither manifest.json nor an OCI layout",
                hint: "a root tree is imported with `berth image import`")
        }
        return try loader.dockerArchive()
    }

    struct Loader {
        let members: ArchiveMembers
        let ingest: Ingest
        var unpacked: [String: Ingest.Layer] = [:]
        var named: Set<String> = []

        mutating func dockerArchive() throws -> [IngestedImage] {
            let entries: [DockerArchiveEntry] = try decode(try members.read("manifest.json", limit: documentBytesMax), "manifest.json")
            guard entries.count <= imagesMax else { throw tooMany("images", imagesMax) }
            return try entries.map { entry in
                let bytes = try members.read(entry.Config, limit: documentBytesMax)
                let stored = try ingest.blob(bytes)
                return try image(
                    config: (stored.digest, stored.sizeBytes, MediaType.config), bytes, layers: entry.Layers, manifest: nil,
                    references: entry.RepoTags ?? [])
            }
        }

        mutating func layout() throws -> [IngestedImage] {
            let index: ImageIndex = try decode(try members.read("index.json", limit: documentBytesMax), "index.json")
            guard index.manifests.count <= imagesMax else { throw tooMany("images", imagesMax) }
            var images: [IngestedImage] = []
            for descriptor in index.manifests {
                let name = descriptor.annotations?["io.containerd.image.name"]
                    ?? descriptor.annotations?["org.opencontainers.image.ref.name"]
                images += try load(descriptor, references: name.map { [$0] } ?? [], depth: 0)
            }
            // Several names of one image are one image.
            var merged: [Digest: IngestedImage] = [:]
            for image in images {
                merged[image.manifest, default: IngestedImage(manifest: image.manifest, config: image.config, references: [], layers: image.layers)]
                    .references += image.references
            }
            return merged.values.sorted { $0.manifest < $1.manifest }
        }

        private mutating func load(_ descriptor: ContentDescriptor, references: [String], depth: Int) throws -> [IngestedImage] {
            guard depth < 4 else { throw BerthError(.invalid, "loading images", cause: "indexes are nested too deeply") }
            let bytes = try verified(descriptor)
            if descriptor.mediaType == MediaType.index || descriptor.mediaType == MediaType.dockerIndex {
                let index: ImageIndex = try decode(bytes, "\(descriptor.digest)")
                let host = Platform.host
                let choice = index.manifests.first { $0.platform?.os == host.os && $0.platform?.architecture == host.architecture }
                    ?? (index.manifests.count == 1 ? index.manifests.first : nil)
                guard let choice else {
                    throw BerthError(.notFound, "loading images", subject: references.first, cause: "no manifest for \(host)")
                }
                return try load(choice, references: references, depth: depth + 1)
            }
            let manifest: ImageManifest = try decode(bytes, "\(descriptor.digest)")
            let config = try verified(manifest.config)
            _ = try ingest.blob(config)
            let stored = try ingest.blob(bytes)
            return [
                try image(
                    config: (manifest.config.digest, manifest.config.size, manifest.config.mediaType), config,
                    layers: manifest.layers.map { "blobs/sha256/\($0.digest.hex)" }, manifest: stored.digest, references: references,
                    expected: manifest.layers)
            ]
        }

        private func verified(_ descriptor: ContentDescriptor) throws -> [UInt8] {
            let bytes = try members.read("blobs/sha256/\(descriptor.digest.hex)", limit: documentBytesMax)
            guard Int64(bytes.count) == descriptor.size, ContentHash.digest(of: bytes) == descriptor.digest else {
                throw BerthError(.corrupt, "loading images", subject: "\(descriptor.digest)", cause: "content and digest disagree")
            }
            return bytes
        }

        private mutating func image(
            config: (digest: Digest, size: Int64, type: String), _ bytes: [UInt8], layers names: [String], manifest: Digest?,
            references: [String], expected: [ContentDescriptor]? = nil
        ) throws -> IngestedImage {
            let document: ImageConfig = try decode(bytes, "the image config")
            guard names.count == document.rootfs.diff_ids.count, names.count <= layersMax else {
                throw BerthError(
                    .invalid, "loading images", subject: references.first,
                    cause: "\(names.count) layers, but the config names \(document.rootfs.diff_ids.count)")
            }
            var layers: [Ingest.Layer] = []
            for (index, name) in names.enumerated() {
                let layer = try unpack(name)
                guard layer.diffID == document.rootfs.diff_ids[index],
                    expected.map({ $0[index].digest == layer.descriptor.digest }) ?? true
                else {
                    throw BerthError(.corrupt, "loading images", subject: name, cause: "the layer's content and its digest disagree")
                }
                layers.append(layer)
            }
            try nameChain(layers)
            var written = manifest
            if written == nil {
                let made = ImageManifest(
                    config: ContentDescriptor(mediaType: config.type, digest: config.digest, size: config.size),
                    layers: layers.map(\.descriptor))
                written = try ingest.document(made).digest
            }
            guard let written else { throw BerthError(.internal, "loading images", cause: "no manifest was made") }
            return IngestedImage(manifest: written, config: config.digest, references: references, layers: layers.map(\.diffID))
        }

        private mutating func unpack(_ name: String) throws -> Ingest.Layer {
            if let done = unpacked[name] { return done }
            let file = try members.open(name)
            let layer = try ingest.layer(from: file.number, number: unpacked.count)
            unpacked[name] = layer
            return layer
        }

        /// A layer that two images share under different chains is copied; the same chain is named once.
        private mutating func nameChain(_ layers: [Ingest.Layer]) throws {
            for (layer, chainID) in zip(layers, ContentHash.chainIDs(of: layers.map(\.diffID))) {
                if named.contains(chainID.hex) { continue }
                let place = "\(ingest.directory)/layers/\(chainID.hex)"
                if (try? FileStatus.of(layer.unpacked)) != nil {
                    try FileIO.replace("\(layer.unpacked)/size", Array("\(layer.uncompressedBytes)".utf8))
                    try FileMove.intoPlace(layer.unpacked, place)
                } else {
                    let blob = try Directory.open("\(ingest.directory)/blobs/\(layer.descriptor.digest.hex)")
                    let again = try ingest.layer(from: blob.number, number: 10_000 + named.count)
                    try FileIO.replace("\(again.unpacked)/size", Array("\(again.uncompressedBytes)".utf8))
                    try FileMove.intoPlace(again.unpacked, place)
                }
                named.insert(chainID.hex)
            }
        }

        private func tooMany(_ what: String, _ limit: Int) -> BerthError {
            BerthError(.exhausted, "loading images", cause: "the archive has more than \(limit) \(what)")
        }

        private func decode<Document: Decodable>(_ bytes: [UInt8], _ name: String) throws -> Document {
            do { return try JSONDecoder().decode(Document.self, from: Data(bytes)) } catch {
                throw BerthError(.invalid, "loading images", subject: name, cause: "\(name) is not what it should be")
            }
        }
    }
}

/// The regular members of an archive, each in a numbered file, found by the name that the archive gives them.
final class ArchiveMembers {
    private var files: [String: String] = [:]
    private var links: [String: String] = [:]
    private static let membersMax = 100_000
    private static let bytesMax: Int64 = 256 << 30

    init(_ archive: Int32, directory: String) throws {
        try Directory.make("\(directory)/members")
        guard let reader = archive_read_new() else { throw BerthError(.exhausted, "reading an archive", cause: "no memory") }
        defer { archive_read_free(reader) }
        archive_read_support_filter_all(reader)
        archive_read_support_format_tar(reader)
        guard archive_read_open_fd(reader, archive, 1 << 18) == ARCHIVE_OK else { throw ArchiveMembers.failure(reader) }
        var entry: OpaquePointer?
        var total: Int64 = 0
        while true {
            let code = archive_read_next_header(reader, &entry)
            if code == ARCHIVE_EOF { return }
            guard code >= ARCHIVE_WARN, let entry, let raw = archive_entry_pathname(entry) else { throw ArchiveMembers.failure(reader) }
            let name = ArchiveMembers.normal(String(cString: raw))
            guard files.count < ArchiveMembers.membersMax else {
                throw BerthError(.exhausted, "reading the archive", cause: "it has more than \(ArchiveMembers.membersMax) members")
            }
            let target = archive_entry_symlink(entry) ?? archive_entry_hardlink(entry)
            if let target {
                let text = String(cString: target)
                let base = name.split(separator: "/").dropLast().joined(separator: "/")
                links[name] = archive_entry_symlink(entry) != nil ? ArchiveMembers.normal(base + "/" + text) : ArchiveMembers.normal(text)
                continue
            }
            guard UInt32(archive_entry_filetype(entry)) == 0o100000 else { continue }
            total += Int64(archive_entry_size(entry))
            guard total <= ArchiveMembers.bytesMax else { throw BerthError(.exhausted, "reading the archive", cause: "it is too large") }
            let path = "\(directory)/members/\(files.count)"
            let file = try Directory.open(path, flags: FileFlags.create, mode: 0o600)
            guard archive_read_data_into_fd(reader, file.number) >= ARCHIVE_WARN else { throw ArchiveMembers.failure(reader) }
            files[name] = path
        }
    }

    /// A name inside the archive: parts resolved, `..` never above the top.
    private static func normal(_ name: String) -> String {
        var parts: [Substring] = []
        for part in name.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private func path(_ name: String) throws -> String {
        var current = ArchiveMembers.normal(name)
        for _ in 0..<16 {
            if let found = files[current] { return found }
            guard let next = links[current] else { break }
            current = next
        }
        throw BerthError(.invalid, "reading the archive", subject: name, cause: "\(name) is named but not in it")
    }

    func has(_ name: String) -> Bool { (try? path(name)) != nil }
    func open(_ name: String) throws -> Descriptor { try Directory.open(try path(name)) }
    func read(_ name: String, limit: Int) throws -> [UInt8] {
        do { return try FileIO.read(try path(name), limit: limit) } catch let error as SystemError {
            throw BerthError(.invalid, "reading the archive", subject: name, cause: "\(name): \(error.reason)")
        }
    }

    private static func failure(_ reader: OpaquePointer) -> BerthError {
        let text = archive_error_string(reader).map { String(cString: $0) } ?? "it is damaged"
        return BerthError(.invalid, "reading the archive", cause: text)
    }
}
