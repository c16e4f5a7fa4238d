// Host ports held by bound sockets, all of them before anything else happens.
import BerthLinux
import BerthModel

/// A host port that is held by a bound socket.
package struct HeldPort: Sendable {
    package var port: PublishedPort
    package var socket: SharedDescriptor
}

extension NetworkService {
    package func reserve(_ mappings: [PortMapping], owner: String) throws -> [HeldPort] {
        try mappings.compactMap { mapping in
            if let text = mapping.hostAddress, text.contains(":") { return nil }  // IPv6 addresses: later
            let address = mapping.hostAddress.flatMap { IPv4Address($0) } ?? .any
            guard mapping.transport != .sctp else {
                throw BerthError(
                    .unsupported, "publishing port \(mapping.target)/sctp", subject: owner,
                    cause: "sctp is not supported yet")
            }
            return try reserve(mapping, address, owner)
        }
    }

    /// A shim that is just leaving still holds its copy of the socket for a moment.
    private func patientBind(_ address: IPv4Address, _ port: UInt16, datagram: Bool, isOnly: Bool) throws(SystemError)
        -> SharedDescriptor
    {
        for _ in 0..<20 where isOnly {
            do { return try InternetSocket.bind(address.bytes, port: port, datagram: datagram) } catch {
                guard error.isAddressInUse, ListeningPorts.holder(of: port, datagram: datagram) == nil else { break }
                Pause.milliseconds(10)
            }
        }
        return try InternetSocket.bind(address.bytes, port: port, datagram: datagram)
    }

    private func reserve(_ mapping: PortMapping, _ address: IPv4Address, _ owner: String) throws -> HeldPort {
        let datagram = mapping.transport == .udp
        var failure: SystemError?
        for candidate in mapping.published.map(Array.init) ?? [0] {
            do {
                let socket = try patientBind(
                    address, candidate, datagram: datagram, isOnly: mapping.published?.count == 1)
                let port = candidate == 0 ? InternetSocket.port(socket.number) : candidate
                return HeldPort(
                    port: PublishedPort(
                        hostAddress: address, hostPort: port, containerPort: mapping.target,
                        transport: mapping.transport),
                    socket: socket)
            } catch {
                failure = error
            }
        }
        let wanted =
            mapping.published.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" } ?? "0"
        let subject = "\(address):\(wanted)/\(mapping.transport.rawValue)"
        if failure?.isAddressMissing == true {
            throw BerthError(
                .invalid, "publishing \(subject) for \(owner)", subject: subject,
                cause: "this host has no address \(address)")
        }
        let holder = mapping.published.flatMap { ListeningPorts.holder(of: $0.lowerBound, datagram: datagram) }
        throw BerthError(
            .conflict, "publishing \(subject) for \(owner)", subject: subject,
            cause: "Bind for \(address):\(wanted) failed: address already in use" + (holder.map { " by \($0)" } ?? ""),
            hint: "stop what uses the port, or publish another one")
    }
}
