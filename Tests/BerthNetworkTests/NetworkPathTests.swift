// Packets on their ways: inside a network, to and from the host, in from the LAN, out to it, and nowhere else.
import BerthLinux
import BerthModel
import BerthNetwork
import Testing

@Suite("The ways of packets", .serialized)
struct NetworkPathTests {
    @Test("two containers of a network reach each other by name and address, and see each other's own address")
    func inside() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let web = try host.container("web", 2, on: [network])
        let client = try host.container("client", 3, on: [network])
        let sandboxes = try await host.start([web, client], on: [network])
        let server = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        #expect(try Question.ask("web", in: sandboxes[1].namespace).addresses == ["172.18.0.2"])
        #expect(
            try Shell.run("busybox nslookup -type=a web 127.0.0.11", in: sandboxes[1].namespace).output.contains(
                "172.18.0.2"))
        #expect(try Shell.run("busybox nc 172.18.0.2 80", in: sandboxes[1].namespace).output == "web 172.18.0.3\n")
        #expect(
            try Shell.run("ping -c1 -W5 172.18.0.2 || busybox ping -c1 -W5 172.18.0.2", in: sandboxes[1].namespace)
                .status == 0)
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("the host reaches containers, containers reach the host by their gateway's address")
    func hostAndGateway() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let web = try host.container("web", 2, on: [network])
        let sandboxes = try await host.start([web], on: [network])
        let inside = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        let outside = try Server.echo("host", port: 5000, in: host.namespace)
        #expect(try host.onHost("busybox nc 172.18.0.2 80").output == "web 172.18.0.1\n")
        #expect(try Shell.run("busybox nc 172.18.0.1 5000", in: sandboxes[0].namespace).output == "host 172.18.0.2\n")
        // A service of the host may be bound to the gateway's address alone.
        let bound = try Server.echo("bound", port: 5001, at: "172.18.0.1", in: host.namespace)
        #expect(try Shell.run("busybox nc 172.18.0.1 5001", in: sandboxes[0].namespace).output == "bound 172.18.0.2\n")
        withExtendedLifetime((inside, outside, bound)) {}
        await host.service.shutdown()
    }

    @Test(
        "a published port: from LAN, host, loopback and other networks"
    )
    func published() async throws {
        let host = try FakeHost()
        let networks = [try host.network("front", "172.18.0.0/16"), try host.network("other", "172.19.0.0/16")]
        let port = PublishedPort(hostAddress: .any, hostPort: 8080, containerPort: 80, transport: .tcp)
        let web = try host.container("web", 2, on: [networks[0]], ports: [port])
        let near = try host.container("near", 3, on: [networks[0]])
        let far = try host.container("far", 2, on: [networks[1]])
        let sandboxes = try await host.start([web, near, far], on: networks)
        let server = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        try await host.service.publish([(port, web.endpoints[0].address, "front")])
        #expect(try host.onNeighbour("busybox nc -w 5 192.0.2.1 8080").output == "web 192.0.2.9\n")
        #expect(try host.onHost("busybox nc -w 5 127.0.0.1 8080").output == "web 172.18.0.1\n")
        #expect(try host.onHost("busybox nc -w 5 192.0.2.1 8080").output == "web 192.0.2.1\n")
        for sandbox in sandboxes {
            #expect(
                try Shell.run("busybox nc -w 5 192.0.2.1 8080", in: sandbox.namespace).output.hasPrefix(
                    "web 172.18.0.1"))
        }
        #expect(
            try Shell.run("busybox nc -w 5 172.18.0.1 8080", in: sandboxes[1].namespace).output == "web 172.18.0.1\n")
        try await host.service.publish([])
        #expect(try host.onNeighbour("busybox nc -w 1 192.0.2.1 8080").status != 0)
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("a network whose bridge had no carrier for a while still answers for its gateway")
    func carrier() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let sandboxes = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        let inside = try #require(sandboxes[0].keepsakes.first { $0.label == "network front" }?.descriptor)
        #expect(try Shell.run("ip link set veth0 down", in: inside).status == 0)
        // The kernel tells of it in its own time.
        #expect(
            try Shell.run("timeout 10 sh -c 'until ip link show br0 | grep -q \"state DOWN\"; do :; done'", in: inside)
                .status == 0)
        #expect(try Shell.run("ip link set veth0 up", in: inside).status == 0)
        #expect(
            try Shell.run("busybox arping -f -w 5 -I eth0 172.18.0.1", in: sandboxes[0].namespace).output.contains(
                "02:42:ac:12:00:01"))
        await host.service.shutdown()
    }

    @Test("a published UDP port answers from the port that was asked")
    func datagrams() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let port = PublishedPort(hostAddress: .any, hostPort: 5300, containerPort: 53, transport: .udp)
        let record = try host.container("dns", 2, on: [network], ports: [port])
        let sandboxes = try await host.start([record], on: [network])
        let server = try Server.mirror(port: 53, in: sandboxes[0].namespace)
        try await host.service.publish([(port, record.endpoints[0].address, "front")])
        let asked = try host.onNeighbour(
            """
            perl -MIO::Socket::INET -e '
              $s = IO::Socket::INET->new(PeerAddr => "192.0.2.1", PeerPort => 5300, Proto => "udp") or die;
              $s->send("ping"); alarm 5; $s->recv($m, 16); print $m'
            """)
        #expect(asked.output == "ping")
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }

    @Test("containers reach the LAN with the host's address; an internal network reaches nothing")
    func outbound() async throws {
        let host = try FakeHost()
        let networks = [
            try host.network("closed", "172.20.0.0/16", isInternal: true), try host.network("open", "172.18.0.0/16"),
        ]
        let free = try host.container("free", 2, on: [networks[1]])
        let held = try host.container("held", 2, on: [networks[0]])
        let both = try host.container("both", 3, on: networks)
        let sandboxes = try await host.start([free, held, both], on: networks)
        let server = try Server.echo("lan", port: 7000, in: host.neighbour)
        #expect(try Shell.run("busybox nc -w 5 192.0.2.9 7000", in: sandboxes[0].namespace).output == "lan 192.0.2.1\n")
        #expect(try Shell.run("busybox nc -w 1 192.0.2.9 7000", in: sandboxes[1].namespace).status != 0)
        #expect(try Shell.run("busybox nc -w 5 192.0.2.9 7000", in: sandboxes[2].namespace).output == "lan 192.0.2.1\n")
        #expect(try Shell.run("ip route show default", in: sandboxes[1].namespace).output == "")
        withExtendedLifetime(server) {}
        await host.service.shutdown()
    }
}
