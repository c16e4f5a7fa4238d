// A host of a test's own: a namespace with an address on a "LAN" where another machine lives.
import BerthLinux
import BerthModel
import BerthNetwork
import BerthTesting
import Foundation
import Synchronization
import Testing

/// The host is 192.0.2.1 on `lan0`; the other machine is 192.0.2.9, with its default route through the host.
final class FakeHost: Sendable {
    static let address = "192.0.2.1"
    static let neighbourAddress = "192.0.2.9"

    let namespace: SharedDescriptor
    let neighbour: SharedDescriptor
    let directory: TemporaryDirectory
    let layout: StateLayout
    let service: NetworkService

    init(nameservers: [String] = []) throws {
        directory = try TemporaryDirectory("berth-network")
        let run = directory.path("run")
        try Directory.make(run, mode: 0o700)
        layout = StateLayout(dataRoot: directory.path("data"), runRoot: run, world: "c0ffee42")
        try directory.write("resolv.conf", nameservers.map { "nameserver \($0)\n" }.joined())
        let host = try NetworkNamespace.create { () throws(SystemError) in
            let routes = try RouteSocket()
            try routes.setUp(1)
            return routes
        }
        let lan = try NetworkNamespace.create { () throws(SystemError) in
            let routes = try RouteSocket()
            try routes.setUp(1)
            return routes
        }
        namespace = host.namespace
        neighbour = lan.namespace
        try host.result.addPair(.init(name: "lan0"), peer: .init(name: "lan0"), in: lan.namespace.number)
        try host.result.addAddress(host.result.existing("lan0"), [192, 0, 2, 1], prefixLength: 24)
        let far = try lan.result.existing("lan0")
        try lan.result.addAddress(far, [192, 0, 2, 9], prefixLength: 24)
        try lan.result.setUp(far)
        try lan.result.addRoute(.init([0, 0, 0, 0], prefixLength: 0, index: far, gateway: [192, 0, 2, 1]))
        // As strict as a host can be: what works here works on the others. New namespaces take over what the machine has,
        // and where an engine ran that is forwarding.
        try NetworkNamespace.inside(host.namespace) { () throws(SystemError) in
            try FileIO.writeKernel("/proc/sys/net/ipv4/ip_forward", "0")
            for name in ["all", "default", "lan0"] {
                try FileIO.writeKernel("/proc/sys/net/ipv4/conf/\(name)/rp_filter", "1")
            }
        }
        service = try NetworkService(layout: layout, host: host.namespace, resolver: directory.path("resolv.conf"))
    }

    /// Another agent over the same host: what a restart leaves behind is all that it has.
    func secondAgent() throws -> NetworkService {
        try NetworkService(layout: layout, host: namespace, resolver: directory.path("resolv.conf"))
    }

    // MARK: Things of the test

    func network(_ name: String, _ subnet: String, isInternal: Bool = false) throws -> NetworkRecord {
        var definition = NetworkDefinition(key: name, name: name)
        definition.isInternal = isInternal
        let prefix = try #require(IPv4Prefix(subnet))
        let id = String((Hex.encode(Array(name.utf8)) + String(repeating: "0", count: 64)).prefix(64))
        return NetworkRecord(
            id: id, name: name, stack: "test", definition: definition, subnet: prefix,
            gateway: IPv4Address(value: prefix.first + 1), labels: [:], created: .never)
    }

    /// A container's record with an endpoint on each network: `.N` in its subnet.
    func container(
        _ name: String, _ number: UInt32, on networks: [NetworkRecord], ports: [PublishedPort] = [],
        edit: (inout Service) -> Void = { _ in }
    ) throws -> ContainerRecord {
        var service = Service(name: name)
        edit(&service)
        let digest = try #require(Digest("sha256:" + String(repeating: "0", count: 64)))
        let endpoints = networks.enumerated().map { index, network in
            let address = IPv4Address(value: network.subnet.first + number)
            return Endpoint(
                network: network.name, interface: "eth\(index)", address: address, prefixLength: network.subnet.length,
                gateway: network.definition.isInternal ? nil : network.gateway,
                macAddress: "02:42:" + address.bytes.map { Hex.encode([$0]) }.joined(separator: ":"),
                names: [name, "test-\(name)-1"])
        }
        return ContainerRecord(
            id: ContainerID(randomBytes: (0..<32).map { _ in UInt8.random(in: 0...255) }), name: "test-\(name)-1",
            stack: "test", slot: ReplicaSlot(service: name, number: 1), service: service, imageID: digest,
            imageReference: "localhost/none:1", imageExecution: ImageConfig.Execution(), layers: [], configHash: "",
            labels: [:], mounts: [], endpoints: endpoints, ports: ports, created: .never)
    }

    /// Opens the networks, makes the sandbox and tells everybody its names.
    func start(_ records: [ContainerRecord], on networks: [NetworkRecord]) async throws -> [Sandbox] {
        for network in networks { try await service.open(network) }
        var made: [Sandbox] = []
        for record in records { made.append(try await service.makeSandbox(record, networks: own(record, networks))) }
        service.setNames(names(records))
        return made
    }

    func own(_ record: ContainerRecord, _ networks: [NetworkRecord]) -> [NetworkRecord] {
        networks.filter { network in record.endpoints.contains { $0.network == network.name } }
    }

    func names(
        _ records: [ContainerRecord]
    ) -> [(network: String, names: [String], address: IPv4Address, container: String)] {
        records.flatMap { record in
            record.endpoints.map {
                (network: $0.network, names: $0.names, address: $0.address, container: record.name)
            }
        }
    }

    // MARK: Looking

    func onHost(_ command: String) throws -> Outcome { try Shell.run(command, in: namespace) }
    func onNeighbour(_ command: String) throws -> Outcome { try Shell.run(command, in: neighbour) }

    var rules: String { get throws { try onHost("nft list ruleset").output } }
}

struct Outcome: Sendable, CustomStringConvertible {
    var status: Int32
    var output: String
    var description: String { "status \(status): \(output)" }
}

/// Programs in a namespace.
enum Shell {
    static func run(_ command: String, in namespace: SharedDescriptor) throws -> Outcome {
        let (child, output) = try start(command, in: namespace)
        let bytes = try FileIO.read(number: output.number, limit: 1 << 20)
        return Outcome(status: try Process.wait(child), output: String(decoding: bytes, as: UTF8.self))
    }

    /// The process and the end of the pipe that has what it says.
    static func start(_ command: String, in namespace: SharedDescriptor) throws -> (Int32, SharedDescriptor) {
        let pipe = try Process.pipe()
        let empty = try Process.pipe()
        let child = try NetworkNamespace.inside(namespace) { () throws(SystemError) in
            try Process.spawn(
                "/bin/sh", ["sh", "-c", command], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
                descriptors: [empty.read.number, pipe.write.number, pipe.write.number])
        }
        return (child, pipe.read)
    }
}
