// `image load`: docker-archives and OCI layouts, one image or many.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials

/// `manifest.json` of a docker-archive.
struct DockerArchiveEntry: Codable {
    var Config: String
    var RepoTags: [String]?
    var Layers: [String]
}

package enum ArchiveLoad {
    static let documentBytesMax = 4 << 20
    static let imagesMax = 1024
    static let layersMax = 500

    package static func run(
        _ request: WorkerRequest, archive: Int32, limits: TransferLimits = TransferLimits(),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> [IngestedImage] {
        let ingest = Ingest(request.ingest, limits: limits, warn: warn)
        let members = try ArchiveMembers(archive, directory: request.ingest, limits: limits)
        let loader = ImageLoader(members: members, ingest: ingest)
        if members.has("index.json") && members.has("oci-layout") { return merged(try loader.layout()) }
        guard members.has("manifest.json") else {
            throw BerthError(
                .invalid, "loading images", cause: "the archive has neither manifest.json nor an OCI layout",
                hint: "a root tree is imported with `berth image import`")
        }
        return merged(try loader.dockerArchive())
    }

    /// Several names of one image are one image.
    private static func merged(_ images: [IngestedImage]) -> [IngestedImage] {
        var order: [Digest] = []
        var byManifest: [Digest: IngestedImage] = [:]
        for image in images {
            if byManifest[image.manifest] == nil { order.append(image.manifest) }
            var one = byManifest[image.manifest] ?? image
            one.references += image.references.filter { !one.references.contains($0) }
            byManifest[image.manifest] = one
        }
        return order.compactMap { byManifest[$0] }
    }
}

/// Takes images out of the members of one archive.
final class ImageLoader {
    let members: ArchiveMembers
    private let ingest: Ingest
    /// By the member that holds it.
    private var unpacked: [String: Ingest.Layer] = [:]
    /// Places by ChainID.
    private var chains: [Digest: String] = [:]

    init(members: ArchiveMembers, ingest: Ingest) {
        self.members = members
        self.ingest = ingest
    }

    func dockerArchive() throws -> [IngestedImage] {
        let entries: [DockerArchiveEntry] = try decode(
            try members.read("manifest.json", limit: ArchiveLoad.documentBytesMax), "manifest.json")
        guard entries.count <= ArchiveLoad.imagesMax else { throw tooMany("images", ArchiveLoad.imagesMax) }
        return try entries.map { entry in
            let bytes = try members.read(entry.Config, limit: ArchiveLoad.documentBytesMax)
            let stored = try ingest.blob(bytes)
            let claimed = entry.Config.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? ""
            if let digest = Digest(hex: claimed), digest != stored.digest { throw ImageLoader.disagrees(entry.Config) }
            let layers = try unpack(entry.Layers, bytes, expected: nil)
            let manifest = try ingest.document(
                ImageManifest(
                    config: ContentDescriptor(
                        mediaType: MediaType.config, digest: stored.digest, size: stored.sizeBytes),
                    layers: layers.map(\.descriptor)))
            return IngestedImage(
                manifest: manifest.digest, config: stored.digest,
                references: try (entry.RepoTags ?? []).map(ImageStore.canonical), layers: layers.map(\.diffID))
        }
    }

    /// Content by digest, checked.
    func verified(_ descriptor: ContentDescriptor) throws -> [UInt8] {
        let bytes = try members.read("blobs/sha256/\(descriptor.digest.hex)", limit: ArchiveLoad.documentBytesMax)
        guard Int64(bytes.count) == descriptor.size, ContentHash.digest(of: bytes) == descriptor.digest else {
            throw ImageLoader.disagrees("\(descriptor.digest)")
        }
        return bytes
    }

    func store(_ bytes: [UInt8]) throws { _ = try ingest.blob(bytes) }

    /// Unpacks the layers of a config, base first, each above those before it.
    @discardableResult
    func unpack(_ names: [String], _ config: [UInt8], expected: [ContentDescriptor]?) throws -> [Ingest.Layer] {
        let document: ImageConfig = try decode(config, "the image config")
        let diffIDs = document.rootfs.diff_ids
        guard names.count <= ArchiveLoad.layersMax else { throw tooMany("layers", ArchiveLoad.layersMax) }
        guard names.count == diffIDs.count else {
            throw BerthError(
                .invalid, "loading images", cause: "\(names.count) layers, but the config names \(diffIDs.count)")
        }
        var lowers: [String] = []
        var layers: [Ingest.Layer] = []
        for (index, (name, chainID)) in zip(names, ContentHash.chainIDs(of: diffIDs)).enumerated() {
            let key = try members.resolve(name)
            let known = unpacked[key]
            var layer = try known ?? unpackMember(key, above: lowers)
            guard layer.diffID == diffIDs[index],
                expected.map({ $0[index].digest == layer.descriptor.digest && $0[index].size == layer.descriptor.size })
                    ?? true
            else { throw ImageLoader.disagrees(name) }
            lowers.insert(try place(&layer, chainID, isFresh: known == nil, above: lowers), at: 0)
            unpacked[key] = layer
            layers.append(layer)
        }
        return layers
    }

    private func unpackMember(_ key: String, above lowers: [String]) throws -> Ingest.Layer {
        let path = try members.path(key)
        let file = try Directory.open(path)
        let layer = try ingest.layer(from: file.number, file: path, above: lowers)
        // The file is the blob now, unless its compression is none that registries know.
        if (try? FileStatus.of(path)) == nil { try members.moved(key, to: ingest.blobPath(layer.descriptor.digest)) }
        return layer
    }

    /// The directory of a chain. A layer that stands above different others has one for each.
    private func place(
        _ layer: inout Ingest.Layer, _ chainID: Digest, isFresh: Bool, above lowers: [String]
    ) throws -> String {
        if let there = chains[chainID] {
            if isFresh && layer.place != there {
                try Directory.remove(layer.place)
                layer.place = there
            }
            return there
        }
        let isUnnamed = !chains.values.contains(layer.place)
        if isUnnamed && (isFresh || !layer.dependsOnLowers) {
            try ingest.name(&layer, chainID)
            chains[chainID] = layer.place
            return layer.place
        }
        let path = ingest.blobPath(layer.descriptor.digest)
        let blob = try Directory.open(path)
        var again = try ingest.layer(from: blob.number, file: path, above: lowers)
        try ingest.name(&again, chainID)
        chains[chainID] = again.place
        return again.place
    }

    func tooMany(_ what: String, _ limit: Int) -> BerthError {
        BerthError(.exhausted, "loading images", cause: "the archive has more than \(limit) \(what)")
    }

    static func disagrees(_ name: String) -> BerthError {
        BerthError(.corrupt, "loading images", subject: name, cause: "the content of \(name) and its digest disagree")
    }

    func decode<Document: Decodable>(_ bytes: [UInt8], _ name: String) throws -> Document {
        do { return try JSONDecoder().decode(Document.self, from: Data(bytes)) } catch {
            throw BerthError(.invalid, "loading images", subject: name, cause: "\(name) is not what it should be")
        }
    }
}
