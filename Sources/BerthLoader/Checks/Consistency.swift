// What must agree in one service and across the stack. With the place of each disagreement.
import BerthModel

struct Consistency {
    let root: Node
    /// Services whose profiles are off, by name.
    let inactive: [String: Node]
    let remarks: Remarks

    private var services: [Node.Entry] { root["services"]?.entries ?? [] }

    func run() {
        var names: [String: String] = [:]
        for entry in services {
            let path = TreePath.root.key("services").key(entry.key)
            // What follows from another mistake of the same service is not said.
            let prefix = path.description
            if remarks.diagnostics.contains(where: {
                $0.severity == .error
                    && ($0.path == prefix || $0.path.hasPrefix(prefix + ".") || $0.path.hasPrefix(prefix + "["))
            }) {
                continue
            }
            ServiceConsistency(name: entry.key, service: entry.value, mark: entry.mark, path: path, remarks: remarks)
                .run()
            references(entry, path)
            guard let container = entry.value["container_name"], let name = container.string, !name.isEmpty else {
                continue
            }
            if let other = names[name] {
                remarks.error(
                    container.mark, path.key("container_name"),
                    "container name \"\(name)\" is already in use by \(other)")
            }
            names[name] = entry.key
        }
        for entry in root["secrets"]?.entries ?? [] { secret(entry) }
        DependencyCycles(services: services, remarks: remarks).run()
    }

    private func secret(_ entry: Node.Entry) {
        if entry.value["external"]?.bool == true { return }
        let isExcused = entry.value["driver"] != nil || entry.value["external"] != nil
        if isExcused, entry.value["file"] == nil, entry.value["environment"]?.string ?? "" == "" {
            remarks.error(
                entry.mark, TreePath.root.key("secrets").key(entry.key), "a secret needs file or environment",
                suggestion: "drivers of secrets are for clusters")
        }
    }

    // MARK: References

    private func missing(_ mark: Mark, _ path: TreePath, _ kind: String, _ name: String, _ known: [String]) {
        let near = Spelling.nearest(name, in: known)
        remarks.error(
            mark, path, "\(kind) \"\(name)\" is not defined",
            suggestion: near.map { "did you mean \"\($0)\"?" } ?? "define it under \(kind)s:")
    }

    private func keys(_ kind: String) -> [String] { root[kind]?.entries?.map(\.key) ?? [] }

    private func references(_ entry: Node.Entry, _ path: TreePath) {
        let service = entry.value
        let networks = keys("networks")
        let hasMode = service["network_mode"]?.string ?? "" != ""
        for network in service["networks"]?.entries ?? [] where !hasMode && !networks.contains(network.key) {
            missing(network.mark, path.key("networks"), "network", network.key, networks)
        }
        let volumes = keys("volumes")
        for (number, mount) in (service["volumes"]?.items ?? []).enumerated() where mount["type"]?.string == "volume" {
            guard let source = mount["source"], let name = source.string, !name.isEmpty, !volumes.contains(name) else {
                continue
            }
            missing(source.mark, path.key("volumes").index(number), "volume", name, volumes)
        }
        materials(service["secrets"], "secret", path.key("secrets"))
        materials(service["configs"], "config", path.key("configs"))
        materials(service["build"]?["secrets"], "secret", path.key("build").key("secrets"))
        let models = keys("models")
        for model in service["models"]?.entries ?? [] where !models.contains(model.key) {
            missing(model.mark, path.key("models"), "model", model.key, models)
        }
        dependencies(entry, path)
        contexts(service, path)
    }

    private func materials(_ list: Node?, _ kind: String, _ path: TreePath) {
        let known = keys(kind + "s")
        for (number, item) in (list?.items ?? []).enumerated() {
            guard let source = item["source"], let name = source.string else {
                if item["source"] == nil, item.entries != nil {
                    missing(item.mark, path.index(number), kind, "", known)
                }
                continue
            }
            if !known.contains(name) { missing(source.mark, path.index(number), kind, name, known) }
        }
    }

    private func dependencies(_ entry: Node.Entry, _ path: TreePath) {
        let names = services.map(\.key)
        for dependency in entry.value["depends_on"]?.entries ?? [] {
            let other = dependency.key
            let mark = dependency.mark
            if names.contains(other) { continue }
            if let off = inactive[other] {
                if dependency.value["required"]?.bool == false { continue }
                let profile = off["profiles"]?.items?.first?.string ?? ""
                remarks.error(
                    mark, path.key("depends_on"), "service \(other) is in a profile that is not active",
                    suggestion: "activate it with --profile \(profile)")
            } else {
                missing(mark, path.key("depends_on"), "service", other, names)
            }
        }
    }

    /// `additional_contexts: {base: service:base}`.
    private func contexts(_ service: Node, _ path: TreePath) {
        for context in service["build"]?["additional_contexts"]?.entries ?? [] {
            guard let text = context.value.string, text.hasPrefix("service:") else { continue }
            let name = String(text.dropFirst(8))
            let place = path.key("build").key("additional_contexts").key(context.key)
            guard let other = services.first(where: { $0.key == name }) else {
                missing(context.value.mark, place, "service", name, services.map(\.key))
                continue
            }
            if other.value["build"] == nil {
                remarks.error(context.value.mark, place, "service \(name) is not built", suggestion: "give it build:")
            }
        }
    }
}

/// One service by itself.
struct ServiceConsistency {
    let name: String
    let service: Node
    let mark: Mark
    let path: TreePath
    let remarks: Remarks

    func run() {
        if service["image"]?.string ?? "" == "", service["build"] == nil, service["provider"] == nil {
            remarks.error(
                mark, path, "service \(name) has neither an image nor a build context", suggestion: "give it an image")
        }
        if let mode = service["network_mode"], mode.string ?? "" != "", let networks = service["networks"],
            networks.entries?.isEmpty == false
        {
            remarks.error(
                networks.mark, path.key("networks"), "network_mode and networks exclude each other",
                suggestion: "keep one of them")
        }
        if let inline = service["build"]?["dockerfile_inline"], inline.string ?? "" != "",
            let file = service["build"]?["dockerfile"], file.string ?? "" != ""
        {
            remarks.error(
                inline.mark, path.key("build").key("dockerfile_inline"),
                "dockerfile and dockerfile_inline exclude each other",
                suggestion: "keep one of them")
        }
        platforms()
        health()
        replicas()
        limits()
        watch()
        tmpfs()
    }

    private func platforms() {
        guard let own = service["platform"]?.string, !own.isEmpty, let platforms = service["build"]?["platforms"],
            let list = platforms.items?.compactMap(\.string), !list.isEmpty, !list.contains(own)
        else { return }
        remarks.error(
            platforms.mark, path.key("build").key("platforms"),
            "the platforms do not include the service's own, \(own)",
            suggestion: "add it, or change platform")
    }

    private func health() {
        guard let test = service["healthcheck"]?["test"], let items = test.items, let first = items.first?.string else {
            return
        }
        if !["CMD", "CMD-SHELL", "NONE"].contains(first) {
            remarks.error(
                test.mark, path.key("healthcheck").key("test"),
                "a list begins with CMD, CMD-SHELL or NONE, and this one with \"\(first)\"",
                suggestion: "write [\"CMD\", …], or the command as text")
        }
    }

    private func integer(_ node: Node?) -> Int64? {
        if case .int(let value)? = node?.value { value } else { nil }
    }

    private func replicas() {
        let scale = integer(service["scale"])
        let replicas = integer(service["deploy"]?["replicas"])
        for (key, value) in [("scale", scale), ("deploy.replicas", replicas)] {
            if let value, value < 0 {
                let node = key == "scale" ? service["scale"] : service["deploy"]?["replicas"]
                remarks.error(node?.mark ?? mark, path.key(key), "expected a number from 0 up, found \(value)")
            }
        }
        if let scale, let replicas, scale != replicas, let node = service["scale"] {
            remarks.error(
                node.mark, path.key("scale"), "scale is \(scale), and deploy.replicas \(replicas)",
                suggestion: "keep one of them")
        }
        if let count = scale ?? replicas, count > 1, let container = service["container_name"],
            container.string ?? "" != ""
        {
            remarks.error(
                container.mark, path.key("container_name"),
                "container_name and \(count) replicas exclude each other: names are unique")
        }
        if let retries = service["healthcheck"]?["retries"], let value = integer(retries), value < 0 {
            remarks.error(
                retries.mark, path.key("healthcheck").key("retries"), "expected a number from 0 up, found \(value)")
        }
    }

    /// The older keys and `deploy.resources` must say the same.
    private func limits() {
        let resources = service["deploy"]?["resources"]
        for (key, section, other) in [
            ("cpus", "limits", "cpus"), ("mem_limit", "limits", "memory"), ("pids_limit", "limits", "pids"),
            ("mem_reservation", "reservations", "memory"),
        ] {
            guard let own = service[key], let values = resources?[section], values.entries != nil else { continue }
            let first = number(own)
            let second = values[other].map(number) ?? 0
            if first != 0, first != second {
                remarks.error(
                    own.mark, path.key(key), "\(key) and deploy.resources.\(section).\(other) differ",
                    suggestion: "give one of them, or both the same")
            }
        }
    }

    private func number(_ node: Node) -> Double {
        switch node.value {
        case .int(let value): Double(value)
        case .float(let value): value
        case .string(let text): Double(text) ?? 0
        default: 0
        }
    }

    private func watch() {
        for (number, rule) in (service["develop"]?["watch"]?.items ?? []).enumerated() {
            let action = rule["action"]?.string ?? ""
            if action != "rebuild", action != "restart", rule["target"]?.string ?? "" == "" {
                remarks.error(
                    rule.mark, path.key("develop").key("watch").index(number), "the action \(action) needs a target",
                    suggestion: "add target: with the path in the container")
            }
        }
    }

    private func tmpfs() {
        var seen = Set((service["volumes"]?.items ?? []).compactMap { $0["target"]?.string })
        for (number, item) in (service["tmpfs"]?.items ?? []).enumerated() {
            guard let text = item.string else { continue }
            let target = text.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? text
            if !seen.insert(target).inserted {
                remarks.error(
                    item.mark, path.key("tmpfs").index(number), "something else is mounted at \(target) already")
            }
        }
    }
}

/// The first cycle of dependencies, with its path.
struct DependencyCycles {
    let services: [Node.Entry]
    let remarks: Remarks

    func run() {
        let dependencies = Dictionary(
            services.map { ($0.key, ($0.value["depends_on"]?.entries?.map(\.key) ?? []).sorted()) }
        ) { first, _ in first }
        var done: Set<String> = []
        var trail: [String] = []
        func visit(_ name: String) -> [String]? {
            if let start = trail.firstIndex(of: name) { return Array(trail[start...]) + [name] }
            if done.contains(name) { return nil }
            trail.append(name)
            for other in dependencies[name] ?? [] { if let cycle = visit(other) { return cycle } }
            trail.removeLast()
            done.insert(name)
            return nil
        }
        for name in dependencies.keys.sorted() {
            guard let cycle = visit(name) else { continue }
            let entry = services.first { $0.key == cycle[0] }
            let mark = entry?.value["depends_on"]?.keyMark(cycle[1]) ?? entry?.mark ?? .none
            remarks.error(
                mark, TreePath.root.key("services").key(cycle[0]).key("depends_on"),
                "dependency cycle: \(cycle.joined(separator: " → "))", suggestion: "one of them must start first")
            return
        }
    }
}
