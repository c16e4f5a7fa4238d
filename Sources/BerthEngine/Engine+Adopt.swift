// `adopt`: volumes of Docker's become berth's, by a copy. What Docker has is only read.
import BerthLinux
import BerthModel
import BerthPlan

extension Engine {
    /// Takes over the content of Docker's volume of the same name. One that berth has with something in it is kept.
    ///
    /// - Parameters:
    ///   - dockerRoot: nil: where Docker's settings say.
    ///   - whileUsed: copy although a process has it mounted.
    package func adoptVolume(
        _ definition: VolumeDefinition, stack: String, dockerRoot: String?, whileUsed: Bool, dryRun: Bool
    ) async throws -> VolumeAdoption {
        guard let source = DockerStore(root: dockerRoot).volume(definition.name) else {
            return VolumeAdoption(.absent)
        }
        return try await turns.take(stack) {
            try await self.offPool { try self.adopt(definition, stack, source, whileUsed, dryRun) }
        }
    }

    private func adopt(
        _ definition: VolumeDefinition, _ stack: String, _ source: String, _ whileUsed: Bool, _ dryRun: Bool
    ) throws -> VolumeAdoption {
        let name = definition.name
        let layout = parts.layout
        let there = try parts.store.volumes().first { $0.name == name }
        let content = (try? Directory.names(layout.volumeContent(name))) ?? []
        if !content.isEmpty || there.map({ !$0.driverOptions.isEmpty }) ?? false || !definition.driverOptions.isEmpty {
            return VolumeAdoption(.kept, source: source)
        }
        if let container = parts.registry.all().map(\.record).first(where: { $0.mountsVolume(name) }) {
            throw BerthError(
                .conflict, "adopting volume \(name)", subject: name, cause: "container \(container.name) uses berth's",
                hint: "berth -p \(container.stack) down first")
        }
        if !whileUsed, let user = DockerStore.user(of: source) {
            throw BerthError(
                .conflict, "adopting volume \(name)", subject: name, cause: "\(user) uses it",
                hint: "stop Docker's container first: a copy of files that are being written is torn; "
                    + "or say --while-used")
        }
        let bytes = DiskUsage.bytes(of: source)
        if dryRun { return VolumeAdoption(.wouldCopy, source: source, bytes: bytes) }
        try copy(source, name)
        if there == nil {
            let own = [ComposeLabel.project: stack, ComposeLabel.volume: definition.key]
            try parts.store.insert(
                VolumeRecord(
                    name: name, stack: stack, isAnonymous: false, driverOptions: [:],
                    labels: definition.labels.merging(own) { $1 },
                    created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())))
        }
        return VolumeAdoption(.copied, source: source, bytes: bytes)
    }

    /// Whole, or not at all: a copy that is cut off lies in the ingest directory, which is swept.
    private func copy(_ source: String, _ name: String) throws {
        let layout = parts.layout
        let staging = "\(layout.ingest)/adopt-\(name)"
        do {
            try? Directory.remove(staging)
            try Directory.make("\(staging)/_data")
            defer { try? Directory.remove(staging) }
            let from = try Directory.open(source, flags: FileFlags.directory)
            let to = try Directory.open("\(staging)/_data", flags: FileFlags.directory)
            try FileCopy.directory(from: from.number, to: to.number)
            NewEntry.syncFileSystem(to.number)
            // An empty volume's directories are in the way.
            try? Directory.removeEmpty(layout.volumeContent(name))
            try? Directory.removeEmpty(layout.volume(name))
            try FileMove.rename(staging, layout.volume(name))
        } catch {
            throw BerthError(
                .internal, "adopting volume \(name)", subject: name, cause: "\(error)",
                hint: "Docker's own is untouched")
        }
    }

    /// Who comes from Docker should know that a database will begin empty.
    func warnOfEmpty(_ plan: Plan, report: ProgressReport) {
        let docker = DockerStore()
        for operation in plan.operations {
            guard case .createVolume(let definition) = operation.action, definition.driverOptions.isEmpty,
                docker.volume(definition.name) != nil
            else { continue }
            report(
                .warning(
                    "volume \(definition.name) is new here and begins empty, while Docker has one of that name with "
                        + "data in it: \"berth adopt\" copies it, before the first start"))
        }
    }
}
