// Who depends on whom: cycles with their path, walks in both directions, subsets with what they need.
package import BerthModel

/// The services of a stack and their dependencies, the written and the implied ones.
///
/// Invariant: every edge leads to a service of the graph.
package struct DependencyGraph: Sendable, Equatable {
    /// Service → dependency → how.
    package let edges: [String: [String: Dependency]]
    /// The services in dependency order: dependencies first, names in order where that leaves a choice.
    package let order: [String]
    private let reversed: [String: [String]]

    /// Edges to services outside are dropped; a cycle does not fail but is broken at its smallest name. For teardown,
    /// which takes what it finds.
    package init(tolerating edges: [String: [String: Dependency]]) {
        let known = edges.mapValues { $0.filter { edges[$0.key] != nil } }
        self.edges = known
        var reversed: [String: [String]] = [:]
        for (service, dependencies) in known {
            for dependency in dependencies.keys { reversed[dependency, default: []].append(service) }
        }
        self.reversed = reversed.mapValues { $0.sorted() }
        order = DependencyGraph.order(known, reversed: self.reversed)
    }

    /// The graph of a stack. Throws for a cycle and for a required dependency that the stack does not have.
    package init(_ stack: Stack) throws(BerthError) {
        var edges: [String: [String: Dependency]] = [:]
        for service in stack.sortedServices {
            let dependencies = service.allDependencies
            for (name, dependency) in dependencies.sorted(by: { $0.key < $1.key })
            where stack.services[name] == nil && dependency.required {
                throw BerthError(
                    .invalid, "service \"\(service.name)\" depends on undefined service \"\(name)\"",
                    subject: "service \(service.name)",
                    hint: stack.inactiveServices[name] == nil ? nil : "activate one of its profiles with --profile")
            }
            edges[service.name] = dependencies.filter { stack.services[$0.key] != nil }
        }
        if let cycle = DependencyGraph.cycle(in: edges) {
            throw BerthError(.invalid, "dependency cycle detected: \(cycle.joined(separator: " -> "))")
        }
        self.init(tolerating: edges)
    }

    package var services: [String] { edges.keys.sorted() }
    package func dependencies(of service: String) -> [String] { (edges[service] ?? [:]).keys.sorted() }
    package func dependants(of service: String) -> [String] { reversed[service] ?? [] }

    /// The services and everything they need, directly or not.
    package func withDependencies(_ services: some Sequence<String>) -> Set<String> {
        closure(services) { (edges[$0] ?? [:]).keys.map { $0 } }
    }

    /// The services and everything that needs them, directly or not.
    package func withDependants(_ services: some Sequence<String>) -> Set<String> {
        closure(services) { reversed[$0] ?? [] }
    }

    private func closure(_ services: some Sequence<String>, next: (String) -> [String]) -> Set<String> {
        var found: Set<String> = []
        var pending = services.filter { edges[$0] != nil }
        while let service = pending.popLast() {
            if found.insert(service).inserted { pending += next(service) }
        }
        return found
    }

    /// Kahn's walk with the smallest ready name first. Where only cycles are left, the smallest name goes.
    private static func order(_ edges: [String: [String: Dependency]], reversed: [String: [String]]) -> [String] {
        var missing = edges.mapValues(\.count)
        var remaining = edges.keys.sorted()
        var order: [String] = []
        while !remaining.isEmpty {
            let ready = remaining.filter { missing[$0] == 0 }
            let wave = ready.isEmpty ? [remaining[0]] : ready
            let taken = Set(wave)
            remaining.removeAll { taken.contains($0) }
            order += wave
            for service in wave {
                for dependant in reversed[service] ?? [] { missing[dependant, default: 0] -= 1 }
            }
        }
        return order
    }

    /// The path of a cycle, its first name repeated at the end; nil without one.
    package static func cycle(in edges: [String: [String: Dependency]]) -> [String]? {
        enum Mark { case onPath, done }
        var marks: [String: Mark] = [:]
        for root in edges.keys.sorted() where marks[root] == nil {
            var path = [root]
            var pending = [(edges[root] ?? [:]).keys.sorted()[...]]
            marks[root] = .onPath
            while let last = path.last {
                guard let next = pending[pending.count - 1].popFirst() else {
                    marks[last] = .done
                    path.removeLast()
                    pending.removeLast()
                    continue
                }
                switch marks[next] {
                case .done: continue
                case .onPath: return Array(path.drop { $0 != next }) + [next]
                case nil:
                    marks[next] = .onPath
                    path.append(next)
                    pending.append((edges[next] ?? [:]).keys.sorted()[...])
                }
            }
        }
        return nil
    }
}

extension Service {
    /// `depends_on` and what shared namespaces, `volumes_from` and `links` imply, as compose completes it.
    package var allDependencies: [String: Dependency] {
        var all = dependsOn
        func imply(_ name: String, restart: Bool) {
            if name != self.name && all[name] == nil { all[name] = Dependency(restart: restart) }
        }
        for (_, name) in sharedNamespaces { imply(name, restart: true) }
        for source in volumesFrom {
            if case .service(let name) = source.source { imply(name, restart: false) }
        }
        for link in links { imply(link.service, restart: true) }
        return all
    }

    /// The services whose namespaces this one joins, by the name of the namespace.
    var sharedNamespaces: [(kind: String, service: String)] {
        var shared: [(kind: String, service: String)] = []
        if case .service(let name) = networkMode { shared.append(("network", name)) }
        if let name = Service.sharedService(pidMode) { shared.append(("pid", name)) }
        if let name = Service.sharedService(ipcMode) { shared.append(("ipc", name)) }
        return shared
    }

    static func sharedService(_ mode: String?) -> String? {
        guard let mode, mode.hasPrefix("service:") else { return nil }
        return String(mode.dropFirst("service:".count))
    }
}
