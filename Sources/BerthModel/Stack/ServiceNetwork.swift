// How a service meets the network: attachments, modes, ports, names.

/// One service's place on one network.
package struct NetworkAttachment: Codable, Sendable, Equatable {
    package var aliases: [String] = []
    package var ipv4Address: String?
    package var ipv6Address: String?
    package var macAddress: String?
    package var priority: Int?
    package var gatewayPriority: Int?
    package var interfaceName: String?
    package var linkLocalAddresses: [String] = []
    package var driverOptions: [String: String] = [:]
    package init() {}
}

/// `network_mode`.
package enum NetworkMode: Codable, Sendable, Equatable {
    case none
    case host
    case service(String)
    case container(String)
}

package enum TransportProtocol: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
    case tcp, udp, sctp
    package static func < (a: TransportProtocol, b: TransportProtocol) -> Bool { a.rawValue < b.rawValue }
}

/// One published container port. Ranges are expanded by the loader: one mapping, one container port.
package struct PortMapping: Codable, Sendable, Equatable {
    package var target: UInt16
    /// Nil: an ephemeral host port. A range with more than one port: the first free one is taken.
    package var published: ClosedRange<UInt16>?
    /// Nil: every address of the host.
    package var hostAddress: String?
    package var transport: TransportProtocol
    package var name: String?
    package var applicationProtocol: String?
    package var mode: String = "ingress"

    package init(
        target: UInt16, published: ClosedRange<UInt16>? = nil, hostAddress: String? = nil,
        transport: TransportProtocol = .tcp
    ) {
        self.target = target
        self.published = published
        self.hostAddress = hostAddress
        self.transport = transport
    }
}

/// `expose`: a hint, and one of the ports that readiness looks for.
package struct ExposedPort: Codable, Sendable, Equatable, Hashable {
    package var ports: ClosedRange<UInt16>
    package var transport: TransportProtocol
    package init(ports: ClosedRange<UInt16>, transport: TransportProtocol = .tcp) {
        self.ports = ports
        self.transport = transport
    }
}

/// `extra_hosts`: the address is an IP or `host-gateway`.
package struct HostEntry: Codable, Sendable, Equatable {
    package var name: String
    package var address: String
    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// `links`.
package struct Link: Codable, Sendable, Equatable {
    package var service: String
    package var alias: String
    package init(service: String, alias: String) {
        self.service = service
        self.alias = alias
    }
}
