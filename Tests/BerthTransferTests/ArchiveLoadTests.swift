// `image load` of archives right and wrong, and `image save` given back.
import BerthLinux
import BerthModel
import BerthStore
import BerthTesting
import Foundation
import Testing

@testable import BerthTransfer

/// An OCI layout or docker-archive in the making.
struct TestImage {
    var layers: [[UInt8]]
    var blobs: [(name: String, bytes: [UInt8])] = []
    var compression = Compression.none
    var references = ["docker.io/library/app:1"]

    init(_ layers: [[UInt8]]) { self.layers = layers }

    static func json(_ value: Any) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]))
    }

    static func digest(_ bytes: [UInt8]) -> String { "\(ContentHash.digest(of: bytes))" }

    static func descriptor(_ type: String, _ bytes: [UInt8]) -> [String: Any] {
        ["mediaType": type, "digest": digest(bytes), "size": bytes.count]
    }

    static func blobName(_ bytes: [UInt8]) -> String { "blobs/sha256/\(ContentHash.digest(of: bytes).hex)" }

    func config() throws -> [UInt8] {
        try TestImage.json([
            "architecture": Platform.host.architecture, "os": "linux", "config": ["Cmd": ["sh"]],
            "rootfs": ["type": "layers", "diff_ids": layers.map(TestImage.digest)],
        ])
    }

    func manifest(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> [UInt8] {
        var manifest: [String: Any] = [
            "schemaVersion": 2, "mediaType": MediaType.manifest,
            "config": TestImage.descriptor(MediaType.config, try config()),
            "layers": layers.map { layer in
                let suffix = compression == .gzip ? "+gzip" : compression == .zstd ? "+zstd" : ""
                return TestImage.descriptor(MediaType.layer + suffix, compression.compress(layer))
            },
        ]
        change(&manifest)
        return try TestImage.json(manifest)
    }

    /// The members by name; a test changes what it wants wrong.
    func layoutMembers(
        manifest: [UInt8]? = nil, index: (inout [String: Any]) -> Void = { _ in }
    ) throws -> [String: [UInt8]] {
        let document = try manifest ?? self.manifest()
        var descriptor = TestImage.descriptor(MediaType.manifest, document)
        descriptor["annotations"] = ["io.containerd.image.name": references.first ?? ""]
        if references.isEmpty { descriptor["annotations"] = nil }
        index(&descriptor)
        var members: [String: [UInt8]] = [
            "oci-layout": Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8),
            "index.json": try TestImage.json(["schemaVersion": 2, "manifests": [descriptor]]),
            TestImage.blobName(document): document,
            TestImage.blobName(try config()): try config(),
        ]
        for layer in layers.map(compression.compress) { members[TestImage.blobName(layer)] = layer }
        return members
    }

    func dockerMembers() throws -> [String: [UInt8]] {
        let config = try config()
        let name = "\(ContentHash.digest(of: config).hex).json"
        var members: [String: [UInt8]] = [
            name: config,
            "manifest.json": try TestImage.json([
                ["Config": name, "RepoTags": references, "Layers": layers.indices.map { "\($0)/layer.tar" }]
            ]),
        ]
        for (index, layer) in layers.enumerated() { members["\(index)/layer.tar"] = compression.compress(layer) }
        return members
    }

    static func tar(_ members: [String: [UInt8]]) -> [UInt8] {
        var tar = TestTar()
        for (name, bytes) in members.sorted(by: { $0.key < $1.key }) { tar.add(name) { $0.content = bytes } }
        return tar.finished
    }
}

@Suite("Loading images")
struct ArchiveLoadTests {
    static func layer(_ build: (inout TestTar) -> Void) -> [UInt8] {
        var tar = TestTar()
        build(&tar)
        return tar.finished
    }

    static func image() -> TestImage {
        TestImage([
            layer { $0.file("etc/base") },
            layer {
                $0.file("etc/top"); $0.file("etc/.wh.base", "")
            },
        ])
    }

    @Test("layouts and docker-archives, however compressed", arguments: Compression.allCases, Compression.allCases)
    func formats(outer: Compression, inner: Compression) throws {
        let world = try TransferWorld()
        var image = ArchiveLoadTests.image()
        image.compression = inner
        let chain = ContentHash.chainIDs(of: image.layers.map { ContentHash.digest(of: $0) }).map(\.hex).sorted()
        let layout = outer.compress(TestImage.tar(try image.layoutMembers()))
        let docker = outer.compress(TestImage.tar(try image.dockerMembers()))
        if [.xz, .bzip2].contains(inner) {
            // Layouts have no name for such layers; docker-archives need none.
            #expect(throws: BerthError.self) { try world.load(layout) }
            _ = try world.load(docker)
            return #expect(try Directory.names("\(world.ingest)/layers").sorted() == chain)
        }
        let fromLayout = try world.load(layout)
        #expect(fromLayout.map(\.references) == [["docker.io/library/app:1"]])
        #expect(fromLayout.map(\.manifest) == [ContentHash.digest(of: try image.manifest())])
        #expect(try Directory.names("\(world.ingest)/layers").sorted() == chain)
        let fromDocker = try world.load(docker)
        #expect(fromDocker.map(\.config) == fromLayout.map(\.config))
        #expect(try Directory.names("\(world.ingest)/layers").sorted() == chain)
        #expect(try Directory.names("\(world.ingest)/blobs").allSatisfy { Digest(hex: $0) != nil })
    }

    @Test("a layout within an index, attestations passed over, the host's platform chosen")
    func nested() throws {
        let world = try TransferWorld()
        let image = ArchiveLoadTests.image()
        var members = try image.layoutMembers()
        var own = TestImage.descriptor(MediaType.manifest, try image.manifest())
        own["platform"] = ["os": "linux", "architecture": Platform.host.architecture]
        let strange: [String: Any] = [
            "mediaType": MediaType.manifest, "digest": TestImage.digest([1]), "size": 1,
            "platform": ["os": "linux", "architecture": "s390x"],
        ]
        let attestation: [String: Any] = [
            "mediaType": MediaType.manifest, "digest": TestImage.digest([2]), "size": 1,
            "platform": ["os": "unknown", "architecture": "unknown"],
            "annotations": ["vnd.docker.reference.type": "attestation-manifest"],
        ]
        let inner = try TestImage.json([
            "schemaVersion": 2, "mediaType": MediaType.index, "manifests": [attestation, strange, own],
        ])
        var top = TestImage.descriptor(MediaType.index, inner)
        top["annotations"] = ["org.opencontainers.image.ref.name": "latest"]
        members[TestImage.blobName(inner)] = inner
        members["index.json"] = try TestImage.json(["schemaVersion": 2, "manifests": [top, attestation]])
        let images = try world.load(TestImage.tar(members))
        #expect(images.map(\.references) == [[]])
        #expect(images.map(\.manifest) == [ContentHash.digest(of: try image.manifest())])
        let foreign = try TestImage.json([
            "schemaVersion": 2, "mediaType": MediaType.index, "manifests": [strange, strange],
        ])
        members[TestImage.blobName(foreign)] = foreign
        members["index.json"] = try TestImage.json([
            "schemaVersion": 2, "manifests": [TestImage.descriptor(MediaType.index, foreign)],
        ])
        #expect(throws: BerthError.self) { try world.load(TestImage.tar(members)) }
    }

    @Test("several images share layers; a layer above different others has a directory for each")
    func shared() throws {
        let world = try TransferWorld()
        let base = ArchiveLoadTests.layer {
            $0.link("bin", "usr/bin"); $0.directory("usr/bin")
        }
        let other = ArchiveLoadTests.layer { $0.directory("bin") }
        let tool = ArchiveLoadTests.layer { $0.file("bin/tool") }
        var first = TestImage([base, tool])
        first.references = ["docker.io/library/first:1"]
        var second = TestImage([other, tool])
        second.references = ["docker.io/library/second:1"]
        var third = TestImage([base, tool])
        third.references = ["docker.io/library/third:1"]
        var members: [String: [UInt8]] = [:]
        var descriptors: [[String: Any]] = []
        for image in [first, second, third] {
            members.merge(try image.layoutMembers()) { $1 }
            var descriptor = TestImage.descriptor(MediaType.manifest, try image.manifest())
            descriptor["annotations"] = ["io.containerd.image.name": image.references[0]]
            descriptors.append(descriptor)
        }
        members["index.json"] = try TestImage.json(["schemaVersion": 2, "manifests": descriptors])
        let images = try world.load(TestImage.tar(members))
        #expect(
            images.map { $0.references.map { ImageReference($0)?.familiar ?? "" } } == [
                ["first:1", "third:1"], ["second:1"],
            ])
        func top(_ image: TestImage) -> String {
            let chain = ContentHash.chainIDs(of: image.layers.map { ContentHash.digest(of: $0) })
            return "\(world.ingest)/layers/\(chain[1].hex)/diff"
        }
        #expect(try TransferWorld.list(top(first)) == ["usr/", "usr/bin/", "usr/bin/tool"])
        #expect(try TransferWorld.list(top(second)) == ["bin/", "bin/tool"])
        #expect(try Directory.names("\(world.ingest)/layers").count == 4)
    }

    @Test("S62: members may be links inside the archive, never outside")
    func links() throws {
        let world = try TransferWorld()
        let image = ArchiveLoadTests.image()
        func archive(_ target: String) throws -> [UInt8] {
            var members = try image.dockerMembers()
            let layer = members.removeValue(forKey: "0/layer.tar") ?? []
            var tar = TestTar()
            for (name, bytes) in members { tar.add(name) { $0.content = bytes } }
            tar.add("real/layer.tar") { $0.content = layer }
            tar.link("0/layer.tar", target)
            return tar.finished
        }
        #expect(try world.load(try archive("../real/layer.tar")).count == 1)
        // A file of the host with just the right content is none of the archive's either.
        try Directory.make(world.directory.path("ingest-outside"))
        let outside = world.directory.path("ingest-outside/layer.tar")
        let layer = try #require(try image.dockerMembers()["0/layer.tar"])
        try FileIO.replace(outside, layer)
        for target in [
            "/etc/shadow", "../../../etc/shadow", "0/layer.tar", "../0/layer.tar", "..", "", outside,
            String(repeating: "../", count: 20) + outside,
        ] {
            #expect(throws: BerthError.self) { try world.load(try archive(target)) }
        }
    }

    /// What is wrong, and how.
    static let wrong: [(String, @Sendable (inout [String: [UInt8]], TestImage) throws -> Void)] = [
        ("no index", { members, _ in members["index.json"] = nil }),
        ("a missing manifest", { members, image in members[TestImage.blobName(try image.manifest())] = nil }),
        ("a missing config", { members, image in members[TestImage.blobName(try image.config())] = nil }),
        ("a missing layer", { members, image in members[TestImage.blobName(image.layers[0])] = nil }),
        ("another layer", { members, image in members[TestImage.blobName(image.layers[0])] = image.layers[1] }),
        ("a layer cut short", { members, image in members[TestImage.blobName(image.layers[0])]?.removeLast(512) }),
        ("a layer with more", { members, image in members[TestImage.blobName(image.layers[0])]?.append(0) }),
        (
            "another config",
            { members, image in
                members[TestImage.blobName(try image.config())] = Array(
                    String(decoding: try image.config(), as: UTF8.self)
                        .replacingOccurrences(of: "sh", with: "xx").utf8)
            }
        ),
        ("no JSON", { members, _ in members["index.json"] = Array("{".utf8) }),
        (
            "an index of null",
            { members, _ in members["index.json"] = Array(#"{"schemaVersion":2,"manifests":null}"#.utf8) }
        ),
        (
            "an index of [null]",
            { members, _ in members["index.json"] = Array(#"{"schemaVersion":2,"manifests":[null]}"#.utf8) }
        ),
        (
            "an index of depths",
            { members, _ in
                members["index.json"] = Array(String(repeating: "[", count: 100_000).utf8)
            }
        ),
        ("a huge index", { members, _ in members["index.json"] = [UInt8](repeating: 0x20, count: 5 << 20) }),
        (
            "text that is no UTF-8",
            { members, _ in members["index.json"] = Array(#"{"manifests":"#.utf8) + [0xFF, 0xFE] }
        ),
        (
            "a version of the future",
            { members, _ in members["oci-layout"] = Array(#"{"imageLayoutVersion":"9"}"#.utf8) }
        ),
        (
            "a digest that is a path",
            { members, image in
                members["index.json"] = try TestImage.json([
                    "schemaVersion": 2,
                    "manifests": [["mediaType": MediaType.manifest, "digest": "sha256:../../etc/passwd", "size": 3]],
                ])
            }
        ),
        (
            "an upper-case digest",
            { members, image in
                let digest = "sha256:" + ContentHash.digest(of: try image.manifest()).hex.uppercased()
                members["index.json"] = try TestImage.json([
                    "schemaVersion": 2, "manifests": [["mediaType": MediaType.manifest, "digest": digest, "size": 3]],
                ])
            }
        ),
    ]

    @Test("S55, S57: what is wrong is refused", arguments: wrong.indices)
    func refused(index: Int) throws {
        let (name, change) = ArchiveLoadTests.wrong[index]
        let world = try TransferWorld()
        let image = ArchiveLoadTests.image()
        var members = try image.layoutMembers()
        try change(&members, image)
        #expect(throws: BerthError.self, "\(name)") { try world.load(TestImage.tar(members)) }
        try world.checkHost()
    }

    @Test("S56: manifests that say what they are not are refused")
    func manifests() throws {
        let world = try TransferWorld()
        let image = ArchiveLoadTests.image()
        func refused(_ name: Comment, _ change: (inout [String: Any]) -> Void) throws {
            let archive = TestImage.tar(try image.layoutMembers(manifest: try image.manifest(change)))
            #expect(throws: BerthError.self, name) { try world.load(archive) }
        }
        try refused("both manifest and index") { $0["manifests"] = [] as [Any] }
        try refused("another type") { $0["mediaType"] = MediaType.index }
        try refused("no layers") { $0["layers"] = nil }
        try refused("null layers") { $0["layers"] = NSNull() }
        try refused("one layer less") { $0["layers"] = Array(($0["layers"] as? [Any] ?? []).dropLast()) }
        try refused("10,000 layers") { manifest in
            let layer = (manifest["layers"] as? [Any])?.first ?? 0
            manifest["layers"] = [Any](repeating: layer, count: 10_000)
        }
        try refused("an artifact") { manifest in
            var config = manifest["config"] as? [String: Any] ?? [:]
            config["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
            manifest["config"] = config
        }
        try refused("a wrong size") { manifest in
            var config = manifest["config"] as? [String: Any] ?? [:]
            config["size"] = -1
            manifest["config"] = config
        }
    }

    @Test("S62: docker-archives that lie are refused")
    func docker() throws {
        let world = try TransferWorld()
        let image = ArchiveLoadTests.image()
        let config = "\(ContentHash.digest(of: try image.config()).hex).json"
        let bad: [[String: Any]] = [
            ["Config": "../../etc/passwd", "Layers": ["0/layer.tar", "1/layer.tar"]],
            ["Config": config, "Layers": ["../../etc/passwd", "1/layer.tar"]],
            ["Config": config, "Layers": ["1/layer.tar", "0/layer.tar"]],
            ["Config": config, "Layers": ["0/layer.tar"]],
            ["Config": config, "Layers": NSNull()],
            ["Config": config, "Layers": ["0/layer.tar", "1/layer.tar"], "RepoTags": ["../x"]],
            ["Config": config, "Layers": ["0", "1"]],
            ["Config": "0/layer.tar", "Layers": ["0/layer.tar", "1/layer.tar"]],
        ]
        for entry in bad {
            var members = try image.dockerMembers()
            members["manifest.json"] = try TestImage.json([entry])
            #expect(throws: BerthError.self, "\(entry)") { try world.load(TestImage.tar(members)) }
        }
        var renamed = try image.dockerMembers()
        renamed[config] = try TestImage(image.layers.reversed()).config()
        #expect(throws: BerthError.self) { try world.load(TestImage.tar(renamed)) }
        #expect(throws: BerthError.self) { try world.load(TestTar().finished) }
        try world.checkHost()
    }

    @Test("S54, S62: too many or too large members are refused")
    func bounds() throws {
        let world = try TransferWorld()
        let archive = TestImage.tar(try ArchiveLoadTests.image().layoutMembers())
        world.limits.membersMax = 3
        #expect(throws: BerthError.self) { try world.load(archive) }
        world.limits = TransferLimits()
        world.limits.memberBytesMax = 1000
        #expect(throws: BerthError.self) { try world.load(archive) }
        world.limits = TransferLimits()
        var tar = TestTar()
        tar.add("manifest.json") { $0.size = UInt64(Int64.max) }
        tar.add("other") { $0.size = UInt64(Int64.max) }
        #expect(throws: BerthError.self) { try world.load(tar.finished) }
    }

    @Test(
        "what is saved loads as what it was, byte for byte, and saving is deterministic",
        arguments: [
            Compression.none, .gzip, .zstd,
        ])
    func roundTrip(compression: Compression) throws {
        let world = try TransferWorld()
        var image = ArchiveLoadTests.image()
        image.compression = compression
        let loaded = try #require(try world.load(TestImage.tar(try image.layoutMembers())).first)
        let first = try ArchiveLoadTests.save(loaded, world)
        let again = try #require(try world.load(first).first)
        #expect(again == loaded)
        #expect(try ArchiveLoadTests.save(again, world) == first)
        // As a docker-archive: without the layout's own files the same content is found.
        let imported = try world.importTree(compression.compress(image.layers[0]), changes: ["CMD [\"sh\"]"])
        let saved = try ArchiveLoadTests.save(imported, world)
        #expect(try world.load(saved).map(\.manifest) == [imported.manifest])
    }

    static func save(_ image: IngestedImage, _ world: TransferWorld) throws -> [UInt8] {
        var request = world.request(.save)
        for name in try Directory.names("\(world.ingest)/blobs") {
            request.blobs["sha256:\(name)"] = "\(world.ingest)/blobs/\(name)"
        }
        let size = try FileStatus.of("\(world.ingest)/blobs/\(image.manifest.hex)").sizeBytes
        request.images = [SavedImage(manifest: image.manifest, manifestSize: size, references: image.references)]
        let path = "\(world.ingest)/saved.tar"
        let file = try Directory.open(path, flags: FileFlags.create, mode: 0o600)
        try ArchiveSave.run(request, archive: file.number)
        return try FileIO.read(path)
    }
}
