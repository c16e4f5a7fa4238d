// Subnets and addresses: Docker's pools first, nothing that the host already routes to.
import BerthModel

package enum AddressPools {
    /// 172.17–172.31 as /16, then 192.168 in /20s: Docker's local pools.
    static let defaults: [IPv4Prefix] = {
        let large = (17...31).map { IPv4Prefix(IPv4Address(value: 172 << 24 | UInt32($0) << 16), length: 16) }
        let small = (0..<16).map {
            IPv4Prefix(IPv4Address(value: 192 << 24 | 168 << 16 | UInt32($0) << 12), length: 20)
        }
        return large + small
    }()

    package static func choose(_ definition: NetworkDefinition, existing: [IPv4Prefix], hostRoutes: [IPv4Prefix]) throws
        -> (IPv4Prefix, IPv4Address)
    {
        let pool = definition.pools.first { $0.subnet.flatMap { IPv4Prefix($0) } != nil }
        if let subnet = pool?.subnet.flatMap({ IPv4Prefix($0) }) {
            if let clash = existing.first(where: { $0.overlaps(subnet) }) {
                throw BerthError(
                    .conflict, "creating network \(definition.name)", subject: definition.name,
                    cause: "its subnet \(subnet) overlaps \(clash), which another network has",
                    hint: "choose another subnet")
            }
            let gateway = pool?.gateway.flatMap { IPv4Address($0) } ?? IPv4Address(value: subnet.first + 1)
            guard subnet.contains(gateway) else {
                throw BerthError(
                    .invalid, "creating network \(definition.name)", subject: definition.name,
                    cause: "the gateway \(gateway) is not in \(subnet)")
            }
            return (subnet, gateway)
        }
        for candidate in defaults where !(existing + hostRoutes).contains(where: { $0.overlaps(candidate) }) {
            return (candidate, IPv4Address(value: candidate.first + 1))
        }
        throw BerthError(
            .exhausted, "creating network \(definition.name)", subject: definition.name,
            cause: "all \(defaults.count) address pools are in use",
            hint: "remove a network, or give this one a subnet (ipam)")
    }

    package static func address(_ network: NetworkRecord, wanted: String?, taken: Set<IPv4Address>) throws
        -> IPv4Address
    {
        let subnet = network.subnet
        if let wanted {
            guard let address = IPv4Address(wanted), subnet.contains(address) else {
                throw BerthError(
                    .invalid, "joining network \(network.name)", subject: wanted,
                    cause: "\(wanted) is not in its subnet \(subnet)")
            }
            guard !taken.contains(address), address != network.gateway else {
                throw BerthError(
                    .conflict, "joining network \(network.name)", subject: wanted,
                    cause: "the address \(wanted) is already in use")
            }
            return address
        }
        let range = network.definition.pools.lazy.compactMap { $0.ipRange.flatMap { IPv4Prefix($0) } }.first ?? subnet
        let reserved = Set(
            network.definition.pools.flatMap { $0.auxiliaryAddresses.values }.compactMap { IPv4Address($0) })
        var value = max(range.first, subnet.first + 2)
        while value < min(range.last, subnet.last) {
            let address = IPv4Address(value: value)
            if address != network.gateway && !taken.contains(address) && !reserved.contains(address) { return address }
            value += 1
        }
        throw BerthError(
            .exhausted, "joining network \(network.name)", subject: network.name,
            cause: "all addresses of \(range) are in use")
    }

    /// Destinations of the host's routing table, without the default route and our own.
    static func hostRoutes(_ table: String, own prefix: String) -> [IPv4Prefix] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard fields.count > 7, !fields[0].hasPrefix(prefix), let destination = UInt32(fields[1], radix: 16),
                let mask = UInt32(fields[7], radix: 16), mask != 0
            else { return nil }
            return IPv4Prefix(IPv4Address(value: destination.byteSwapped), length: mask.nonzeroBitCount)
        }
    }
}
