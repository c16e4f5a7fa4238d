// /etc/hosts and /etc/resolv.conf as Docker writes them.
import BerthModel

package enum GeneratedFiles {
    package static func hosts(_ record: ContainerRecord, hostname: String, hostGateway: IPv4Address) -> String {
        var lines = [
            "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::\tip6-localnet",
            "ff00::\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters",
        ]
        for entry in record.service.extraHosts {
            lines.append("\(entry.address == "host-gateway" ? "\(hostGateway)" : entry.address)\t\(entry.name)")
        }
        let full = record.service.domainName.map { "\(hostname).\($0) \(hostname)" } ?? hostname
        for endpoint in record.endpoints { lines.append("\(endpoint.address)\t\(full)") }
        return lines.joined(separator: "\n") + "\n"
    }

    package static func resolv(_ record: ContainerRecord, host: String) -> String {
        if record.service.networkMode == .host { return host }
        var search = record.service.dnsSearch
        if search.isEmpty {
            search = host.split(separator: "\n").filter { $0.hasPrefix("search ") }.flatMap {
                $0.split(separator: " ").dropFirst().map(String.init)
            }
        }
        var options = record.service.dnsOptions
        if !options.contains(where: { $0.hasPrefix("ndots:") }) { options.append("ndots:0") }
        var lines = ["nameserver 127.0.0.11"]
        if !search.isEmpty && search != ["."] { lines.append("search \(search.joined(separator: " "))") }
        lines.append("options \(options.joined(separator: " "))")
        return lines.joined(separator: "\n") + "\n"
    }

    static func nameservers(_ resolv: String) -> [String] {
        resolv.split(separator: "\n").filter { $0.hasPrefix("nameserver ") }
            .compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }.prefix(3).map { $0 }
    }
}
