// What a pull that ended early leaves for the next one: beginnings of blobs, by digest, believed by nobody.
import BerthLinux
import BerthModel

package struct PartialBlobs: Sendable {
    /// Of files in an ingest directory that are not whole yet.
    package static let prefix = "partial-"
    /// Less is sooner fetched than found.
    private static let bytesMin: Int64 = 1 << 20

    private let directory: String

    package init(_ layout: StateLayout) { directory = layout.partials }

    /// Takes what is worth keeping out of an ingest directory that is about to be removed.
    package func salvage(from ingest: String) {
        let blobs = "\(ingest)/blobs"
        for name in (try? Directory.names(blobs)) ?? [] {
            let hex = name.hasPrefix(PartialBlobs.prefix) ? String(name.dropFirst(PartialBlobs.prefix.count)) : name
            guard let digest = Digest(hex: hex), let status = try? FileStatus.of("\(blobs)/\(name)", following: false),
                status.kind == .regular, status.sizeBytes >= PartialBlobs.bytesMin
            else { continue }
            // Ignored: what cannot be kept is fetched again.
            try? Directory.make(directory)
            try? FileMove.rename("\(blobs)/\(name)", "\(directory)/\(digest.hex)")
        }
    }

    /// Removes what the store has whole by now.
    package func removeStored(blobs: String) {
        for name in (try? Directory.names(directory)) ?? [] where (try? FileStatus.of("\(blobs)/\(name)")) != nil {
            // Ignored: what stays is looked at again.
            try? Directory.remove("\(directory)/\(name)")
        }
    }

    /// Removes what no pull has come back for since a time (seconds since the epoch); nil: everything.
    package func remove(olderThan seconds: Int64?) {
        for name in (try? Directory.names(directory)) ?? [] {
            let path = "\(directory)/\(name)"
            if let seconds, let status = try? FileStatus.of(path, following: false), status.modifiedSeconds >= seconds {
                continue
            }
            // Ignored: what stays is looked at again.
            try? Directory.remove(path)
        }
    }
}
