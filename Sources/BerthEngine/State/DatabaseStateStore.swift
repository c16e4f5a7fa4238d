// The state in SQLite: documents as JSON in narrow tables, WAL, fsync for what was acknowledged.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import GRDB

package final class DatabaseStateStore: StateStore {
    /// Networks, volumes, leases, revisions, references, new containers: on disk before the call returns.
    let durable: DatabaseQueue
    /// Statuses: the next writer's fsync takes them along.
    private let quick: DatabaseQueue

    /// What a full disk leaves for the end of things: a stack can be taken down with no byte free.
    private let ballast: Ballast
    private static let ballastBytes = 2 << 20

    package convenience init(path: String) throws {
        let ballast = Ballast(path: "\(path).ballast", sizeBytes: DatabaseStateStore.ballastBytes)
        do {
            try self.init(path: path, ballast: ballast)
        } catch {
            guard ballast.drop() else { throw error }
            try self.init(path: path, ballast: ballast)
            return
        }
        ballast.take()
    }

    private init(path: String, ballast: Ballast) throws {
        self.ballast = ballast
        do {
            let version = try DatabaseStateStore.version(path)
            if version > Migrations.newest {
                throw BerthError(
                    .unsupported, "opening \(path)",
                    cause: "its schema \(version) is newer than this berth, which knows \(Migrations.newest)",
                    hint: "use the newer berth, or another --data-dir")
            }
            if version > 0 && version < Migrations.newest {
                try FileIO.replace("\(path).before-\(Migrations.newest)", try FileIO.read(path, limit: 1 << 30))
            }
            // Of this file the database's others take their mode.
            _ = try Directory.open(path, flags: FileFlags.readWriteCreate, mode: 0o600)
            try FileOwner.set(
                path, userID: Process.effectiveUserID, groupID: Process.effectiveGroupID, mode: 0o600)
            durable = try DatabaseQueue(
                path: path, configuration: DatabaseStateStore.configuration(synchronous: "FULL"))
            try durable.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
            try Migrations.run(durable)
            quick = try DatabaseQueue(
                path: path, configuration: DatabaseStateStore.configuration(synchronous: "NORMAL"))
        } catch let error as BerthError {
            throw error
        } catch {
            throw BerthError(
                .corrupt, "opening \(path)", cause: "\(error)",
                hint: "restore the file, or move it away: volumes are not in it")
        }
    }

    private static func configuration(synchronous: String) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = \(synchronous)") }
        return configuration
    }

    private static func version(_ path: String) throws -> Int {
        guard (try? FileStatus.of(path)) != nil else { return 0 }
        return try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
    }

    // MARK: Documents

    private func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
    private func decode<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    func write(_ queue: DatabaseQueue, _ sql: String, _ arguments: StatementArguments) throws {
        try write(queue) { try $0.execute(sql: sql, arguments: arguments) }
    }

    func write(_ queue: DatabaseQueue, _ changes: (Database) throws -> Void) throws {
        do {
            do { try queue.write(changes) } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                guard ballast.drop() else { throw error }
                try queue.write(changes)
            }
        } catch {
            throw BerthError(.unavailable, "writing the state", cause: "\(error)", hint: "is the disk full?")
        }
    }

    private func documents<Value: Decodable>(_ table: String) throws -> [Value] {
        try durable.read { try String.fetchAll($0, sql: "SELECT document FROM \(table) ORDER BY rowid") }.map {
            try decode($0)
        }
    }

    // MARK: Containers

    package func containers() throws -> [ContainerRow] {
        try durable.read { try Row.fetchAll($0, sql: "SELECT document, status FROM containers ORDER BY rowid") }.map {
            row in
            ContainerRow(record: try decode(row["document"]), status: try decode(row["status"]))
        }
    }

    package func insert(_ row: ContainerRow) throws {
        try write(
            quick, "INSERT OR REPLACE INTO containers (id, document, status) VALUES (?, ?, ?)",
            [row.record.id.text, try encode(row.record), try encode(row.status)])
    }

    package func update(_ id: ContainerID, status: ContainerStatus) throws {
        try write(quick, "UPDATE containers SET status = ? WHERE id = ?", [try encode(status), id.text])
    }

    package func rename(_ id: ContainerID, to name: String) throws {
        let text = try durable.read {
            try String.fetchOne($0, sql: "SELECT document FROM containers WHERE id = ?", arguments: [id.text])
        }
        guard let text else { return }
        var record: ContainerRecord = try decode(text)
        record.name = name
        try write(quick, "UPDATE containers SET document = ? WHERE id = ?", [try encode(record), id.text])
    }

    package func update(_ records: [ContainerRecord]) throws {
        let documents = try records.map { (id: $0.id.text, document: try encode($0)) }
        try write(quick) { database in
            for (id, document) in documents {
                try database.execute(
                    sql: "UPDATE containers SET document = ? WHERE id = ?", arguments: [document, id])
            }
        }
    }

    package func remove(_ id: ContainerID) throws { try write(quick, "DELETE FROM containers WHERE id = ?", [id.text]) }

    // MARK: Networks, volumes, leases

    package func networks() throws -> [NetworkRecord] { try documents("networks") }
    package func insert(_ network: NetworkRecord) throws {
        try write(
            durable, "INSERT OR REPLACE INTO networks (name, document) VALUES (?, ?)",
            [network.name, try encode(network)])
    }
    package func removeNetwork(_ name: String) throws {
        try write(durable, "DELETE FROM networks WHERE name = ?", [name])
        try write(quick, "DELETE FROM leases WHERE network = ?", [name])
    }

    package func volumes() throws -> [VolumeRecord] { try documents("volumes") }
    package func insert(_ volume: VolumeRecord) throws {
        try write(
            durable, "INSERT OR IGNORE INTO volumes (name, document) VALUES (?, ?)", [volume.name, try encode(volume)])
    }
    package func removeVolume(_ name: String) throws {
        try write(durable, "DELETE FROM volumes WHERE name = ?", [name])
    }

    package func leases() throws -> [AddressLease] { try documents("leases") }
    package func insert(_ lease: AddressLease) throws {
        try write(
            quick, "INSERT OR REPLACE INTO leases (network, stack, slot, document) VALUES (?, ?, ?, ?)",
            [lease.network, lease.stack, lease.slot, try encode(lease)])
    }
    package func remove(_ lease: AddressLease) throws {
        try write(
            quick, "DELETE FROM leases WHERE network = ? AND stack = ? AND slot = ?",
            [lease.network, lease.stack, lease.slot])
    }
    package func removeLeases(stack: String, slot: String?) throws {
        if let slot {
            try write(quick, "DELETE FROM leases WHERE stack = ? AND slot = ?", [stack, slot])
        } else {
            try write(quick, "DELETE FROM leases WHERE stack = ?", [stack])
        }
    }

    // MARK: Revisions and references

    package func insertRevision(stack: String, document: [UInt8], time: Timestamp) throws {
        try write(
            durable, "INSERT INTO revisions (stack, time, document) VALUES (?, ?, ?)",
            [stack, time.nanosecondsSinceEpoch, String(decoding: document, as: UTF8.self)])
        // The last ten are kept: enough to go back to, bounded.
        try write(
            quick,
            "DELETE FROM revisions WHERE stack = ? AND rowid NOT IN (SELECT rowid FROM revisions WHERE stack = ? ORDER BY rowid DESC LIMIT 10)",
            [stack, stack])
        try write(
            quick,
            "DELETE FROM image_leases WHERE stack = ? AND revision NOT IN (SELECT rowid FROM revisions WHERE stack = ?)",
            [stack, stack])
    }
    package func removeRevisions(stack: String) throws {
        try write(quick, "DELETE FROM revisions WHERE stack = ?", [stack])
        try removeImageLeases(stack: stack)
    }

    package func leaseImages(_ manifests: Set<Digest>, stack: String) throws {
        for manifest in manifests.sorted() {
            try write(
                durable,
                """
                INSERT OR IGNORE INTO image_leases (stack, revision, manifest)
                SELECT stack, max(rowid), ? FROM revisions WHERE stack = ? GROUP BY stack
                """, [manifest.description, stack])
        }
    }
    package func removeImageLeases(stack: String) throws {
        try write(quick, "DELETE FROM image_leases WHERE stack = ?", [stack])
    }
    package func leasedImages() throws -> Set<Digest> {
        let rows = try durable.read { try String.fetchAll($0, sql: "SELECT DISTINCT manifest FROM image_leases") }
        return Set(rows.compactMap { Digest($0) })
    }

    package func references() throws -> [String: Digest] {
        let rows = try durable.read { try Row.fetchAll($0, sql: "SELECT reference, manifest FROM image_references") }
        return Dictionary(
            rows.compactMap { row in Digest(row["manifest"] as String).map { (row["reference"] as String, $0) } }
        ) { $1 }
    }
    package func set(_ reference: String, _ manifest: Digest) throws {
        try write(
            durable, "INSERT OR REPLACE INTO image_references (reference, manifest) VALUES (?, ?)",
            [reference, manifest.description])
    }
    package func remove(_ reference: String) throws {
        try write(durable, "DELETE FROM image_references WHERE reference = ?", [reference])
    }

    package func pulled(_ reference: String) throws -> Timestamp? {
        try durable.read {
            try Int64.fetchOne($0, sql: "SELECT time FROM pulls WHERE reference = ?", arguments: [reference])
        }.map { Timestamp(nanosecondsSinceEpoch: $0) }
    }
    package func setPulled(_ reference: String, _ time: Timestamp) throws {
        try write(
            quick, "INSERT OR REPLACE INTO pulls (reference, time) VALUES (?, ?)",
            [reference, time.nanosecondsSinceEpoch])
    }

    // MARK: Build cache

    package func cachedStep(_ key: Digest) throws -> CachedStepRow? {
        let text = try quick.read {
            try String.fetchOne(
                $0, sql: "SELECT document FROM build_cache WHERE key = ?", arguments: [key.description])
        }
        return text.flatMap { try? decode($0) }
    }
    package func markUsed(_ keys: [Digest], now: Timestamp) throws {
        try write(quick) { database in
            for key in keys {
                try database.execute(
                    sql: "UPDATE build_cache SET used = ? WHERE key = ?",
                    arguments: [now.nanosecondsSinceEpoch, key.description])
            }
        }
    }
    package func insert(_ row: CachedStepRow) throws {
        try write(
            quick, "INSERT OR REPLACE INTO build_cache (key, used, document) VALUES (?, ?, ?)",
            [row.step.key.description, row.used.nanosecondsSinceEpoch, try encode(row)])
    }
    package func cachedBytes() throws -> Int64 {
        try quick.read {
            try Int64.fetchOne(
                $0, sql: "SELECT SUM(json_extract(document, '$.step.layer.sizeBytes')) FROM build_cache")
        } ?? 0
    }
    package func cachedSteps() throws -> [CachedStepRow] {
        try quick.read { try Row.fetchAll($0, sql: "SELECT used, document FROM build_cache ORDER BY used, key") }
            .compactMap { found in
                var row = try? decode(found["document"]) as CachedStepRow
                row?.used = Timestamp(nanosecondsSinceEpoch: found["used"])
                return row
            }
    }
    package func removeCachedStep(_ key: Digest) throws {
        try write(quick, "DELETE FROM build_cache WHERE key = ?", [key.description])
    }

    package func bootID() throws -> String? {
        try durable.read { try String.fetchOne($0, sql: "SELECT value FROM facts WHERE name = 'boot'") }
    }
    package func setBootID(_ id: String) throws {
        try write(quick, "INSERT OR REPLACE INTO facts (name, value) VALUES ('boot', ?)", [id])
    }
}

/// Forward only. A step is never edited once it was released; the version is the number of steps done.
enum Migrations {
    static let steps = [
        """
        CREATE TABLE containers (id TEXT PRIMARY KEY, document TEXT NOT NULL, status TEXT NOT NULL);
        CREATE TABLE networks (name TEXT PRIMARY KEY, document TEXT NOT NULL);
        CREATE TABLE volumes (name TEXT PRIMARY KEY, document TEXT NOT NULL);
        CREATE TABLE leases (
            network TEXT NOT NULL, stack TEXT NOT NULL, slot TEXT NOT NULL, document TEXT NOT NULL,
            PRIMARY KEY (network, stack, slot));
        CREATE TABLE revisions (stack TEXT NOT NULL, time INTEGER NOT NULL, document TEXT NOT NULL);
        CREATE INDEX revisions_by_stack ON revisions (stack);
        CREATE TABLE image_references (reference TEXT PRIMARY KEY, manifest TEXT NOT NULL);
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        """,
        "CREATE TABLE pulls (reference TEXT PRIMARY KEY, time INTEGER NOT NULL);",
        """
        CREATE TABLE build_cache (key TEXT PRIMARY KEY, used INTEGER NOT NULL, document TEXT NOT NULL);
        CREATE INDEX build_cache_by_use ON build_cache (used);
        """,
        """
        CREATE TABLE image_leases (
            stack TEXT NOT NULL, revision INTEGER NOT NULL, manifest TEXT NOT NULL,
            PRIMARY KEY (stack, revision, manifest));
        """,
        "CREATE TABLE shared_documents (reference TEXT PRIMARY KEY, manifest TEXT NOT NULL, image TEXT);",
    ]
    static var newest: Int { steps.count }

    static func run(_ queue: DatabaseQueue) throws {
        let done = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        for index in done..<max(done, steps.count) {
            try queue.write { database in
                try database.execute(sql: steps[index])
                try database.execute(sql: "PRAGMA user_version = \(index + 1)")
            }
        }
    }
}
