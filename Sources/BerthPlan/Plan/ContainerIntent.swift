// Everything the host must know to create one container. Nothing in it is left to be decided.
package import BerthModel

/// A container to be: the host resolves paths, addresses and ports, and decides nothing else.
package struct ContainerIntent: Codable, Sendable, Equatable {
    package var stack: String
    /// Owns the address, the DNS names and the share of published ports; both the old and the new container of a
    /// recreation are in the same slot for a moment, and only the started one uses what the slot owns.
    package var slot: ReplicaSlot
    /// The name to create it under: temporary (`<old id12>_<name>`) while its predecessor still has the real one.
    package var name: String
    /// The name it has when the plan is done; what DNS answers to.
    package var finalName: String
    /// The service as resolved, with `run`'s overrides applied.
    package var service: Service
    package var imageReference: String
    package var image: ObservedImage
    /// Our drift hash, for the record.
    package var configHash: String
    /// All of them: the image's are not in here, the service's and compose's are.
    package var labels: [String: String]
    /// By `priority`, highest first, then in the alphabetical order of the real names; empty with a `networkMode`.
    package var networks: [NetworkIntent]
    /// Real names of the stack's volumes by key, those this service mounts.
    package var volumeNames: [String: String]
    /// Anonymous volumes taken over from the predecessor, by target path.
    package var inheritedVolumes: [String: String]
    /// The definitions, with digests, of the secrets and configs this service uses, by key.
    package var secrets: [String: MaterialDefinition]
    package var configs: [String: MaterialDefinition]
    /// Containers whose namespaces or volumes it uses (`service:` forms; `container:` forms are in the service).
    package var sharing: Sharing
    /// False for one-off containers without `--service-ports`: no port is published.
    package var publishesPorts: Bool
    /// Removed as soon as it has ended (`run --rm`).
    package var autoRemove: Bool
    package var predecessor: ContainerID?
    /// It gets the slot's name, DNS names and ports by a `takeOver` of its own; until then its predecessor has them.
    package var standsBy: Bool

    package struct Sharing: Codable, Sendable, Equatable {
        package var network: ContainerTarget?
        package var processes: ContainerTarget?
        package var ipc: ContainerTarget?
        package var volumesFrom: [VolumeSource] = []
        package init() {}

        package var isEmpty: Bool { network == nil && processes == nil && ipc == nil && volumesFrom.isEmpty }
        package var targets: [ContainerTarget] {
            [network, processes, ipc].compactMap { $0 } + volumesFrom.map(\.container)
        }
    }

    package struct VolumeSource: Codable, Sendable, Equatable {
        package var container: ContainerTarget
        package var readOnly: Bool
        package init(container: ContainerTarget, readOnly: Bool) {
            self.container = container
            self.readOnly = readOnly
        }
    }

    package init(
        stack: String, slot: ReplicaSlot, name: String, service: Service, imageReference: String, image: ObservedImage
    ) {
        self.stack = stack
        self.slot = slot
        self.name = name
        finalName = name
        self.service = service
        self.imageReference = imageReference
        self.image = image
        configHash = ""
        labels = [:]
        networks = []
        volumeNames = [:]
        inheritedVolumes = [:]
        secrets = [:]
        configs = [:]
        sharing = Sharing()
        publishesPorts = true
        autoRemove = false
        predecessor = nil
        standsBy = false
    }
}

/// One network the container joins.
package struct NetworkIntent: Codable, Sendable, Equatable {
    package var key: String
    /// The real name.
    package var name: String
    package var attachment: NetworkAttachment
    /// What this network's DNS answers with its address, beside the short id: container name, service, aliases.
    /// Empty of service and aliases for a one-off container without `--use-aliases`.
    package var names: [String]

    package init(key: String, name: String, attachment: NetworkAttachment, names: [String]) {
        self.key = key
        self.name = name
        self.attachment = attachment
        self.names = names
    }
}
