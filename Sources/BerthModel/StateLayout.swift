// Every path that berth uses on disk, as pure values. Nobody else joins a state path.

/// The two roots of one world and everything below them (docs/ARCHITECTURE.md, "State").
package struct StateLayout: Codable, Sendable, Hashable {
    /// Survives a reboot: database, content, volumes, logs. `/var/lib/berth` for root.
    package let dataRoot: String
    /// Gone with a reboot: sockets, locks, exit records. `/run/berth` for root.
    package let runRoot: String
    /// 8 hex digits of SHA-256 of the real data path: part of every kernel-global name.
    package let world: String

    package init(dataRoot: String, runRoot: String, world: String) {
        self.dataRoot = dataRoot
        self.runRoot = runRoot
        self.world = world
    }

    package var database: String { "\(dataRoot)/state.db" }
    package var blobs: String { "\(dataRoot)/blobs/sha256" }
    package func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }
    package var layers: String { "\(dataRoot)/layers" }
    /// An unpacked layer, named by the hex of its ChainID; `diff` below it is an overlay lower directory.
    package func layer(chainID: Digest) -> String { "\(layers)/\(chainID.hex)" }
    package var snapshots: String { "\(dataRoot)/snapshots" }
    package func snapshot(_ id: String) -> String { "\(snapshots)/\(id)" }
    package func snapshotUpper(_ id: String) -> String { "\(snapshots)/\(id)/upper" }
    package func snapshotWork(_ id: String) -> String { "\(snapshots)/\(id)/work" }
    package var volumes: String { "\(dataRoot)/volumes" }
    package func volume(_ name: String) -> String { "\(volumes)/\(name)" }
    /// The directory that is mounted, as Docker names it.
    package func volumeContent(_ name: String) -> String { "\(volumes)/\(name)/_data" }
    package var secrets: String { "\(dataRoot)/secrets" }
    /// The 0600 file that holds a secret's or config's content, named by its digest.
    package func secret(_ digest: Digest) -> String { "\(secrets)/\(digest.hex)" }
    package var logs: String { "\(dataRoot)/logs" }
    package func logDirectory(_ id: ContainerID) -> String { "\(logs)/\(id.text)" }
    package func logFile(_ id: ContainerID) -> String { "\(logs)/\(id.text)/\(id.text)-json.log" }
    /// Beginnings of blobs that a pull could not finish.
    package var partials: String { "\(dataRoot)/partials" }
    package var ingest: String { "\(dataRoot)/ingest" }
    /// What clients of the local registry have sent and nobody has taken yet; one process at a time writes here.
    package var uploads: String { "\(dataRoot)/uploads" }
    package var uploadsLock: String { "\(dataRoot)/uploads.lock" }
    /// There while content may lie in the store that nothing names.
    package var uncollected: String { "\(dataRoot)/uncollected" }
    package var cache: String { "\(dataRoot)/cache" }
    package var seccompCache: String { "\(cache)/seccomp" }
    /// Content digests of files in build contexts, by inode, size and times.
    package var fileBook: String { "\(cache)/files" }
    /// Directories of `RUN --mount=type=cache`.
    package var cacheMounts: String { "\(cache)/mounts" }
    package var agentLog: String { "\(dataRoot)/agent.log" }

    package var agentSocket: String { "\(runRoot)/agent.sock" }
    package var agentLock: String { "\(runRoot)/agent.lock" }
    package var agentRecord: String { "\(runRoot)/agent.json" }
    package var containers: String { "\(runRoot)/c" }
    package func container(_ id: ContainerID) -> String { "\(containers)/\(id.short)" }
    package func shimSocket(_ id: ContainerID) -> String { "\(container(id))/shim.sock" }
    package func exitRecord(_ id: ContainerID) -> String { "\(container(id))/exit" }
    /// Generated hosts, hostname and resolv.conf, bound into the container.
    package func generatedFile(_ id: ContainerID, _ name: String) -> String { "\(container(id))/\(name)" }

    package static let groupNoteName = "cgroup"
    /// Where a container's control group is, if it is not below berth's own: its id and the group's parent.
    package func groupNote(_ id: ContainerID) -> String { "\(container(id))/\(StateLayout.groupNoteName)" }

    /// The name of the parent control group, below each hierarchy's own root for us.
    package var cgroupParent: String { "berth-\(world)" }
    /// The name of berth's own nftables table on the host.
    package var nftTable: String { "berth_\(world)" }
}
