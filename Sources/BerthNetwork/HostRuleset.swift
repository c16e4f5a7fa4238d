// The host's side as one nftables table: a value first, text second, applied whole.
import BerthModel

/// Everything that our table says.
package struct HostRuleset: Equatable, Sendable {
    package struct Forward: Equatable, Sendable {
        package var port: PublishedPort
        package var address: IPv4Address
        package init(port: PublishedPort, address: IPv4Address) {
            self.port = port
            self.address = address
        }
    }

    package var table: String
    /// What the names of all our uplinks begin with.
    package var uplinkPrefix: String
    package var subnets: [IPv4Prefix]
    package var forwards: [Forward]

    package init(table: String, uplinkPrefix: String, subnets: [IPv4Prefix], forwards: [Forward]) {
        self.table = table
        self.uplinkPrefix = uplinkPrefix
        self.subnets = subnets
        self.forwards = forwards
    }

    /// A script for `nft -f -` that replaces the table in one transaction. No user text gets into it.
    package var script: String {
        let remove = "table ip \(table)\ndelete table ip \(table)\n"
        if subnets.isEmpty { return remove }
        let ours = "\"\(uplinkPrefix)*\""
        let rules = forwards.map { forward -> String in
            let port = forward.port
            let address = port.hostAddress == .any ? "fib daddr type local" : "ip daddr \(port.hostAddress)"
            return
                "    \(address) \(port.transport.rawValue) dport \(port.hostPort) dnat to \(forward.address):\(port.containerPort)\n"
        }.joined()
        let masquerades = subnets.map { "    ip saddr \($0) oifname != \(ours) masquerade\n" }.joined()
        return remove + """
            table ip \(table) {
              chain guard {
                type filter hook prerouting priority raw; policy accept;
                iifname \(ours) ip daddr 127.0.0.0/8 drop
              }
              chain prerouting {
                type nat hook prerouting priority dstnat; policy accept;
            \(rules)  }
              chain output {
                type nat hook output priority -100; policy accept;
            \(rules)  }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                oifname \(ours) ip saddr 127.0.0.0/8 masquerade
                oifname \(ours) iifname \(ours) ct status dnat masquerade
            \(masquerades)  }
              chain forward {
                type filter hook forward priority filter; policy accept;
                oifname \(ours) ct state established,related accept
                oifname \(ours) ct status dnat accept
                oifname \(ours) drop
              }
            }

            """
    }
}
