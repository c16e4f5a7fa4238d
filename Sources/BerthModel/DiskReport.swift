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

/// What a prune removed.
package struct PruneResult: Codable, Sendable, Equatable {
    package var lines: [String]
    package var freedBytes: Int64
    package init(lines: [String], freedBytes: Int64) {
        self.lines = lines
        self.freedBytes = freedBytes
    }
}
