// The texts of /etc/hosts and /etc/resolv.conf, for each way a container can be connected.
import BerthModel
import Testing

@testable import BerthNetwork

@Suite("Generated files")
struct GeneratedFilesTests {
    static let hostResolver = """
        # made by hand
        nameserver 127.0.0.53
        nameserver 10.0.0.1 ; the office
        search old.example
        search corp.example example.com
        options edns0 trust-ad
        """

    func record(_ networks: [String] = ["demo_default"], _ edit: (inout Service) -> Void = { _ in }) throws
        -> ContainerRecord
    {
        var service = Service(name: "web")
        edit(&service)
        let digest = try #require(Digest("sha256:" + String(repeating: "0", count: 64)))
        let endpoints = networks.enumerated().map { index, name in
            Endpoint(
                network: name, interface: "eth\(index)", address: IPv4Address(value: 0xAC12_0002 + UInt32(index) << 16),
                prefixLength: 16, gateway: IPv4Address(value: 0xAC12_0001 + UInt32(index) << 16), macAddress: "",
                names: [])
        }
        return ContainerRecord(
            id: ContainerID(randomBytes: Array(repeating: 7, count: 32)), name: "demo-web-1", stack: "demo",
            slot: ReplicaSlot(service: "web", number: 1), service: service, imageID: digest, imageReference: "x",
            imageExecution: ImageConfig.Execution(), layers: [], configHash: "", labels: [:], mounts: [],
            endpoints: endpoints, ports: [], created: .never)
    }

    static let standard = """
        127.0.0.1\tlocalhost
        ::1\tlocalhost ip6-localhost ip6-loopback
        fe00::\tip6-localnet
        ff00::\tip6-mcastprefix
        ff02::1\tip6-allnodes
        ff02::2\tip6-allrouters

        """

    @Test("hosts: standard lines, extra hosts, then a line per network")
    func hosts() throws {
        let one = try record(["a", "b"]) { service in
            service.extraHosts = [
                HostEntry(name: "db", address: "10.1.1.1"),
                HostEntry(name: "host.docker.internal", address: "host-gateway"),
            ]
        }
        #expect(
            GeneratedFiles.hosts(one, hostname: "web") == GeneratedFilesTests.standard
                + "10.1.1.1\tdb\n172.18.0.1\thost.docker.internal\n172.18.0.2\tweb\n172.19.0.2\tweb\n")
    }

    @Test(
        "hosts: domain names and dotted host names",
        arguments: [
            ("web", "example.com", "web.example.com web"), ("web", nil, "web"),
            ("web.corp.example", nil, "web.corp.example web"),
        ])
    func names(hostname: String, domain: String?, expected: String) throws {
        let text = GeneratedFiles.hosts(try record { $0.domainName = domain }, hostname: hostname)
        #expect(text == GeneratedFilesTests.standard + "172.18.0.2\t\(expected)\n")
    }

    @Test("resolv.conf on networks: our server, the host's search and options, ndots:0")
    func resolver() throws {
        #expect(
            GeneratedFiles.resolv(try record(), host: GeneratedFilesTests.hostResolver) == """
                nameserver 127.0.0.11
                search corp.example example.com
                options edns0 trust-ad ndots:0

                """)
        #expect(GeneratedFiles.resolv(try record(), host: "") == "nameserver 127.0.0.11\noptions ndots:0\n")
    }

    @Test("resolv.conf: the service's own search and options win; `.` is no search; a bad ndots is none")
    func overrides() throws {
        let own = try record { service in
            service.dnsSearch = ["one", "two"]
            service.dnsOptions = ["ndots:2", "timeout:1"]
            service.dns = ["1.1.1.1"]
        }
        #expect(
            GeneratedFiles.resolv(own, host: GeneratedFilesTests.hostResolver) == """
                nameserver 127.0.0.11
                search one two
                options ndots:2 timeout:1

                """)
        let none = try record { service in
            service.dnsSearch = ["."]
            service.dnsOptions = ["ndots:x"]
        }
        #expect(GeneratedFiles.resolv(none, host: "search x\n") == "nameserver 127.0.0.11\noptions ndots:0\n")
    }

    @Test("resolv.conf without networks: what the host has, but nothing on its loopback; host mode: the host's file")
    func modes() throws {
        let alone = try record([]) { $0.networkMode = NetworkMode.none }
        let text = GeneratedFiles.resolv(alone, host: GeneratedFilesTests.hostResolver)
        #expect(text.hasPrefix("nameserver 10.0.0.1\nsearch corp.example"))
        let host = try record([]) { $0.networkMode = .host }
        #expect(GeneratedFiles.resolv(host, host: GeneratedFilesTests.hostResolver) == GeneratedFilesTests.hostResolver)
        let guest = try record([]) { $0.networkMode = .service("web") }
        #expect(GeneratedFiles.resolv(guest, host: "").hasPrefix("nameserver 127.0.0.11\n"))
    }
}
