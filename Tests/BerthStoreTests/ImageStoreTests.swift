// The store: finding, naming, removing as Docker does, committing whole or not at all, collecting exactly what is free.
import BerthLinux
import BerthModel
import BerthTesting
import Testing

@testable import BerthStore

@Suite("Image store")
struct ImageStoreTests {
    @Test("an image is found by every name it has and by its id")
    func find() throws {
        let world = try StoreWorld()
        let image = try world.commit(["base", "top"], ["app:1", "registry.example.com/app"])
        let other = try world.commit(["base", "other"], ["other"])
        let hex = image.config.hex
        for name in [
            "app:1", "docker.io/library/app:1", "registry.example.com/app:latest", hex, "sha256:\(hex)",
            String(hex.prefix(12)), "sha256:\(hex.prefix(8))", "app@\(image.manifest)", "app:9@\(image.manifest)",
        ] {
            #expect(try world.images.find(name)?.id == image.config, "\(name)")
        }
        for name in [
            "app", "app:2", "nothing", "other:1", "app@\(other.manifest)", "app@\(other.config)", "abc", "sha256:",
        ] {
            #expect(try world.images.find(name) == nil, "\(name)")
        }
        let found = try #require(try world.images.find("app:1"))
        #expect(found.references == ["docker.io/library/app:1", "registry.example.com/app:latest"])
        #expect(found.sizeBytes == 7)
        #expect(try world.images.list().count == 2)
    }

    @Test("tagging moves a name; who loses the last one stays without")
    func tag() throws {
        let world = try StoreWorld()
        let first = try world.commit(["first"], ["app"])
        let second = try world.commit(["second"], ["app"])
        #expect(try world.images.find("app")?.id == second.config)
        #expect(try world.images.find(first.config.hex)?.references == [])
        try world.images.tag(first.config.hex, "old:1")
        #expect(try world.images.find("old:1")?.id == first.config)
        #expect(try world.book.references().count == 2)
        #expect(throws: BerthError.self) { try world.images.tag("nothing", "x") }
        for name in ["UPPER", "a:b:c", "", first.config.hex] {
            #expect(throws: BerthError.self) { try world.images.tag("app", name) }
        }
        try world.images.collect(keepingLayers: [])
        #expect(try world.images.list().count == 2)
    }

    @Test("removing: a name, the last name, an id, what is in use")
    func remove() throws {
        let world = try StoreWorld()
        let image = try world.commit(["x"], ["app:1", "app:2"])
        let id = image.config
        #expect(throws: BerthError.self) { try world.images.remove("nothing", force: true, inUse: []) }
        // By id, several names want force.
        let several = #expect(throws: BerthError.self) { try world.images.remove(id.hex, force: false, inUse: []) }
        #expect(several?.code == .conflict)
        #expect(try world.images.remove("app:1", force: false, inUse: [id]) == ["Untagged: app:1"])
        let used = #expect(throws: BerthError.self) { try world.images.remove("app:2", force: false, inUse: [id]) }
        #expect(used?.code == .conflict)
        #expect(throws: BerthError.self) { try world.images.remove(id.short, force: false, inUse: [id]) }
        #expect(try world.images.remove("app:2", force: true, inUse: [id]) == ["Untagged: app:2", "Deleted: \(id)"])
        try world.images.collect(keepingLayers: Set(ContentHash.chainIDs(of: image.layers)))
        #expect(try world.layers() == StoreWorld.chain(of: image))
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers().isEmpty && world.blobs().isEmpty)
        let unnamed = try world.commit(["y"], [])
        #expect(
            try world.images.remove(unnamed.config.short, force: false, inUse: []) == ["Deleted: \(unnamed.config)"])
        #expect(try world.book.references().isEmpty)
    }

    @Test("one damaged image hides no other, can be removed, and stops collecting until it is")
    func damaged() throws {
        let world = try StoreWorld()
        let good = try world.commit(["good"], ["good"])
        let bad = try world.commit(["bad"], ["bad"])
        let gone = try world.commit(["gone"], ["gone"])
        try FileIO.replace(world.layout.blob(bad.config), Array("{}".utf8))
        let error = #expect(throws: BerthError.self) { try world.images.find("bad") }
        #expect(error?.code == .corrupt)
        #expect(try Set(world.images.list().map(\.id)) == [good.config, gone.config])
        _ = try world.images.remove("gone", force: false, inUse: [])
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers().isSuperset(of: StoreWorld.chain(of: gone)))
        #expect(try world.images.remove("bad", force: false, inUse: []).first == "Untagged: bad:latest")
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers() == StoreWorld.chain(of: good))
        #expect(try world.blobs() == StoreWorld.blobs(of: good))
    }

    @Test("a commit that stops between two steps leaves whole images only, and can be done again", arguments: 0..<6)
    func interrupted(steps: Int) throws {
        let world = try StoreWorld()
        try world.commit(["old"], ["a", "keep"])
        let ingest = try world.newIngest()
        let images = [
            try world.prepare(["base", "1"], ["a", "b"], in: ingest),
            try world.prepare(["base", "2"], ["c"], in: ingest),
        ]
        world.book.failAfter(steps)
        _ = try? world.images.commit(images, from: ingest)
        world.book.failAfter(nil)
        // Every name that is there leads to an image that is whole.
        for name in try world.book.references().keys {
            #expect(try world.images.find(name) != nil || name.hasPrefix("<none>"))
        }
        #expect(try world.images.find("keep") != nil)
        try world.images.collect(keepingLayers: [])
        let again = try world.newIngest()
        let second = [
            try world.prepare(["base", "1"], ["a", "b"], in: again),
            try world.prepare(["base", "2"], ["c"], in: again),
        ]
        try world.images.commit(second, from: again)
        for (name, image) in [("a", second[0]), ("b", second[0]), ("c", second[1])] {
            #expect(try world.images.find(name)?.id == image.config)
        }
    }

    @Test("what a worker says is checked: incomplete images and strange files are refused")
    func untrusted() throws {
        let world = try StoreWorld()
        func refused(_ comment: Comment, _ change: (String, inout IngestedImage) throws -> Void) throws {
            let ingest = try world.newIngest()
            var image = try world.prepare(["l"], ["app"], in: ingest)
            try change(ingest, &image)
            #expect(throws: (any Error).self, comment) { try world.images.commit([image], from: ingest) }
            #expect(try world.book.references().isEmpty, comment)
            try world.images.collect(keepingLayers: [])
            #expect(try world.blobs().isEmpty && world.layers().isEmpty, comment)
        }
        try refused("no manifest") { try Directory.remove("\($0)/blobs/\($1.manifest.hex)") }
        try refused("no layer") { try Directory.remove("\($0)/layers/\($1.layers[0].hex)") }
        try refused("no layer blob") { try Directory.remove("\($0)/blobs/\($1.layers[0].hex)") }
        try refused("another config") { _, image in image.config = image.manifest }
        try refused("content that is not its digest's") {
            try FileIO.replace("\($0)/blobs/\($1.config.hex)", [0x7B, 0x7D])
        }
        try refused("a link for a blob") { ingest, image in
            let path = "\(ingest)/blobs/\(image.config.hex)"
            try FileMove.rename(path, "\(ingest)/elsewhere")
            let directory = try Directory.open("\(ingest)/blobs", flags: FileFlags.directory)
            try NewEntry.symbolicLink(in: directory.number, image.config.hex, to: "\(ingest)/elsewhere")
        }
        try refused("a bad name") { _, image in image.references = ["ok", "NOT OK"] }
    }

    @Test("collecting: never what is needed, always what is not", arguments: 0..<25)
    func collect(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let world = try StoreWorld()
        var known: [Digest: IngestedImage] = [:]
        var names: [String: Digest] = [:]
        for _ in 0..<40 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1, 2:
                let contents = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    "layer\(Int.random(in: 0..<5, using: &random))"
                }
                let name = "docker.io/library/n\(Int.random(in: 0..<6, using: &random)):latest"
                let image = try world.commit(contents, [name], variant: "\(Int.random(in: 0..<3, using: &random))")
                known[image.manifest] = image
                names[name] = image.manifest
            case 3:
                guard let source = names.keys.sorted().randomElement(using: &random) else { continue }
                let target = "docker.io/library/n\(Int.random(in: 0..<6, using: &random)):latest"
                try world.images.tag(source, target)
                names[target] = names[source]
            case 4:
                guard let name = names.keys.sorted().randomElement(using: &random) else { continue }
                _ = try world.images.remove(name, force: true, inUse: [])
                names[name] = nil
            default:
                let used = Set(
                    known.values.filter { _ in random.oneIn(8) }.flatMap { ContentHash.chainIDs(of: $0.layers) })
                try world.images.collect(keepingLayers: used)
                // Names taken over leave images without one; they stay until somebody removes them.
                let kept = Set(try world.book.references().values).compactMap { known[$0] }
                #expect(try world.blobs() == kept.reduce(into: []) { $0.formUnion(StoreWorld.blobs(of: $1)) })
                let needed = kept.reduce(into: Set(used.map(\.hex))) { $0.formUnion(StoreWorld.chain(of: $1)) }
                #expect(try world.layers().isSubset(of: needed))
                #expect(
                    try world.layers().isSuperset(of: kept.reduce(into: []) { $0.formUnion(StoreWorld.chain(of: $1)) }))
            }
            let named = try world.book.references().filter { !$0.key.hasPrefix("<none>") }
            #expect(named == names)
        }
        #expect(try Directory.names(world.layout.ingest).isEmpty)
    }
}

@Suite("Snapshots")
struct SnapshotTests {
    @Test("a root is its layers with a directory of its own on top, made again as it was left")
    func mount() throws {
        let world = try StoreWorld()
        let image = try world.commit(["base", "top"], ["app"])
        let snapshots = Snapshotter(layout: world.layout)
        for round in 0..<2 {
            let root = try snapshots.mount("c1", layers: image.layers)
            let names = try Directory.names(
                try Directory.open(inRootNumber: root.number, "/", flags: FileFlags.directory))
            #expect(names.sorted() == (round == 0 ? ["base", "top"] : ["base", "own", "top"]))
            let directory = try Directory.open(inRootNumber: root.number, "/", flags: FileFlags.directory)
            if round == 0 { _ = try NewEntry.file(in: directory.number, "own") }
        }
        #expect(snapshots.list() == ["c1"])
        try snapshots.remove("c1")
        #expect(snapshots.list().isEmpty)
        #expect(try world.layers() == StoreWorld.chain(of: image))
    }

    @Test("a missing layer is said to be missing")
    func missing() throws {
        let world = try StoreWorld()
        let image = try world.commit(["base"], ["app"])
        try Directory.remove(world.layout.layer(chainID: image.layers[0]))
        let error = #expect(throws: BerthError.self) {
            try Snapshotter(layout: world.layout).mount("c1", layers: image.layers)
        }
        #expect(error?.code == .corrupt)
    }
}
