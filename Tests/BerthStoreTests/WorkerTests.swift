// The real worker on real archives: import, save, load; and workers that fail in every way.
import BerthLinux
import BerthModel
import BerthTesting
import Foundation
import Testing

@testable import BerthStore

@Suite("Workers")
struct WorkerTests {
    static func archive(_ build: (inout TestTar) -> Void) throws -> SharedDescriptor {
        var tar = TestTar()
        build(&tar)
        return SharedDescriptor(try FileIO.sealedMemory("test-archive", tar.finished))
    }

    static func importTree(_ world: StoreWorld, _ name: String, _ build: (inout TestTar) -> Void) throws {
        var request = WorkerRequest(kind: .importTree, ingest: "", created: "2026-01-02T03:04:05Z")
        request.reference = name
        request.changes = [#"CMD ["/bin/sh"]"#]
        try world.client.run(request, archive: try archive(build), progress: { _ in }) { images, ingest in
            try world.images.commit(images, from: ingest)
        }
    }

    @Test("import, save, remove, load: the same image again")
    func roundTrip() throws {
        let world = try StoreWorld()
        try WorkerTests.importTree(world, "app:1") { tar in
            tar.add("bin/su") {
                $0.mode = 0o4755; $0.content = Array("su".utf8)
            }
            tar.link("sh", "bin/su")
            tar.file(".wh.gone", "")
        }
        let image = try #require(try world.images.find("app:1"))
        #expect(image.config.config?.Cmd == ["/bin/sh"])
        let layer = "\(world.layout.layer(chainID: image.config.rootfs.diff_ids[0]))/diff"
        #expect(try FileStatus.of("\(layer)/bin/su").mode == 0o4755)
        #expect(try FileStatus.of("\(layer)/gone").isWhiteout)

        var request = WorkerRequest(kind: .save, ingest: "", created: "")
        for digest in [image.manifestDigest, image.id] + image.manifest.layers.map(\.digest) {
            request.blobs["\(digest)"] = world.layout.blob(digest)
        }
        request.images = [
            SavedImage(
                manifest: image.manifestDigest,
                manifestSize: try FileStatus.of(world.layout.blob(image.manifestDigest)).sizeBytes,
                references: image.references)
        ]
        let path = world.directory.path("saved.tar")
        let output = SharedDescriptor(try Directory.open(path, flags: FileFlags.create, mode: 0o600))
        try world.client.run(request, archive: output, progress: { _ in }, commit: { _, _ in })
        _ = try world.images.remove("app:1", force: false, inUse: [])
        try world.images.collect(keepingLayers: [])
        #expect(try world.layers().isEmpty)

        let saved = SharedDescriptor(try Directory.open(path))
        let load = WorkerRequest(kind: .load, ingest: "", created: "")
        try world.client.run(load, archive: saved, progress: { _ in }) { try world.images.commit($0, from: $1) }
        #expect(try world.images.find("app:1") == image)
        #expect(try Directory.names(world.layout.ingest).isEmpty)
    }

    @Test("hostile and foreign archives fail with a sentence, leave nothing, and touch nothing")
    func hostile() throws {
        let world = try StoreWorld()
        let archives: [(inout TestTar) -> Void] = [
            { $0.file("../../../canary") }, { $0.hardLink("x", "/etc/shadow") }, { $0.add("x", .characterDevice) },
            { $0.file(".wh..", "") }, { $0.add("x") { $0.size = 1 << 50 } },
        ]
        for build in archives {
            let error = #expect(throws: BerthError.self) { try WorkerTests.importTree(world, "app", build) }
            #expect(error?.cause?.isEmpty == false)
            #expect(error?.code != .internal)
        }
        #expect(try world.images.list().isEmpty)
        #expect(try Directory.names(world.layout.ingest).isEmpty)
        #expect(try Directory.names(world.directory.path).sorted() == ["data", "run"])
    }

    static let scripts = [
        "exit 3", "kill -9 $$", "kill -ILL $$", "echo garbage", "echo '{\"finished\":'", "cat >/dev/null; exit 0",
        "echo '{\"progress\":{\"_0\":\"half way\"}}'; kill -9 $$", "exec <&- >&-", "head -c 100000 /dev/zero",
    ]

    @Test("a worker that dies or raves is one failed operation", arguments: scripts)
    func dying(script: String) throws {
        let world = try StoreWorld()
        let program = world.directory.path("worker")
        try FileIO.replace(program, Array("#!/bin/sh\n\(script)\n".utf8), mode: 0o700, durable: false)
        let client = WorkerClient(program: program, layout: world.layout)
        let archive = try WorkerTests.archive { $0.file("x") }
        var isCommitted = false
        #expect(throws: BerthError.self) {
            try client.run(
                WorkerRequest(kind: .importTree, ingest: "", created: ""), archive: archive, progress: { _ in },
                commit: { _, _ in isCommitted = true })
        }
        #expect(!isCommitted)
        #expect(try Directory.names(world.layout.ingest).isEmpty)
    }

    @Test("a commit that fails leaves no ingest directory; a missing program is said")
    func failures() throws {
        struct Refusal: Error {}
        let world = try StoreWorld()
        let archive = try WorkerTests.archive { $0.file("x") }
        let request = WorkerRequest(kind: .importTree, ingest: "", created: "2026-01-02T03:04:05Z")
        #expect(throws: Refusal.self) {
            try world.client.run(request, archive: archive, progress: { _ in }) { _, _ in throw Refusal() }
        }
        #expect(throws: (any Error).self) {
            try WorkerClient(program: "/nonexistent/worker", layout: world.layout)
                .run(request, archive: archive, progress: { _ in }, commit: { _, _ in })
        }
        #expect(try Directory.names(world.layout.ingest).isEmpty)
    }

    @Test("a worker has few rights: no network, no privileges to gain, a bounded set of capabilities")
    func confined() throws {
        let world = try StoreWorld()
        // The archive is a pipe: the worker waits for it, and can be looked at.
        let (read, write) = try BerthLinux.Process.pipe()
        let ingest = try world.newIngest()
        var request = WorkerRequest(kind: .importTree, ingest: ingest, created: "2026-01-02T03:04:05Z")
        request.reference = "app"
        let input = try FileIO.sealedMemory("request", Array(try JSONEncoder().encode(request)))
        let reports = try BerthLinux.Process.pipe()
        let processID = try BerthLinux.Process.spawn(
            StoreWorld.worker, ["berth-worker"],
            descriptors: [input.number, reports.write.number, reports.write.number, read.number])
        // The first bytes are taken when the worker is past its confinement; a pipe holds less than this.
        var tar = TestTar()
        tar.add("big") { $0.content = [UInt8](repeating: 1, count: 4 << 20) }
        let bytes = tar.finished
        try FileIO.write(number: write.number, Array(bytes[..<(2 << 20)]))
        let status = try FileIO.readText("/proc/\(processID)/status")
        func field(_ name: String) -> String? {
            status.split(separator: "\n").first { $0.hasPrefix("\(name):") }?.split(separator: "\t").last.map(
                String.init)
        }
        let allowed: UInt64 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31
        #expect(field("NoNewPrivs") == "1")
        for name in ["CapBnd", "CapEff", "CapPrm"] {
            let set = try #require(field(name).flatMap { UInt64($0, radix: 16) })
            #expect(set & ~allowed == 0, "\(name)")
        }
        #expect(try Directory.readLink("/proc/\(processID)/ns/net") != Directory.readLink("/proc/self/ns/net"))
        try FileIO.write(number: write.number, Array(bytes[(2 << 20)...]))
        write.closeEarly()
        #expect(try BerthLinux.Process.wait(processID) == 0)
        withExtendedLifetime((read, reports.read)) {}
    }
}
