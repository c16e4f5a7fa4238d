// What the whole stack implies: the default network, dependencies, names of resources.

struct Normalisation {
    let stackName: String
    let environment: [String: String]

    func apply(to root: inout Node) {
        root.set("name", .string(stackName, at: root.keyMark("name") ?? .none))
        networks(&root)
        root.update("services") { services in services.updateEntries { service(&$0.value) } }
        for kind in ["networks", "volumes", "configs", "secrets"] {
            root.update(kind) { resources in resources.updateEntries { name(&$0) } }
        }
    }

    /// `scale` is the same as `deploy.replicas`.
    static func spreadScale(in root: inout Node) {
        root.update("services") { services in
            services.updateEntries { entry in
                guard let scale = entry.value["scale"], entry.value["deploy"]?.entries != nil,
                    entry.value["deploy"]?["replicas"] == nil
                else { return }
                entry.value.update("deploy") { $0.set("replicas", scale) }
            }
        }
    }

    private func networks(_ root: inout Node) {
        var usesDefault = false
        root.update("services") { services in
            services.updateEntries { entry in
                guard entry.value.entries != nil else { return }
                if entry.value["provider"] != nil || entry.value["network_mode"] != nil { return }
                if let given = entry.value["networks"], given.entries?.isEmpty == false {
                    if given["default"] != nil || given.keyMark("default") != nil { usesDefault = true }
                    return
                }
                usesDefault = true
                let mark = entry.mark
                entry.value.set(
                    "networks",
                    Node(.mapping([.init(key: "default", mark: mark, value: Node(.null, at: mark))]), at: mark))
            }
        }
        guard usesDefault else { return }
        if root["networks"]?.entries == nil { root.set("networks", Node(.mapping([]), at: .none)) }
        root.update("networks") { if $0.keyMark("default") == nil { $0.set("default", Node(.null, at: .none)) } }
    }

    private func service(_ service: inout Node) {
        guard service.entries != nil else { return }
        if service["pull_policy"]?.string == "if_not_present" {
            service.update("pull_policy") { $0.value = .string("missing") }
        }
        service.update("build") { build in
            if build.entries != nil, build["dockerfile"] == nil, build["dockerfile_inline"] == nil {
                build.set("dockerfile", .string("Dockerfile", at: build.mark))
            }
            build.update("args") { args in
                EnvironmentResolution.resolve(&args, environment)
                // Those that nobody gives a value are not there.
                if let items = args.items { args.value = .sequence(items.filter { $0.string?.contains("=") ?? true }) }
                if let entries = args.entries { args.value = .mapping(entries.filter { !$0.value.isNull }) }
            }
        }
        service.update("environment") { EnvironmentResolution.resolve(&$0, environment) }
        for (name, mark, restart) in implied(service) {
            if service["depends_on"]?.entries == nil { service.set("depends_on", Node(.mapping([]), at: mark)) }
            service.update("depends_on") { dependencies in
                guard dependencies[name] == nil else { return }
                let entries: [Node.Entry] = [
                    .init(key: "condition", mark: mark, value: .string("service_started", at: mark)),
                    .init(key: "required", mark: mark, value: Node(.bool(true), at: mark)),
                    .init(key: "restart", mark: mark, value: Node(.bool(restart), at: mark)),
                ]
                dependencies.set(name, Node(.mapping(entries), at: mark))
            }
        }
    }

    /// Whoever uses another's names, namespaces or volumes starts after it.
    private func implied(_ service: Node) -> [(String, Mark, restart: Bool)] {
        var result: [(String, Mark, restart: Bool)] = []
        for link in service["links"]?.items ?? [] {
            guard let text = link.string else { continue }
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            result.append((parts.count == 2 ? parts[0] : text, link.mark, true))
        }
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let node = service[key], let mode = node.string, mode.hasPrefix("service:") else { continue }
            result.append((String(mode.dropFirst(8)), node.mark, true))
        }
        for source in service["volumes_from"]?.items ?? [] {
            guard let text = source.string, !text.hasPrefix("container:") else { continue }
            result.append(
                (
                    text.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? text,
                    source.mark, false
                ))
        }
        return result
    }

    private func name(_ entry: inout Node.Entry) {
        if entry.value.isNull { entry.value = Node(.mapping([]), at: entry.mark) }
        guard entry.value.entries != nil, entry.value["name"] == nil else { return }
        // What is not typed yet may be the word.
        let external = entry.value["external"]
        let isExternal = external?.bool == true || external?.string == "true"
        entry.value.set("name", .string(isExternal ? entry.key : "\(stackName)_\(entry.key)", at: entry.mark))
    }
}
