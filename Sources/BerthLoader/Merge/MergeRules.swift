// How two values of one key become one, and which items of a list are the same thing: by tree path, a row each.
import BerthModel

/// Where it is not the usual rule: maps recurse, lists append, single values replace.
enum MergeRule: Sendable {
    /// The later one wins whole.
    case replace
    /// `KEY=VALUE` lists, maps and single texts as one list; what is the same is found afterwards.
    case sequence
    /// As a sequence, without what the earlier one has in the same words.
    case hosts
    /// A text is the context.
    case build
    /// Names or a map of them; names stand for the long form with defaults.
    case dependencies, names
    /// Options are merged only where the driver is the same.
    case logging
    /// A number, or soft and hard.
    case ulimit
    /// By subnet.
    case addressPools

    static let rules = RuleTree<MergeRule>([
        ("networks.*.ipam.config", .addressPools),
        ("networks.*.labels", .sequence),
        ("volumes.*.labels", .sequence),
        ("services.*.annotations", .sequence),
        ("services.*.build", .build),
        ("services.*.build.args", .sequence),
        ("services.*.build.additional_contexts", .sequence),
        ("services.*.build.extra_hosts", .hosts),
        ("services.*.build.labels", .sequence),
        ("services.*.command", .replace),
        ("services.*.depends_on", .dependencies),
        ("services.*.deploy.labels", .sequence),
        ("services.*.dns", .sequence),
        ("services.*.dns_opt", .sequence),
        ("services.*.dns_search", .sequence),
        ("services.*.entrypoint", .replace),
        ("services.*.env_file", .sequence),
        ("services.*.environment", .sequence),
        ("services.*.extra_hosts", .hosts),
        ("services.*.healthcheck.test", .replace),
        ("services.*.label_file", .sequence),
        ("services.*.labels", .sequence),
        ("services.*.logging", .logging),
        ("services.*.models", .names),
        ("services.*.networks", .names),
        ("services.*.sysctls", .sequence),
        ("services.*.tmpfs", .sequence),
        ("services.*.ulimits.*", .ulimit),
        ("services.*.volumes.*.volume.labels", .sequence),
    ])
}

/// What makes two items of a list the same: the later one then takes the earlier one's place.
enum ItemIdentity: Sendable {
    /// The key of `KEY=VALUE`; a text without a value is its own key.
    case key
    case whole
    case port, expose
    case mountTarget, deviceTarget
    /// The target of a secret or config; the directory of those without one.
    case material(String)
    case envFile

    static let rules = RuleTree<ItemIdentity>(
        [
            "networks.*.labels", "volumes.*.labels", "services.*.annotations", "services.*.build.args",
            "services.*.build.additional_contexts",
            "services.*.build.labels", "services.*.deploy.labels", "services.*.dns", "services.*.dns_opt",
            "services.*.dns_search", "services.*.environment", "services.*.labels", "services.*.links",
            "services.*.networks.*.aliases", "services.*.networks.*.link_local_ips", "services.*.profiles",
            "services.*.sysctls", "services.*.tmpfs", "services.*.cap_add", "services.*.cap_drop",
            "services.*.build.tags",
        ].map { ($0, .key) } + [
            ("services.*.configs", .material("")), ("services.*.secrets", .material("/run/secrets")),
            ("services.*.devices", .deviceTarget), ("services.*.env_file", .envFile), ("services.*.expose", .expose),
            ("services.*.ports", .port), ("services.*.volumes", .mountTarget),
        ])

    /// Nil, with a remark, where the item has none.
    func of(_ node: Node, _ path: TreePath, _ remarks: Remarks) -> String? {
        switch (self, node.value) {
        case (.key, .string(let text)):
            return text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
                ?? text
        case (.whole, .string(let text)): return text
        case (.expose, .string(let text)), (.port, .string(let text)), (.port, .time(let text)): return text
        case (.expose, .int(let number)), (.port, .int(let number)): return "\(number)"
        case (.port, .mapping): return portIdentity(node)
        case (.mountTarget, .mapping):
            guard let target = node["target"]?.string else {
                remarks.error(node.mark, path, "a mount needs a target", suggestion: "add target:")
                return nil
            }
            return target
        case (.mountTarget, .string): return ShortVolume.parse(node, path, remarks)?.target
        case (.deviceTarget, .mapping):
            guard let target = node["target"]?.string else {
                remarks.error(node.mark, path, "a device needs a target", suggestion: "add target:")
                return nil
            }
            return target
        case (.deviceTarget, .string(let text)): return ShortDevice.parse(text)?.target ?? text
        case (.material(let directory), .string(let text)): return "\(directory)/\(text)"
        case (.material(let directory), .mapping):
            return node["target"]?.string ?? "\(directory)/\(node["source"]?.string ?? "")"
        case (.envFile, .string(let text)): return text
        case (.envFile, .mapping):
            guard let name = node["path"]?.string else {
                remarks.error(node.mark, path, "an env file needs a path", suggestion: "add path:")
                return nil
            }
            return name
        default:
            remarks.error(
                node.mark, path, "expected text, found \(node.kindName)",
                suggestion: node.scalarText == nil ? nil : "write it in quotes")
            return nil
        }
    }

    private func portIdentity(_ node: Node) -> String? {
        let published = node["published"]?.scalarText ?? ""
        let address = node["host_ip"]?.string ?? "0.0.0.0"
        let transport = node["protocol"]?.string ?? "tcp"
        return "\(address):\(published):\(node["target"]?.scalarText ?? "")/\(transport)"
    }
}
