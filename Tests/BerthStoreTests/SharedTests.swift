// What the local registry gives besides images: kept as long as its name leads to it, collected with it.
import BerthLinux
import BerthModel
import Foundation
import Testing

@testable import BerthStore

@Suite("Store: what is shared besides images")
struct SharedTests {
    /// Puts a document and its content into the store, and shares it.
    private func share(
        _ world: StoreWorld, _ reference: String, _ links: ManifestLinks, content: [String] = [], image: Digest? = nil
    ) throws -> Digest {
        let ingest = try world.newIngest()
        var links = links
        links.layers = content.isEmpty ? links.layers : []
        for text in content {
            let digest = ContentHash.digest(of: Array(text.utf8))
            try FileIO.replace("\(ingest)/blobs/\(digest.hex)", Array(text.utf8), durable: false)
            links.layers?.append(
                ContentDescriptor(mediaType: "text/plain", digest: digest, size: Int64(text.utf8.count)))
        }
        let bytes = Array(try JSONEncoder().encode(links))
        let digest = ContentHash.digest(of: bytes)
        try FileIO.replace("\(ingest)/blobs/\(digest.hex)", bytes, durable: false)
        try world.images.takeBlobs(from: ingest)
        let name = reference.hasSuffix("@") ? "\(reference)\(digest)" : reference
        try world.images.share(name, SharedDocument(manifest: digest, image: image))
        return digest
    }

    private func links(_ manifests: [Digest]? = nil, subject: Digest? = nil) -> ManifestLinks {
        func descriptor(_ digest: Digest) -> ContentDescriptor {
            ContentDescriptor(mediaType: MediaType.manifest, digest: digest, size: 1)
        }
        return ManifestLinks(manifests: manifests.map { $0.map(descriptor) }, subject: subject.map(descriptor))
    }

    @Test("its content stays while it is shared, and nothing of it afterwards")
    func life() throws {
        let world = try StoreWorld()
        let digest = try share(world, "localhost/art:1", links(), content: ["a", "b"])
        try world.images.collect(keepingLayers: [])
        #expect(try world.blobs().count == 3)
        #expect(try world.images.check(usedLayers: []).isEmpty)
        #expect(try world.images.sharedNames() == [SharedName(reference: "localhost/art:1", manifest: digest)])
        try Directory.remove(world.layout.blob(ContentHash.digest(of: Array("a".utf8))))
        #expect(try world.images.check(usedLayers: []).map(\.kind) == [.missing])
        _ = try world.images.forgetDamaged()
        #expect(try world.images.sharedNames().isEmpty)
        try world.images.collect(keepingLayers: [])
        #expect(try world.blobs().isEmpty)
        #expect(throws: BerthError.self) { try share(world, "localhost/art:2", links([digest]).naming(digest)) }
    }

    @Test("an index stands for the image that its name had then; with another image it is outdated")
    func standsFor() throws {
        let world = try StoreWorld()
        let image = try world.commit(["x"], ["localhost/app:1"])
        let index = try share(world, "localhost/app:1", links([image.manifest]), image: image.manifest)
        #expect(try world.images.sharedNames().map(\.manifest) == [index])
        try world.images.collect(keepingLayers: [])
        #expect(try world.images.sharedNames().map(\.manifest) == [index])
        let other = try world.commit(["y"], ["localhost/app:1"])
        #expect(try world.images.sharedNames().map(\.manifest) == [other.manifest])
        try world.images.collect(keepingLayers: [])
        #expect(try !world.blobs().contains(index.hex))
        // What is no image takes the name from the one that had it.
        let artifact = try share(world, "localhost/app:1", links(), content: ["art"])
        #expect(try world.images.find("localhost/app:1") == nil)
        #expect(try world.images.sharedNames().map(\.manifest) == [artifact])
        #expect(try world.images.list().allSatisfy { $0.references.isEmpty })
    }

    @Test("a name by an index's digest is not given for the image that it leads to here")
    func byDigest() throws {
        let world = try StoreWorld()
        let index = Digest(bytes: [UInt8](repeating: 9, count: 32))
        let image = try world.commit(["x"], ["localhost/app:1", "localhost/app@\(index)"])
        #expect(
            try world.images.sharedNames() == [SharedName(reference: "localhost/app:1", manifest: image.manifest)])
    }

    @Test("what was sent by digest alone goes when nothing with a tag reaches it")
    func unreachable() throws {
        let world = try StoreWorld()
        let child = try share(world, "localhost/app@", links(), content: ["child"])
        let index = try share(world, "localhost/app:1", links([child]))
        let speaker = try share(world, "localhost/app@", links(subject: index), content: ["words"])
        let alone = try share(world, "localhost/app@", links(), content: ["alone"])
        try world.images.forgetUnreachableDocuments()
        #expect(Set(try world.images.sharedNames().map(\.manifest)) == [child, index, speaker])
        try world.images.collect(keepingLayers: [])
        #expect(try !world.blobs().contains(alone.hex) && world.blobs().contains(speaker.hex))
        #expect(try world.images.unshare("localhost/app:1"))
        #expect(try !world.images.unshare("localhost/app:1"))
        try world.images.forgetUnreachableDocuments()
        try world.images.collect(keepingLayers: [])
        #expect(try world.blobs().isEmpty)
    }
}

extension ManifestLinks {
    /// With content that nobody has brought.
    fileprivate func naming(_ digest: Digest) -> ManifestLinks {
        var links = self
        links.layers = [ContentDescriptor(mediaType: "text/plain", digest: digest, size: 1)]
        return links
    }
}
