// Volumes with `driver_opts`: what the local driver mounts over a volume's content while a container uses it.
import BerthLinux
import BerthModel
import Synchronization

/// Which containers use which mounted volumes. The mount stands in the host's tree, so that all users share one file
/// system (a tmpfs would be another one for each), and so that it outlives the agent as the containers do.
package final class VolumeMounts: Sendable {
    private let layout: StateLayout
    private let users = Mutex<[String: Set<ContainerID>]>([:])

    package init(layout: StateLayout) { self.layout = layout }

    /// Mounts what is not mounted yet. Volumes without options need nothing.
    package func hold(_ volumes: [VolumeRecord], by container: ContainerID) throws {
        for volume in volumes where !volume.driverOptions.isEmpty {
            try users.withLock { users in
                if users[volume.name, default: []].isEmpty { try mount(volume) }
                users[volume.name, default: []].insert(container)
            }
        }
    }

    /// The container has ended: what nobody uses any more is unmounted.
    package func drop(_ container: ContainerID) {
        users.withLock { users in
            for (name, holders) in users where holders.contains(container) {
                users[name]?.remove(container)
                if holders.count == 1 { unmount(layout.volumeContent(name)) }
            }
        }
    }

    /// Takes over what a container of the last agent uses.
    package func adopt(_ names: [String], by container: ContainerID) {
        let mounted = Set(mountPoints)
        users.withLock { users in
            for name in names where mounted.contains(layout.volumeContent(name)) {
                users[name, default: []].insert(container)
            }
        }
    }

    /// Unmounts what the last agent left and nobody uses.
    package func unmountUnused() {
        users.withLock { users in
            let used = Set(users.filter { !$0.value.isEmpty }.keys.map { layout.volumeContent($0) })
            for point in mountPoints where !used.contains(point) { unmount(point) }
        }
    }

    private var mountPoints: [String] {
        MountTable.points(below: layout.volumes, (try? FileIO.readText("/proc/self/mountinfo", limit: 64 << 20)) ?? "")
    }

    private func unmount(_ point: String) {
        // Ignored: what is not mounted needs no unmounting; the container that used it is gone.
        try? DetachedMount.detach(point)
    }

    private func mount(_ volume: VolumeRecord) throws {
        let request = LocalMount(volume.driverOptions)
        let content = layout.volumeContent(volume.name)
        do {
            try Directory.make(layout.volumes)
            try Directory.make(layout.volume(volume.name), mode: 0o701)
            try Directory.make(content, mode: 0o755)
            let made: Descriptor
            if request.isBind {
                made = try DetachedMount.clone(request.device, recursive: request.isRecursive)
                try DetachedMount.setAttributes(
                    made.number, set: request.attributes, recursive: request.isRecursive, subject: request.device)
            } else {
                made = try DetachedMount.make(
                    request.type, options: ["source=\(request.device)"] + request.options,
                    attributes: request.attributes)
            }
            let place = try Directory.open(content, flags: FileFlags.pathOnly)
            try DetachedMount.attach(made.number, at: place.number, subject: content)
        } catch {
            let reason = (error as? SystemError)?.reason ?? "\(error)"
            throw BerthError(
                .internal, "mounting volume \(volume.name)", subject: request.device,
                cause: "\(request.isBind ? "bind" : request.type) of \(request.device): \(reason)",
                hint: "see driver_opts of the volume; berth down -v and up make it anew with other options")
        }
    }
}

/// `driver_opts` of the local driver, as mount(8) has them: `type`, `device`, and `o`, options with commas between.
struct LocalMount {
    let type: String
    let device: String
    let isBind: Bool
    let isRecursive: Bool
    let attributes: MountAttributes
    /// The file system's own.
    let options: [String]

    init(_ driverOptions: [String: String]) {
        let words = (driverOptions["o"] ?? "").split(separator: ",").map(String.init)
        let sorted = MountOptions(words.filter { !["bind", "rbind", "defaults", ""].contains($0) })
        device = driverOptions["device"] ?? ""
        type = driverOptions["type"] ?? ""
        isBind = words.contains("bind") || words.contains("rbind")
        isRecursive = words.contains("rbind")
        attributes = sorted.attributes
        // Read-only is a property of the mount and of the file system below it.
        options = sorted.data + (sorted.attributes.contains(.readOnly) ? ["ro"] : [])
    }
}

/// The kernel's list of mounts (proc_pid_mountinfo(5)).
enum MountTable {
    /// Mount points below a directory, the newest first.
    static func points(below directory: String, _ text: String) -> [String] {
        text.split(separator: "\n").reversed().compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4 else { return nil }
            let point = unescaped(fields[4])
            return point.hasPrefix(directory + "/") ? point : nil
        }
    }

    /// Spaces, tabs, newlines and backslashes are written as three octal digits.
    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
