// What Docker keeps on this host, for those who come from it. Only ever read.
import BerthLinux
import BerthModel
import FoundationEssentials

struct DockerStore {
    /// Where Docker's own directories are.
    let root: String

    private static let settings = "/etc/docker/daemon.json"
    private static let settingsBytesMax = 1 << 20

    private struct Settings: Decodable {
        var root: String?
        enum CodingKeys: String, CodingKey { case root = "data-root" }
    }

    /// - Parameter root: nil: as the daemon's settings say, or where it is by default.
    init(root: String? = nil) {
        let text = try? FileIO.read(DockerStore.settings, limit: DockerStore.settingsBytesMax)
        let settings = text.flatMap { try? JSONDecoder().decode(Settings.self, from: Data($0)) }
        self.root = root ?? settings?.root ?? "/var/lib/docker"
    }

    /// The directory of a volume with something in it; nil: there is none.
    func volume(_ name: String) -> String? {
        // A name is no path.
        guard NameRules.isContainerName(name) else { return nil }
        let path = "\(root)/volumes/\(name)/_data"
        return ((try? Directory.names(path)) ?? []).isEmpty ? nil : path
    }

    /// A process that sees the volume mounted, whoever started it; nil: nobody uses it.
    static func user(of volume: String) -> String? {
        let suffix = volume.split(separator: "/").suffix(3).joined(separator: "/")
        for name in (try? Directory.names("/proc")) ?? [] where Int32(name) != nil {
            guard let table = try? FileIO.readText("/proc/\(name)/mountinfo", limit: 64 << 20) else { continue }
            let isMounted = table.split(separator: "\n").contains { line in
                let fields = line.split(separator: " ", maxSplits: 5)
                return fields.count > 4 && fields[3].hasSuffix("/" + suffix)
            }
            if isMounted {
                let command = (try? FileIO.readText("/proc/\(name)/comm"))?.filter { $0 != "\n" } ?? "?"
                return "process \(name) (\(command))"
            }
        }
        return nil
    }
}
