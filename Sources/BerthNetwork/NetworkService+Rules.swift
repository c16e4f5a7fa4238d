// What the host's table says, kept as a value: structure as a whole, ports by element, put back when others flush it.
import BerthLinux
import BerthModel
import Synchronization

extension NetworkService {
    package func setNames(_ endpoints: [(network: String, names: [String], address: IPv4Address, container: String)]) {
        names.setZone(Zone(endpoints))
    }

    /// The published ports that exist from now on, with where they lead.
    package func publish(_ ports: [(port: PublishedPort, address: IPv4Address, network: String)]) async throws {
        let forwards = ports.map { HostRuleset.Forward(port: $0.port, address: $0.address) }
        try await turns.run {
            self.state.withLock { $0.forwards = forwards }
            try self.applyRules()
        }
    }

    /// Brings the host's table to what the state asks for; says nothing to the kernel when it is there already.
    func applyRules() throws { try applying.withLock { _ in try applyRulesLocked() } }

    private func applyRulesLocked() throws {
        do {
            if let wanted = wantedRules() { try install(wanted) } else { try removeRules() }
        } catch {
            // Whatever the table says now, the next change replaces it whole.
            state.withLock { state in
                state.applied = nil
                state.hasLooked = false
            }
            throw BerthError(
                .internal, "setting the host's packet rules", subject: "table ip \(layout.nftTable)", cause: "\(error)")
        }
    }

    /// Kept once opened: closing one waits until the kernel has taken away what the last transaction removed.
    private func rulesSocket() throws(SystemError) -> NftSocket {
        if let open = state.withLock({ $0.rulesSocket }) { return open }
        let socket = try NftSocket.inside(host.namespace)
        state.withLock { $0.rulesSocket = socket }
        return socket
    }

    /// Nil: no network leads to the host, so nothing is to be said there.
    private func wantedRules() -> HostRuleset? {
        let forwards = state.withLock { state -> [HostRuleset.Forward]? in
            state.networks.values.contains(where: \.hasUplink) ? state.forwards : nil
        }
        guard let forwards else { return nil }
        return HostRuleset(
            table: layout.nftTable, uplinkPrefix: uplinkPrefix, guarded: forwarding.guarded, forwards: forwards)
    }

    private func install(_ wanted: HostRuleset) throws(SystemError) {
        let before = state.withLock { $0.applied }
        if wanted == before { return }
        let socket = try rulesSocket()
        if let before, before.hasSameStructure(as: wanted) {
            try socket.apply(wanted.changes(from: before))
        } else {
            try socket.apply(wanted.batch)
        }
        if before == nil { try doors.open(socket, socket.chains()) }
        state.withLock { state in
            state.applied = wanted
            state.hasLooked = true
        }
        watchRules()
    }

    private var doors: HostDoors { HostDoors(comment: layout.nftTable, uplinkPrefix: uplinkPrefix) }

    /// What on this host keeps packets from and to containers, with what to do about it.
    package func obstacles() -> [String] {
        guard state.withLock({ $0.applied }) != nil, let chains = try? rulesSocket().chains() else { return [] }
        return doors.obstacles(chains, own: layout.nftTable)
    }

    /// An agent that was killed may have left its table: the first time, the kernel is asked.
    private func removeRules() throws(SystemError) {
        let mayExist = state.withLock { $0.applied != nil || !$0.hasLooked }
        if mayExist {
            let socket = try rulesSocket()
            if try socket.hasTable(layout.nftTable) { try socket.apply(HostRuleset.removal(layout.nftTable)) }
            try doors.close(socket)
        }
        forwarding.restore()
        state.withLock { state in
            state.applied = nil
            state.hasLooked = true
        }
    }

    /// From the first table on: a flush of the whole ruleset, or a reload of somebody's firewall, is answered at once.
    private func watchRules() {
        names.watch(host) { [weak self] bytes in
            guard let self else { return }
            if NetlinkMonitor.removedTables(bytes).contains(self.layout.nftTable) { self.reassert() }
            if NetlinkMonitor.changes(bytes, table: HostDoors.table) { self.reassertWhenSettled() }
        }
    }

    /// Who makes a chain anew empties it first, and could not remove it with a rule of ours in it: they finish before
    /// we look.
    private func reassertWhenSettled() {
        let number = state.withLock { state in
            state.foreignChanges += 1
            return state.foreignChanges
        }
        names.later(milliseconds: NetworkService.settlingMilliseconds) { [weak self] in
            guard let self, self.state.withLock({ $0.foreignChanges }) == number else { return }
            self.reassert()
        }
    }

    private static let settlingMilliseconds: Int64 = 500

    /// Puts back what should be there and is not: our table, and our entries in chains that somebody made anew.
    private func reassert() { applying.withLock { _ in reassertLocked() } }

    private func reassertLocked() {
        let wanted = state.withLock { $0.applied }
        guard let wanted, let socket = try? rulesSocket() else { return }
        if (try? socket.hasTable(wanted.table)) == false { try? socket.apply(wanted.batch) }
        // Ignored: the next change of the table is another occasion.
        if let chains = try? socket.chains() { try? doors.open(socket, chains) }
    }
}
