// Beside other owners of the host's packet rules: their policy drops everything that is forwarded, and ours goes through
// where they leave a place for it.
import BerthLinux
import BerthModel
import BerthNetwork
import BerthTesting
import Testing

@Suite("Firewalls of others", .serialized)
struct FirewallTests {
    /// As Docker sets a host up: nothing is forwarded but what its own chains, and its user's, accept.
    private static let docker = """
        iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER
        iptables -N DOCKER; iptables -A FORWARD -o docker0 -j DOCKER
        iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
        """
    /// As ufw leaves it: its own chains, and one for routes that its user allows.
    private static let ufw = """
        iptables -P FORWARD DROP; iptables -N ufw-before-forward; iptables -N ufw-user-forward
        iptables -A FORWARD -j ufw-before-forward; iptables -A ufw-before-forward -j ufw-user-forward
        """

    private func onHost(_ host: FakeHost, _ script: String) throws -> String {
        let output = try Shell.run(script, in: host.namespace)
        #expect(output.status == 0, "\(script): \(output)")
        return output.output
    }

    /// A container that publishes 8080, and the way from and to it, as the neighbour and the container see it.
    private func withContainer(_ host: FakeHost, _ body: (() throws -> Bool) async throws -> Void) async throws {
        let network = try host.network("front", "172.18.0.0/16")
        let port = PublishedPort(hostAddress: .any, hostPort: 8080, containerPort: 80, transport: .tcp)
        let record = try host.container("web", 2, on: [network], ports: [port])
        let sandboxes = try await host.start([record], on: [network])
        try await host.service.publish([(port, record.endpoints[0].address, "front")])
        let inside = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        let outside = try Server.echo("lan", port: 7000, in: host.neighbour)
        try await body {
            let goesOut = try Shell.run("busybox nc -w 2 192.0.2.9 7000", in: sandboxes[0].namespace).output
            let comesIn = try Shell.run("busybox nc -w 2 192.0.2.1 8080", in: host.neighbour).output
            return goesOut == "lan 192.0.2.1\n" && comesIn.hasPrefix("web ")
        }
        withExtendedLifetime((inside, outside)) {}
        await host.service.close("front")
    }

    @Test(
        "with Docker or ufw on, ports and the way out work; afterwards their rules are what they were",
        arguments: [docker, ufw])
    func doors(_ setup: String) async throws {
        let host = try FakeHost()
        _ = try onHost(host, setup)
        let before = try onHost(host, "iptables -S")
        try await withContainer(host) { works in
            #expect(try works())
            #expect(host.service.obstacles() == [])
            // Docker's own tools still read their chain.
            #expect(try onHost(host, "iptables -S").contains("-j ACCEPT"))
            // A reload of theirs takes our entries with it, and they come back.
            _ = try onHost(host, "iptables -F; iptables -X")
            _ = try onHost(host, setup)
            try eventually("packets pass again") { try works() }
        }
        #expect(try onHost(host, "iptables -S") == before)
        await host.service.shutdown()
    }

    @Test("a firewall that comes up later is noticed")
    func later() async throws {
        let host = try FakeHost()
        try await withContainer(host) { works in
            #expect(try works())
            _ = try onHost(host, FirewallTests.docker)
            try eventually("packets pass again") { try works() }
        }
        #expect(try !onHost(host, "iptables -S DOCKER-USER").contains("ACCEPT"))
        await host.service.shutdown()
    }

    @Test("containers get no further into Docker's networks than anybody else")
    func dockersOwn() async throws {
        let host = try FakeHost()
        _ = try onHost(host, FirewallTests.docker)
        try await withContainer(host) { _ in
            let rules = try onHost(host, "nft list chain ip filter DOCKER-USER")
            #expect(rules.contains("oifname != \"docker0\" oifname != \"br-*\""), "\(rules)")
        }
        await host.service.shutdown()
    }

    @Test("a plain policy of drop is left alone, and told with the rule that would help")
    func plain() async throws {
        let host = try FakeHost()
        _ = try onHost(
            host,
            "nft 'add table inet mine; add chain inet mine forwarding { type filter hook forward priority 0; policy drop; }'"
        )
        let before = try onHost(host, "nft list table inet mine")
        try await withContainer(host) { works in
            #expect(try !works())
            let said = try #require(host.service.obstacles().first)
            #expect(said.contains("chain inet mine forwarding, policy drop") && host.service.obstacles().count == 1)
            #expect(try onHost(host, "nft list table inet mine") == before)
            // What the sentence says helps.
            for rule in said.split(separator: "nft ").dropFirst() {
                _ = try onHost(host, "nft '\(rule.split(separator: ";")[0])'")
            }
            #expect(try works())
        }
        await host.service.shutdown()
    }
}
