// The database: what was written is read by the next one; a newer schema is refused; rows survive a hard stop.
import BerthModel
import BerthStore
import Foundation
import GRDB
import Testing

@testable import BerthEngine

@Suite("State store")
struct StateStoreTests {
    func withPath(_ body: (String) throws -> Void) throws {
        let directory = "/tmp/berth-state-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body("\(directory)/state.db")
    }

    static func record(_ name: String) -> ContainerRecord {
        ContainerRecord(
            id: ContainerID(randomBytes: (0..<32).map { _ in UInt8.random(in: 0...255) }), name: name, stack: "s",
            slot: ReplicaSlot(service: "web", number: 1), service: Service(name: "web"),
            imageID: Digest(bytes: [UInt8](repeating: 1, count: 32)), imageReference: "x", imageExecution: .init(),
            layers: [],
            configHash: "", labels: [:], mounts: [], endpoints: [], ports: [], created: .never)
    }

    @Test("another opening sees everything")
    func persistence() throws {
        try withPath { path in
            let record = StateStoreTests.record("a")
            let digest = Digest(bytes: [UInt8](repeating: 7, count: 32))
            do {
                let store = try DatabaseStateStore(path: path)
                try store.insert(ContainerRow(record: record, status: ContainerStatus()))
                var status = ContainerStatus(state: .exited)
                status.exitCode = 3
                try store.update(record.id, status: status)
                try store.rename(record.id, to: "b")
                try store.set("docker.io/library/x:latest", digest)
                try store.insert(
                    VolumeRecord(
                        name: "v", stack: "s", isAnonymous: false, driverOptions: [:], labels: [:], created: .never))
            }
            let again = try DatabaseStateStore(path: path)
            let row = try #require(try again.containers().first)
            #expect(row.record.name == "b" && row.status.exitCode == 3 && row.status.state == .exited)
            #expect(try again.references() == ["docker.io/library/x:latest": digest])
            #expect(try again.volumes().map(\.name) == ["v"])
            try again.remove(record.id)
            #expect(try again.containers().isEmpty)
        }
    }

    @Test("the build cache: its size, and what was used longest ago first")
    func buildCache() throws {
        try withPath { path in
            let store = try DatabaseStateStore(path: path)
            func digest(_ number: UInt8) -> Digest { Digest(bytes: [UInt8](repeating: number, count: 32)) }
            for number in UInt8(1)...3 {
                let layer = number == 2 ? nil : PackedLayer(diffID: digest(number), sizeBytes: 100 * Int64(number))
                let step = CachedStep(
                    key: digest(number), parent: nil, layer: layer, summary: "RUN \(number)", created: "")
                let time = Timestamp(nanosecondsSinceEpoch: Int64(number))
                try store.insert(CachedStepRow(step: step, chainID: nil, created: time, used: time))
            }
            #expect(try store.cachedBytes() == 400)
            try store.markUsed([digest(1), digest(9)], now: Timestamp(nanosecondsSinceEpoch: 50))
            let again = try DatabaseStateStore(path: path)
            #expect(try again.cachedSteps().map(\.step.key) == [digest(2), digest(3), digest(1)])
            #expect(try again.cachedSteps().last?.used.nanosecondsSinceEpoch == 50)
            #expect(try again.cachedStep(digest(3))?.step.summary == "RUN 3")
            #expect(try again.cachedStep(digest(9)) == nil)
        }
    }

    @Test("a newer schema is refused, in words")
    func newer() throws {
        try withPath { path in
            let queue = try DatabaseQueue(path: path)
            try queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
            #expect { _ = try DatabaseStateStore(path: path) } throws: { error in
                (error as? BerthError)?.cause?.contains("newer than this berth") == true
            }
        }
    }

    @Test("ten revisions of a stack are kept")
    func revisions() throws {
        try withPath { path in
            let store = try DatabaseStateStore(path: path)
            for number in 0..<15 {
                try store.insertRevision(stack: "s", document: Array("{\"n\":\(number)}".utf8), time: .never)
            }
            let count = try DatabaseQueue(path: path).read {
                try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM revisions")
            }
            #expect(count == 10)
        }
    }

    @Test("an image is leased as long as a revision that ran it is kept")
    func imageLeases() throws {
        try withPath { path in
            let store = try DatabaseStateStore(path: path)
            let digests = (0..<12).map { Digest(bytes: [UInt8](repeating: UInt8($0), count: 32)) }
            try store.leaseImages([digests[0]], stack: "s")
            #expect(try store.leasedImages().isEmpty, "there is no revision that could have run it")
            for digest in digests {
                try store.insertRevision(stack: "s", document: [0x7B, 0x7D], time: .never)
                try store.leaseImages([digest, digests[11]], stack: "s")
            }
            try store.insertRevision(stack: "other", document: [0x7B, 0x7D], time: .never)
            try store.leaseImages([digests[0]], stack: "other")
            #expect(try store.leasedImages() == Set(digests[2...] + [digests[0]]))
            try store.removeImageLeases(stack: "s")
            #expect(try DatabaseStateStore(path: path).leasedImages() == [digests[0]])
            try store.removeRevisions(stack: "other")
            #expect(try store.leasedImages().isEmpty)
        }
    }
}
