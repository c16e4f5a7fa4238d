// The typed tree as `config` prints it: what is empty is left out, but where compose prints it all the same.

struct Printing {
    /// `$` is doubled, so that the text can be read again.
    var escapesDollars = true
    /// YAML shows extensions and models, and leaves out what JSON always has.
    var form = Form.json

    /// compose's hash is over their names.
    var keepsEnvFiles = false

    enum Form: Sendable { case json, yaml }

    private enum Rule: Sendable {
        /// Printed even when it is empty, false or zero.
        case kept
        /// Left out of JSON, whatever it is.
        case hidden
        /// Left out but for compose's hash.
        case envFiles
        /// Left out: folded into something else.
        case dropped
        /// Keys are names of the user's, x- or not.
        case names
        /// Printed without a value too.
        case nullable
        /// No command, which only JSON shows, is not an empty one.
        case command
        /// Keys that are always there.
        case always([String])
        /// Zero means nothing, but the map is there.
        case ulimit
        /// compose prints these two by the names that its own program has for them.
        case blockRate, blockWeight
        /// Keys and values are the user's: nothing is left out.
        case verbatim
        case zeroDuration
    }

    private static let rules = RuleTree<Rule>(
        [
            ("services", .names), ("networks", .names), ("volumes", .names), ("secrets", .names), ("configs", .names),
            ("services.*.depends_on", .names), ("volumes.*", .kept), ("secrets.*", .kept), ("configs.*", .kept),
            ("models", .hidden), ("services.*", .always(["command", "entrypoint"])), ("services.*.env_file", .envFiles),
            ("services.*.env_file.*.required", .kept),
            ("services.*.label_file", .dropped), ("services.*.pull_refresh_after", .dropped),
            ("networks.*", .always(["ipam"])),
            ("networks.*.ipam.options", .dropped), ("services.*.deploy", .always(["placement", "resources"])),
            ("services.*.develop.watch.*", .always(["exec"])),
            ("services.*.develop.watch.*.exec", .always(["command"])),
            ("services.*.ulimits.*", .ulimit), ("services.*.build.ulimits.*", .ulimit),
            ("services.*.blkio_config.weight_device.*", .blockWeight),
            ("services.*.deploy.update_config.delay", .zeroDuration),
            ("services.*.deploy.update_config.monitor", .zeroDuration),
            ("services.*.deploy.rollback_config.delay", .zeroDuration),
            ("services.*.deploy.rollback_config.monitor", .zeroDuration),
        ]
            + ["device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"].map {
                ("services.*.blkio_config.\($0).*", .blockRate)
            }
            + [
                "init", "attach", "scale", "deploy.replicas", "deploy.update_config.parallelism",
                "deploy.rollback_config.parallelism", "deploy.restart_policy.max_attempts", "healthcheck.retries",
                "depends_on.*.required", "volumes.*.bind", "volumes.*.volume", "volumes.*.tmpfs", "volumes.*.image",
                "healthcheck", "logging", "develop", "build", "provider", "blkio_config",
                "credential_spec", "deploy.resources.limits", "deploy.resources.reservations", "deploy.update_config",
                "deploy.rollback_config", "deploy.restart_policy", "extra_hosts", "build.extra_hosts",
                "deploy.placement.preferences.*",
            ].map { ("services.*.\($0)", .kept) }
            + [
                "command", "entrypoint", "develop.watch.*.exec.command", "post_start.*.command", "pre_stop.*.command",
                "pre_start.*.command",
            ].map { ("services.*.\($0)", .command) }
            + ["networks.*", "models.*"].map { ("services.*.\($0)", .nullable) }
            + [
                "environment", "labels", "annotations", "sysctls", "storage_opt", "logging.options", "build.labels",
                "build.args", "deploy.labels", "build.additional_contexts", "provider.options",
                "networks.*.driver_opts",
                "post_start.*.environment", "pre_stop.*.environment", "pre_start.*.environment",
                "develop.watch.*.exec.environment",
                "volumes.*.volume.labels", "deploy.resources.reservations.devices.*.options", "gpus.*.options",
            ].map { ("services.*.\($0)", .verbatim) }
            + [
                ("networks.*.driver_opts", .verbatim), ("networks.*.labels", .verbatim),
                ("volumes.*.driver_opts", .verbatim),
                ("volumes.*.labels", .verbatim), ("secrets.*.driver_opts", .verbatim), ("secrets.*.labels", .verbatim),
                ("configs.*.labels", .verbatim), ("networks.*.ipam.config.*.aux_addresses", .verbatim),
                ("networks.*.enable_ipv4", .kept), ("networks.*.enable_ipv6", .kept),
            ])

    func document(_ root: Node) -> StackDocument {
        var entries: [(String, StackDocument)] = []
        for key in ["name", "services", "networks", "volumes", "secrets", "configs", "models"] {
            let value = root[key].flatMap { shown($0, Printing.rules.below(key), KeyOrder.rules.below(key)) }
            if let value { entries.append((key, value)) } else if key == "services" { entries.append((key, .map([]))) }
        }
        for entry in (root.entries ?? []).filter({ $0.key.hasPrefix("x-") }).sorted(by: {
            KeyOrder.precedes($0.key, $1.key, form)
        }) {
            entries.append((text(entry.key), whole(entry.value, emptyListsAreNull: form == .json)))
        }
        return .map(entries)
    }

    /// One service, as compose hashes it.
    func service(_ node: Node) -> StackDocument {
        shown(node, Printing.rules.below("services")?.below("*"), KeyOrder.rules.below("services")?.below("*"))
            ?? .map([])
    }

    private func text(_ text: String) -> String {
        escapesDollars && text.utf8.contains(0x24) ? text.replacing("$", with: "$$") : text
    }

    /// Nil: it is left out.
    private func shown(_ node: Node, _ rules: RuleTree<Rule>?, _ order: RuleTree<[String: Int]>?) -> StackDocument? {
        var always: [String] = []
        var isKept = false
        var hasUserKeys = false
        switch rules?.rule {
        case .hidden?: if form == .json { return nil }
        case .dropped?: return nil
        case .envFiles?: if !keepsEnvFiles { return nil }
        case .kept?:
            if node.isNull { return nil }
            isKept = true
        case .nullable?: isKept = true
        case .command?:
            if node.isNull, form == .yaml { return nil }
            isKept = true
        case .names?: hasUserKeys = true
        case .verbatim?:
            let value = whole(node)
            if case .map(let entries) = value, entries.isEmpty { return nil }
            return value
        case .always(let keys)?:
            if node.isNull { return nil }
            if form == .json { always = keys }
            isKept = true
        case .ulimit?: return ulimit(node)
        case .blockRate?: return block(node, "rate", "Rate", empty: .string("0"))
        case .blockWeight?: return block(node, "weight", "Weight", empty: .int(0))
        case .zeroDuration?: if node.string == "0s" { return nil }
        case nil: break
        }
        switch node.value {
        case .null:
            return isKept ? .null : nil
        case .bool(let value): return value || isKept ? .bool(value) : nil
        case .int(let value): return value != 0 || isKept ? .int(value) : nil
        case .unsigned(let value): return .unsigned(value)
        case .float(let value): return value != 0 || isKept ? .float(value) : nil
        case .string(let value), .time(let value): return !value.isEmpty || isKept ? .string(text(value)) : nil
        case .sequence(let items):
            if items.isEmpty { return isKept ? .list([]) : nil }
            return .list(items.map { item in shown(item, rules?.belowIndex, order?.belowIndex) ?? empty(item) })
        case .mapping:
            let result = map(node, rules, order, always, hasUserKeys)
            if case .map(let entries) = result, entries.isEmpty, !isKept { return nil }
            return result
        }
    }

    /// An item of a list is there whatever it is.
    private func empty(_ node: Node) -> StackDocument {
        switch node.value {
        case .mapping: .map([])
        case .sequence: .list([])
        default: whole(node)
        }
    }

    private func map(
        _ node: Node, _ rules: RuleTree<Rule>?, _ order: RuleTree<[String: Int]>?, _ always: [String],
        _ hasUserKeys: Bool
    ) -> StackDocument {
        var result: [(String, StackDocument)] = []
        for entry in node.entries ?? [] {
            if entry.key.hasPrefix("x-"), !hasUserKeys {
                if form == .yaml { result.append((text(entry.key), whole(entry.value))) }
                continue
            }
            if let value = shown(entry.value, rules?.below(entry.key), order?.below(entry.key)) {
                result.append((text(entry.key), value))
            }
        }
        for key in always where !result.contains(where: { $0.0 == key }) {
            let nothing = Node(key == "command" || key == "entrypoint" ? .null : .mapping([]), at: .none)
            result.append((key, shown(nothing, rules?.below(key), order?.below(key)) ?? whole(nothing)))
        }
        return .map(KeyOrder.sort(result, by: order?.rule, form))
    }

    /// Everything, as it is.
    func whole(_ node: Node, emptyListsAreNull: Bool = false) -> StackDocument {
        switch node.value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .unsigned(let value): .unsigned(value)
        case .float(let value): .float(value)
        case .string(let value): .string(text(value))
        case .time(let value): .time(value)
        case .sequence(let items):
            items.isEmpty && emptyListsAreNull
                ? .null : .list(items.map { whole($0, emptyListsAreNull: emptyListsAreNull) })
        case .mapping(let entries):
            .map(
                entries.map { (text($0.key), whole($0.value, emptyListsAreNull: emptyListsAreNull)) }.sorted {
                    KeyOrder.precedes($0.0, $1.0, form)
                })
        }
    }

    private func ulimit(_ node: Node) -> StackDocument {
        if let single = node["single"], case .int(let value) = single.value, value != 0 { return .int(value) }
        var entries: [(String, StackDocument)] = []
        for key in ["soft", "hard"] {
            var bound: Int64 = 0
            if case .int(let value)? = node[key]?.value { bound = value }
            if bound != 0 || form == .yaml { entries.append((key, .int(bound))) }
        }
        return .map(entries)
    }

    private func block(_ node: Node, _ key: String, _ printed: String, empty: StackDocument) -> StackDocument {
        let path = StackDocument.string(text(node["path"]?.string ?? ""))
        if form == .yaml { return .map([("path", path), (key, node[key].map { whole($0) } ?? empty)]) }
        var value = node[key].map { whole($0) } ?? empty
        if case .int(0) = value { value = empty }
        return .map([("Path", path), (printed, value)])
    }
}
