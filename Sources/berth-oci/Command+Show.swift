// Commands that show: list, ps, events; and `update`, which changes limits.
import BerthLinux
import BerthModel
import BerthRuntime

extension Command {
    func list() throws {
        let store = runtime.store
        let records = store.ids.compactMap { try? store.read($0) }
        if line.has("quiet") {
            for record in records { try printLine(record.id) }
            return
        }
        switch line.value("format") ?? "table" {
        case "json":
            let documents = records.map { record in
                let version = (try? store.spec(record.id).ociVersion) ?? "1.2.0"
                return BundleDocument.state(record, version, store.status(record).rawValue, extra: true)
            }
            try printLine(documents.isEmpty ? "null" : "[\(documents.joined(separator: ","))]")
        case "table":
            var rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
            for record in records {
                let status = store.status(record)
                let created = Timestamp(nanosecondsSinceEpoch: record.createdNanoseconds)
                rows.append([
                    record.id, status == .stopped ? "0" : "\(record.processID)", status.rawValue, record.bundle,
                    created.description, "root",
                ])
            }
            try printLine(Command.table(rows))
        default: throw BerthError(.invalid, "invalid format option")
        }
    }

    static func table(_ rows: [[String]]) -> String {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in max(12, (rows.map { $0[column].count }.max() ?? 0) + 3) }
        return rows.map { row in
            row.enumerated().map { index, cell in
                index == columns - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined()
        }.joined(separator: "\n")
    }

    func processes() throws {
        let numbers = try runtime.group(try id()).processes
        if line.value("format") == "json" {
            return try printLine("[\(numbers.map { "\($0)" }.joined(separator: ","))]")
        }
        var rows = [["UID", "PID", "PPID", "CMD"]]
        for row in numbers.compactMap({ ProcessRow.read($0) }) {
            rows.append(["\(row.userID)", "\(row.processID)", "\(row.parentID)", row.command])
        }
        try printLine(Command.table(rows))
    }

    func events() throws {
        let id = try id()
        try printLine(statistics(id))
        if line.has("stats") { return }
        let seconds = line.value("interval").flatMap { UInt32($0.filter(\.isNumber)) } ?? 5
        // A host that accounts for no memory kills nobody for it in a group.
        let watch = try runtime.group(id).memoryFile.flatMap { try? OutOfMemoryWatch($0) }
        while try announceKills(id, watch, milliseconds: seconds * 1000) { try printLine(statistics(id)) }
    }

    /// For so long, or until the container has ended: false.
    private func announceKills(_ id: String, _ watch: OutOfMemoryWatch?, milliseconds: UInt32) throws -> Bool {
        let slice: UInt32 = 100
        var left = milliseconds
        repeat {
            let step = min(left, slice)
            if let watch { watch.wait(milliseconds: step) } else { Pause.milliseconds(step) }
            for _ in 0..<(watch?.take() ?? 0) { try printLine("{\"type\":\"oom\",\"id\":\(JSONString.quoted(id))}") }
            guard let record = try? runtime.store.read(id), runtime.store.isAlive(record) else { return false }
            left -= step
        } while left > 0
        return true
    }

    private func statistics(_ id: String) throws -> String {
        var values: [String: Int64] = [:]
        for (name, value) in try runtime.group(id).stats { values[name] = value }
        let number = { (name: String) in values[name] ?? 0 }
        return "{\"type\":\"stats\",\"id\":\(JSONString.quoted(id)),\"data\":{\"cpu\":{\"usage\":{\"total\":"
            + "\(number("cpu"))},\"throttling\":{\"periods\":\(number("periods")),\"throttledPeriods\":"
            + "\(number("throttledPeriods")),\"throttledTime\":\(number("throttledTime"))}},\"memory\":{\"usage\":"
            + "{\"limit\":\(number("memoryLimit")),\"usage\":\(number("memory"))}},\"pids\":{\"current\":"
            + "\(number("pids"))}}}"
    }

    func update() throws {
        let id = try id()
        var resources = BundleResources()
        if let path = line.value("resources") {
            resources = try BundleDocument.decode(BundleResources.self, path == "-" ? "/dev/stdin" : path)
        }
        func number(_ flag: String) throws -> Int64? {
            guard let text = line.value(flag) else { return nil }
            guard let value = Int64(text) ?? ByteSize.parse(text) else {
                throw BerthError(.invalid, "invalid value for \(flag): \(text)")
            }
            return value
        }
        var memory = resources.memory ?? BundleResources.Memory()
        if let value = try number("memory") { memory.limit = value }
        if let value = try number("memory-swap") { memory.swap = value }
        if let value = try number("memory-reservation") { memory.reservation = value }
        resources.memory = memory
        var cpu = resources.cpu ?? BundleResources.CPU()
        if let value = try number("cpu-period") { cpu.period = UInt64(max(0, value)) }
        if let value = try number("cpu-quota") { cpu.quota = value }
        if let value = try number("cpu-burst") { cpu.burst = UInt64(max(0, value)) }
        if let value = try number("cpu-share") { cpu.shares = UInt64(max(0, value)) }
        if let value = try number("cpu-idle") { cpu.idle = value }
        cpu.cpus = line.value("cpuset-cpus") ?? cpu.cpus
        cpu.mems = line.value("cpuset-mems") ?? cpu.mems
        resources.cpu = cpu
        if let value = try number("pids-limit") { resources.pids = .init(limit: value) }
        if let value = try number("blkio-weight") {
            var io = resources.blockIO ?? BundleResources.BlockIO()
            io.weight = UInt16(clamping: value)
            resources.blockIO = io
        }
        try runtime.update(id, resources)
    }
}
