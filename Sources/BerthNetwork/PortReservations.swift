// Host ports held by bound sockets, all of them before anything else happens.
import BerthLinux
import BerthModel

/// A host port that is held by a bound socket.
package struct HeldPort: Sendable {
    package var port: PublishedPort
    package var socket: SharedDescriptor
}

extension NetworkService {
    /// All of the ports or none: what was bound is let go when one cannot be had.
    package func reserve(_ mappings: [PortMapping], owner: String) throws -> [HeldPort] {
        try mappings.compactMap { mapping in
            if let text = mapping.hostAddress, text.contains(":") { return nil }  // IPv6 addresses: later
            let address = mapping.hostAddress.flatMap { IPv4Address($0) } ?? .any
            guard mapping.transport != .sctp else {
                throw BerthError(
                    .unsupported, "publishing port \(mapping.target)/sctp for \(owner)", subject: owner,
                    cause: "sctp is not supported yet")
            }
            return try reserve(mapping, address, owner)
        }
    }

    /// TCP sockets listen, so that nobody else can bind the port in whatever way, and those of a server that has just
    /// ended do not stand in the way. No connection ever reaches them: packets are led on before.
    private func bind(_ address: IPv4Address, _ port: UInt16, datagram: Bool) throws(SystemError) -> SharedDescriptor {
        try host.run { () throws(SystemError) in
            let socket = try InternetSocket.bind(address.bytes, port: port, datagram: datagram, reuse: !datagram)
            if !datagram { try InternetSocket.listen(socket.number, backlog: 1) }
            return socket
        }
    }

    /// A shim that is just leaving still holds its copy of the socket for a moment.
    private func patientBind(
        _ address: IPv4Address, _ port: UInt16, datagram: Bool, isOnly: Bool
    ) throws(SystemError) -> SharedDescriptor {
        for _ in 0..<20 where isOnly {
            do { return try bind(address, port, datagram: datagram) } catch {
                guard error.isAddressInUse, PortHolder.find(host, port: port, datagram: datagram) == nil else { break }
                Pause.milliseconds(10)
            }
        }
        return try bind(address, port, datagram: datagram)
    }

    private func reserve(_ mapping: PortMapping, _ address: IPv4Address, _ owner: String) throws -> HeldPort {
        let datagram = mapping.transport == .udp
        var failure: SystemError?
        for candidate in mapping.published.map(Array.init) ?? [0, 0, 0] {
            do {
                let isOnly = mapping.published?.count == 1
                let socket = try patientBind(address, candidate, datagram: datagram, isOnly: isOnly)
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
        throw refusal(mapping, address, owner, failure)
    }

    private func refusal(
        _ mapping: PortMapping, _ address: IPv4Address, _ owner: String, _ failure: SystemError?
    ) -> BerthError {
        let wanted =
            mapping.published.map {
                $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
            } ?? "0"
        let subject = "\(address):\(wanted)/\(mapping.transport.rawValue)"
        let message = "publishing \(subject) for \(owner)"
        if failure?.isAddressMissing == true {
            return BerthError(.invalid, message, subject: subject, cause: "this host has no address \(address)")
        }
        if let failure, !failure.isAddressInUse {
            return BerthError(.internal, message, subject: subject, cause: "\(failure)")
        }
        let holder = mapping.published.flatMap {
            PortHolder.find(host, port: $0.lowerBound, datagram: mapping.transport == .udp)
        }
        return BerthError(
            .conflict, message, subject: subject,
            cause: "Bind for \(address):\(wanted) failed: address already in use" + (holder.map { " by \($0)" } ?? ""),
            hint: "stop what uses the port, or publish another one")
    }
}
