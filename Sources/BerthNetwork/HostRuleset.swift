// The host's side as one nftables table: a value first, a transaction second.
import BerthLinux
import BerthModel

/// Everything that our table says.
///
/// Published ports are elements of two maps, so that publishing one is one element, and packets pay one look-up however
/// many there are.
package struct HostRuleset: Equatable, Sendable {
    package struct Forward: Equatable, Hashable, Sendable {
        package var port: PublishedPort
        package var address: IPv4Address
        package init(port: PublishedPort, address: IPv4Address) {
            self.port = port
            self.address = address
        }
    }

    package let table: String
    /// What the names of all our uplinks begin with.
    package let uplinkPrefix: String
    /// The links between which the host did not forward before we made it forward; it still does not.
    package let guarded: [String]
    /// By host address, protocol and port.
    package let forwards: [PublishedPort.Key: Forward]

    package init(table: String, uplinkPrefix: String, guarded: [String], forwards: [Forward]) {
        self.table = table
        self.uplinkPrefix = uplinkPrefix
        self.guarded = guarded
        self.forwards = Dictionary(
            forwards.filter { $0.port.transport != .sctp }.map { ($0.port.key, $0) }, uniquingKeysWith: { $1 })
    }

    package func hasSameStructure(as other: HostRuleset) -> Bool {
        table == other.table && uplinkPrefix == other.uplinkPrefix && guarded == other.guarded
    }

    static let anyMap = "ports"
    static let addressMap = "address_ports"
    static let guardedSet = "guarded"

    /// Replaces the table, whatever it said.
    package var batch: NftBatch {
        var batch = HostRuleset.removal(table)
        batch.addTable(table)
        batch.addSet(table, HostRuleset.anyMap, key: [.transport, .port], value: [.address, .port])
        batch.addSet(table, HostRuleset.addressMap, key: [.address, .transport, .port], value: [.address, .port])
        addGuard(&batch)
        addTranslation(&batch)
        addForward(&batch)
        for (map, elements) in elements(Array(forwards.values)) { batch.addElements(table, map, elements) }
        return batch
    }

    /// The table exists after the first message in every case: the second cannot fail.
    package static func removal(_ table: String) -> NftBatch {
        var batch = NftBatch()
        batch.addTable(table)
        batch.removeTable(table)
        return batch
    }

    /// From the same structure to these ports.
    package func changes(from before: HostRuleset) -> NftBatch {
        var batch = NftBatch()
        let gone = before.forwards.filter { forwards[$0.key] != $0.value }.map(\.value)
        let new = forwards.filter { before.forwards[$0.key] != $0.value }.map(\.value)
        for (map, elements) in elements(gone) { batch.removeElements(table, map, elements) }
        for (map, elements) in elements(new) { batch.addElements(table, map, elements) }
        return batch
    }

    /// Before anything else: nobody outside speaks to a container's own address, and no container to our loopback.
    private func addGuard(_ batch: inout NftBatch) {
        batch.addChain(table, "guard", .init(type: "filter", point: .prerouting, priority: -300))
        batch.addRule(table, "guard", .routedOutput(prefix: uplinkPrefix), [.verdict(.drop)])
        batch.addRule(table, "guard", .input(uplinkPrefix, isPrefix: true), .toLoopback, [.verdict(.drop)])
    }

    private func addTranslation(_ batch: inout NftBatch) {
        // Registers 8 and on: the key goes in, the value comes out where it began.
        let byAddress: [NftExpression] = [
            .payload(.network, offset: 16, length: 4, register: 8), .meta(.transport, register: 9),
            .payload(.transport, offset: 2, length: 2, register: 10),
            .lookup(set: HostRuleset.addressMap, register: 8, destination: 8),
            .destinationTranslation(address: 8, port: 9),
        ]
        let byPort: [NftExpression] = [
            .meta(.transport, register: 8), .payload(.transport, offset: 2, length: 2, register: 9),
            .lookup(set: HostRuleset.anyMap, register: 8, destination: 8), .destinationTranslation(address: 8, port: 9),
        ]
        batch.addChain(table, "prerouting", .init(type: "nat", point: .prerouting, priority: -100))
        // A packet from outside to 127.0.0.1 would be translated before the kernel finds it impossible.
        batch.addRule(
            table, "prerouting", .input("lo", isEqual: false), .toLoopback, [.verdict(.leave)])
        batch.addRule(table, "prerouting", byAddress)
        batch.addRule(table, "prerouting", .toThisHost, byPort)
        batch.addChain(table, "output", .init(type: "nat", point: .output, priority: -100))
        batch.addRule(table, "output", byAddress)
        batch.addRule(table, "output", .toThisHost, byPort)
        batch.addChain(table, "postrouting", .init(type: "nat", point: .postrouting, priority: 100))
        batch.addRule(table, "postrouting", .input(uplinkPrefix, isPrefix: true), [.masquerade])
        batch.addRule(table, "postrouting", .fromLoopback, .output(uplinkPrefix, isPrefix: true), [.masquerade])
    }

    private func addForward(_ batch: inout NftBatch) {
        if guarded.isEmpty { return }
        batch.addSet(table, HostRuleset.guardedSet, key: [.linkName])
        batch.addElements(table, HostRuleset.guardedSet, guarded.sorted().map { NftBatch.Element(linkName: $0) })
        batch.addChain(table, "forward", .init(type: "filter", point: .forward, priority: 0))
        batch.addRule(
            table, "forward",
            [
                .meta(.inputName, register: 8), .lookup(set: HostRuleset.guardedSet, register: 8, destination: nil),
                .meta(.outputName, register: 8), .lookup(set: HostRuleset.guardedSet, register: 8, destination: nil),
                .verdict(.drop),
            ])
    }

    /// By map, in a fixed order.
    private func elements(_ forwards: [Forward]) -> [(String, [NftBatch.Element])] {
        let sorted = forwards.sorted { $0.port.key < $1.port.key }
        func elements(_ isAny: Bool) -> [NftBatch.Element] {
            sorted.filter { ($0.port.hostAddress == .any) == isAny }.map { forward in
                let port = forward.port
                let key = [port.transport == .udp ? 17 : 6, 0, 0, 0] + HostRuleset.field(port.hostPort)
                return NftBatch.Element(
                    key: (isAny ? [] : port.hostAddress.bytes) + key,
                    value: forward.address.bytes + HostRuleset.field(port.containerPort))
            }
        }
        return [(HostRuleset.anyMap, elements(true)), (HostRuleset.addressMap, elements(false))].filter {
            !$0.1.isEmpty
        }
    }

    private static func field(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 255), 0, 0] }
}

extension PublishedPort {
    /// What can lead to one container only.
    package struct Key: Hashable, Sendable, Comparable {
        var address: IPv4Address
        var transport: TransportProtocol
        var port: UInt16
        package static func < (a: Key, b: Key) -> Bool {
            (a.address, a.transport, a.port) < (b.address, b.transport, b.port)
        }
    }

    package var key: Key { Key(address: hostAddress, transport: transport, port: hostPort) }
}

/// Inside a sandbox: port 53 of the name server's address leads to wherever it really listens, so that a container's
/// own server can have port 53 for itself.
enum SandboxRules {
    static let table = "berth"

    static func redirect(datagram: UInt16, stream: UInt16) -> NftBatch {
        var batch = NftBatch()
        batch.addTable(table)
        batch.addChain(table, "output", .init(type: "nat", point: .output, priority: -100))
        for (transport, port) in [(UInt8(17), datagram), (UInt8(6), stream)] {
            batch.addRule(
                table, "output", .destination(NameServer.address), .destinationPort(53, transport: transport),
                [
                    .load(register: 8, NameServer.address), .load(register: 9, [UInt8(port >> 8), UInt8(port & 255)]),
                    .destinationTranslation(address: 8, port: 9),
                ])
        }
        return batch
    }
}
