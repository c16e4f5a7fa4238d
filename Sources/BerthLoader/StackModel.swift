// The canonical model of a stack: what `config` shows.
import BerthModel

package struct StackModel: Sendable {
    let root: Node
    /// With resources that no service uses.
    let everything: Node
    let inactive: [Node.Entry]
    package let name: String

    /// - Parameter escapesDollars: `$` is doubled, so that the text can be read again.
    package func json(escapesDollars: Bool = true) -> String {
        var printing = Printing()
        printing.escapesDollars = escapesDollars
        return printing.document(root).json + "\n"
    }

    package func yaml(escapesDollars: Bool = true) -> String {
        var printing = Printing()
        printing.escapesDollars = escapesDollars
        printing.form = .yaml
        return printing.document(root).yaml
    }

    private func keys(_ kind: String) -> [String] { CanonicalValue.sorted((root[kind]?.entries ?? []).map(\.key)) }

    package var services: [String] { keys("services") }
    package var volumes: [String] { keys("volumes") }
    package var networks: [String] { keys("networks") }
    package var models: [String] {
        CanonicalValue.sorted((root["models"]?.entries ?? []).compactMap { $0.value["model"]?.string })
    }

    /// Those of active services, with the names that built ones get.
    package var images: [String] {
        CanonicalValue.sorted(
            Set(
                (root["services"]?.entries ?? []).filter { $0.value["provider"] == nil }.map { entry in
                    entry.value["image"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "\(name)-\(entry.key)"
                }))
    }

    /// Of all services, active or not.
    package var profiles: [String] {
        let all = (root["services"]?.entries ?? []) + inactive
        return CanonicalValue.sorted(Set(all.flatMap { $0.value["profiles"]?.items?.compactMap(\.string) ?? [] }))
    }

    /// compose's configuration hash: SHA-256 over its own JSON of the service, without what needs no new container.
    package func hash(of service: String) -> Digest? {
        hashedText(of: service).map { SHA256Digest.digest(of: Array($0.utf8)) }
    }

    func hashedText(of service: String) -> String? {
        guard var node = root["services"]?[service] else { return nil }
        for key in ["build", "pull_policy", "scale", "depends_on", "profiles"] { node.remove(key) }
        node.update("deploy") { $0.remove("replicas") }
        var printing = Printing()
        printing.escapesDollars = false
        return printing.service(node).compact
    }
}
