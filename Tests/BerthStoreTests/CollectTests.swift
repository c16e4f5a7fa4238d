// Collection as a property: over random lives of a store nothing that is used ever goes, everything else does, and an
// agent that dies between any two steps leaves nothing that the next one does not put right.
import BerthLinux
import BerthModel
import BerthTesting
import Testing

@testable import BerthStore

/// What should be in the store: a model beside it, kept by the same events.
private struct Expected {
    var names: [String: IngestedImage] = [:]
    /// Images without a name, until they are pruned.
    var unnamed: [Digest: IngestedImage] = [:]
    var containers: [Int: IngestedImage] = [:]
    var leases: [Digest: IngestedImage] = [:]
    /// Built layers that the cache keeps.
    var cached: Set<Digest> = []

    var inUse: Set<Digest> { Set(containers.values.map(\.config)) }
    var usedLayers: Set<Digest> {
        Set(containers.values.flatMap { ContentHash.chainIDs(of: $0.layers) }).union(cached)
    }
    var kept: [IngestedImage] { Array(names.values) + unnamed.values + leases.values }

    mutating func name(_ reference: String, _ image: IngestedImage) {
        if let old = names[reference], old.manifest != image.manifest,
            !names.contains(where: { $0.key != reference && $0.value.manifest == old.manifest })
        {
            unnamed[old.manifest] = old
        }
        names[reference] = image
        unnamed[image.manifest] = nil
    }

    mutating func unname(_ reference: String, isForced: Bool) {
        guard let image = names.removeValue(forKey: reference) else { return }
        if !isForced, leases[image.manifest] != nil, !names.values.contains(where: { $0.manifest == image.manifest }) {
            unnamed[image.manifest] = image
        }
    }

    mutating func prune(all: Bool) {
        func goes(_ image: IngestedImage) -> Bool {
            !inUse.contains(image.config) && leases[image.manifest] == nil
        }
        if all { names = names.filter { !goes($0.value) } }
        unnamed = unnamed.filter { !goes($0.value) }
    }
}

@Suite("Collection as a property")
struct CollectTests {
    private static func reference(_ number: Int) -> String { "docker.io/library/n\(number):latest" }

    /// One random step, on the store and on the model.
    private func step(_ world: StoreWorld, _ expected: inout Expected, _ random: inout SeededGenerator) throws {
        let reference = CollectTests.reference(Int.random(in: 0..<5, using: &random))
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:  // pull, load, build: they differ in who calls commit
            let contents = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                "layer\(Int.random(in: 0..<6, using: &random))"
            }
            let image = try world.commit(contents, [reference], variant: "\(Int.random(in: 0..<2, using: &random))")
            expected.name(reference, image)
        case 3:
            guard let source = expected.names.keys.sorted().randomElement(using: &random),
                let image = expected.names[source]
            else { return }
            try world.images.tag(source, reference)
            expected.name(reference, image)
        case 4:
            guard expected.names[reference] != nil else { return }
            let isForced = random.oneIn(3)
            // One that a container is made from is not untagged without force, unless it has another name.
            guard
                let gone = try? world.images.remove(
                    reference, force: isForced, inUse: expected.inUse,
                    leased: isForced ? [] : Set(expected.leases.keys))
            else { return }
            #expect(gone.first?.hasPrefix("Untagged") ?? false)
            expected.unname(reference, isForced: isForced)
        case 5:
            guard let image = expected.names[reference] else { return }
            expected.containers[Int.random(in: 0..<6, using: &random)] = image
        case 6: expected.containers[Int.random(in: 0..<6, using: &random)] = nil
        case 7:
            if random.oneIn(2) {
                if let image = expected.names[reference] { expected.leases[image.manifest] = image }
            } else if let lease = expected.leases.keys.sorted().randomElement(using: &random) {
                expected.leases[lease] = nil
            }
        case 8:
            let all = random.oneIn(2)
            _ = try world.images.forgetUnused(all: all, inUse: expected.inUse, leased: Set(expected.leases.keys))
            expected.prune(all: all)
        default:
            try world.images.collect(keepingLayers: expected.usedLayers, leased: Set(expected.leases.keys))
            try check(world, expected)
            return
        }
        try checkUsed(world, expected)
    }

    /// Nothing that is used has gone, whatever was done.
    private func checkUsed(_ world: StoreWorld, _ expected: Expected) throws {
        let layers = try world.layers()
        let blobs = try world.blobs()
        for image in expected.kept {
            #expect(layers.isSuperset(of: StoreWorld.chain(of: image)))
            #expect(blobs.isSuperset(of: StoreWorld.blobs(of: image)))
        }
        for image in expected.containers.values { #expect(layers.isSuperset(of: StoreWorld.chain(of: image))) }
    }

    /// And after a collection there is nothing else.
    private func check(_ world: StoreWorld, _ expected: Expected) throws {
        try checkUsed(world, expected)
        let blobs = expected.kept.reduce(into: Set<String>()) { $0.formUnion(StoreWorld.blobs(of: $1)) }
        let layers = expected.kept.reduce(into: Set(expected.usedLayers.map(\.hex))) {
            $0.formUnion(StoreWorld.chain(of: $1))
        }
        #expect(try world.blobs() == blobs)
        #expect(try world.layers().isSubset(of: layers))
        #expect(try Directory.names(world.layout.ingest).isEmpty)
        #expect(!world.images.hasUncollected)
        let problems = try world.images.check(
            usedLayers: expected.usedLayers.filter { layers.contains($0.hex) }, leased: Set(expected.leases.keys))
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test("random lives: what is used stays, what is not goes", arguments: 0..<40)
    func lives(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let world = try StoreWorld()
        var expected = Expected()
        for _ in 0..<60 { try step(world, &expected, &random) }
        try world.images.collect(keepingLayers: expected.usedLayers, leased: Set(expected.leases.keys))
        try check(world, expected)
        // With nobody left, nothing is left.
        expected.containers = [:]
        expected.leases = [:]
        _ = try world.images.forgetUnused(all: true, inUse: [])
        try world.images.collect(keepingLayers: [])
        #expect(try world.blobs().isEmpty && world.layers().isEmpty)
    }

    @Test("a death between any two steps: the next one knows that there is something to collect", arguments: 0..<14)
    func deaths(steps: Int) throws {
        let world = try StoreWorld()
        let keep = try world.commit(["base", "keep"], ["keep"])
        try world.commit(["base", "gone"], ["gone", "too"])
        // The book is what is written step by step; each write may be the last.
        world.book.failAfter(steps)
        let isWhole = (try? work(world)) != nil
        world.book.failAfter(nil)
        // Whoever comes next looks for the mark, as an agent does when it starts.
        let before = try world.images.check(usedLayers: [])
        #expect(before.isEmpty || world.images.hasUncollected, "\(before)")
        if world.images.hasUncollected { try world.images.collect(keepingLayers: []) }
        #expect(try world.images.check(usedLayers: []).isEmpty)
        #expect(try world.images.find("keep")?.id == keep.config)
        if isWhole {
            #expect(try world.layers() == StoreWorld.chain(of: keep))
        }
    }

    private func work(_ world: StoreWorld) throws {
        try world.commit(["base", "new"], ["keep2", "too"])
        try world.images.tag("keep2", "again")
        for name in ["gone", "keep2", "again", "too"] {
            _ = try world.images.remove(name, force: true, inUse: [])
        }
        _ = try world.images.forgetUnused(all: false, inUse: [])
        try world.images.collect(keepingLayers: [])
    }

    @Test("while something is pulled nothing is collected, and it is not forgotten either")
    func waiting() throws {
        let world = try StoreWorld()
        try world.commit(["x"], ["app"])
        try world.images.keepingAll {
            _ = try world.images.remove("app", force: true, inUse: [])
            try world.images.collect(keepingLayers: [])
            #expect(try !world.layers().isEmpty)
            #expect(world.images.hasUncollected)
        }
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers().isEmpty)
        #expect(!world.images.hasUncollected)
    }
}
