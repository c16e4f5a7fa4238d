// start, stop, restart, kill, pause, unpause, rm: verbs on containers that exist.
package import BerthModel

/// A verb and what it may be asked for.
package struct ChangeOptions: Sendable, Equatable {
    package enum Verb: String, Sendable { case start, stop, restart, kill, pause, unpause, remove }

    package var verb: Verb
    /// Empty: all.
    package var services: [String] = []
    /// `start`: what they need too. `restart`: dependants that ask for it (`restart: true`) too.
    package var includeDependencies = true
    package var stopTimeout: Duration?
    package var signal = "SIGKILL"
    /// `rm --stop`: without it, running containers are left alone.
    package var stopFirst = false
    package var removeAnonymousVolumes = false
    package var wait = false
    package var waitTimeout: Duration?
    package init(_ verb: Verb) { self.verb = verb }
}

extension Reconciler {
    /// The plan of a verb. Without a file (`stack` nil) the stack is what its containers remember.
    package func change(
        _ name: String, _ stack: Stack?, _ observed: ObservedState, _ options: ChangeOptions
    ) throws -> Plan {
        if let stack {
            for service in options.services where stack.services[service] == nil {
                throw BerthError(.notFound, "no such service: \(service)", subject: "service \(service)")
            }
        }
        var builder = ChangeBuilder(name: name, stack: stack, observed: observed, options: options)
        switch options.verb {
        case .start: try builder.start()
        case .stop: builder.stop()
        case .restart: builder.restart()
        case .kill: builder.kill()
        case .pause: builder.pause()
        case .unpause: builder.unpause()
        case .remove: builder.remove()
        }
        return builder.plan
    }
}

private struct ChangeBuilder {
    let name: String
    let stack: Stack?
    let options: ChangeOptions
    let graph: DependencyGraph
    /// The stack's containers, one-off ones excepted unless the verb is `kill`.
    let own: [ObservedContainer]
    var plan = Plan()

    init(name: String, stack: Stack?, observed: ObservedState, options: ChangeOptions) {
        self.name = name
        self.stack = stack
        self.options = options
        own = observed.containers
            .filter { $0.record.stack == name && (options.verb == .kill || $0.record.slot.oneOff == nil) }
            .sorted {
                ($0.record.slot, $0.record.created, $0.record.id) < ($1.record.slot, $1.record.created, $1.record.id)
            }
        var edges: [String: [String: Dependency]] = [:]
        for container in own { edges[container.record.slot.service] = container.record.service.allDependencies }
        for service in stack?.sortedServices ?? [] { edges[service.name] = service.allDependencies }
        graph = DependencyGraph(tolerating: edges)
    }

    private var asked: Set<String> { options.services.isEmpty ? Set(graph.services) : Set(options.services) }

    private func containers(_ service: String) -> [ObservedContainer] {
        own.filter { $0.record.slot.service == service }
    }

    private func subject(_ container: ObservedContainer) -> Subject {
        Subject(.container, container.record.name, service: container.record.slot.service)
    }

    // MARK: Verbs in dependency order

    mutating func start() throws {
        let selection = options.includeDependencies ? graph.withDependencies(asked) : asked
        var starts: [String: [OperationID]] = [:]
        var gates: [String: OperationID] = [:]
        for service in graph.order where selection.contains(service) {
            if containers(service).isEmpty, asked.contains(service), (stack?.services[service]?.replicas ?? 0) > 0 {
                throw BerthError(
                    .notFound, "service \"\(service)\" has no container to start", subject: "service \(service)",
                    hint: "create it with up")
            }
            for container in containers(service) where !container.status.needsStop {
                let edges = gateEdges(of: service, within: selection, starts, &gates)
                let cause = container.status.state == .created ? "created" : "exited (\(container.status.exitCode))"
                let id = plan.add(
                    .startContainer(.existing(container.record.id)), on: subject(container), cause: cause,
                    dependsOn: edges.needs, after: edges.after)
                starts[service, default: []].append(id)
            }
        }
        guard options.wait else { return }
        let members = graph.order.filter(selection.contains).flatMap { self.members(of: $0) }
        if members.isEmpty { return }
        plan.add(
            .awaitReady(members, timeout: options.waitTimeout), on: Subject(.stack, name), cause: "--wait",
            dependsOn: starts.values.flatMap { $0 })
    }

    private func members(of service: String) -> [GateMember] {
        containers(service).map {
            var member = GateMember(name: $0.record.name, service: service, target: .existing($0.record.id))
            member.mayComplete = graph.dependants(of: service).contains {
                graph.edges[$0]?[service]?.condition == .completedSuccessfully
            }
            return member
        }
    }

    private mutating func gateEdges(
        of service: String, within selection: Set<String>, _ starts: [String: [OperationID]],
        _ gates: inout [String: OperationID]
    ) -> (needs: [OperationID], after: [OperationID]) {
        var needs: [OperationID] = []
        var after: [OperationID] = []
        for name in graph.dependencies(of: service) where selection.contains(name) {
            guard let dependency = graph.edges[service]?[name] else { continue }
            let opened = starts[name] ?? []
            if dependency.condition == .started {
                if dependency.required { needs += opened } else { after += opened }
                continue
            }
            let key = "\(name) \(dependency.condition.rawValue) \(dependency.required)"
            let members = self.members(of: name)
            if gates[key] == nil, !members.isEmpty {
                gates[key] = plan.add(
                    .awaitCondition(dependency.condition, members), on: Subject(.service, name, service: name),
                    cause: "needed by \(service)", dependsOn: opened, isOptional: !dependency.required)
            }
            if let gate = gates[key] { needs.append(gate) }
        }
        return (needs, after)
    }

    /// Stop and start, dependencies first. What is not running is started: compose does so too.
    mutating func restart() {
        var selection = asked
        if options.includeDependencies {
            for service in asked {
                for dependant in graph.dependants(of: service) where graph.edges[dependant]?[service]?.restart ?? false
                {
                    selection.insert(dependant)
                }
            }
        }
        var starts: [String: [OperationID]] = [:]
        for service in graph.order where selection.contains(service) {
            let after = graph.dependencies(of: service).flatMap { starts[$0] ?? [] }
            for container in containers(service) {
                var needs: [OperationID] = []
                if container.status.needsStop {
                    needs = [
                        plan.add(
                            .stopContainer(.existing(container.record.id), timeout: options.stopTimeout),
                            on: subject(container), cause: "restart", after: after)
                    ]
                }
                let start = plan.add(
                    .startContainer(.existing(container.record.id)), on: subject(container), cause: "restart",
                    dependsOn: needs, after: needs.isEmpty ? after : [])
                starts[service, default: []].append(start)
            }
        }
    }

    // MARK: Verbs against dependency order

    mutating func stop() {
        var stops: [String: [OperationID]] = [:]
        for service in graph.order.reversed() where asked.contains(service) {
            let after = graph.dependants(of: service).flatMap { stops[$0] ?? [] }
            for container in containers(service) where container.status.needsStop {
                let stop = plan.add(
                    .stopContainer(.existing(container.record.id), timeout: options.stopTimeout),
                    on: subject(container),
                    cause: "asked for", after: after)
                stops[service, default: []].append(stop)
            }
        }
    }

    // MARK: Verbs without order

    mutating func kill() {
        for container in own where asked.contains(container.record.slot.service) && container.status.needsStop {
            plan.add(
                .killContainer(.existing(container.record.id), signal: options.signal), on: subject(container),
                cause: "asked for")
        }
        if plan.isEmpty { plan.warn("no container to kill") }
    }

    /// Paused ones are asked again: the host refuses, as Docker does.
    mutating func pause() {
        for container in own where asked.contains(container.record.slot.service) && container.status.isRunning {
            plan.add(.pauseContainer(.existing(container.record.id)), on: subject(container), cause: "asked for")
        }
    }

    mutating func unpause() {
        for container in own where asked.contains(container.record.slot.service) && container.status.isRunning {
            plan.add(.unpauseContainer(.existing(container.record.id)), on: subject(container), cause: "asked for")
        }
    }

    mutating func remove() {
        var stops: [String: [OperationID]] = [:]
        for service in graph.order.reversed() where asked.contains(service) {
            let after = graph.dependants(of: service).flatMap { stops[$0] ?? [] }
            for container in containers(service) where options.stopFirst || !container.status.needsStop {
                var needs: [OperationID] = []
                if container.status.needsStop {
                    let stop = plan.add(
                        .stopContainer(.existing(container.record.id), timeout: options.stopTimeout),
                        on: subject(container), cause: "asked for", after: after)
                    stops[service, default: []].append(stop)
                    needs = [stop]
                }
                plan.add(
                    .removeContainer(
                        .existing(container.record.id), removeAnonymousVolumes: options.removeAnonymousVolumes),
                    on: subject(container), cause: "asked for", dependsOn: needs)
            }
        }
        if plan.isEmpty { plan.warn("No stopped containers") }
    }
}
