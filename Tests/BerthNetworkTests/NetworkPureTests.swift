// The pure half of networks: subnets, addresses, rules, DNS messages, generated files.
import BerthModel
import Testing

@testable import BerthNetwork

@Suite("Network: pure parts")
struct NetworkPureTests {
    static func definition(_ subnet: String? = nil) -> NetworkDefinition {
        var definition = NetworkDefinition(key: "n", name: "demo_n")
        if let subnet {
            var pool = NetworkDefinition.AddressPool()
            pool.subnet = subnet
            definition.pools = [pool]
        }
        return definition
    }

    @Test("Docker's pools in order, around what exists and what the host routes")
    func subnets() throws {
        let first = try #require(IPv4Prefix("172.17.0.0/16"))
        let second = try #require(IPv4Prefix("172.18.0.0/16"))
        let choice = try AddressPools.choose(NetworkPureTests.definition(), existing: [first], hostRoutes: [second])
        #expect("\(choice.0) \(choice.1)" == "172.19.0.0/16 172.19.0.1")
        let own = try AddressPools.choose(NetworkPureTests.definition("10.9.0.0/24"), existing: [], hostRoutes: [])
        #expect("\(own.0) \(own.1)" == "10.9.0.0/24 10.9.0.1")
        #expect(throws: BerthError.self) {
            try AddressPools.choose(NetworkPureTests.definition("172.17.5.0/24"), existing: [first], hostRoutes: [])
        }
    }

    @Test("addresses: the next free one, the wanted one, never the gateway's")
    func addresses() throws {
        let subnet = try #require(IPv4Prefix("10.9.0.0/30"))
        let gateway = try #require(IPv4Address("10.9.0.1"))
        let network = NetworkRecord(
            id: "x", name: "n", stack: nil, definition: NetworkPureTests.definition(), subnet: subnet, gateway: gateway,
            labels: [:],
            created: .never)
        #expect("\(try AddressPools.address(network, wanted: nil, taken: []))" == "10.9.0.2")
        let taken: Set<IPv4Address> = [try #require(IPv4Address("10.9.0.2"))]
        #expect(throws: BerthError.self) { try AddressPools.address(network, wanted: nil, taken: taken) }
        #expect(throws: BerthError.self) { try AddressPools.address(network, wanted: "10.9.0.1", taken: []) }
        #expect(throws: BerthError.self) { try AddressPools.address(network, wanted: "10.10.0.9", taken: []) }
    }

    @Test("the ruleset as text: forwards, guards, masquerading; nothing at all without networks")
    func ruleset() throws {
        let address = try #require(IPv4Address("172.18.0.2"))
        let port = PublishedPort(hostAddress: .loopback, hostPort: 8080, containerPort: 80, transport: .tcp)
        let subnet = try #require(IPv4Prefix("172.18.0.0/16"))
        let rules = HostRuleset(
            table: "berth_x", uplinkPrefix: "bhx", subnets: [subnet], forwards: [.init(port: port, address: address)])
        #expect(rules.script.contains("ip daddr 127.0.0.1 tcp dport 8080 dnat to 172.18.0.2:80"))
        #expect(rules.script.contains("iifname \"bhx*\" ip daddr 127.0.0.0/8 drop"))
        #expect(rules.script.contains("ip saddr 172.18.0.0/16 oifname != \"bhx*\" masquerade"))
        let none = HostRuleset(table: "berth_x", uplinkPrefix: "bhx", subnets: [], forwards: [])
        #expect(none.script == "table ip berth_x\ndelete table ip berth_x\n")
    }

    static func query(_ name: String, type: UInt8) -> [UInt8] {
        let labels = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        return [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + labels + [0, 0, type, 0, 1]
    }

    @Test("names: all replicas, case ignored, by network; AAAA of a known name is empty; the unknown is asked upstream")
    func zone() throws {
        let a = try #require(IPv4Address("10.0.0.2"))
        let b = try #require(IPv4Address("10.0.0.3"))
        let zone = Zone([
            (network: "demo_n", names: ["web", "demo-web-1"], address: a, container: "demo-web-1"),
            (network: "demo_n", names: ["web", "demo-web-2"], address: b, container: "demo-web-2"),
        ])
        let web = try #require(DNSQuestion(NetworkPureTests.query("WEB", type: 1)))
        #expect(zone.find(web, networks: ["demo_n"]) == .addresses([a, b]))
        #expect(zone.find(web, networks: ["other"]) == .unknown)
        let v6 = try #require(DNSQuestion(NetworkPureTests.query("web", type: 28)))
        #expect(zone.find(v6, networks: ["demo_n"]) == .nothing)
        let reverse = try #require(DNSQuestion(NetworkPureTests.query("3.0.0.10.in-addr.arpa", type: 12)))
        #expect(zone.find(reverse, networks: ["demo_n"]) == .pointer("demo-web-2.demo_n"))
        let answer = DNSAnswer.addresses(web, [a, b])
        #expect(answer[7] == 2 && Array(answer.suffix(4)) == b.bytes)
    }

    @Test("hostile messages are no questions, and never trap")
    func fuzz() {
        var generator = SystemRandomNumberGenerator()
        let seed = NetworkPureTests.query("a.b.c", type: 1)
        for length in 0..<seed.count { #expect(DNSQuestion(Array(seed[..<length])) == nil) }
        for _ in 0..<5000 {
            var bytes = seed
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = DNSQuestion(bytes)
        }
    }

    @Test("listeners: loopback is told apart, in both families")
    func listeners() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
               1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
               2: 00000000:0051 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
            """
        let found = ListeningPorts.listeners(table)
        #expect(found.map(\.port) == [5432, 80] && found.map(\.isLoopback) == [true, false])
    }
}
