// Random stacks on random worlds: what must hold of every plan. A failure names its seed.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Properties of reconciliation")
struct PropertyTests {
    static let seeds: ClosedRange<UInt64> = 1...200

    @Test("whatever happened before: the plan runs, the world agrees, and then there is nothing to do")
    func convergence() throws {
        for seed in Self.seeds {
            var random = SeededGenerator(seed: seed)
            var world = FakeWorld.withImages()
            world.addImage("app:2", volumes: ["/image-volume"])
            addStrangers(to: &world)
            var stack = RandomStack.make(&random)
            for round in 0..<4 {
                let place: Comment = "seed \(seed), round \(round)"
                let options = RandomStack.options(for: stack, &random)
                let plan = try reconciler.up(stack, world.state, options)
                checkShape(plan, stack, world, options, place)

                let volumesBefore = Set(world.state.volumes.keys)
                let strangersBefore = world.state.containers.filter { $0.record.stack != stack.name }
                let summary = world.execute(plan) { Int.random(in: 0..<$0, using: &random) }
                #expect(summary.failures.isEmpty && summary.isSuccess, "\(place): \(summary.failures)\n\(plan)")
                #expect(volumesBefore.isSubset(of: world.state.volumes.keys), place)
                #expect(world.state.containers.filter { $0.record.stack != stack.name } == strangersBefore, place)
                checkWorld(world, stack, options, place)

                var again = options
                again.recreate = options.recreate == .never ? .never : .diverged
                again.alwaysRecreateDependencies = false
                again.renewAnonymousVolumes = false
                again.wait = false
                let rest = try reconciler.up(stack, world.state, again)
                // One-shots that completed are started again by every `up`; nothing else may be left.
                let ended = Set(world.state.containers.filter { $0.status.state == .exited }.map(\.record.name))
                for operation in rest.operations {
                    if case .awaitCondition = operation.action { continue }
                    let isRerun =
                        if case .startContainer = operation.action { ended.contains(operation.subject.name) } else {
                            false
                        }
                    #expect(isRerun, "\(place): \(rest)\nafter\n\(plan)")
                }
                if options.recreate != .never { RandomStack.mutate(&stack, &random) }
                disturb(&world, stack, &random)
            }
        }
    }

    @Test("the same input gives the same text, in whatever order the host lists things")
    func determinism() throws {
        for seed in Self.seeds {
            var random = SeededGenerator(seed: seed)
            var stack = RandomStack.make(&random)
            var world = FakeWorld.withImages()
            world.addImage("app:2")
            _ = world.execute(try reconciler.up(stack, world.state))
            RandomStack.mutate(&stack, &random)
            disturb(&world, stack, &random)
            let options = RandomStack.options(for: stack, &random)
            let first = try reconciler.up(stack, world.state, options)
            world.state.containers.shuffle(using: &random)
            #expect(try reconciler.up(stack, world.state, options) == first, "seed \(seed)")
        }
    }

    @Test("an up that fails anywhere or is cut off anywhere is finished by the next one")
    func interruption() throws {
        for seed in Self.seeds {
            var random = SeededGenerator(seed: seed)
            var stack = RandomStack.make(&random)
            var world = FakeWorld.withImages()
            world.addImage("app:2")
            _ = world.execute(try reconciler.up(stack, world.state))
            RandomStack.mutate(&stack, &random)
            let plan = try reconciler.up(stack, world.state)
            cutOff(plan, in: &world, &random)

            let repair = try reconciler.up(stack, world.state)
            let summary = world.execute(repair)
            #expect(summary.isSuccess, "seed \(seed): \(summary.failures)\n\(repair)")
            let rest = try reconciler.up(stack, world.state)
            #expect(!rest.operations.contains { !$0.isRerun }, "seed \(seed): still something to do\n\(rest)")
            checkWorld(world, stack, UpOptions(), "seed \(seed)")
        }
    }

    @Test("an update that fails anywhere can be undone: what ran before runs, what was made is gone")
    func undoing() throws {
        var undone = 0
        for seed in Self.seeds {
            var random = SeededGenerator(seed: seed)
            var stack = RandomStack.make(&random)
            for name in stack.services.keys.sorted() {
                let policies = (RandomStack.policy(&random), random.oneIn(2) ? RandomStack.policy(&random) : nil)
                stack.edit(name) { service in
                    (service.update, service.rollback) = policies
                    service.update?.failureAction = .rollback
                }
            }
            var world = FakeWorld.withImages()
            world.addImage("app:2")
            _ = world.execute(try reconciler.up(stack, world.state))
            // A one-shot that a dependant waited for has ended; all others run.
            let before = world.state.containers
            let changed = random.pick(stack.services.keys.sorted())
            stack.edit(changed) { $0.environment["N"] = "2" }
            let plan = try reconciler.up(stack, world.state)
            let made = fail(plan, changed, in: &world, &random)
            guard !made.isEmpty else { continue }

            undone += 1
            var options = UpOptions()
            options.services = [changed]
            options.includeDependencies = false
            options.reverting = made
            let back = try reconciler.up(stack, world.state, options)
            let summary = world.execute(back)
            #expect(summary.isSuccess, "seed \(seed): \(summary.failures)\n\(plan)\nback\n\(back)")
            for old in before where old.record.slot.service == changed {
                let now = world.state.containers.first { $0.record.id == old.record.id }
                #expect(now?.record == old.record, "seed \(seed)\n\(plan)\nback\n\(back)")
                #expect(now?.status.isRunning == true, "seed \(seed)\n\(plan)\nback\n\(back)")
            }
            #expect(!world.state.containers.contains { made.contains($0.record.id) }, "seed \(seed)")
        }
        #expect(undone > 30)
    }

    @Test("down leaves nothing of the stack but named volumes, and everything of others")
    func teardown() throws {
        for seed in Self.seeds {
            var random = SeededGenerator(seed: seed)
            let stack = RandomStack.make(&random)
            var world = FakeWorld.withImages()
            world.addImage("app:2")
            addStrangers(to: &world)
            let strangers = world.state
            _ = world.execute(try reconciler.up(stack, world.state))
            disturb(&world, stack, &random)
            var options = DownOptions()
            options.removeVolumes = random.oneIn(2)
            options.removeOrphans = true
            let volumes = Set(world.state.volumes.keys.filter { world.state.volumes[$0]?.isAnonymous == false })
            let plan = try reconciler.down(stack.name, random.oneIn(2) ? stack : nil, world.state, options)
            let summary = world.execute(plan) { Int.random(in: 0..<$0, using: &random) }
            #expect(summary.isSuccess, "seed \(seed): \(summary.failures)\n\(plan)")
            #expect(world.state.containers == strangers.containers, "seed \(seed)")
            #expect(world.state.networks == strangers.networks, "seed \(seed)")
            if !options.removeVolumes {
                #expect(volumes.isSubset(of: world.state.volumes.keys), "seed \(seed)")
            } else {
                // A container that vanished behind our back may have left an anonymous volume: nobody knows whose it
                // is.
                #expect(world.state.volumes.filter { !$0.value.isAnonymous } == strangers.volumes, "seed \(seed)")
            }
        }
    }

    // MARK: What holds of a plan

    func checkShape(_ plan: Plan, _ stack: Stack, _ world: FakeWorld, _ options: UpOptions, _ place: Comment) {
        let own = Set(world.state.containers.filter { $0.record.stack == stack.name }.map(\.record.id))
        var ancestors: [OperationID: Set<OperationID>] = [:]
        for (index, operation) in plan.operations.enumerated() {
            #expect(operation.id.number == index + 1, place)
            let edges = operation.dependsOn + operation.after
            #expect(edges.allSatisfy { $0 < operation.id }, place)
            ancestors[operation.id] = edges.reduce(into: Set(edges)) { $0.formUnion(ancestors[$1] ?? []) }
            if case .removeVolume = operation.action { Issue.record("\(place): up removes a volume\n\(plan)") }
            if let id = operation.existing { #expect(own.contains(id), place) }
        }
        for operation in plan.operations {
            guard case .startContainer = operation.action, let name = operation.subject.service else { continue }
            for (dependency, how) in stack.services[name]?.allDependencies ?? [:] {
                checkGate(plan, before: operation, ancestors[operation.id] ?? [], dependency, how, world, place)
            }
        }
    }

    /// Every start in the plan of a dependency comes before the start of its dependant, and so does its gate.
    func checkGate(
        _ plan: Plan, before start: Operation, _ ancestors: Set<OperationID>, _ dependency: String, _ how: Dependency,
        _ world: FakeWorld, _ place: Comment
    ) {
        for other in plan.operations where other.subject.service == dependency {
            if case .startContainer = other.action {
                #expect(ancestors.contains(other.id), "\(place): \(start.id) before \(other.id)\n\(plan)")
                let gate = plan.operations.contains { operation in
                    guard case .awaitCondition(how.condition, _) = operation.action else { return false }
                    return ancestors.contains(operation.id) && operation.subject.name == dependency
                }
                #expect(how.condition == .started || gate, "\(place): no gate before \(start.id)\n\(plan)")
            }
        }
    }

    // MARK: What holds of the world afterwards

    func checkWorld(_ world: FakeWorld, _ stack: Stack, _ options: UpOptions, _ place: Comment) {
        let requested = options.services.isEmpty ? Set(stack.services.keys) : Set(options.services)
        guard let graph = try? DependencyGraph(stack) else { return }
        let selected = options.includeDependencies ? graph.withDependencies(requested) : requested
        for name in selected.sorted() {
            guard let service = stack.services[name] else { continue }
            let containers = world.state.containers.filter {
                $0.record.stack == stack.name && $0.record.slot.service == name && $0.record.slot.oneOff == nil
            }
            #expect(containers.count == options.scale[name] ?? service.replicas, "\(place): \(name)")
            #expect(Set(containers.map(\.record.slot)).count == containers.count, "\(place): \(name)")
            for container in containers {
                #expect(container.record.name == "\(stack.name)-\(container.record.slot)", place)
                #expect(!container.record.isStandby, place)
                if options.start { #expect(container.status.state != .created, "\(place): \(name)") }
                if options.recreate != .never {
                    #expect(container.record.service.environment == service.environment, place)
                }
            }
        }
    }

    // MARK: Accidents

    func addStrangers(to world: inout FakeWorld) {
        var stack = RandomStack.stranger
        stack.addVolume("data")
        _ = try? world.execute(reconciler.up(stack, world.state))
    }

    func disturb(_ world: inout FakeWorld, _ stack: Stack, _ random: inout SeededGenerator) {
        for index in world.state.containers.indices where world.state.containers[index].record.stack == stack.name {
            if random.oneIn(4) { world.exit(at: index, code: random.pick([0, 1, 137])) }
        }
        if random.oneIn(3),
            let victim = world.state.containers.indices.filter({
                world.state.containers[$0].record.stack == stack.name && !world.state.containers[$0].status.isRunning
            }).first
        {
            world.state.containers.remove(at: victim)
        }
    }

    /// Runs a plan in which one of a service's own operations fails, gates and starts above all.
    ///
    /// - Returns: the containers that were made for the service; none: nothing of it failed.
    func fail(
        _ plan: Plan, _ service: String, in world: inout FakeWorld, _ random: inout SeededGenerator
    ) -> Set<ContainerID> {
        let victims = plan.operations.filter { operation in
            guard operation.subject.service == service else { return false }
            switch operation.action {
            case .startContainer, .awaitSteady, .takeOver: return true
            default: return false
            }
        }
        guard let victim = victims.isEmpty ? nil : random.pick(victims) else { return [] }
        var run = PlanRun(plan)
        var made: Set<ContainerID> = []
        var ready = run.start()
        while !ready.isEmpty {
            let operation = ready.remove(at: Int.random(in: 0..<ready.count, using: &random))
            do {
                if operation.id == victim.id { throw BerthError(.internal, "a fault") }
                let container = try world.apply(operation, in: run)
                if let container, operation.subject.service == service { made.insert(container) }
                run.finish(operation.id, .success(container: container))
            } catch {
                run.finish(operation.id, .failure(error as? BerthError ?? BerthError(.internal, "\(error)")))
            }
            ready += run.start()
        }
        return run.state(of: victim.id).isEnded && run.state(of: victim.id) != .succeeded ? made : []
    }

    /// Runs part of a plan: some operations fail, then the agent dies.
    func cutOff(_ plan: Plan, in world: inout FakeWorld, _ random: inout SeededGenerator) {
        var run = PlanRun(plan)
        var budget = Int.random(in: 0...plan.operations.count, using: &random)
        var ready = run.start()
        while budget > 0, !ready.isEmpty {
            let operation = ready.remove(at: Int.random(in: 0..<ready.count, using: &random))
            if random.oneIn(10) {
                run.finish(operation.id, .failure(BerthError(.internal, "a fault")))
            } else if let container = try? world.apply(operation, in: run) {
                run.finish(operation.id, .success(container: container))
            } else {
                run.finish(operation.id, .success())
            }
            ready += run.start()
            budget -= 1
        }
    }
}

extension Operation {
    /// A start or a gate: what `up` does for a one-shot that completed.
    var isRerun: Bool {
        switch action {
        case .startContainer(.existing), .awaitCondition: true
        default: false
        }
    }

    /// The container that exists already and is acted on.
    var existing: ContainerID? {
        switch action {
        case .startContainer(.existing(let id)), .stopContainer(.existing(let id), _),
            .killContainer(.existing(let id), _),
            .pauseContainer(.existing(let id)), .unpauseContainer(.existing(let id)),
            .removeContainer(.existing(let id), _), .renameContainer(.existing(let id), _),
            .takeOver(.existing(let id), _, _):
            id
        default: nil
        }
    }
}
