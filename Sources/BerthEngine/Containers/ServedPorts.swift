// The TCP ports that a container says it serves: published, exposed by its service, or by its image.
import BerthModel

extension ContainerRecord {
    /// Empty: it says nothing, so a listener proves nothing about it.
    var servedPorts: Set<UInt16> {
        var found: Set<UInt16> = Set(ports.filter { $0.transport == .tcp }.map(\.containerPort))
        for exposed in service.expose where exposed.transport == .tcp { found.formUnion(exposed.ports) }
        for text in (imageExecution.ExposedPorts ?? [:]).keys where text.hasSuffix("/tcp") {
            if let port = UInt16(text.dropLast(4)) { found.insert(port) }
        }
        return found
    }
}
