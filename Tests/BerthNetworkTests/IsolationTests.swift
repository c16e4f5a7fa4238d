// Rows S80–S85 and S88 of the security table: what must not get through does not.
import BerthLinux
import BerthModel
import BerthNetwork
import Testing

@Suite("Isolation", .serialized)
struct IsolationTests {
    @Test("S80: no IPv6 on IPv4 networks but on loopback; nothing listens to router advertisements")
    func noIPv6() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let sandboxes = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        let inside = try Shell.run("ip -6 -o addr show", in: sandboxes[0].namespace).output
        #expect(inside.contains("::1") && !inside.contains("fe80"), "\(inside)")
        let uplinks = try host.onHost("ip -6 -o addr show | grep bh").output
        #expect(uplinks == "")
        let settings = try Shell.run(
            "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 /proc/sys/net/ipv6/conf/eth0/accept_ra",
            in: sandboxes[0].namespace)
        #expect(settings.output == "1\n0\n")
        await host.service.shutdown()
    }

    @Test("S83: from the LAN neither a container's own address nor a port published on loopback can be reached")
    func direct() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let port = PublishedPort(hostAddress: .loopback, hostPort: 8080, containerPort: 80, transport: .tcp)
        let web = try host.container("web", 2, on: [network], ports: [port])
        let sandboxes = try await host.start([web], on: [network])
        let server = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        try await host.service.publish([(port, web.endpoints[0].address, "front")])
        #expect(try host.onHost("busybox nc -w 5 127.0.0.1 8080").output.hasPrefix("web"))
        // The neighbour's default route leads through the host: nothing but our rule is in the way.
        #expect(try host.onNeighbour("busybox nc -w 1 172.18.0.2 80").status != 0)
        #expect(try host.onNeighbour("busybox nc -w 1 192.0.2.1 8080").status != 0)
        // Packets to 127.0.0.1 from outside: translated before the kernel would refuse them, were it not for us.
        let forged = try host.onNeighbour(
            """
            echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
            ip route del local 127.0.0.1 table local 2>/dev/null; ip route del local 127.0.0.0/8 table local
            ip route add 127.0.0.1 via 192.0.2.1 dev lan0 src 192.0.2.9
            busybox nc -w 1 127.0.0.1 8080
            """)
        #expect(!forged.output.contains("web"), "\(forged)")
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("S83: whoever flushes the host's rules gets ours back at once")
    func flushed() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        _ = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        let before = try host.rules
        #expect(before.contains("chain guard"))
        for _ in 0..<3 {
            #expect(try host.onHost("nft flush ruleset").status == 0)
            try eventually("the table is back") { try host.rules == before }
        }
        await host.service.close("front")
        #expect(try host.rules == "")
        await host.service.shutdown()
    }

    @Test("S84: networks do not reach each other, neither through the host nor by forged routes")
    func betweenNetworks() async throws {
        let host = try FakeHost()
        let networks = [try host.network("a", "172.18.0.0/16"), try host.network("b", "172.19.0.0/16")]
        let one = try host.container("one", 2, on: [networks[0]])
        let two = try host.container("two", 2, on: [networks[1]])
        let sandboxes = try await host.start([one, two], on: networks)
        let server = try Server.echo("two", port: 80, in: sandboxes[1].namespace)
        #expect(try host.onHost("busybox nc -w 5 172.19.0.2 80").output.hasPrefix("two"))
        #expect(try Shell.run("busybox nc -w 1 172.19.0.2 80", in: sandboxes[0].namespace).status != 0)
        #expect(try Question.ask("two", in: sandboxes[0].namespace).addresses == [])
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("a container cannot reach what listens on the host's loopback alone")
    func hostLoopback() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let sandboxes = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        let secret = try Server.echo("secret", port: 6000, at: "127.0.0.1", in: host.namespace)
        let tried = try Shell.run(
            """
            echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
            ip route del local 127.0.0.0/8 table local; ip route del local 127.0.0.1 table local 2>/dev/null
            ip route add 127.0.0.1 via 172.18.0.1 dev eth0 src 172.18.0.2
            busybox nc -w 1 127.0.0.1 6000
            """, in: sandboxes[0].namespace)
        #expect(!tried.output.contains("secret"), "\(tried)")
        withExtendedLifetime(secret) {}
        await host.service.shutdown()
    }

    @Test("the host forwards for networks alone, not between the links that it had before")
    func noRouter() async throws {
        let host = try FakeHost()
        let other = try NetworkNamespace.create()
        _ = try NetworkNamespace.inside(host.namespace) { () throws(SystemError) in
            let routes = try RouteSocket()
            try routes.addPair(.init(name: "lan1"), peer: .init(name: "lan1"), in: other.number)
            try routes.addAddress(routes.existing("lan1"), [198, 51, 100, 1], prefixLength: 24)
        }
        try NetworkNamespace.inside(other) { () throws(SystemError) in
            let routes = try RouteSocket()
            let link = try routes.existing("lan1")
            try routes.addAddress(link, [198, 51, 100, 9], prefixLength: 24)
            try routes.setUp(link)
            try routes.addRoute(.init([0, 0, 0, 0], prefixLength: 0, index: link, gateway: [198, 51, 100, 1]))
        }
        let server = try Server.echo("far", port: 7000, in: other)
        let network = try host.network("front", "172.18.0.0/16")
        let sandboxes = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        #expect(try Shell.run("busybox nc -w 5 198.51.100.9 7000", in: sandboxes[0].namespace).output.hasPrefix("far"))
        #expect(try host.onNeighbour("busybox nc -w 1 198.51.100.9 7000").status != 0)
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("S88: a subnet is never one that the host routes elsewhere")
    func hostRoutes() throws {
        let host = try FakeHost()
        #expect(
            try host.onHost("ip route add 172.17.0.0/16 via 192.0.2.9; ip route add 172.18.5.0/24 via 192.0.2.9").status
                == 0)
        let chosen = try host.service.chooseSubnet(NetworkDefinition(key: "x", name: "x"), existing: [])
        #expect("\(chosen.subnet)" == "172.19.0.0/16" && "\(chosen.gateway)" == "172.19.0.1")
    }
}
