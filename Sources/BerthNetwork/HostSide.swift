// The host's own switches: sysctls, forwarding with its way back, the nft program, who holds a port.
import BerthLinux
import BerthModel

enum KernelSettings {
    /// In the calling thread's namespace. Ignored where the kernel has no such setting.
    static func set(_ name: String, _ value: String) { try? FileIO.writeKernel("/proc/sys/\(name)", value) }

    /// Links that are made from now on have no IPv6: no link-local addresses, no router advertisements believed.
    static func quietIPv6() {
        set("net/ipv6/conf/default/disable_ipv6", "1")
        set("net/ipv6/conf/default/accept_ra", "0")
    }
}

/// `ip_forward`: what it was is on disk until the last network is gone, so that another agent can put it back.
struct IPForwarding: Sendable {
    let record: String
    private static let path = "/proc/sys/net/ipv4/ip_forward"

    func turnOn() {
        let now = ((try? FileIO.readText(IPForwarding.path)) ?? "").filter { $0 != "\n" }
        if now == "1" { return }
        try? FileIO.replace(record, Array(now.utf8), durable: false)
        try? FileIO.writeKernel(IPForwarding.path, "1")
    }

    func restore() {
        guard let before = try? FileIO.readText(record) else { return }
        try? FileIO.writeKernel(IPForwarding.path, before)
        try? Directory.remove(record)
    }
}

enum NftProgram {
    private static let places = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"]

    /// One transaction; all or nothing.
    static func apply(_ script: String) throws {
        guard let program = places.first(where: { (try? FileStatus.of($0)) != nil }) else {
            throw BerthError(
                .notFound, "setting up port forwarding", cause: "nft is not installed", hint: "apt-get install nftables"
            )
        }
        let input = try FileIO.sealedMemory("nft", Array(script.utf8))
        let output = try Process.pipe()
        let child = try Process.spawn(
            program, ["nft", "-f", "-"], descriptors: [input.number, output.write.number, output.write.number])
        let code = try Process.wait(child)
        if code == 0 { return }
        let words = (try? FileIO.readAvailable(number: output.read.number, limit: 8192)) ?? []
        throw BerthError(
            .internal, "applying the host's network rules",
            cause: "nft says: \(String(decoding: words, as: UTF8.self).prefix(400))")
    }
}

package enum ListeningPorts {
    /// Ports of listening TCP sockets in a namespace that are bound to more than loopback.
    static func inside(_ namespace: SharedDescriptor) -> Set<UInt16> {
        let tables = try? NetworkNamespace.inside(namespace) { () throws(SystemError) in
            [
                (try? FileIO.readText("/proc/thread-self/net/tcp")) ?? "",
                (try? FileIO.readText("/proc/thread-self/net/tcp6")) ?? "",
            ]
        }
        return Set((tables ?? []).flatMap { listeners($0).filter { !$0.isLoopback }.map(\.port) })
    }

    struct Listener: Equatable { var port: UInt16; var isLoopback: Bool; var inode: String }

    static func listeners(_ table: String) -> [Listener] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A" else { return nil }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, let port = UInt16(local[1], radix: 16) else { return nil }
            // IPv4 is printed in host order: 127.x is at the end. IPv6 ::1, and 127.x mapped.
            let address = local[0]
            let loopback =
                address.count == 8
                ? address.hasSuffix("7F")
                : address == "00000000000000000000000001000000"
                    || address.hasPrefix("0000000000000000FFFF0000") && address.hasSuffix("7F")
            return Listener(port: port, isLoopback: loopback, inode: String(fields[9]))
        }
    }

    /// The process that listens on a port of this namespace, by name and number; nil: nobody that we can see.
    static func holder(of port: UInt16, datagram: Bool) -> String? {
        let name = datagram ? "udp" : "tcp"
        var inodes: Set<String> = []
        for suffix in ["", "6"] {
            let table = (try? FileIO.readText("/proc/self/net/\(name)\(suffix)")) ?? ""
            for line in table.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9,
                    let own = fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) }), own == port
                else { continue }
                inodes.insert("socket:[\(fields[9])]")
            }
        }
        if inodes.isEmpty { return nil }
        for entry in (try? Directory.names("/proc")) ?? [] where Int32(entry) != nil {
            for number in (try? Directory.names("/proc/\(entry)/fd")) ?? [] {
                guard let target = try? Directory.readLink("/proc/\(entry)/fd/\(number)"), inodes.contains(target)
                else { continue }
                let command = ((try? FileIO.readText("/proc/\(entry)/comm")) ?? "").filter { $0 != "\n" }
                return "\(command) (process \(entry))"
            }
        }
        return nil
    }
}
