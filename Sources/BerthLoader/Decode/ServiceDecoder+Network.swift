// Dependencies, health, and how the service meets the network.
import BerthModel

extension ServiceDecoder {
    func decodeDependencies(_ field: Field, _ service: inout Service) {
        for dependency in field["depends_on"]?.node.entries ?? [] {
            let name = dependency.key
            let entry = Field(
                node: dependency.value, path: field.path.key("depends_on").key(name), remarks: field.remarks)
            service.dependsOn[name] = Dependency(
                condition: Dependency.Condition(rawValue: entry["condition"]?.text ?? "") ?? .started,
                required: entry["required"]?.node.bool ?? true, restart: entry["restart"]?.flag ?? false)
        }
        for text in field["links"]?.texts ?? [] {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard let target = parts.first else { continue }
            service.links.append(Link(service: target, alias: parts.count == 2 ? parts[1] : target))
        }
        if let check = field["healthcheck"] { service.healthcheck = healthcheck(check) }
    }

    private func healthcheck(_ field: Field) -> Healthcheck {
        var check = Healthcheck()
        if field["disable"]?.flag == true {
            check.test = Healthcheck.Test.none
            return check
        }
        if let test = field["test"] { check.test = healthTest(test) }
        check.interval = field["interval"]?.duration
        check.timeout = field["timeout"]?.duration
        check.retries = field["retries"]?.int
        check.startPeriod = field["start_period"]?.duration
        check.startInterval = field["start_interval"]?.duration
        return check
    }

    private func healthTest(_ field: Field) -> Healthcheck.Test? {
        let words = field.texts
        switch words.first {
        case nil: return nil
        case "NONE": return Healthcheck.Test.none
        case "CMD" where words.count > 1: return .command(Array(words.dropFirst()))
        case "CMD-SHELL" where words.count == 2: return .shell(words[1])
        default:
            field.fail("a test is a string, or a list that begins with CMD, CMD-SHELL or NONE")
            return nil
        }
    }

    func decodeNetwork(_ field: Field, _ service: inout Service) {
        if let mode = field["network_mode"]?.filled {
            if ["bridge", "default"].contains(mode) {
                service.networks[NetworkDefinition.hostBridge.key] = NetworkAttachment()
            } else {
                service.networkMode = networkMode(mode, field)
            }
        } else {
            for entry in field["networks"]?.node.entries ?? [] {
                let path = field.path.key("networks").key(entry.key)
                service.networks[entry.key] = attachment(Field(node: entry.value, path: path, remarks: field.remarks))
            }
        }
        service.ports = field["ports"]?.items.compactMap(port) ?? []
        service.expose = field["expose"]?.items.compactMap(exposed) ?? []
        service.extraHosts = field["extra_hosts"]?.items.compactMap(extraHost) ?? []
        service.dns = field["dns"]?.texts ?? []
        service.dnsSearch = field["dns_search"]?.texts ?? []
        service.dnsOptions = field["dns_opt"]?.texts ?? []
        service.macAddress = field["mac_address"]?.filled
    }

    private func networkMode(_ text: String, _ field: Field) -> NetworkMode {
        switch text {
        case "none": return .none
        case "host": return .host
        default:
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            if parts.count == 2 && parts[0] == "service" { return .service(parts[1]) }
            if parts.count == 2 && parts[0] == "container" { return .container(parts[1]) }
            field["network_mode"]?.fail(
                "invalid network_mode \"\(text)\"", suggestion: "none, host, bridge, service:NAME or container:NAME")
            return .none
        }
    }

    private func attachment(_ field: Field) -> NetworkAttachment {
        var attachment = NetworkAttachment()
        attachment.aliases = field["aliases"]?.texts ?? []
        attachment.ipv4Address = field["ipv4_address"]?.filled
        if let address = attachment.ipv4Address, IPv4Address(address) == nil {
            field["ipv4_address"]?.fail("\"\(address)\" is not an IPv4 address")
        }
        attachment.ipv6Address = field["ipv6_address"]?.filled
        field["ipv6_address"]?.warn("IPv6 addresses have no effect yet")
        attachment.macAddress = field["mac_address"]?.filled
        attachment.priority = field["priority"]?.int
        attachment.gatewayPriority = field["gw_priority"]?.int
        attachment.interfaceName = field["interface_name"]?.filled
        attachment.linkLocalAddresses = field["link_local_ips"]?.texts ?? []
        for text in attachment.linkLocalAddresses where IPv4Address(text) == nil && !text.contains(":") {
            field["link_local_ips"]?.fail("\"\(text)\" is not an address")
        }
        attachment.driverOptions = field["driver_opts"]?.pairs ?? [:]
        return attachment
    }

    private func port(_ field: Field) -> PortMapping? {
        guard let target = field["target"]?.int, let number = UInt16(exactly: target), number > 0 else {
            field.fail("target: expected a port from 1 to 65535")
            return nil
        }
        var mapping = PortMapping(target: number)
        if let name = field["protocol"]?.filled {
            guard let transport = TransportProtocol(rawValue: name.lowercased()) else {
                field.fail("protocol \"\(name)\": expected tcp, udp or sctp")
                return nil
            }
            mapping.transport = transport
        }
        if let text = field["published"]?.filled, text != "0" {
            guard let range = ServiceDecoder.range(text) else {
                field.fail("published \"\(text)\": expected a port or a range of ports")
                return nil
            }
            mapping.published = range
        }
        mapping.hostAddress = field["host_ip"]?.filled
        mapping.name = field["name"]?.filled
        mapping.applicationProtocol = field["app_protocol"]?.filled
        mapping.mode = field["mode"]?.filled ?? "ingress"
        return mapping
    }

    static func range(_ text: String) -> ClosedRange<UInt16>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard parts.count <= 2, let first = parts[0], let last = parts[parts.count - 1], first > 0, first <= last else {
            return nil
        }
        return first...last
    }

    private func exposed(_ field: Field) -> ExposedPort? {
        let parts = (field.text ?? "").split(separator: "/", maxSplits: 1).map(String.init)
        guard let first = parts.first, let range = ServiceDecoder.range(first),
            let transport = TransportProtocol(rawValue: parts.count == 2 ? parts[1].lowercased() : "tcp")
        else {
            field.fail("invalid port \"\(field.text ?? "")\"", suggestion: "write port[-port][/protocol]")
            return nil
        }
        return ExposedPort(ports: range, transport: transport)
    }

    func extraHost(_ field: Field) -> HostEntry? {
        let parts = (field.text ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let address = parts.count == 2 ? parts[1] : ""
        guard address == "host-gateway" || AddressText.isAddress(address) else {
            field.fail("\"\(address)\" is not an address", suggestion: "an IP address or host-gateway")
            return nil
        }
        return HostEntry(name: parts[0], address: address)
    }
}
