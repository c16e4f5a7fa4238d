// Images whose layers have no blobs, on their way out: saved, and packed for a registry.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Foundation
import Testing

@testable import BerthTransfer

/// An image as a build leaves it: documents as blobs, layers as trees.
final class BuiltImage {
    let directory: TemporaryDirectory
    let trees: [PackedTree]
    let diffIDs: [Digest]
    let config: Digest
    let manifest: Digest
    let descriptors: [ContentDescriptor]

    init() throws {
        let directory = try TemporaryDirectory("berth-built")
        let base = try LayerPackTests.everything()
        let top = try PackedTree()
        try top.whiteout("block")
        // Nobody's but its owner's.
        try top.file("private", String(repeating: "secret ", count: 50_000)) {
            $0.userID = 1234
            $0.mode = 0o600
        }
        func document(_ value: some Encodable) throws -> ContentDescriptor {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let bytes = Array(try encoder.encode(value))
            let digest = ContentHash.digest(of: bytes)
            try directory.write(digest.hex, bytes)
            return ContentDescriptor(mediaType: MediaType.config, digest: digest, size: Int64(bytes.count))
        }
        self.directory = directory
        trees = [base, top]
        descriptors = try [base, top].map {
            let (digest, size) = try LayerPack.digest(of: $0.path)
            return ContentDescriptor(mediaType: MediaType.layer, digest: digest, size: size)
        }
        diffIDs = descriptors.map(\.digest)
        let stored = try document(ImageConfig(platform: .host, rootfs: .init(diffIDs: diffIDs)))
        config = stored.digest
        manifest = try document(ImageManifest(config: stored, layers: descriptors)).digest
    }

    func request(_ kind: WorkerRequest.Kind, ingest: String) throws -> WorkerRequest {
        var request = WorkerRequest(kind: kind, ingest: ingest, created: "")
        for digest in [manifest, config] { request.blobs["\(digest)"] = directory.path(digest.hex) }
        for (digest, tree) in zip(diffIDs, trees) { request.trees["\(digest)"] = tree.path }
        let size = try FileStatus.of(directory.path(manifest.hex)).sizeBytes
        request.images = [
            SavedImage(manifest: manifest, manifestSize: size, references: ["docker.io/library/built:1"])
        ]
        return request
    }

    func newIngest(_ name: String) throws -> String {
        let ingest = directory.path(name)
        try Directory.make("\(ingest)/blobs")
        return ingest
    }

    func save(_ change: (inout WorkerRequest) -> Void = { _ in }) throws -> [UInt8] {
        var request = try request(.save, ingest: "")
        change(&request)
        let path = directory.path("saved-\(UInt64.random(in: 0 ... .max)).tar")
        let file = try Directory.open(path, flags: FileFlags.create, mode: 0o600)
        do { try ArchiveSave.run(request, archive: file.number) } catch {
            half = try FileIO.read(path)
            throw error
        }
        return try FileIO.read(path)
    }

    /// What a save that failed had written.
    private(set) var half: [UInt8] = []
}

@Suite("Images without blobs")
struct BlobLessTests {
    @Test("saved, it is an archive as any other: berth loads the same image, skopeo copies it")
    func save() throws {
        let built = try BuiltImage()
        let saved = try built.save()
        #expect(try built.save() == saved)
        let world = try TransferWorld()
        let loaded = try #require(try world.load(saved).first)
        #expect(loaded.config == built.config && loaded.manifest == built.manifest && loaded.layers == built.diffIDs)
        #expect(loaded.references == ["docker.io/library/built:1"])
        for (chainID, tree) in zip(ContentHash.chainIDs(of: built.diffIDs), built.trees) {
            let expected = try TransferWorld.list(tree.path).filter { !$0.hasPrefix("socket") }
            #expect(try TransferWorld.list("\(world.ingest)/layers/\(chainID.hex)/diff") == expected)
        }
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/skopeo") else { return }
        try built.directory.write("in.tar", saved)
        for form in ["oci-archive", "docker-archive"] {
            let copied = try PackedTree.run(
                "skopeo",
                [
                    "--insecure-policy", "copy", "\(form):\(built.directory.path("in.tar"))",
                    "dir:\(built.directory.path(form))",
                ])
            #expect(copied.status == 0, "\(copied.text)")
            #expect(FileManager.default.fileExists(atPath: built.directory.path("\(form)/\(built.config.hex)")))
        }
        try unpackWithUmoci(built)
    }

    /// What another unpacker makes of both layers.
    private func unpackWithUmoci(_ built: BuiltImage) throws {
        let layout = built.directory.path("layout")
        let from = "oci-archive:\(built.directory.path("in.tar"))"
        let copied = try PackedTree.run("skopeo", ["--insecure-policy", "copy", from, "oci:\(layout):built"])
        #expect(copied.status == 0, "\(copied.text)")
        let bundle = built.directory.path("bundle")
        let unpacked = try PackedTree.run("umoci", ["unpack", "--image", "\(layout):built", bundle])
        #expect(unpacked.status == 0, "\(unpacked.text)")
        var expected = try TransferWorld.list(built.trees[0].path).filter {
            !$0.hasPrefix("socket") && !$0.hasSuffix(" whiteout") && $0 != "block"
        }
        expected.append("private")
        #expect(try TransferWorld.list("\(bundle)/rootfs").sorted() == expected.sorted())
        let file = try FileStatus.of("\(bundle)/rootfs/private")
        #expect(file.userID == 1234 && file.mode == 0o600 && file.sizeBytes == 350_000)
    }

    @Test("a blob that is there is taken as it is; one layer of two images is written once")
    func mixed() throws {
        let built = try BuiltImage()
        let digest = "\(built.diffIDs[0])"
        let path = built.directory.path("blob")
        try FileIO.replace(path, try built.trees[0].packed())
        let saved = try built.save()
        #expect(try built.save { $0.blobs[digest] = path } == saved)
        #expect(
            try built.save {
                $0.blobs[digest] = path
                $0.trees[digest] = nil
            } == saved)
    }

    @Test("a layer that has changed fails the save; what was written by then passes for no archive")
    func changed() throws {
        let built = try BuiltImage()
        let file = try Directory.open("\(built.trees[1].path)/private", flags: FileFlags.write)
        try FileIO.write(number: file.number, Array("SECRET".utf8))
        let error = #expect(throws: BerthError.self) { try built.save() }
        #expect(error?.code == .corrupt && error?.subject == "\(built.diffIDs[1])")
        let world = try TransferWorld()
        #expect(throws: BerthError.self) { try world.load(built.half) }
        #expect(built.half.suffix(1024) != [UInt8](repeating: 0, count: 1024)[...])
        let other = try BuiltImage()
        let unnamed = #expect(throws: BerthError.self) {
            try other.save {
                $0.trees["\(other.config)"] = other.trees[0].path
                $0.blobs["\(other.config)"] = nil
            }
        }
        #expect(unnamed?.cause == "no manifest names the layer")
    }

    @Test("for a registry: compressed to the same bytes each time, the config as it was, the same DiffIDs come back")
    func pack() throws {
        let built = try BuiltImage()
        let first = try built.newIngest("first")
        let images = try ImagePack.run(try built.request(.pack, ingest: first))
        let packed = try #require(images.first)
        #expect(packed.config == built.config && packed.manifest != built.manifest)
        let second = try built.newIngest("second")
        #expect(try ImagePack.run(try built.request(.pack, ingest: second)) == images)
        let names = try Directory.names("\(first)/blobs").sorted()
        #expect(names.count == 3)
        #expect(try Directory.names("\(second)/blobs").sorted() == names)
        for name in names {
            #expect(ContentHash.digest(of: try FileIO.read("\(first)/blobs/\(name)")).hex == name)
        }
        let document = try FileIO.read("\(first)/blobs/\(packed.manifest.hex)")
        let manifest = try JSONDecoder().decode(ImageManifest.self, from: Data(document))
        #expect(manifest.layers.map(\.mediaType) == [MediaType.layerGzip, MediaType.layerGzip])
        for layer in manifest.layers {
            let bytes = try FileIO.read("\(first)/blobs/\(layer.digest.hex)")
            // No name, no time, no more fields: RFC 1952.
            #expect(Array(bytes[..<8]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0] && Int64(bytes.count) == layer.size)
        }
        // What a pull would make of it.
        var members = ["oci-layout": Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)]
        for name in names { members["blobs/sha256/\(name)"] = try FileIO.read("\(first)/blobs/\(name)") }
        members[TestImage.blobName(try FileIO.read(built.directory.path(built.config.hex)))] =
            try FileIO.read(built.directory.path(built.config.hex))
        members["index.json"] = try TestImage.json([
            "schemaVersion": 2, "manifests": [TestImage.descriptor(MediaType.manifest, document)],
        ])
        let world = try TransferWorld()
        let loaded = try #require(try world.load(TestImage.tar(members)).first)
        #expect(loaded.config == built.config && loaded.layers == built.diffIDs)
    }

    @Test("a layer that has changed is not packed for a registry")
    func changedPack() throws {
        let built = try BuiltImage()
        try built.trees[0].file("more")
        let ingest = try built.newIngest("ingest")
        let error = #expect(throws: BerthError.self) { try ImagePack.run(try built.request(.pack, ingest: ingest)) }
        #expect(error?.code == .corrupt)
        #expect(
            try Directory.names("\(ingest)/blobs").allSatisfy { $0.hasPrefix("unnamed-") || Digest(hex: $0) != nil })
    }
}
