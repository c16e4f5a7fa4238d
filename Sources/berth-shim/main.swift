// The shim's start: take the first message, hide from the container, monitor until the end.
import BerthLinux
import CLinux

clinux_ignore_signal(SIGPIPE)
clinux_ignore_signal(SIGHUP)
clinux_ignore_signal(SIGINT)
clinux_ignore_signal(SIGTERM)
// No process of the container may read this one's memory or descriptors, not even while it joins.
Privileges.hideProcess()
umask(0o022)

/// The number at which the agent passes the connection.
let agentDescriptorNumber: Int32 = 3

do {
    // The program itself, which it was executed from.
    close(4)
    let packet = try PacketSocket.receive(agentDescriptorNumber)
    guard try ShimMessage(decoding: packet.payload) == .start, let memory = packet.descriptors.first else { exit(2) }
    let start = try ShimStart(decoding: try FileIO.read(number: memory.number, limit: 16 << 20))
    let monitor = Monitor(
        start, descriptors: Array(packet.descriptors.dropFirst()),
        agent: SharedDescriptor(Descriptor(owning: agentDescriptorNumber)))
    monitor.run()
} catch {
    // Nobody is there to tell but the descriptor that the agent gave us as standard error.
    let text = "berth-shim: \(error)\n"
    _ = text.withCString { write(2, $0, strlen($0)) }
    exit(2)
}
