// /etc/hosts and /etc/resolv.conf as Docker writes them.
import BerthModel

package enum GeneratedFiles {
    private static let standardHosts = [
        "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::\tip6-localnet",
        "ff00::\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters",
    ]

    package static func hosts(_ record: ContainerRecord, hostname: String) -> String {
        var lines = standardHosts
        let gateway = hostGateway(record)
        for entry in record.service.extraHosts {
            lines.append("\(entry.address == "host-gateway" ? "\(gateway)" : entry.address)\t\(entry.name)")
        }
        let names = hostNames(hostname, domain: record.service.domainName)
        for endpoint in record.endpoints { lines.append("\(endpoint.address)\t\(names)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `name.domain name`; of a dotted host name without a domain the first part stands beside it.
    static func hostNames(_ hostname: String, domain: String?) -> String {
        if let domain, !domain.isEmpty { return "\(hostname).\(domain) \(hostname)" }
        guard let first = hostname.split(separator: ".").first, first.count < hostname.count else { return hostname }
        return "\(hostname) \(first)"
    }

    /// Where a container reaches its host.
    static func hostGateway(_ record: ContainerRecord) -> IPv4Address {
        if record.service.networkMode == .host { return .loopback }
        return record.gatewayEndpoint?.gateway ?? IPv4Address(value: 0xAC11_0001)
    }

    package static func resolv(_ record: ContainerRecord, host: String) -> String {
        let service = record.service
        if service.networkMode == .host && service.dns.isEmpty && service.dnsSearch.isEmpty
            && service.dnsOptions.isEmpty
        {
            return host
        }
        let search = service.dnsSearch.isEmpty ? words(host, "search") : service.dnsSearch
        var options = service.dnsOptions.isEmpty ? words(host, "options") : service.dnsOptions
        var servers = ["127.0.0.11"]
        if !hasNameServer(record) {
            servers = service.dns.isEmpty ? nameservers(host).filter { !$0.hasPrefix("127.") } : service.dns
        } else if !options.contains(where: isDotsOption) {
            options = options.filter { !$0.hasPrefix("ndots:") } + ["ndots:0"]
        }
        var lines = servers.map { "nameserver \($0)" }
        if !search.isEmpty && search != ["."] { lines.append("search \(search.joined(separator: " "))") }
        if !options.isEmpty { lines.append("options \(options.joined(separator: " "))") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Its own on its networks, or that of the container whose network it shares.
    private static func hasNameServer(_ record: ContainerRecord) -> Bool {
        switch record.service.networkMode {
        case .service, .container: true
        default: !record.endpoints.isEmpty
        }
    }

    private static func isDotsOption(_ option: String) -> Bool {
        option.hasPrefix("ndots:") && UInt8(option.dropFirst(6)) != nil
    }

    /// The words of the last line with this key: later ones replace earlier ones.
    private static func words(_ text: String, _ key: String) -> [String] {
        lines(text).last { $0.first == key }.map { Array($0.dropFirst()) } ?? []
    }

    private static func lines(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { line in
            line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        }
    }

    static func nameservers(_ resolv: String) -> [String] {
        Array(lines(resolv).filter { $0.first == "nameserver" && $0.count > 1 }.map { $0[1] }.prefix(3))
    }
}
