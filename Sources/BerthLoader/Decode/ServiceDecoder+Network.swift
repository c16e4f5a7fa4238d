// Dependencies, health, and how the service meets the network.
import BerthModel

extension ServiceDecoder {
    func decodeDependencies(_ field: Field, _ service: inout Service) {
        if let depends = field["depends_on"] {
            if depends.node.entries != nil {
                for (name, entry) in depends.map() { service.dependsOn[name] = dependency(entry) }
            } else {
                for name in depends.strings() { service.dependsOn[name] = Dependency() }
            }
        }
        for text in field["links"]?.strings() ?? [] {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard let target = parts.first else { continue }
            service.links.append(Link(service: target, alias: parts.count == 2 ? parts[1] : target))
            if service.dependsOn[target] == nil { service.dependsOn[target] = Dependency(restart: true) }
        }
        if let check = field["healthcheck"] { service.healthcheck = healthcheck(check) }
    }

    private func dependency(_ field: Field) -> Dependency {
        field.checkKeys(["condition", "required", "restart"], of: "a dependency")
        var dependency = Dependency()
        if let text = field["condition"]?.string() {
            if let condition = Dependency.Condition(rawValue: text) {
                dependency.condition = condition
            } else {
                field["condition"]?.fail(
                    "invalid condition \"\(text)\"",
                    suggestion: "service_started, service_healthy or service_completed_successfully")
            }
        }
        dependency.required = field["required"]?.bool() ?? true
        dependency.restart = field["restart"]?.bool() ?? false
        return dependency
    }

    private func healthcheck(_ field: Field) -> Healthcheck {
        field.checkKeys(
            ["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"], of: "a healthcheck"
        )
        var check = Healthcheck()
        if field["disable"]?.bool() == true {
            check.test = Healthcheck.Test.none
            return check
        }
        if let test = field["test"] { check.test = healthTest(test) }
        check.interval = field["interval"]?.duration()
        check.timeout = field["timeout"]?.duration()
        check.retries = field["retries"]?.int()
        check.startPeriod = field["start_period"]?.duration()
        check.startInterval = field["start_interval"]?.duration()
        return check
    }

    private func healthTest(_ field: Field) -> Healthcheck.Test? {
        if let text = field.node.text { return .shell(text) }
        let words = field.strings()
        switch words.first {
        case "NONE": return Healthcheck.Test.none
        case "CMD" where words.count > 1: return .command(Array(words.dropFirst()))
        case "CMD-SHELL" where words.count == 2: return .shell(words[1])
        default:
            field.fail("a test is a string, or a list that begins with CMD, CMD-SHELL or NONE")
            return nil
        }
    }

    func decodeNetwork(_ field: Field, _ service: inout Service) {
        if let mode = field["network_mode"]?.string() {
            service.networkMode = networkMode(mode, field)
            if let networks = field["networks"] { networks.fail("network_mode and networks exclude each other") }
        } else if let networks = field["networks"] {
            if networks.node.entries != nil {
                for (name, entry) in networks.map() { service.networks[name] = attachment(entry) }
            } else {
                for name in networks.strings() { service.networks[name] = NetworkAttachment() }
            }
        }
        if service.networkMode == nil && service.networks.isEmpty { service.networks["default"] = NetworkAttachment() }
        service.ports = field["ports"]?.list().flatMap { PortSyntax.decode($0) } ?? []
        service.expose = field["expose"]?.list().compactMap { PortSyntax.exposed($0) } ?? []
        service.extraHosts = field["extra_hosts"].map(extraHosts) ?? []
        service.dns = field["dns"]?.strings(orOne: true) ?? []
        service.dnsSearch = field["dns_search"]?.strings(orOne: true) ?? []
        service.dnsOptions = field["dns_opt"]?.strings(orOne: true) ?? []
        service.macAddress = field["mac_address"]?.string()
    }

    private func networkMode(_ text: String, _ field: Field) -> NetworkMode {
        switch text {
        case "none": return .none
        case "host": return .host
        case "bridge", "default": return .bridge
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
        field.checkKeys(
            [
                "aliases", "ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "priority", "gw_priority",
                "interface_name", "driver_opts",
            ], of: "a network attachment")
        var attachment = NetworkAttachment()
        attachment.aliases = field["aliases"]?.strings() ?? []
        attachment.ipv4Address = field["ipv4_address"]?.string()
        if let address = attachment.ipv4Address, IPv4Address(address) == nil {
            field["ipv4_address"]?.fail("\"\(address)\" is not an IPv4 address")
        }
        attachment.ipv6Address = field["ipv6_address"]?.string()
        field["ipv6_address"]?.warn("IPv6 addresses have no effect yet")
        attachment.macAddress = field["mac_address"]?.string()
        attachment.priority = field["priority"]?.int()
        attachment.gatewayPriority = field["gw_priority"]?.int()
        attachment.interfaceName = field["interface_name"]?.string()
        return attachment
    }

    private func extraHosts(_ field: Field) -> [HostEntry] {
        if field.node.entries != nil {
            return field.map().flatMap { name, entry in
                entry.strings(orOne: true).map { HostEntry(name: name, address: $0) }
            }
        }
        return field.list().compactMap { item in
            guard let text = item.string() else { return nil }
            guard let separator = text.firstIndex(where: { $0 == "=" }) ?? text.firstIndex(of: ":") else {
                item.fail("invalid extra host \"\(text)\"", suggestion: "write name=address")
                return nil
            }
            var address = String(text[text.index(after: separator)...])
            if address.hasPrefix("[") && address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
            guard address == "host-gateway" || PortSyntax.isAddress(address) else {
                item.fail("\"\(address)\" is not an address", suggestion: "an IP address or host-gateway")
                return nil
            }
            return HostEntry(name: String(text[..<separator]), address: address)
        }
    }
}
