// The names of all networks, and what one sandbox may see of them.
import BerthModel

package struct Zone: Sendable, Equatable {
    /// network → name (lower case) → addresses.
    private var names: [String: [String: [IPv4Address]]] = [:]
    /// network → address → container name, for reverse look-ups.
    private var reverse: [String: [IPv4Address: String]] = [:]

    package init() {}

    package init(_ endpoints: [(network: String, names: [String], address: IPv4Address, container: String)]) {
        for endpoint in endpoints {
            for name in Set(endpoint.names.map { $0.lowercased() }) {
                names[endpoint.network, default: [:]][name, default: []].append(endpoint.address)
            }
            reverse[endpoint.network, default: [:]][endpoint.address] = endpoint.container
        }
    }

    package enum Finding: Equatable, Sendable {
        case addresses([IPv4Address])
        case pointer(String)
        /// The name is ours, and has nothing of this type.
        case nothing
        /// Not ours: ask upstream.
        case unknown
    }

    /// - Parameters:
    ///   - networks: those of the asking sandbox; other networks' names do not exist for it.
    ///   - links: alias → service, the asker's own further names.
    package func find(_ question: DNSQuestion, networks: [String], links: [String: String] = [:]) -> Finding {
        if question.type == DNSQuestion.typePTR { return pointer(question.name, networks) }
        var found: [IPv4Address] = []
        func add(_ addresses: [IPv4Address]?) {
            for address in addresses ?? [] where !found.contains(address) { found.append(address) }
        }
        for network in networks {
            add(names[network]?[question.name])
            if let service = links[question.name] { add(names[network]?[service]) }
            // `web.demo_default` is `web` on that network.
            let suffix = ".\(network.lowercased())"
            if question.name.hasSuffix(suffix) { add(names[network]?[String(question.name.dropLast(suffix.count))]) }
        }
        if found.isEmpty { return .unknown }
        let wantsAddress = question.type == DNSQuestion.typeA || question.type == DNSQuestion.typeAny
        return wantsAddress ? .addresses(found) : .nothing
    }

    private func pointer(_ name: String, _ networks: [String]) -> Finding {
        let suffix = ".in-addr.arpa"
        guard name.hasSuffix(suffix) else { return .unknown }
        let text = name.dropLast(suffix.count).split(separator: ".").reversed().joined(separator: ".")
        guard let address = IPv4Address(text) else { return .unknown }
        for network in networks {
            if let container = reverse[network]?[address] { return .pointer("\(container).\(network)") }
        }
        return .unknown
    }
}
