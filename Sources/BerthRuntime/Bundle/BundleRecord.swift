// What is remembered of a bundle's container, and what it is right now.
import BerthLinux
import BerthModel
import FoundationEssentials

package struct BundleRecord: Codable, Sendable {
    package var id: String
    package var processID: Int32 = 0
    /// With the process id, says which process is meant: ids are used again.
    package var startTicks: UInt64 = 0
    package var bundle: String
    package var rootPath: String
    package var createdNanoseconds: Int64
    package var annotations: [String: String]
    package var cgroupPath: String
}

package enum BundleStatus: String, Sendable { case creating, created, running, paused, stopped }

/// One container below the state directory: `state.json`, a copy of its `config.json`, the fifo that it waits on.
package struct BundleStore: Sendable {
    package let root: String
    package init(root: String) { self.root = root }

    package func directory(_ id: String) -> String { "\(root)/\(id)" }
    package func fifo(_ id: String) -> String { "\(root)/\(id)/exec.fifo" }

    package static func check(_ id: String) throws {
        let isPlain = id.utf8.allSatisfy {
            ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) || "_+-.".utf8.contains($0)
        }
        guard !id.isEmpty, id.utf8.count <= 1024, isPlain, id != ".", id != ".." else {
            throw BerthError(.invalid, "invalid container ID format: \"\(id)\"")
        }
    }

    package func add(_ id: String) throws {
        try BundleStore.check(id)
        try Directory.make(root, mode: 0o711)
        do throws(SystemError) { try Directory.makeNew(directory(id), mode: 0o711) } catch {
            guard error.isAlreadyThere else { throw error }
            throw BerthError(.alreadyExists, "container with given ID already exists")
        }
    }

    package func write(_ record: BundleRecord) throws {
        let bytes = [UInt8](try JSONEncoder().encode(record))
        try FileIO.replace("\(directory(record.id))/state.json", bytes, durable: false)
    }

    package func exists(_ id: String) -> Bool { (try? FileStatus.of(directory(id))) != nil }

    package func read(_ id: String) throws -> BundleRecord {
        try BundleStore.check(id)
        do {
            let bytes = try FileIO.read("\(directory(id))/state.json")
            return try JSONDecoder().decode(BundleRecord.self, from: Data(bytes))
        } catch let error as SystemError where error.isNotFound {
            throw BerthError(.notFound, "container does not exist")
        }
    }

    package func spec(_ id: String) throws -> BundleSpec {
        try BundleDocument.decode(BundleSpec.self, "\(directory(id))/config.json")
    }

    package var ids: [String] { ((try? Directory.names(root)) ?? []).sorted() }

    package func status(_ record: BundleRecord) -> BundleStatus {
        if record.processID == 0 { return .creating }
        guard isAlive(record) else { return .stopped }
        if (try? FileStatus.of(fifo(record.id))) != nil { return .created }
        let group = try? BundleCgroup.detect(path: record.cgroupPath)
        return group?.isFrozen ?? false ? .paused : .running
    }

    package func isAlive(_ record: BundleRecord) -> Bool {
        guard record.processID > 0, let fields = BundleStore.stat(record.processID) else { return false }
        return fields.ticks == record.startTicks && fields.state != "Z" && fields.state != "X"
    }

    package static func stat(_ processID: Int32) -> (state: String, ticks: UInt64)? {
        guard let text = try? FileIO.readText("/proc/\(processID)/stat", limit: 1 << 16),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        return (String(fields[0]), ticks)
    }

    /// A signal to the process that the record means, and to no other of its number.
    package func signal(_ record: BundleRecord, _ number: Int32) throws {
        guard let descriptor = try? Process.open(record.processID), isAlive(record) else {
            throw BerthError(.notFound, "container not running")
        }
        try Process.signal(descriptor.number, number)
    }
}

package enum BundleDocument {
    package static func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try FileIO.read(path) } catch {
            throw BerthError(.notFound, "open \(path)", cause: error.reason)
        }
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw BerthError(.invalid, "reading \(path)", cause: BundleDocument.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let c), .valueNotFound(_, let c), .keyNotFound(_, let c), .dataCorrupted(let c):
            context = c
        @unknown default: return "\(error)"
        }
        let place = context.codingPath.map(\.stringValue).joined(separator: ".")
        return place.isEmpty ? context.debugDescription : "\(place): \(context.debugDescription)"
    }

    /// The state document that hooks read and `state` prints.
    package static func state(
        _ record: BundleRecord, _ version: String, _ status: String, extra: Bool = false
    ) -> String {
        func quoted(_ text: String) -> String { JSONString.quoted(text) }
        var lines = [
            "\"ociVersion\": \(quoted(version))", "\"id\": \(quoted(record.id))",
            "\"pid\": \(status == "stopped" ? 0 : record.processID)", "\"status\": \(quoted(status))",
            "\"bundle\": \(quoted(record.bundle))",
        ]
        if extra {
            lines.append("\"rootfs\": \(quoted(record.rootPath))")
            let created = Timestamp(nanosecondsSinceEpoch: record.createdNanoseconds)
            lines.append("\"created\": \(quoted(created.description))")
        }
        if !record.annotations.isEmpty {
            let pairs = record.annotations.sorted { $0.key < $1.key }.map {
                "    \(quoted($0.key)): \(quoted($0.value))"
            }
            lines.append("\"annotations\": {\n\(pairs.joined(separator: ",\n"))\n  }")
        }
        if extra { lines.append("\"owner\": \"\"") }
        return "{\n  " + lines.joined(separator: ",\n  ") + "\n}"
    }
}
