// `ports`: short forms with addresses and ranges, and the long form; expanded to one mapping a container port.
import BerthModel

enum PortSyntax {
    static func decode(_ field: Field) -> [PortMapping] {
        field.node.entries != nil ? long(field) : short(field)
    }

    private static func long(_ field: Field) -> [PortMapping] {
        field.checkKeys(["name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"], of: "a port")
        guard let target = field["target"]?.int(), let port = UInt16(exactly: target), port > 0 else {
            field.fail("target: expected a port from 1 to 65535")
            return []
        }
        var mapping = PortMapping(target: port)
        if let name = field["protocol"]?.string() {
            guard let transport = TransportProtocol(rawValue: name.lowercased()) else {
                field.fail("protocol \"\(name)\": expected tcp, udp or sctp")
                return []
            }
            mapping.transport = transport
        }
        if let text = field["published"]?.string(), !text.isEmpty {
            guard let range = range(text) else {
                field.fail("published \"\(text)\": expected a port or a range of ports")
                return []
            }
            mapping.published = range
        }
        mapping.hostAddress = field["host_ip"]?.string().flatMap { $0.isEmpty ? nil : $0 }
        if let address = mapping.hostAddress, !isAddress(address) {
            field.fail("host_ip \"\(address)\": expected an IP address")
        }
        mapping.name = field["name"]?.string()
        mapping.applicationProtocol = field["app_protocol"]?.string()
        mapping.mode = field["mode"]?.string() ?? "ingress"
        return [mapping]
    }

    private static func short(_ field: Field) -> [PortMapping] {
        guard let text = field.string() else { return [] }
        func fail(_ why: String) -> [PortMapping] {
            field.fail("invalid port \"\(text)\": \(why)", suggestion: "write [address:][host:]container[/protocol]")
            return []
        }
        var rest = text
        var transport = TransportProtocol.tcp
        if let slash = rest.lastIndex(of: "/") {
            guard let given = TransportProtocol(rawValue: rest[rest.index(after: slash)...].lowercased()) else {
                return fail("the protocol is tcp, udp or sctp")
            }
            transport = given
            rest = String(rest[..<slash])
        }
        var address: String?
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            address = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = String(rest[rest.index(after: close)...])
            guard rest.hasPrefix(":") else { return fail("expected a colon after the address") }
            rest.removeFirst()
        }
        var parts = rest.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if address == nil && parts.count == 3 { address = parts.removeFirst() }
        guard parts.count <= 2, let last = parts.last, let targets = range(last) else {
            return fail("\(parts.last ?? "") is not a port or a range of ports from 1 to 65535")
        }
        if let address, !address.isEmpty, !isAddress(address) { return fail("\(address) is not an IP address") }
        var published: ClosedRange<UInt16>?
        if parts.count == 2 && !parts[0].isEmpty {
            guard let host = range(parts[0]) else {
                return fail("\(parts[0]) is not a port or a range of ports from 1 to 65535")
            }
            published = host
        }
        return expand(targets, published, address, transport) ?? fail("the two ranges have different lengths")
    }

    /// Ranges of equal length map one to one; one container port takes the first free of a host range.
    private static func expand(
        _ targets: ClosedRange<UInt16>, _ published: ClosedRange<UInt16>?, _ address: String?,
        _ transport: TransportProtocol
    ) -> [PortMapping]? {
        let host = address.flatMap { $0.isEmpty ? nil : $0 }
        if let published, targets.count > 1, published.count != targets.count { return nil }
        return targets.enumerated().map { index, target in
            var own = published
            if let published, targets.count > 1 {
                let port = published.lowerBound + UInt16(index)
                own = port...port
            }
            return PortMapping(target: target, published: own, hostAddress: host, transport: transport)
        }
    }

    static func range(_ text: String) -> ClosedRange<UInt16>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = UInt16(parts[0]), first > 0 else { return nil }
        guard parts.count == 2 else { return first...first }
        guard let last = UInt16(parts[1]), last >= first else { return nil }
        return first...last
    }

    static func isAddress(_ text: String) -> Bool {
        IPv4Address(text) != nil
            || (text.contains(":") && text.utf8.allSatisfy { Hex.isLowerDigit($0 | 0x20) || $0 == 0x3A || $0 == 0x2E })
    }

    static func exposed(_ field: Field) -> ExposedPort? {
        guard let text = field.string() else { return nil }
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard let range = range(parts.first ?? ""),
            let transport = TransportProtocol(rawValue: parts.count == 2 ? parts[1].lowercased() : "tcp")
        else {
            field.fail("invalid port \"\(text)\": expected port[-port][/protocol]")
            return nil
        }
        return ExposedPort(ports: range, transport: transport)
    }
}
