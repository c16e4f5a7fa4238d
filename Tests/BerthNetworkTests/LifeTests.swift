// Networks over time: adopted without a lost packet, opened again, and gone without a trace.
import BerthLinux
import BerthModel
import BerthNetwork
import BerthTesting
import Testing

@Suite("The life of networks", .serialized)
struct LifeTests {
    /// Everything of the host that we could have changed.
    func traces(_ host: FakeHost) throws -> String {
        let commands = [
            "ip -o link", "ip -o addr", "ip route show table all", "nft list ruleset", "sysctl net.ipv4.ip_forward",
            "ip neigh show nud permanent",
        ]
        let text = try host.onHost(commands.map { "\($0) 2>&1" }.joined(separator: "; ")).output
        // Counters and flags of links that we do not own may change by themselves.
        return text.split(separator: "\n").filter { $0.contains("bh") || !$0.contains("lan0") || $0.contains("dev bh") }
            .joined(separator: "\n")
    }

    @Test("after the last network nothing of ours is left on the host")
    func nothingLeft() async throws {
        let host = try FakeHost()
        let before = try traces(host)
        let networks = [
            try host.network("a", "172.18.0.0/16"), try host.network("b", "172.19.0.0/16", isInternal: true),
        ]
        var sandboxes = try await host.start([try host.container("web", 2, on: networks)], on: networks)
        #expect(try traces(host) != before)
        sandboxes.removeAll()
        for record in networks { await host.service.close(record.name) }
        await host.service.shutdown()
        try eventually("links are gone") { try traces(host) == before }
        #expect(try Directory.names(host.layout.runRoot) == [])
    }

    @Test("another agent adopts what shims kept: connections live on, rules stay, names are answered")
    func adopted() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        let port = PublishedPort(hostAddress: .any, hostPort: 8080, containerPort: 80, transport: .tcp)
        let web = try host.container("web", 2, on: [network], ports: [port])
        let sandboxes = try await host.start([web], on: [network])
        let server = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
        try await host.service.publish([(port, web.endpoints[0].address, "front")])
        let before = try host.rules
        await host.service.shutdown()

        let second = try host.secondAgent()
        try await second.adopt(web, networks: [network], keepsakes: sandboxes[0].keepsakes)
        try await second.open(network)
        second.setNames(host.names([web]))
        #expect(try host.rules == before)
        #expect(try host.onNeighbour("busybox nc -w 5 192.0.2.1 8080").output == "web 192.0.2.9\n")
        #expect(try Question.ask("web", in: sandboxes[0].namespace).addresses == ["172.18.0.2"])
        let late = try host.container("late", 3, on: [network])
        let joined = try await second.makeSandbox(late, networks: [network])
        #expect(try Shell.run("busybox nc -w 5 172.18.0.2 80", in: joined.namespace).output == "web 172.18.0.3\n")
        await second.close("front")
        #expect(try host.rules == "")
        withExtendedLifetime(server) {}
        await second.shutdown()
    }

    @Test("what an agent left that died is cleared by the next, also when that one needs no network")
    func leftovers() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        _ = try await host.start([try host.container("web", 2, on: [network])], on: [network])
        await host.service.shutdown()
        #expect(try host.rules != "")
        let second = try host.secondAgent()
        await second.close("front")
        #expect(try host.rules == "")
        #expect(try host.onHost("cat /proc/sys/net/ipv4/ip_forward").output == "0\n")
        await second.shutdown()
    }

    @Test("a network is opened again while its predecessor is still dying")
    func reopened() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        for number in UInt32(2)..<6 {
            let sandboxes = try await host.start([try host.container("web", number, on: [network])], on: [network])
            let server = try Server.echo("web", port: 80, in: sandboxes[0].namespace)
            #expect(try host.onHost("busybox nc -w 5 172.18.0.\(number) 80").output == "web 172.18.0.1\n")
            withExtendedLifetime(server) {}
            await host.service.close("front")
        }
        await host.service.shutdown()
    }

    @Test("forwarding stays on where others need it by now")
    func forwardingStays() async throws {
        let host = try FakeHost()
        let network = try host.network("front", "172.18.0.0/16")
        try await host.service.open(network)
        #expect(try host.onHost("ip link add docker0 type bridge").status == 0)
        await host.service.close("front")
        #expect(try host.onHost("cat /proc/sys/net/ipv4/ip_forward").output == "1\n")
        await host.service.shutdown()
    }

    @Test("a container without networks has loopback and nothing else")
    func alone() async throws {
        let host = try FakeHost()
        let sandbox = try await host.service.makeSandbox(try host.container("alone", 2, on: []), networks: [])
        #expect(try Shell.run("ls /proc/sys/net/ipv4/conf", in: sandbox.namespace).output == "all\ndefault\nlo\n")
        #expect(try Shell.run("ping -c1 127.0.0.1 || busybox ping -c1 127.0.0.1", in: sandbox.namespace).status == 0)
        await host.service.shutdown()
    }

    @Test("links stand in the networks' order, with the addresses they were given")
    func links() async throws {
        let host = try FakeHost()
        let networks = [try host.network("a", "172.18.0.0/16"), try host.network("b", "10.9.8.0/24")]
        let web = try host.container("web", 7, on: networks)
        let sandbox = try await host.start([web], on: networks)[0]
        let addresses = try Shell.run("ip -4 -o addr show | awk '{print $2, $4}'", in: sandbox.namespace).output
        #expect(addresses == "lo 127.0.0.1/8\neth0 172.18.0.7/16\neth1 10.9.8.7/24\n")
        #expect(
            try Shell.run("cat /sys/class/net/eth0/address; ip -o link show eth0", in: sandbox.namespace).output
                .contains("02:42:ac:12:00:07"))
        let route = try Shell.run("ip route show default", in: sandbox.namespace).output
        #expect(route.contains("via 172.18.0.1 dev eth0"), "\(route)")
        #expect(
            try host.onHost("busybox nc -w 1 10.9.8.7 9; ping -c1 -W5 10.9.8.7 || busybox ping -c1 -W5 10.9.8.7").status
                == 0)
        await host.service.shutdown()
    }
}
