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
        let answer = DNSAnswer.addresses(web, [a, b], limit: 512)
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

    @Test("answers that do not fit say so, at whatever size the asker takes")
    func truncation() throws {
        let all = (2...60).map { IPv4Address(value: 0x0A00_0000 + $0) }
        let plain = try #require(DNSQuestion(Question.message("web")))
        #expect(plain.sizeMaxBytes == 512)
        let short = DNSAnswer.addresses(plain, all, limit: plain.sizeMaxBytes)
        #expect(short.count <= 512 && Answer(short).isTruncated && Answer(short).records.count == 30)
        let extended = try #require(DNSQuestion(Question.message("web", size: 1232)))
        #expect(extended.sizeMaxBytes == 1232)
        let whole = Answer(DNSAnswer.addresses(extended, all, limit: extended.sizeMaxBytes))
        #expect(!whole.isTruncated && whole.records.count == 59)
        #expect(DNSQuestion(Question.message("web", size: 65535))?.sizeMaxBytes == 4096)
        #expect(DNSQuestion(Question.message("web", size: 10))?.sizeMaxBytes == 512)
    }

    @Test("S86: an answer from upstream counts only with our id and our question")
    func forgery() throws {
        let question = try #require(DNSQuestion(Question.message("Example.com")))
        var answer = Question.message("example.COM", id: 7)
        #expect(!DNSAnswer.answers(answer, id: 7, question), "a question is no answer")
        answer[2] |= 0x80
        #expect(DNSAnswer.answers(answer, id: 7, question))
        #expect(!DNSAnswer.answers(answer, id: 8, question))
        var other = Question.message("exbmple.com", id: 7)
        other[2] |= 0x80
        #expect(!DNSAnswer.answers(other, id: 7, question))
        for length in 0..<answer.count { #expect(!DNSAnswer.answers(Array(answer[..<length]), id: 7, question)) }
        let relayed = DNSAnswer.relayed(answer, question, limit: 512)
        #expect(Array(relayed[..<2]) == [0x12, 0x34] && relayed.count == answer.count)
        #expect(Answer(DNSAnswer.relayed(answer + [UInt8](repeating: 0, count: 600), question, limit: 512)).isTruncated)
    }

    @Test("what is no question is refused in its own terms; answers are never answered")
    func refusals() {
        #expect(DNSAnswer.refusal(Array(repeating: 0, count: 11)) == nil)
        var message = Question.message("web")
        message[5] = 2
        #expect(DNSAnswer.refusal(message).map { Answer($0).code } == DNSAnswer.formatError)
        message[2] = 0x28
        #expect(DNSAnswer.refusal(message).map { Answer($0).code } == DNSAnswer.notImplemented)
        message[2] = 0x80
        #expect(DNSAnswer.refusal(message) == nil)
    }

    @Test("links are the asker's own names")
    func links() throws {
        let address = try #require(IPv4Address("10.0.0.2"))
        let zone = Zone([(network: "n", names: ["db", "db", "DB"], address: address, container: "x-db-1")])
        let question = try #require(DNSQuestion(Question.message("database")))
        #expect(zone.find(question, networks: ["n"]) == .unknown)
        #expect(zone.find(question, networks: ["n"], links: ["database": "db"]) == .addresses([address]))
        let any = try #require(DNSQuestion(Question.message("db.n", type: DNSQuestion.typeAny)))
        #expect(zone.find(any, networks: ["n"]) == .addresses([address]))
    }
}
