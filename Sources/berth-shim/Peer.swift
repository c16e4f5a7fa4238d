// One connection: the agent's or a client's.
import BerthLinux
import CLinux

final class Peer {
    let socket: SharedDescriptor
    var isAgent = false

    init(socket: SharedDescriptor) { self.socket = socket }

    /// Sends without ever waiting for the other end: a peer that does not read loses the message, not us our time.
    func send(_ message: ShimMessage, descriptors: [Int32] = []) {
        // Ignored: a peer that is gone is noticed when its socket is read.
        try? PacketSocket.send(socket.number, message.encoded, descriptors: descriptors)
    }
}

extension Monitor {
    func add(_ peer: Peer) {
        peers[peer.socket.number] = peer
        watch(peer.socket.number) { [unowned self] in self.receive(from: peer) }
    }

    func acceptPeer() {
        guard let listener, let socket = try? PacketSocket.accept(listener.number) else { return }
        let shared = SharedDescriptor(socket)
        // The socket's mode says it already; whoever got around it is still not our user.
        guard let user = try? PacketSocket.peerUserID(shared.number), user == Process.effectiveUserID else { return }
        add(Peer(socket: shared))
    }

    private func receive(from peer: Peer) {
        do {
            let packet = try PacketSocket.receive(peer.socket.number, wait: false)
            if packet.payload.isEmpty && packet.descriptors.isEmpty { return drop(peer) }
            let message = try ShimMessage(decoding: packet.payload)
            answer(message, packet.descriptors, peer)
        } catch let error as SystemError {
            if error.errno != EAGAIN { drop(peer) }
        } catch {
            // Not our language: whoever it is has no business here.
            drop(peer)
        }
    }

    func drop(_ peer: Peer) {
        unwatch(peer.socket.number)
        peers[peer.socket.number] = nil
        sinks.removeAll { $0.peer == peer.socket.number }
        for exec in execs.values where exec.peer === peer { exec.peer = nil }
        if peer.isAgent && !peers.values.contains(where: { $0.isAgent }) && !agentSaidGoodbye && !hasFailed {
            reviveAgent()
        }
    }

    private func answer(_ message: ShimMessage, _ descriptors: [SharedDescriptor], _ peer: Peer) {
        switch message {
        case .adopt:
            for other in peers.values where other.isAgent { other.isAgent = false }
            peer.isAgent = true
            agentSaidGoodbye = false
            endRevival()
            peer.send(
                .status(
                    processID: child == nil ? 0 : childProcessID, startedNanoseconds: startedNanoseconds,
                    keepsakes: start.keepsakes, exit: exit),
                descriptors: keepsakes.map(\.number))
        case .bye: agentSaidGoodbye = true
        case .acknowledgeExit: exitAcknowledged = true
        case .signal(let number):
            // Ignored: a process that has ended needs no signal; its end is on its way.
            if let child { try? Process.signal(child.descriptor.number, number) }
        case .attach(let wantsInput): attach(peer, descriptors, wantsInput: wantsInput)
        case .resize(let exec, let rows, let columns): resize(exec, rows, columns)
        case .prepareExec(let id, let tty): prepareExec(id, tty: tty, descriptors, peer)
        case .startExec(let id):
            takeAgentMessages(until: id)
            startExec(id, descriptors, peer)
        case .signalExec(let id, let number):
            if let exec = execs[id], let descriptor = exec.descriptor { try? Process.signal(descriptor.number, number) }
        default: peer.send(.refused("not a message for a shim"))
        }
    }

    /// The agent has sent the program before it told the client of it; the two sockets may still be read
    /// in either order.
    private func takeAgentMessages(until id: String) {
        guard let agent = peers.values.first(where: { $0.isAgent }) else { return }
        var messagesLeft = 64
        while execs[id] == nil && messagesLeft > 0 && peers[agent.socket.number] != nil {
            receive(from: agent)
            messagesLeft -= 1
        }
    }

    /// Output pipes first (stdout, and stderr where there is no terminal), then one for input.
    private func attach(_ peer: Peer, _ descriptors: [SharedDescriptor], wantsInput: Bool) {
        guard exit == nil else { return peer.send(.refused("the container has ended")) }
        var rest = descriptors
        if !rest.isEmpty { sinks.append(Sink(rest.removeFirst(), stream: "stdout", peer: peer.socket.number)) }
        if !start.tty && !rest.isEmpty {
            sinks.append(Sink(rest.removeFirst(), stream: "stderr", peer: peer.socket.number))
        }
        peer.send(.attached)
        if start.holdUntilAttached && childProcessID == 0 { launch() }
        if wantsInput, let source = rest.first, input != nil { relayInput(source) }
    }

    /// From a client's pipe to the main process; the end of the one closes the other (not a terminal, which others
    /// use).
    private func relayInput(_ source: SharedDescriptor) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        watch(source.number) { [unowned self] in
            let count = read(source.number, &buffer, buffer.count)
            if count > 0, let input {
                // Ignored: a process that closed its input says so by its own means.
                try? FileIO.write(number: input.number, Array(buffer[..<count]))
                return
            }
            self.unwatch(source.number)
            withExtendedLifetime(source) {}
            if !start.tty { self.input = nil }
        }
    }

    private func resize(_ exec: String, _ rows: UInt16, _ columns: UInt16) {
        guard let master = exec.isEmpty ? terminal : execs[exec]?.terminal else { return }
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = clinux_ioctl_pointer(master.number, UInt(CLINUX_TIOCSWINSZ), &size)
    }
}
