// What a service sees of storage: volumes, binds, tmpfs, secrets, configs.

/// One mount in long form.
package struct MountDefinition: Codable, Sendable, Equatable {
    package enum Kind: Codable, Sendable, Equatable {
        /// A key of the stack's volumes, or an anonymous volume (nil).
        case volume(key: String?, noCopy: Bool, subpath: String?)
        /// An absolute host path.
        case bind(source: String, createHostPath: Bool, propagation: String?)
        case tmpfs(sizeBytes: Int64?, mode: UInt32?, options: [String])
        case image(reference: String, subpath: String?)
    }

    package var kind: Kind
    /// Absolute, cleaned.
    package var target: String
    package var readOnly: Bool

    package init(kind: Kind, target: String, readOnly: Bool = false) {
        self.kind = kind
        self.target = target
        self.readOnly = readOnly
    }
}

/// `volumes_from`.
package struct VolumesFrom: Codable, Sendable, Equatable {
    package enum Source: Codable, Sendable, Equatable { case service(String), container(String) }
    package var source: Source
    package var readOnly: Bool
    package init(source: Source, readOnly: Bool) {
        self.source = source
        self.readOnly = readOnly
    }
}

/// A service's use of a secret or config.
package struct MaterialReference: Codable, Sendable, Equatable {
    /// The key in the stack.
    package var source: String
    /// The absolute path of the file in the container.
    package var target: String
    /// Nil: 0. Numbers as text are allowed by compose; resolved when the container is made.
    package var userID: String?
    package var groupID: String?
    /// Permission bits; nil: 0444.
    package var mode: UInt32?
    package init(source: String, target: String) {
        self.source = source
        self.target = target
    }
}

/// `devices`: a host path or a CDI name.
package struct DeviceMapping: Codable, Sendable, Equatable {
    package var source: String
    package var target: String
    /// Of `r`, `w`, `m`.
    package var permissions: String
    package init(source: String, target: String, permissions: String = "rwm") {
        self.source = source
        self.target = target
        self.permissions = permissions
    }
}
