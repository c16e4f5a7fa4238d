// Gates: watching containers until a condition holds or cannot hold any more, and saying why not.
import BerthLinux
import BerthLog
import BerthModel
import BerthPlan

extension PlanExecutor {
    /// A member's present, as its driver tells it.
    private struct Sighting: Sendable {
        var name: String
        var observation: GateObservation?
    }

    /// One stream of what all members do; nil observation: the container is gone.
    private func watch(_ members: [GateMember], _ run: PlanRun) async -> (AsyncStream<Sighting>, [Task<Void, Never>]) {
        let (stream, continuation) = AsyncStream<Sighting>.makeStream()
        var tasks: [Task<Void, Never>] = []
        for member in members {
            guard let id = run.container(member.target), let driver = parts.registry.driver(id) else {
                continuation.yield(Sighting(name: member.name, observation: nil))
                continue
            }
            let hasCheck = await driver.hasHealthcheck
            let statuses = await driver.observe()
            tasks.append(
                Task {
                    for await status in statuses {
                        continuation.yield(Sighting(name: member.name, observation: GateObservation(status, hasHealthcheck: hasCheck)))
                    }
                    continuation.yield(Sighting(name: member.name, observation: nil))
                })
        }
        return (stream, tasks)
    }

    func awaitCondition(_ condition: Dependency.Condition, _ members: [GateMember], _ run: PlanRun) async throws {
        var gate = DependencyGate(condition, members)
        let (sightings, tasks) = await watch(members, run)
        defer { for task in tasks { task.cancel() } }
        for member in members where condition != .started { tellWaiting(member, .waiting) }
        if case .satisfied = gate.verdict { return }
        for await sighting in sightings {
            if let observation = sighting.observation { gate.observe(sighting.name, observation) } else { gate.remove(sighting.name) }
            switch gate.verdict {
            case .waiting: continue
            case .satisfied:
                for member in members where condition != .started {
                    tellWaiting(member, condition == .healthy ? .healthy : .exited)
                }
                return
            case .failed(let error): throw explained(error, members, run)
            }
        }
    }

    func awaitReady(_ members: [GateMember], _ timeout: Duration?, _ run: PlanRun) async throws {
        var gate = WaitGate(members)
        let (sightings, tasks) = await watch(members, run)
        defer { for task in tasks { task.cancel() } }
        if case .satisfied = gate.verdict { return }
        let deadline = timeout.map { parts.clock.monotonic + $0 }
        let (merged, continuation) = AsyncStream<Sighting?>.makeStream()
        let forward = Task { for await sighting in sightings { continuation.yield(sighting) } }
        let timer = Task {
            guard let deadline else { return }
            do { try await parts.clock.sleep(until: deadline) } catch { return }
            continuation.yield(nil)
        }
        defer {
            forward.cancel()
            timer.cancel()
        }
        for await sighting in merged {
            guard let sighting else { throw explained(gate.timedOut(after: timeout ?? .zero), members, run) }
            if let observation = sighting.observation { gate.observe(sighting.name, observation) } else { gate.remove(sighting.name) }
            switch gate.verdict {
            case .waiting: continue
            case .satisfied:
                for member in members { tellWaiting(member, .healthy) }
                return
            case .failed(let error): throw explained(error, members, run)
            }
        }
    }

    private func tellWaiting(_ member: GateMember, _ status: Event.Status) {
        report(.event(Event(time: now, kind: .container, name: member.name, status: status, stack: stack, service: member.service)))
    }

    /// The error with the last lines that the containers it names have written.
    private func explained(_ error: BerthError, _ members: [GateMember], _ run: PlanRun) -> BerthError {
        var error = error
        var lines: [String] = []
        let text = "\(error.message) \(error.cause ?? "") \(error.hint ?? "") \(error.subject ?? "")"
        for member in members where text.contains(member.name) || members.count == 1 {
            guard let id = run.container(member.target) else { continue }
            let last = LogFile(path: parts.layout.logFile(id)).lastLines(10)
            if !last.isEmpty { lines.append("last lines of \(member.name):\n" + last.map { "  | \($0)" }.joined(separator: "\n")) }
        }
        if !lines.isEmpty { error.hint = ([error.hint].compactMap { $0 } + lines).joined(separator: "\n") }
        return error
    }
}
