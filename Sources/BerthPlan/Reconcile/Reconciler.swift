// Compares what is wanted with what is there and says what must be done. Asks nobody: everything it needs is handed in.
package import BerthModel

/// (stack, observed, options) → plan. One method a verb, each in its own file.
package struct Reconciler: Sendable {
    let hash: HashFunction
    /// The value of the `version` label.
    let version: String

    package init(version: String = "2.40.0", hash: @escaping HashFunction) {
        self.version = version
        self.hash = hash
    }
}

/// What `up`, `create`, `scale` and the dependencies of `run` may be asked for.
package struct UpOptions: Sendable, Equatable {
    package enum Recreate: String, Sendable { case diverged, force, never }

    /// Empty: all services of the stack.
    package var services: [String] = []
    package var includeDependencies = true
    package var start = true
    package var recreate = Recreate.diverged
    package var alwaysRecreateDependencies = false
    package var renewAnonymousVolumes = false
    package var removeOrphans = false
    package var ignoreOrphans = false
    package var scale: [String: Int] = [:]
    /// Nil: each container's own grace period.
    package var stopTimeout: Duration?
    package var wait = false
    package var waitTimeout: Duration?
    /// Undoing an update that failed: these go, and the containers of their slots from before come back.
    package var reverting: Set<ContainerID> = []
    package init() {}
}

extension Reconciler {
    /// The plan that makes the stack true. Empty when it is.
    ///
    /// Order: orphans leave; networks that changed are rebuilt; networks, volumes and containers are created, which
    /// waits for nothing else; then, service by service, what runs is replaced and started as its dependencies become
    /// ready.
    package func up(_ stack: Stack, _ observed: ObservedState, _ options: UpOptions = UpOptions()) throws -> Plan {
        var builder = try UpBuilder(reconciler: self, stack: stack, observed: observed, options: options)
        try builder.build()
        return builder.plan
    }
}

/// What happens to one replica slot.
struct SlotStep {
    enum Kind {
        case create(cause: String)
        case recreate(ObservedContainer, cause: String)
        case keep(ObservedContainer)
        case start(ObservedContainer, cause: String)
        case unpause(ObservedContainer)
        /// Stopped and started because a dependency is recreated.
        case restart(ObservedContainer, cause: String)
    }

    var slot: ReplicaSlot
    var finalName: String
    var kind: Kind
    /// Further containers of the same slot: what an interrupted recreation left behind.
    var displaced: [ObservedContainer]

    /// The container that stays; nil where a new one takes the slot.
    var kept: ObservedContainer? {
        switch kind {
        case .keep(let container), .start(let container, _), .unpause(let container), .restart(let container, _):
            container
        case .create, .recreate: nil
        }
    }

    var replaced: ObservedContainer? { if case .recreate(let container, _) = kind { container } else { nil } }
}

/// A container that goes without a successor.
struct Departure {
    var container: ObservedContainer
    var cause: String
}

/// The state of one reconciliation. `build` reads as the phases of the plan.
struct UpBuilder {
    let reconciler: Reconciler
    let stack: Stack
    let observed: ObservedState
    let options: UpOptions
    let graph: DependencyGraph
    /// The services asked for, and those with what they need.
    let requested: Set<String>
    let selection: Set<String>
    /// Our own containers.
    let containers: [ObservedContainer]
    /// Every name that is taken, by whomever.
    let holders: [String: ObservedContainer]

    var plan = Plan()
    /// Decisions, by service.
    var steps: [String: [SlotStep]] = [:]
    var departures: [String: [Departure]] = [:]
    var orphans: [ObservedContainer] = []
    var rebuiltNetworks: Set<String> = []

    /// Operations that exist already, by what they are about.
    var removals: [ContainerID: OperationID] = [:]
    var orphanRemovals: [OperationID] = []
    var networkOperations: [String: OperationID] = [:]
    var volumeOperations: [String: OperationID] = [:]
    var earlyStops: [ContainerID: OperationID] = [:]
    var creations: [ReplicaSlot: OperationID] = [:]
    /// The slots whose new container begins beside the one before it.
    var standbys: Set<ReplicaSlot> = []
    var starts: [String: [OperationID]] = [:]
    var gates: [Gate: OperationID] = [:]
    var deferredRenames: [(target: ContainerTarget, step: SlotStep, created: OperationID?)] = []

    struct Gate: Hashable {
        var service: String
        var condition: Dependency.Condition
        var required: Bool
    }

    init(reconciler: Reconciler, stack: Stack, observed: ObservedState, options: UpOptions) throws {
        self.reconciler = reconciler
        self.stack = stack
        self.observed = observed
        self.options = options
        graph = try DependencyGraph(stack)
        for name in options.services + options.scale.keys.sorted() where stack.services[name] == nil {
            throw BerthError(.notFound, "no such service: \(name)", subject: "service \(name)")
        }
        requested = options.services.isEmpty ? Set(stack.services.keys) : Set(options.services)
        selection = options.includeDependencies ? graph.withDependencies(requested) : requested
        containers = observed.containers.filter { $0.record.stack == stack.name }.sorted {
            ($0.record.slot, $0.record.created, $0.record.id) < ($1.record.slot, $1.record.created, $1.record.id)
        }
        holders = Dictionary(observed.containers.map { ($0.record.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The selected services, dependencies first.
    var orderedSelection: [Service] { graph.order.filter(selection.contains).compactMap { stack.services[$0] } }

    mutating func build() throws {
        noteOtherDirectory()
        findOrphans()
        findRebuiltNetworks()
        for service in orderedSelection { try decide(service) }
        decideRestarts()
        try checkNames()

        emitOrphanRemovals()
        emitNetworkRebuild()
        try emitNetworks()
        try emitVolumes()
        for service in orderedSelection { try emitCreations(service) }
        emitEarlyStops()
        for service in orderedSelection { emitConvergence(service) }
        emitDeferredRenames()
        emitWait()
    }
}

/// Tuples of more than two Comparable parts, for sorting containers.
func < (a: (ReplicaSlot, Timestamp, ContainerID), b: (ReplicaSlot, Timestamp, ContainerID)) -> Bool {
    if a.0 != b.0 { return a.0 < b.0 }
    if a.1 != b.1 { return a.1 < b.1 }
    return a.2 < b.2
}
