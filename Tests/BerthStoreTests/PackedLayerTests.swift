// Built layers in the store: trees that can be packed, and no blobs.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthStore

@Suite("Layers without blobs")
struct PackedLayerTests {
    /// Commits an image as a build does: layers kept one by one, then the documents.
    private func build(_ world: StoreWorld, _ contents: [String], _ names: [String], variant: String = "") throws
        -> IngestedImage
    {
        let ingest = try world.newIngest()
        defer { try? Directory.remove(ingest) }
        let image = try world.prepare(contents, names, variant: variant, in: ingest)
        for (content, (diffID, chainID)) in zip(
            contents, zip(image.layers, ContentHash.chainIDs(of: image.layers)))
        {
            let place = "\(ingest)/layers/\(chainID.hex)"
            _ = try world.images.keepLayer(place, packedBytes: Int64(content.utf8.count), as: chainID)
            try Directory.remove(place)
            try Directory.remove("\(ingest)/blobs/\(diffID.hex)")
        }
        try world.images.commit([image], from: ingest)
        return image
    }

    private func documents(of image: IngestedImage) -> Set<String> { [image.manifest.hex, image.config.hex] }
    private func layer(_ world: StoreWorld, _ image: IngestedImage, _ index: Int = 0) -> String {
        world.layout.layer(chainID: ContentHash.chainIDs(of: image.layers)[index])
    }

    @Test("committed, found, checked, collected as any other image")
    func life() throws {
        let world = try StoreWorld()
        let image = try build(world, ["base", "top"], ["app"])
        #expect(try world.blobs() == documents(of: image))
        let found = try #require(try world.images.find("app"))
        #expect(found.id == image.config && found.sizeBytes == 7)
        #expect(try world.images.check(usedLayers: []).isEmpty)
        #expect(try world.images.forgetDamaged().isEmpty)
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers() == StoreWorld.chain(of: image) && world.blobs() == documents(of: image))
        _ = try world.images.remove("app", force: false, inUse: [])
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers().isEmpty && world.blobs().isEmpty)
    }

    @Test("without the mark, with another size, or without the tree, a layer is missing")
    func incomplete() throws {
        for change in ["unmarked", "resized", "gone"] {
            let world = try StoreWorld()
            let image = try build(world, ["base"], ["app"])
            let place = layer(world, image)
            switch change {
            case "unmarked": try Directory.remove("\(place)/packed")
            case "resized": try FileIO.replace("\(place)/packed", Array("5".utf8))
            default: try Directory.remove("\(place)/diff")
            }
            let problems = try world.images.check(usedLayers: [])
            #expect(problems.map(\.kind) == [.missing], "\(change)")
            #expect(problems.first?.object == (change == "gone" ? "layer" : "blob"), "\(change)")
            #expect(try world.images.forgetDamaged().count == 1, "\(change)")
            #expect(try world.images.find("app") == nil, "\(change)")
        }
    }

    @Test("a commit that has neither blob nor mark is refused")
    func refused() throws {
        let world = try StoreWorld()
        let ingest = try world.newIngest()
        let image = try world.prepare(["base"], ["app"], in: ingest)
        try Directory.remove("\(ingest)/blobs/\(image.layers[0].hex)")
        #expect(throws: BerthError.self) { try world.images.commit([image], from: ingest) }
        #expect(try world.images.find("app") == nil)
    }

    @Test("what a worker reads: trees of layers that can be packed, blobs of the others")
    func places() throws {
        let world = try StoreWorld()
        let built = try build(world, ["base"], ["built"])
        let loaded = try world.commit(["other"], ["loaded"])
        var request = WorkerRequest(kind: .save, ingest: "", created: "")
        for name in ["built", "loaded"] {
            world.images.places(of: try #require(try world.images.find(name)), &request)
        }
        #expect(request.trees == ["\(built.layers[0])": "\(layer(world, built))/diff"])
        let expected = [built.manifest, built.config, loaded.manifest, loaded.config, loaded.layers[0]]
        #expect(Set(request.blobs.keys) == Set(expected.map { "\($0)" }))
    }

    @Test("loaded again beside its trees: the blob is known, read when checked, and missed by nobody")
    func both() throws {
        let world = try StoreWorld()
        let image = try build(world, ["base"], ["app"])
        try world.commit(["base"], ["app"])
        #expect(try world.blobs().contains(image.layers[0].hex))
        #expect(try world.images.check(usedLayers: []).isEmpty)
        try FileIO.replace(world.layout.blob(image.layers[0]), [1])
        #expect(try world.images.check(usedLayers: []).map(\.kind) == [.altered])
        try Directory.remove(world.layout.blob(image.layers[0]))
        #expect(try world.images.check(usedLayers: []).isEmpty)
    }

    @Test("built where it is only kept for a container, its blob gone: the layer is marked, the image is whole")
    func marked() throws {
        let world = try StoreWorld()
        let loaded = try world.commit(["base"], ["loaded"])
        _ = try world.images.remove("loaded", force: true, inUse: [])
        try world.images.collect(keepingLayers: Set(ContentHash.chainIDs(of: loaded.layers)))
        #expect(try world.blobs().isEmpty && world.layers() == StoreWorld.chain(of: loaded))
        let built = try build(world, ["base"], ["built"])
        #expect(try FileIO.readText("\(layer(world, built))/packed") == "4")
        #expect(try world.images.check(usedLayers: []).isEmpty)
    }

    /// The tar of a file `base` that only user 1234 may read, by the book and by hand.
    private static func tar(_ content: String) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
        }
        put("base", at: 0)
        for (field, offset) in [("0000600", 100), ("0002322", 108), ("0002322", 116)] { put(field, at: offset) }
        put("0000000000\(content.utf8.count)", at: 124)
        put("00000000000", at: 136)
        put("        0", at: 148)
        put("ustar\u{0}00", at: 257)
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.utf8.count) + sum + "\u{0} ", at: 148)
        let bytes = Array(content.utf8)
        return header + bytes + [UInt8](repeating: 0, count: 512 - bytes.count + 1024)
    }

    @Test("the worker packs and saves what only its owner may read, and gives it the digest that it has")
    func worker() throws {
        let world = try StoreWorld()
        let tar = PackedLayerTests.tar("base")
        let layer = ContentDescriptor(
            mediaType: MediaType.layer, digest: ContentHash.digest(of: tar), size: Int64(tar.count))
        let ingest = try world.newIngest()
        let place = "\(ingest)/step"
        try Directory.make("\(place)/diff", mode: 0o755)
        try FileIO.replace("\(place)/diff/base", Array("base".utf8))
        let directory = try Directory.open("\(place)/diff", flags: FileFlags.directory)
        try NewEntry.setMetadata(
            in: directory.number, "base", userID: 1234, groupID: 1234, mode: 0o600, seconds: 0, nanoseconds: 0)
        #expect(try world.images.keepLayer(place, packedBytes: layer.size, as: layer.digest))
        func document(_ value: some Encodable) throws -> ContentDescriptor {
            let bytes = Array(try JSONEncoder().encode(value))
            let digest = ContentHash.digest(of: bytes)
            try FileIO.replace("\(ingest)/blobs/\(digest.hex)", bytes)
            return ContentDescriptor(mediaType: MediaType.config, digest: digest, size: Int64(bytes.count))
        }
        let config = try document(ImageConfig(platform: .host, rootfs: .init(diffIDs: [layer.digest])))
        let manifest = try document(ImageManifest(config: config, layers: [layer]))
        try world.images.commit(
            [
                IngestedImage(
                    manifest: manifest.digest, config: config.digest, references: ["app"], layers: [layer.digest])
            ], from: ingest)
        try Directory.remove(ingest)
        let image = try #require(try world.images.find("app"))

        var request = WorkerRequest(kind: .pack, ingest: "", created: "")
        world.images.places(of: image, &request)
        request.images = [SavedImage(manifest: manifest.digest, manifestSize: manifest.size, references: ["app"])]
        try world.client.run(request, archive: nil, progress: { _ in }) { images, ingest in
            #expect(images.map(\.config) == [config.digest])
            try world.images.takeBlobs(from: ingest)
        }
        #expect(try world.blobs().count == 4)
        // Nothing names what was packed for the way.
        try world.images.collect(keepingLayers: [])
        #expect(try world.blobs() == [manifest.digest.hex, config.digest.hex])

        request.kind = .save
        let path = world.directory.path("saved.tar")
        let output = SharedDescriptor(try Directory.open(path, flags: FileFlags.create, mode: 0o600))
        try world.client.run(request, archive: output, progress: { _ in }, commit: { _, _ in })
        _ = try world.images.remove("app", force: false, inUse: [])
        try world.images.collect(keepingLayers: [])
        let saved = SharedDescriptor(try Directory.open(path))
        let load = WorkerRequest(kind: .load, ingest: "", created: "")
        try world.client.run(load, archive: saved, progress: { _ in }) { try world.images.commit($0, from: $1) }
        #expect(try world.images.list().map(\.id) == [config.digest])
        #expect(try FileIO.read(world.layout.blob(layer.digest)) == tar)
        #expect(try Directory.names(world.layout.ingest).isEmpty)
    }
}
