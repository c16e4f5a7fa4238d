// A container as berth keeps it: everything that was decided when it was created. What the kernel says of it is
// elsewhere.

/// The durable record of one container. Its `service` and `image` are frozen at creation.
package struct ContainerRecord: Codable, Sendable, Equatable {
    package var id: ContainerID
    package var name: String
    package var stack: String
    package var slot: ReplicaSlot
    /// The service as it was resolved at creation, with `run`'s overrides applied.
    package var service: Service
    /// The digest of the image config, which is the image id.
    package var imageID: Digest
    /// The image as the file names it.
    package var imageReference: String
    package var imageExecution: ImageConfig.Execution
    /// DiffIDs, base first: the snapshot's lower layers.
    package var layers: [Digest]
    /// Our versioned drift hash (service, image id, material digests).
    package var configHash: String
    package var labels: [String: String]
    /// In mount order, parents first.
    package var mounts: [ContainerMount]
    package var endpoints: [Endpoint]
    package var ports: [PublishedPort]
    package var created: Timestamp
    /// Removed as soon as it has ended (`run --rm`).
    package var autoRemove: Bool
    /// Another container of its slot has the slot's name, names in DNS and published ports: it is about to take them
    /// over (an update that starts first), or has given them away and may get them back.
    package var isStandby: Bool

    package init(
        id: ContainerID, name: String, stack: String, slot: ReplicaSlot, service: Service, imageID: Digest,
        imageReference: String, imageExecution: ImageConfig.Execution, layers: [Digest], configHash: String,
        labels: [String: String], mounts: [ContainerMount], endpoints: [Endpoint], ports: [PublishedPort],
        created: Timestamp, autoRemove: Bool = false, isStandby: Bool = false
    ) {
        self.id = id
        self.name = name
        self.stack = stack
        self.slot = slot
        self.service = service
        self.imageID = imageID
        self.imageReference = imageReference
        self.imageExecution = imageExecution
        self.layers = layers
        self.configHash = configHash
        self.labels = labels
        self.mounts = mounts
        self.endpoints = endpoints
        self.ports = ports
        self.created = created
        self.autoRemove = autoRemove
        self.isStandby = isStandby
    }
}

/// A mount with its source resolved on this host.
package struct ContainerMount: Codable, Sendable, Equatable {
    package enum Source: Codable, Sendable, Equatable {
        /// A volume of ours, by its real name.
        case volume(name: String, anonymous: Bool, noCopy: Bool, subpath: String?)
        case bind(path: String, createHostPath: Bool, propagation: String?)
        case tmpfs(sizeBytes: Int64?, mode: UInt32?, options: [String])
        /// A secret or config: the content is in the secrets directory under its digest.
        case material(digest: Digest, userID: UInt32, groupID: UInt32, mode: UInt32)
        /// Another image's tree, or a part of it, never written to.
        case image(id: Digest, layers: [Digest], subpath: String?)
    }

    package var source: Source
    package var target: String
    package var readOnly: Bool

    package init(source: Source, target: String, readOnly: Bool) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}

/// A container's place on one network; the address belongs to its replica slot.
package struct Endpoint: Codable, Sendable, Equatable {
    /// The network's real name.
    package var network: String
    /// `eth0`, `eth1`, … by the networks' `priority`, then in their alphabetical order, unless the file names it.
    package var interface: String
    package var address: IPv4Address
    package var prefixLength: Int
    package var gateway: IPv4Address?
    package var macAddress: String
    /// Service name, container name, short id and aliases: what this network's DNS answers with this address.
    package var names: [String]
    package var gatewayPriority: Int
    package var linkLocalAddresses: [IPv4Address]

    package init(
        network: String, interface: String, address: IPv4Address, prefixLength: Int, gateway: IPv4Address?,
        macAddress: String, names: [String], gatewayPriority: Int = 0, linkLocalAddresses: [IPv4Address] = []
    ) {
        self.network = network
        self.interface = interface
        self.address = address
        self.prefixLength = prefixLength
        self.gateway = gateway
        self.macAddress = macAddress
        self.names = names
        self.gatewayPriority = gatewayPriority
        self.linkLocalAddresses = linkLocalAddresses
    }
}

/// A host port that leads into a container, decided and reserved.
package struct PublishedPort: Codable, Sendable, Equatable, Hashable {
    package var hostAddress: IPv4Address
    package var hostPort: UInt16
    package var containerPort: UInt16
    package var transport: TransportProtocol

    package init(hostAddress: IPv4Address, hostPort: UInt16, containerPort: UInt16, transport: TransportProtocol) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }
}

/// A network as berth keeps it.
package struct NetworkRecord: Codable, Sendable, Equatable {
    /// 64 hex digits.
    package var id: String
    package var name: String
    package var stack: String?
    package var definition: NetworkDefinition
    package var subnet: IPv4Prefix
    package var gateway: IPv4Address
    package var labels: [String: String]
    package var created: Timestamp

    package init(
        id: String, name: String, stack: String?, definition: NetworkDefinition, subnet: IPv4Prefix,
        gateway: IPv4Address, labels: [String: String], created: Timestamp
    ) {
        self.id = id
        self.name = name
        self.stack = stack
        self.definition = definition
        self.subnet = subnet
        self.gateway = gateway
        self.labels = labels
        self.created = created
    }
}

/// A volume as berth keeps it. Named ones are never removed unasked.
package struct VolumeRecord: Codable, Sendable, Equatable {
    package var name: String
    package var stack: String?
    package var isAnonymous: Bool
    package var driverOptions: [String: String]
    package var labels: [String: String]
    package var created: Timestamp

    package init(
        name: String, stack: String?, isAnonymous: Bool, driverOptions: [String: String], labels: [String: String],
        created: Timestamp
    ) {
        self.name = name
        self.stack = stack
        self.isAnonymous = isAnonymous
        self.driverOptions = driverOptions
        self.labels = labels
        self.created = created
    }
}

extension ContainerRecord {
    /// The volumes it mounts, by their real names.
    package var namedVolumes: [String] {
        mounts.compactMap { if case .volume(let name, false, _, _) = $0.source { name } else { nil } }
    }

    /// Of its own image, and of those that it mounts.
    package var usedImages: [(id: Digest, layers: [Digest])] {
        [(imageID, layers)]
            + mounts.compactMap { if case .image(let id, let layers, _) = $0.source { (id, layers) } else { nil } }
    }

    /// The endpoint whose network leads out of the stack: the default route and published ports go through it. Of those
    /// that are not internal, the one with the highest `gw_priority`, then the first.
    package var gatewayEndpoint: Endpoint? {
        endpoints.filter { $0.gateway != nil }.enumerated().min {
            (-$0.element.gatewayPriority, $0.offset) < (-$1.element.gatewayPriority, $1.offset)
        }?.element
    }
}
