// A container's control group: below berth's own, or where its `cgroup_parent` wants it. The wish is kept beside the
// container's other traces, so that it is found again without its record.
import BerthLinux
import BerthModel
import Synchronization

extension ContainerRuntime {
    /// The hierarchies that hold the group of this container.
    func groups(of id: ContainerID) -> any CgroupTree {
        guard let note = try? FileIO.readText(layout.groupNote(id)),
            let parent = note.split(separator: "\n").last.map(String.init)
        else { return cgroups }
        return cgroups.below(parent)
    }

    /// Makes the group, and the note first: what was made is found again whatever happens in between.
    func makeGroup(_ record: ContainerRecord, _ devices: DeviceRules) throws -> any CgroupTree {
        let service = record.service
        guard let wish = service.cgroupParent, !wish.isEmpty else {
            try cgroups.create(record.id.text, limits: service.resources, devices: devices)
            return cgroups
        }
        let parent = try CgroupParent.path(
            wish, own: cgroups.parent, hasSystemd: (try? FileStatus.of("/run/systemd/system")) != nil,
            service: service.name)
        try FileIO.replace(layout.groupNote(record.id), Array("\(record.id.text)\n\(parent)".utf8), durable: false)
        let groups = cgroups.below(parent)
        // A parent must not go between its making and its child's.
        try foreignGroups.withLock { _ in
            try groups.create(record.id.text, limits: service.resources, devices: devices)
        }
        return groups
    }

    /// A group is busy until the last process that was killed in it is reaped.
    func removeGroup(_ id: ContainerID) {
        let groups = groups(of: id)
        for attempt in 0..<200 {
            do {
                try groups.remove(id.text)
                break
            } catch {
                Pause.milliseconds(attempt < 20 ? 1 : 10)
            }
        }
        if (try? FileStatus.of(layout.groupNote(id))) != nil { foreignGroups.withLock { _ in groups.removeParent() } }
    }

    /// Containers of which only the note of their group is left.
    func notedGroups(_ shorts: [String]) -> [ContainerID] {
        shorts.compactMap { short in
            (try? FileIO.readText("\(layout.containers)/\(short)/\(StateLayout.groupNoteName)"))
                .flatMap { $0.split(separator: "\n").first }.flatMap { ContainerID(String($0)) }
        }
    }
}
