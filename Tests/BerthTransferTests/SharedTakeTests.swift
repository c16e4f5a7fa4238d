// What the local registry's process has received is believed by nobody: files that changed after they were named.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import FoundationEssentials
import Testing

@testable import BerthTransfer

@Suite("Taking what was pushed to the local registry")
struct SharedTakeTests {
    /// A store and a directory of uploads, with an image of one layer sent.
    private struct Sent {
        let world: TransferWorld
        let layout: StateLayout
        let manifest: Digest
        let config: ContentDescriptor
        let layer: ContentDescriptor
        var uploads: String { "\(layout.uploads)/blobs" }

        init() throws {
            world = try TransferWorld()
            layout = StateLayout(
                dataRoot: world.directory.path("data"), runRoot: world.directory.path("run"), world: "00000000")
            for place in [layout.blobs, layout.layers, "\(layout.uploads)/blobs"] { try Directory.make(place) }
            let directory = "\(layout.uploads)/blobs"
            func send(_ bytes: [UInt8], _ type: String) throws -> ContentDescriptor {
                let digest = ContentHash.digest(of: bytes)
                try FileIO.replace("\(directory)/\(digest.hex)", bytes, durable: false)
                return ContentDescriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
            }
            var tar = TestTar()
            tar.file("file")
            layer = try send(tar.finished, MediaType.layer)
            let rootfs = ImageConfig.RootFS(diffIDs: [layer.digest])
            config = try send(
                Array(try JSONEncoder().encode(ImageConfig(platform: .host, rootfs: rootfs))), MediaType.config)
            let document = try JSONEncoder().encode(ImageManifest(config: config, layers: [layer]))
            manifest = try send(Array(document), MediaType.manifest).digest
        }

        /// Another content of the same size under the same name.
        func alter(_ digest: Digest) throws {
            var bytes = try FileIO.read("\(uploads)/\(digest.hex)")
            bytes[0] ^= 1
            try FileIO.replace("\(uploads)/\(digest.hex)", bytes, durable: false)
        }

        func take(tag: String? = "1", type: String = MediaType.manifest) throws -> [IngestedImage] {
            let ingest = world.directory.path("ingest")
            try Directory.remove(ingest)
            for name in ["blobs", "layers"] { try Directory.make("\(ingest)/\(name)") }
            var request = WorkerRequest(kind: .take, ingest: ingest, created: "")
            let reference = "localhost/app" + (tag.map { ":\($0)" } ?? "@\(manifest)")
            request.reference = reference
            let upload = SharedUpload(
                reference: reference, manifest: manifest, mediaType: type, directory: uploads)
            request.take = TakeWork(upload: upload, layout: layout)
            return try SharedTake.run(request, warn: { _ in })
        }

        func blobs() throws -> Set<String> { Set(try Directory.names(world.directory.path("ingest/blobs"))) }
    }

    @Test("with a tag it is an image, by digest content alone; both have copies of all that was sent")
    func whole() throws {
        let sent = try Sent()
        let all = Set([sent.manifest, sent.config.digest, sent.layer.digest].map(\.hex))
        let images = try sent.take()
        #expect(images.map(\.references) == [["localhost/app:1", "localhost/app@\(sent.manifest)"]])
        #expect(try sent.blobs() == all)
        #expect(
            try TransferWorld.list(sent.world.directory.path("ingest/layers/\(sent.layer.digest.hex)/diff")) == ["file"]
        )
        #expect(try sent.take(tag: nil).isEmpty)
        #expect(try sent.blobs() == all)
        #expect(try Directory.names(sent.uploads).count == 3, "what was sent is not moved")
    }

    @Test("content that changed after it was named is refused, whichever it is", arguments: [0, 1, 2], ["1", nil])
    func altered(part: Int, tag: String?) throws {
        let sent = try Sent()
        try sent.alter([sent.manifest, sent.config.digest, sent.layer.digest][part])
        #expect(throws: BerthError.self) { try sent.take(tag: tag) }
    }

    @Test("content that is missing, a link to it, and another type than it is are refused", arguments: ["1", nil])
    func missing(tag: String?) throws {
        let sent = try Sent()
        #expect(throws: BerthError.self) { try sent.take(tag: tag, type: MediaType.index) }
        let place = "\(sent.uploads)/\(sent.layer.digest.hex)"
        try FileMove.rename(place, "\(place)-moved")
        let gone = #expect(throws: BerthError.self) { try sent.take(tag: tag) }
        #expect(gone?.code == .notFound)
        let directory = try Directory.open(sent.uploads, flags: FileFlags.directory)
        try NewEntry.symbolicLink(in: directory.number, sent.layer.digest.hex, to: "\(place)-moved")
        #expect(throws: BerthError.self) { try sent.take(tag: tag) }
    }
}
