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
                        continuation.yield(
                            Sighting(name: member.name, observation: GateObservation(status, hasHealthcheck: hasCheck)))
                    }
                    continuation.yield(Sighting(name: member.name, observation: nil))
                })
        }
        return (stream, tasks)
    }

    func awaitCondition(
        _ condition: Dependency.Condition, _ members: [GateMember], _ run: PlanRun, _ deadline: Deadline?
    ) async throws {
        var gate = DependencyGate(condition, members)
        // The same members seen by the other gate, for its words when time is up.
        var wait = WaitGate(members)
        let begin = parts.clock.monotonic
        let (sightings, tasks) = await watch(members, run)
        defer { for task in tasks { task.cancel() } }
        for member in members where condition != .started { tellWaiting(member, .waiting) }
        if case .satisfied = gate.verdict { return }
        for await sighting in timed(sightings, deadline) {
            guard let sighting else { throw explained(wait.timedOut(after: deadline?.length ?? .zero), members, run) }
            if let observation = sighting.observation {
                gate.observe(sighting.name, observation)
                wait.observe(sighting.name, observation)
            } else {
                gate.remove(sighting.name)
                wait.remove(sighting.name)
            }
            switch gate.verdict {
            case .waiting: continue
            case .satisfied:
                for member in members where condition != .started {
                    tellWaiting(member, condition == .healthy ? .healthy : .exited, since: begin)
                }
                return
            case .failed(let error): throw explained(error, members, run)
            }
        }
        throw PlanExecutor.interrupted
    }

    func awaitReady(_ members: [GateMember], _ run: PlanRun, _ deadline: Deadline?) async throws {
        var gate = WaitGate(members)
        let begin = parts.clock.monotonic
        var ended: Set<String> = []
        let (sightings, tasks) = await watch(members, run)
        defer { for task in tasks { task.cancel() } }
        if case .satisfied = gate.verdict { return }
        for await sighting in timed(sightings, deadline) {
            guard let sighting else { throw explained(gate.timedOut(after: deadline?.length ?? .zero), members, run) }
            if let observation = sighting.observation {
                gate.observe(sighting.name, observation)
                if observation.state == .exited { ended.insert(sighting.name) } else { ended.remove(sighting.name) }
            } else {
                gate.remove(sighting.name)
            }
            switch gate.verdict {
            case .waiting: continue
            case .satisfied:
                for member in members {
                    tellWaiting(member, ended.contains(member.name) ? .exited : .healthy, since: begin)
                }
                return
            case .failed(let error): throw explained(error, members, run)
            }
        }
        throw PlanExecutor.interrupted
    }

    /// Watches what is ready: it throws as soon as one is not so any more.
    func awaitSteady(_ members: [GateMember], _ run: PlanRun, _ duration: Duration) async throws {
        if duration <= .zero { return }
        var gate = WaitGate(members)
        let (sightings, tasks) = await watch(members, run)
        defer { for task in tasks { task.cancel() } }
        var unseen = Set(members.map(\.name))
        for await sighting in timed(sightings, Deadline(at: parts.clock.monotonic + duration, length: duration)) {
            guard let sighting else { return }
            unseen.remove(sighting.name)
            if let observation = sighting.observation {
                gate.observe(sighting.name, observation)
            } else {
                gate.remove(sighting.name)
            }
            if !unseen.isEmpty { continue }
            switch gate.verdict {
            case .satisfied: continue
            case .failed(let error): throw explained(error, members, run)
            case .waiting: throw explained(gate.timedOut(after: duration), members, run)
            }
        }
        throw PlanExecutor.interrupted
    }

    private static let interrupted = BerthError(
        .cancelled, "waiting for containers", cause: "another command for this stack interrupted it")

    /// The sightings, and a nil when time is up.
    private func timed(_ sightings: AsyncStream<Sighting>, _ deadline: Deadline?) -> AsyncStream<Sighting?> {
        let (merged, continuation) = AsyncStream<Sighting?>.makeStream()
        let forward = Task { for await sighting in sightings { continuation.yield(sighting) } }
        let timer = Task { [clock = parts.clock] in
            guard let deadline else { return }
            do { try await clock.sleep(until: deadline.at) } catch { return }
            continuation.yield(nil)
        }
        continuation.onTermination = { _ in
            forward.cancel()
            timer.cancel()
        }
        return merged
    }

    /// - Parameter begin: when the waiting began; nil: it begins now.
    private func tellWaiting(_ member: GateMember, _ status: Event.Status, since begin: Duration? = nil) {
        let waited = begin.map { parts.clock.monotonic - $0 }
        report(
            .event(
                Event(
                    time: now, kind: .container, name: member.name, status: status, stack: stack,
                    service: member.service,
                    elapsedMilliseconds: waited.map(PlanExecutor.milliseconds))))
    }

    /// The error with the last lines that the containers it names have written.
    private func explained(_ error: BerthError, _ members: [GateMember], _ run: PlanRun) -> BerthError {
        var error = error
        var lines: [String] = []
        let text = "\(error.message) \(error.cause ?? "") \(error.hint ?? "") \(error.subject ?? "")"
        for member in members where text.contains(member.name) || members.count == 1 {
            guard let id = run.container(member.target) else { continue }
            let last = LogFile(path: parts.layout.logFile(id)).lastLines(10)
            if !last.isEmpty {
                lines.append("last lines of \(member.name):\n" + last.map { "  | \($0)" }.joined(separator: "\n"))
            }
        }
        if !lines.isEmpty { error.hint = ([error.hint].compactMap { $0 } + lines).joined(separator: "\n") }
        return error
    }
}
