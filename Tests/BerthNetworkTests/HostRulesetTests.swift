// The host's table as the kernel has it after us, read back by nft: our encoder against the oracle.
import BerthLinux
import BerthModel
import Foundation
import Testing

@testable import BerthNetwork

@Suite("The host's rules")
struct HostRulesetTests {
    static let ports: [HostRuleset.Forward] = [
        .init(
            port: PublishedPort(hostAddress: .any, hostPort: 8080, containerPort: 80, transport: .tcp),
            address: IPv4Address(value: 0xAC12_0002)),
        .init(
            port: PublishedPort(hostAddress: .loopback, hostPort: 5432, containerPort: 5432, transport: .tcp),
            address: IPv4Address(value: 0xAC12_0003)),
        .init(
            port: PublishedPort(hostAddress: .any, hostPort: 53, containerPort: 5353, transport: .udp),
            address: IPv4Address(value: 0xAC12_0004)),
    ]

    func ruleset(_ forwards: [HostRuleset.Forward] = ports, guarded: [String] = ["eth0", "wlan0"]) -> HostRuleset {
        HostRuleset(table: "berth_c0ffee42", uplinkPrefix: "bhc0ffee", guarded: guarded, forwards: forwards)
    }

    /// Applies batches in a fresh namespace and says what nft lists there.
    func listed(_ batches: NftBatch...) throws -> String { try listed(batches) }

    /// The same without regard to the order of elements.
    func sorted(_ batches: NftBatch...) throws -> [String] {
        try listed(batches).split(whereSeparator: { "{},\n\t=".contains($0) })
            .map { $0.trimmingCharacters(in: .whitespaces) }.sorted()
    }

    private func listed(_ batches: [NftBatch]) throws -> String {
        let (namespace, socket) = try NetworkNamespace.create { () throws(SystemError) in try NftSocket() }
        for batch in batches { try socket.apply(batch) }
        return try Shell.run("nft list ruleset", in: namespace).output
    }

    @Test("the whole table, as nft reads it")
    func whole() throws {
        // One element a map: their order is the kernel's.
        let text = try listed(ruleset(Array(HostRulesetTests.ports.prefix(2))).batch)
        #expect(
            text == """
                table ip berth_c0ffee42 {
                \tmap ports {
                \t\ttype inet_proto . inet_service : ipv4_addr . inet_service
                \t\telements = { tcp . 8080 : 172.18.0.2 . 80 }
                \t}

                \tmap address_ports {
                \t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
                \t\telements = { 127.0.0.1 . tcp . 5432 : 172.18.0.3 . 5432 }
                \t}

                \tset guarded {
                \t\ttype ifname
                \t\telements = { "eth0",
                \t\t\t     "wlan0" }
                \t}

                \tchain guard {
                \t\ttype filter hook prerouting priority raw; policy accept;
                \t\tfib daddr oifname "bhc0ffee*" drop
                \t\tiifname "bhc0ffee*" ip daddr 127.0.0.0/8 drop
                \t}

                \tchain prerouting {
                \t\ttype nat hook prerouting priority dstnat; policy accept;
                \t\tiifname != "lo" ip daddr 127.0.0.0/8 return
                \t\tdnat ip to ip daddr . meta l4proto . th dport map @address_ports
                \t\tfib daddr type local dnat ip to meta l4proto . th dport map @ports
                \t}

                \tchain output {
                \t\ttype nat hook output priority -100; policy accept;
                \t\tdnat ip to ip daddr . meta l4proto . th dport map @address_ports
                \t\tfib daddr type local dnat ip to meta l4proto . th dport map @ports
                \t}

                \tchain postrouting {
                \t\ttype nat hook postrouting priority srcnat; policy accept;
                \t\tiifname "bhc0ffee*" masquerade
                \t\tip saddr 127.0.0.0/8 oifname "bhc0ffee*" masquerade
                \t}

                \tchain forward {
                \t\ttype filter hook forward priority filter; policy accept;
                \t\tiifname @guarded oifname @guarded drop
                \t}
                }

                """)
    }

    @Test("changing ports by element ends where replacing the table ends", arguments: [[], [0], [1, 2], [0, 1, 2]])
    func changes(kept: [Int]) throws {
        let later =
            kept.map { HostRulesetTests.ports[$0] } + [
                .init(
                    port: PublishedPort(hostAddress: .any, hostPort: 8080, containerPort: 8081, transport: .tcp),
                    address: IPv4Address(value: 0xAC12_0009))
            ]
        let before = ruleset()
        let after = ruleset(later)
        #expect(try sorted(before.batch, after.changes(from: before)) == sorted(after.batch))
        #expect(after.changes(from: after).isEmpty)
    }

    @Test("replacing twice says it once; removing leaves nothing")
    func replace() throws {
        let rules = ruleset()
        #expect(try sorted(rules.batch, rules.batch) == sorted(rules.batch))
        #expect(try listed(rules.batch, HostRuleset.removal(rules.table)) == "")
        #expect(try listed(HostRuleset.removal(rules.table)) == "")
    }

    @Test("a batch is all or nothing, and fails in the kernel's words")
    func atomic() throws {
        let (namespace, socket) = try NetworkNamespace.create { () throws(SystemError) in try NftSocket() }
        var batch = NftBatch()
        batch.addTable("berth_test")
        batch.addRule("berth_test", "nowhere", [.verdict(.drop)])
        #expect(throws: SystemError.self) { try socket.apply(batch) }
        #expect(try Shell.run("nft list ruleset", in: namespace).output == "")
        #expect(try !socket.hasTable("berth_test"))
        try socket.apply(ruleset().batch)
        #expect(try socket.hasTable("berth_c0ffee42"))
    }

    @Test("thousands of ports in one transaction")
    func many() throws {
        let forwards = (1...3000).map { number in
            HostRuleset.Forward(
                port: PublishedPort(hostAddress: .any, hostPort: UInt16(number), containerPort: 80, transport: .tcp),
                address: IPv4Address(value: 0xAC12_0002))
        }
        let text = try listed(ruleset(forwards).batch)
        #expect(text.components(separatedBy: "172.18.0.2 . 80").count == 3001)
    }

    @Test("a sandbox's redirect of its name server's port")
    func redirect() throws {
        let text = try listed(SandboxRules.redirect(datagram: 40001, stream: 40002))
        #expect(
            text == """
                table ip berth {
                \tchain output {
                \t\ttype nat hook output priority -100; policy accept;
                \t\tip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40001
                \t\tip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:40002
                \t}
                }

                """)
    }
}
