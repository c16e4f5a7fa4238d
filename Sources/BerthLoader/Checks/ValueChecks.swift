// Values that are right by their shape and wrong all the same: a row each.
import BerthModel

struct ValueChecks {
    let remarks: Remarks

    private enum Rule: Sendable { case volume, config, secret, address, watchPath, device, mount }

    private static let rules = RuleTree<Rule>([
        ("volumes.*", .volume),
        ("configs.*", .config),
        ("secrets.*", .secret),
        ("services.*.ports.*.host_ip", .address),
        ("services.*.develop.watch.*.path", .watchPath),
        ("services.*.deploy.resources.reservations.devices.*", .device),
        ("services.*.gpus.*", .device),
        ("services.*.volumes.*", .mount),
    ])

    func run(_ root: Node) {
        root.visit(ValueChecks.rules) { node, rule, path in
            switch rule {
            case .volume: volume(node, path)
            case .config: sources(node, path, ["file", "environment", "content"])
            case .secret: sources(node, path, ["file", "environment"])
            case .address:
                if let text = node.string, !AddressText.isAddress(text) {
                    remarks.error(
                        node.mark, path, "\"\(text)\" is not an IP address",
                        suggestion: "leave host_ip out for every address")
                }
            case .watchPath:
                if node.string == "" { remarks.error(node.mark, path, "a watched path is not empty") }
            case .mount:
                if node["type"]?.string == "bind", node["source"] == nil {
                    remarks.error(
                        node.mark, path, "a bind needs a source", suggestion: "add source: with a path of the host")
                }
            case .device:
                if node["count"] != nil, let ids = node["device_ids"] {
                    remarks.error(
                        ids.mark, path, "count and device_ids exclude each other", suggestion: "keep one of them")
                }
            }
        }
    }

    private func volume(_ node: Node, _ path: TreePath) {
        guard node["external"]?.bool == true, let entries = node.entries else { return }
        for entry in entries where !["name", "external"].contains(entry.key) && !entry.key.hasPrefix("x-") {
            remarks.error(
                entry.mark, path.key(entry.key), "an external volume exists already, and \(entry.key) would change it",
                suggestion: "keep name and external alone")
        }
    }

    private func sources(_ node: Node, _ path: TreePath, _ keys: [String]) {
        guard let entries = node.entries else { return }
        let given = entries.filter { keys.contains($0.key) }
        if given.count > 1 {
            remarks.error(
                given[1].mark, path, "\(given.map(\.key).joined(separator: " and ")) exclude each other",
                suggestion: "keep one of them")
        } else if given.isEmpty, node["driver"] == nil, node["external"] == nil {
            remarks.error(
                node.mark, path, "it says nothing about its content",
                suggestion: "give one of \(keys.joined(separator: ", "))")
        }
    }
}
