// `system df` and `system check`: what the state takes, and whether it is whole.

/// One line of `system df`.
package struct DiskReport: Codable, Sendable, Equatable {
    package struct Line: Codable, Sendable, Equatable {
        /// In docker's words: Images, Containers, Local Volumes.
        package var type: String
        package var total: Int
        /// In use by a container; of containers: running.
        package var active: Int
        package var sizeBytes: Int64
        /// What would be free if all that is not in use went.
        package var reclaimableBytes: Int64
        package init(type: String, total: Int, active: Int, sizeBytes: Int64, reclaimableBytes: Int64) {
            self.type = type
            self.total = total
            self.active = active
            self.sizeBytes = sizeBytes
            self.reclaimableBytes = reclaimableBytes
        }
    }
    package var lines: [Line]
    package init(lines: [Line]) { self.lines = lines }
}

/// What `system check` found.
package struct StoreProblem: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// Named by an image and not there.
        case missing
        /// There, with other content.
        case altered
        /// There, and named by nothing.
        case unknown
    }
    package var kind: Kind
    /// blob, layer or image.
    package var object: String
    package var name: String
    package var detail: String
    package init(kind: Kind, object: String, name: String, detail: String = "") {
        self.kind = kind
        self.object = object
        self.name = name
        self.detail = detail
    }
}

/// Which images a prune may take.
package struct PruneFilter: Codable, Sendable, Equatable {
    /// Those with a name too, if no container is made from them.
    package var all: Bool
    /// Made before.
    package var until: Timestamp?
    /// `KEY` or `KEY=VALUE`; all of them.
    package var labels: [String] = []
    /// Only as many, those pulled longest ago first, as brings the store down to so many bytes.
    package var keepBytes: Int64?
    package init(all: Bool) { self.all = all }

    package func admits(_ config: ImageConfig) -> Bool {
        if let until {
            guard let made = config.created.flatMap({ Timestamp(rfc3339: $0) }), made < until else { return false }
        }
        return labels.allSatisfy { label in
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let value = config.config?.Labels?[parts[0]] else { return false }
            return parts.count < 2 || parts[1] == value
        }
    }
}

/// What a prune removed.
package struct PruneResult: Codable, Sendable, Equatable {
    package var lines: [String]
    package var freedBytes: Int64
    package init(lines: [String], freedBytes: Int64) {
        self.lines = lines
        self.freedBytes = freedBytes
    }
}
