// The host's own switches: sysctls, forwarding with its way back, who holds a port.
import BerthLinux
import BerthModel

/// The namespace whose uplinks, rules and ports are meant by "the host": ours, or a test's.
struct HostNamespace: Sendable {
    let namespace: SharedDescriptor?
    init(_ namespace: SharedDescriptor?) { self.namespace = namespace }

    func run<Result>(_ body: @escaping () throws(SystemError) -> Result) throws(SystemError) -> Result {
        guard let namespace else { return try body() }
        return try NetworkNamespace.inside(namespace, body)
    }

    /// For bodies that cannot fail; nothing happens where the namespace cannot be entered.
    func change(_ body: @escaping () -> Void) {
        guard let namespace else { return body() }
        try? NetworkNamespace.inside(namespace) { () throws(SystemError) in body() }
    }
}

enum KernelSettings {
    /// `lo` is the first link of every namespace.
    static let loopbackIndex: UInt32 = 1

    /// In the calling thread's namespace. Ignored where the kernel has no such setting.
    static func set(_ name: String, _ value: String) { try? FileIO.writeKernel("/proc/sys/\(name)", value) }

    /// Links that are made from now on have no IPv6: no link-local addresses, no router advertisements believed.
    static func quietIPv6() {
        set("net/ipv6/conf/default/disable_ipv6", "1")
        set("net/ipv6/conf/default/accept_ra", "0")
        set("net/ipv6/conf/all/accept_ra", "0")
    }
}

/// `ip_forward`: what it was, and which links there were, is on disk until the last network is gone, so that another
/// agent can put it back.
struct IPForwarding: Sendable {
    let host: HostNamespace
    let record: String
    /// What links of any world begin with, and those of ours.
    let uplinkPrefix: String
    let worldPrefix: String
    private static let path = "/proc/sys/net/ipv4/ip_forward"

    func turnOn() {
        let now = value()
        guard let now, now != "1" else { return }
        let links = linkNames().filter { !$0.hasPrefix(uplinkPrefix) && $0 != "lo" }
        try? FileIO.replace(record, Array(([now] + links).joined(separator: "\n").utf8), durable: false)
        host.change { KernelSettings.set("net/ipv4/ip_forward", "1") }
    }

    /// Links between which nothing was forwarded before us; empty where the host forwarded anyway.
    var guarded: [String] { Array(lines().dropFirst()) }

    /// Puts back what was, unless others have come to need it: links that were not there, other worlds' networks.
    func restore() {
        let lines = lines()
        guard let before = lines.first else { return }
        let known = Set(lines.dropFirst())
        let others = linkNames().filter { $0 != "lo" && !known.contains($0) && !$0.hasPrefix(worldPrefix) }
        if others.isEmpty { host.change { KernelSettings.set("net/ipv4/ip_forward", before) } }
        try? Directory.remove(record)
    }

    private func value() -> String? {
        (try? host.run { () throws(SystemError) in try FileIO.readText(IPForwarding.path) })?.filter { $0 != "\n" }
    }

    private func lines() -> [String] {
        ((try? FileIO.readText(record)) ?? "").split(separator: "\n").map(String.init)
    }

    private func linkNames() -> [String] {
        ((try? RouteSocket.inside(host.namespace).links()) ?? []).map(\.name)
    }
}

/// Who has a port of the host.
enum PortHolder {
    /// The process that has it, by name and number; nil: nobody that we can see.
    static func find(_ host: HostNamespace, port: UInt16, datagram: Bool) -> String? {
        let listeners = (try? SocketDiagnostics.listeners(host.namespace, datagram: datagram)) ?? []
        let inodes = Set(listeners.filter { $0.port == port && $0.inode != 0 }.map { "socket:[\($0.inode)]" })
        if inodes.isEmpty { return nil }
        for entry in (try? Directory.names("/proc")) ?? [] where Int32(entry) != nil {
            for number in (try? Directory.names("/proc/\(entry)/fd")) ?? [] {
                guard let target = try? Directory.readLink("/proc/\(entry)/fd/\(number)"), inodes.contains(target)
                else {
                    continue
                }
                let command = ((try? FileIO.readText("/proc/\(entry)/comm")) ?? "").filter { $0 != "\n" }
                return "\(command) (process \(entry))"
            }
        }
        return nil
    }
}
