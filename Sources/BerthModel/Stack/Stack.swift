// The desired state: a whole stack as one compose model, canonical, with every default filled in.

/// One compose project, resolved: interpolated, merged, profiles applied, short forms expanded, paths absolute.
package struct Stack: Codable, Sendable, Equatable {
    package var name: String
    package var services: [String: Service] = [:]
    package var networks: [String: NetworkDefinition] = [:]
    package var volumes: [String: VolumeDefinition] = [:]
    package var secrets: [String: MaterialDefinition] = [:]
    package var configs: [String: MaterialDefinition] = [:]
    /// Absolute; the directory of the first file.
    package var workingDirectory: String
    /// Absolute paths of the files it was read from, in order.
    package var files: [String] = []
    package var environmentFiles: [String] = []
    /// Services that exist in the file but whose profiles are not active: never orphans.
    package var inactiveServices: [String: Service] = [:]

    package init(name: String, workingDirectory: String) {
        self.name = name
        self.workingDirectory = workingDirectory
    }

    /// The image a service runs: the one it names, or the one its build makes.
    package func imageReference(of service: Service) -> String { service.image ?? "\(name)-\(service.name)" }

    /// Services in name order: every walk over services is deterministic.
    package var sortedServices: [Service] { services.keys.sorted().compactMap { services[$0] } }
}

/// A top-level `networks` entry.
package struct NetworkDefinition: Codable, Sendable, Equatable {
    package struct AddressPool: Codable, Sendable, Equatable {
        package var subnet: String?
        package var ipRange: String?
        package var gateway: String?
        package var auxiliaryAddresses: [String: String] = [:]
        package init() {}
    }

    package var key: String
    /// The real name: `<stack>_<key>` unless `name:` or external.
    package var name: String
    package var driver: String?
    package var driverOptions: [String: String] = [:]
    package var isExternal = false
    package var isInternal = false
    package var isAttachable = false
    package var enableIPv4: Bool?
    package var enableIPv6: Bool?
    package var pools: [AddressPool] = []
    package var labels: [String: String] = [:]

    package init(key: String, name: String) {
        self.key = key
        self.name = name
    }

    /// `network_mode: bridge`: Docker's default bridge. It belongs to no stack, is made when the first container needs
    /// it, goes with the last, and answers to no service names, which would be those of several stacks.
    package static let hostBridge: NetworkDefinition = {
        var definition = NetworkDefinition(key: "network_mode: bridge", name: "bridge")
        definition.isExternal = true
        return definition
    }()

    /// What `links` find on the host's bridge; nothing that a program would ask for by chance.
    package static func bridgeName(of service: String, in stack: String) -> String { "\(service)/\(stack)" }

    package var isHostBridge: Bool { name == NetworkDefinition.hostBridge.name }
}

/// A top-level `volumes` entry.
package struct VolumeDefinition: Codable, Sendable, Equatable {
    package var key: String
    package var name: String
    package var driver: String?
    package var driverOptions: [String: String] = [:]
    package var isExternal = false
    package var labels: [String: String] = [:]

    package init(key: String, name: String) {
        self.key = key
        self.name = name
    }
}

/// A top-level `secrets` or `configs` entry. Its content never lives here: only where it comes from and its digest.
package struct MaterialDefinition: Codable, Sendable, Equatable {
    package enum Source: Codable, Sendable, Equatable {
        /// An absolute path on the host, read by the CLI with its caller's rights.
        case file(String)
        /// The name of a variable of the caller's environment.
        case environment(String)
        /// Inline, already interpolated (configs only).
        case content(String)
        case external
    }

    package var key: String
    package var name: String
    package var source: Source
    package var labels: [String: String] = [:]
    /// Of the content that was current when the request was made; part of the drift hash. Set by whoever read it.
    package var digest: Digest?

    package init(key: String, name: String, source: Source) {
        self.key = key
        self.name = name
        self.source = source
    }
}
