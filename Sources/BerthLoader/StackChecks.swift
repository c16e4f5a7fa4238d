// What must agree across the whole stack: references, cycles, exclusions. With the place of each.
import BerthModel

struct StackChecks {
    let root: Field
    let remarks: Remarks

    func run(_ stack: inout Stack) {
        addDefaults(&stack)
        for service in stack.sortedServices {
            guard let field = root["services"]?[service.name] else { continue }
            checkReferences(service, field, stack)
            if let _ = service.containerName, service.replicas > 1 {
                field["container_name"]?.fail(
                    "container_name and \(service.replicas) replicas exclude each other: names are unique")
            }
        }
        checkCycles(stack)
    }

    private func addDefaults(_ stack: inout Stack) {
        if stack.networks["default"] == nil && stack.services.values.contains(where: { $0.networks["default"] != nil })
        {
            stack.networks["default"] = NetworkDefinition(key: "default", name: "\(stack.name)_default")
        }
        // Implied dependencies: whoever uses another's namespaces or volumes starts after it.
        for name in stack.services.keys {
            guard var service = stack.services[name] else { continue }
            var implied: [String] = []
            if case .service(let other) = service.networkMode { implied.append(other) }
            for mode in [service.pidMode, service.ipcMode, service.utsMode, service.cgroupMode] {
                if let mode, mode.hasPrefix("service:") { implied.append(String(mode.dropFirst(8))) }
            }
            for source in service.volumesFrom { if case .service(let other) = source.source { implied.append(other) } }
            for other in implied where service.dependsOn[other] == nil {
                service.dependsOn[other] = Dependency(restart: true)
            }
            stack.services[name] = service
        }
    }

    private func checkReferences(_ service: Service, _ field: Field, _ stack: Stack) {
        func missing(_ field: Field?, _ what: String, _ name: String, _ known: some Sequence<String>) {
            let near = Spelling.nearest(name, in: known)
            field?.fail(
                "\(what) \"\(name)\" is not defined",
                suggestion: near.map { "did you mean \"\($0)\"?" } ?? "define it under \(what)s:")
        }
        let names = Set(stack.services.keys).union(stack.inactiveServices.keys)
        for other in service.dependsOn.keys.sorted() {
            if !names.contains(other) {
                missing(
                    field["depends_on"] ?? field["links"] ?? field["network_mode"] ?? field, "service", other, names)
            } else if other == service.name {
                field["depends_on"]?.fail("service \(other) depends on itself")
            } else if stack.services[other] == nil && service.dependsOn[other]?.required == true {
                field["depends_on"]?.fail(
                    "service \(other) is in a profile that is not active",
                    suggestion: "activate it with --profile \(stack.inactiveServices[other]?.profiles.first ?? "")")
            }
        }
        for network in service.networks.keys.sorted() where stack.networks[network] == nil {
            missing(field["networks"], "network", network, stack.networks.keys)
        }
        for mount in service.mounts {
            if case .volume(let key?, _, _) = mount.kind, stack.volumes[key] == nil {
                missing(field["volumes"], "volume", key, stack.volumes.keys)
            }
        }
        for secret in service.secrets where stack.secrets[secret.source] == nil {
            missing(field["secrets"], "secret", secret.source, stack.secrets.keys)
        }
        for config in service.configs where stack.configs[config.source] == nil {
            missing(field["configs"], "config", config.source, stack.configs.keys)
        }
    }

    /// The first cycle, with its path.
    private func checkCycles(_ stack: Stack) {
        var done: Set<String> = []
        var path: [String] = []
        func visit(_ name: String) -> [String]? {
            if let start = path.firstIndex(of: name) { return Array(path[start...]) + [name] }
            if done.contains(name) { return nil }
            path.append(name)
            for other in stack.services[name]?.dependsOn.keys.sorted() ?? [] where other != name {
                if let cycle = visit(other) { return cycle }
            }
            path.removeLast()
            done.insert(name)
            return nil
        }
        for name in stack.services.keys.sorted() {
            guard let cycle = visit(name) else { continue }
            let field = root["services"]?[cycle[0]]
            (field?["depends_on"] ?? field)?.fail("dependency cycle: \(cycle.joined(separator: " → "))")
            return
        }
    }
}
