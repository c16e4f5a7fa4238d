// Other owners' forward rules: a drop in one base chain is final, whatever our table accepts. Where an owner leaves a
// place for others' rules, ours go there; elsewhere the host's owner is told which rule stands in the way.
import BerthLinux

/// Our entries in the chains that Docker and ufw leave to others.
struct HostDoors {
    static let table = "filter"
    private static let chains = ["DOCKER-USER", "ufw-user-forward"]
    /// Links of Docker's: what comes from our containers is none of their business. What goes to ours is published.
    private static let dockerLinks = [("docker0", false), ("br-", true)]

    /// On every rule of ours in somebody else's chain.
    let comment: String
    let uplinkPrefix: String

    /// Puts in what is missing.
    func open(_ socket: NftSocket, _ all: [NftChain]) throws(SystemError) {
        for chain in present(all) {
            let ours = try socket.rules(HostDoors.table, chain, comment: comment)
            if ours.count == 2 { continue }
            var batch = NftBatch()
            for handle in ours { batch.removeRule(HostDoors.table, chain, handle: handle) }
            batch.insertRule(
                HostDoors.table, chain, comment: comment, .output(uplinkPrefix, isPrefix: true), [.verdict(.accept)])
            batch.insertRule(
                HostDoors.table, chain, comment: comment, .input(uplinkPrefix, isPrefix: true),
                HostDoors.dockerLinks.flatMap { [NftExpression].output($0.0, isPrefix: $0.1, isEqual: false) },
                [.verdict(.accept)])
            try socket.apply(batch)
        }
    }

    func close(_ socket: NftSocket) throws(SystemError) {
        for chain in present(try socket.chains()) {
            var batch = NftBatch()
            for handle in try socket.rules(HostDoors.table, chain, comment: comment) {
                batch.removeRule(HostDoors.table, chain, handle: handle)
            }
            try socket.apply(batch)
        }
    }

    private func present(_ all: [NftChain]) -> [String] {
        HostDoors.chains.filter { name in
            all.contains { $0.family == .ip && $0.table == HostDoors.table && $0.name == name }
        }
    }

    /// What drops forwarded packets and has no place for us: one sentence each.
    func obstacles(_ all: [NftChain], own: String) -> [String] {
        let hasDoor = !present(all).isEmpty
        return all.filter { chain in
            chain.point == .forward && chain.drops && chain.family != nil && chain.table != own
                && !(hasDoor && chain.family == .ip && chain.table == HostDoors.table)
        }.map { chain in
            let place = "\(chain.family == .inet ? "inet" : "ip") \(chain.table) \(chain.name)"
            return
                "the host drops forwarded packets (chain \(place), policy drop): containers reach nothing outside, and "
                + "other hosts no published port; allow them with: "
                + "nft insert rule \(place) iifname \"\(uplinkPrefix)*\" accept; "
                + "nft insert rule \(place) oifname \"\(uplinkPrefix)*\" accept"
        }
    }
}
