// What became of a volume that berth was to take over from Docker.

package struct VolumeAdoption: Codable, Sendable, Equatable {
    package enum Outcome: String, Codable, Sendable {
        /// Docker has none of that name, or an empty one.
        case absent
        case copied
        /// `--dry-run`.
        case wouldCopy
        /// berth's own has something in it, or its content is elsewhere: nothing was touched.
        case kept
    }
    package var outcome: Outcome
    /// Docker's directory.
    package var source: String?
    /// On the disk.
    package var bytes: Int64

    package init(_ outcome: Outcome, source: String? = nil, bytes: Int64 = 0) {
        self.outcome = outcome
        self.source = source
        self.bytes = bytes
    }
}
