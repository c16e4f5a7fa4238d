// The host side of a container's mounts: volumes seeded, binds made, materials written; then everything is a bind.
import BerthLinux
import BerthModel

enum MountSources {
    /// - Parameter trees: gets what is mounted by descriptor, because others can change what its path leads to.
    static func resolve(
        _ record: ContainerRecord, layout: StateLayout, root: SharedDescriptor, trees: inout [TreeMount]
    ) throws -> [RuntimeSpec.Mount] {
        var materialCount = 0
        var found: [RuntimeSpec.Mount] = []
        for mount in record.mounts {
            let access = mount.readOnly ? "ro" : "rw"
            switch mount.source {
            case .volume(let name, _, let noCopy, let subpath):
                let content = layout.volumeContent(name)
                try Directory.make(layout.volumes)
                try Directory.make(layout.volume(name), mode: 0o701)
                try Directory.make(content, mode: 0o755)
                if !noCopy && subpath == nil {
                    try VolumeSeeding.seed(content, from: mount.target, root: root, volume: name)
                }
                if let subpath {
                    let part = try VolumeSeeding.subpath(content, subpath, volume: name)
                    trees.append(
                        TreeMount(mount: part, target: mount.target, isDirectory: true, readOnly: mount.readOnly))
                    continue
                }
                found.append(
                    RuntimeSpec.Mount(
                        mount.target, type: "bind", source: content, options: ["rbind", access, "directory"]))
            case .bind(let path, let createHostPath, let propagation):
                found.append(try bind(mount, path, createHostPath, propagation, access))
            case .tmpfs(let sizeBytes, let mode, let options):
                found.append(tmpfs(mount, sizeBytes, mode, options))
            case .image:
                // Comes as a tree of its own.
                continue
            case .material(let digest, let userID, let groupID, let mode):
                materialCount += 1
                let path = layout.generatedFile(record.id, "material-\(materialCount)")
                try writeMaterial(
                    path, from: layout.secret(digest), userID: userID, groupID: groupID, mode: mode,
                    target: mount.target)
                found.append(
                    RuntimeSpec.Mount(mount.target, type: "bind", source: path, options: ["rbind", "ro"]))
            }
        }
        return found
    }

    private static func bind(
        _ mount: ContainerMount, _ path: String, _ createHostPath: Bool, _ propagation: String?, _ access: String
    ) throws -> RuntimeSpec.Mount {
        var status = try? FileStatus.of(path)
        if status == nil {
            guard createHostPath else {
                throw BerthError(
                    .notFound, "mounting \(mount.target)", subject: path,
                    cause: "bind source path does not exist: \(path)",
                    hint: "create it, or drop create_host_path: false")
            }
            do {
                try FileOwner.makeDirectories(path, mode: 0o755)
            } catch {
                throw BerthError(.denied, "creating the bind source \(path)", subject: path, cause: "\(error)")
            }
            status = try? FileStatus.of(path)
        }
        var options = ["rbind", access, propagation ?? "rprivate"]
        if status?.kind == .directory { options.append("directory") }
        return RuntimeSpec.Mount(mount.target, type: "bind", source: path, options: options)
    }

    private static func tmpfs(_ mount: ContainerMount, _ sizeBytes: Int64?, _ mode: UInt32?, _ options: [String])
        -> RuntimeSpec.Mount
    {
        var all = ["nosuid", "nodev", "noexec", mount.readOnly ? "ro" : "rw"]
        for option in options {
            switch option {
            case "exec": all.removeAll { $0 == "noexec" }
            case "suid": all.removeAll { $0 == "nosuid" }
            case "dev": all.removeAll { $0 == "nodev" }
            default: all.append(option)
            }
        }
        if let sizeBytes { all.append("size=\(sizeBytes)") }
        if !options.contains(where: { $0.hasPrefix("mode=") }) {
            all.append("mode=\(String(mode ?? 0o1777, radix: 8))")
        }
        return RuntimeSpec.Mount(mount.target, type: "tmpfs", source: "tmpfs", options: all)
    }

    private static func writeMaterial(
        _ path: String, from source: String, userID: UInt32, groupID: UInt32, mode: UInt32, target: String
    ) throws {
        do {
            try FileIO.replace(path, try FileIO.read(source, limit: 64 << 20), mode: 0o600, durable: false)
            try FileOwner.set(path, userID: userID, groupID: groupID, mode: mode)
        } catch {
            throw BerthError(.internal, "writing the file for \(target)", cause: "\(error)")
        }
    }
}
