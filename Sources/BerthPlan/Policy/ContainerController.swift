// The life of one container after its creation: starts, ends, restarts, stops, pauses and health, as one machine
// without I/O.
package import BerthModel

/// Two readings of the same moment: one that never jumps, for waiting; one for people.
package struct Moment: Sendable, Equatable {
    package var monotonic: Duration
    package var wall: Timestamp
    package init(monotonic: Duration, wall: Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// Keeps a container's status and says what the driver must do next. The driver performs effects in order, sets
/// timers, and reports back; it decides nothing. Wishes (start, stop) are answered by the status: whoever waits for
/// one watches that.
package struct ContainerController: Sendable {
    package struct Settings: Sendable, Equatable {
        package var restart: RestartPolicy
        /// Nil: no health check.
        package var health: HealthSettings?
        package var stopSignal: Int32
        package var gracePeriod: Duration
        /// The main process is the first of a PID namespace of its own, and not an init that berth put there.
        package var isFirstOfItsNamespace: Bool
        /// It says that it serves TCP ports: while it is starting, a listener is looked for.
        package var awaitsListener: Bool

        package init(
            restart: RestartPolicy = .no, health: HealthSettings? = nil, stopSignal: Int32 = 15,
            gracePeriod: Duration = .seconds(10), isFirstOfItsNamespace: Bool = true, awaitsListener: Bool = false
        ) {
            self.restart = restart
            self.health = health
            self.stopSignal = stopSignal
            self.gracePeriod = gracePeriod
            self.isFirstOfItsNamespace = isFirstOfItsNamespace
            self.awaitsListener = awaitsListener
        }
    }

    /// A timer of the container; setting one again replaces it.
    package enum Timer: Sendable, Hashable, CaseIterable { case restart, stop, sample, probe, listener }

    package enum Input: Sendable, Equatable {
        // Wishes.
        case start
        /// Nil: the container's own grace period.
        case stop(grace: Duration?)
        case kill(signal: Int32)
        // What the driver reports.
        case launched(processID: Int32)
        case launchFailed(String)
        case ended(exitCode: Int32, oomKilled: Bool)
        /// The stop that came before was the machine's, not the user's.
        case suspended
        /// The kernel killed in the container for lack of memory; it may run on.
        case ranOutOfMemory
        case paused, unpaused
        /// `run` is that of the effect; results of an earlier run are ignored.
        case probed(run: Int, ProbeResult, witnessed: Bool, began: Duration)
        case sampled(SignalSample)
        /// Whether something in the container listens for TCP connections from outside it.
        case lookedForListener(run: Int, found: Bool)
        case fired(Timer)
    }

    package enum Effect: Sendable, Equatable {
        case launch
        case signal(Int32)
        /// By the control group: everything in the container.
        case kill
        case thaw
        case takeSample
        case probe(run: Int, timeout: Duration)
        /// Ask the kernel, which costs next to nothing beside a probe.
        case lookForListener(run: Int)
        case setTimer(Timer, at: Duration)
        case clearTimer(Timer)
        /// The status changed: store it, tell everyone. The event is what people are told; nil for details.
        case publish(Event.Status?)
    }

    package static let probesKept = 5
    /// Between two looks for a listener: short against the start of any server, and longer for one that takes long.
    package static let listenerLook = Duration.milliseconds(20)
    package static let patientListenerLook = Duration.milliseconds(200)
    private static let patienceAfter = Duration.seconds(20)

    package let settings: Settings
    package private(set) var status: ContainerStatus
    private var backoff: RestartBackoff
    private var monitor: HealthMonitor?
    private var stopping: StopSequence?
    private var startedAt = Duration.zero
    private var run = 0
    private var timers: Set<Timer> = []
    private var isLaunching = false
    private var isProbing = false

    /// A container as it was created, or as an earlier agent left it (then `adopt` says that it runs still).
    package init(_ settings: Settings, status: ContainerStatus = ContainerStatus()) {
        self.settings = settings
        self.status = status
        backoff = RestartBackoff(settings.restart, restartCount: status.restartCount)
    }

    /// It was started by an earlier agent and runs still. Docker's probe timer begins anew; health and streak are
    /// what they were.
    package mutating func adopt(at now: Moment) -> [Effect] {
        guard status.isRunning else { return [] }
        run += 1
        startedAt = now.monotonic - max(.zero, now.wall.duration(since: status.started))
        guard let health = settings.health else { return [] }
        let seen = status.health == .none ? .starting : status.health
        monitor = HealthMonitor(health, started: startedAt, health: seen)
        if status.state == .paused {
            monitor?.stop()
            return []
        }
        return probeEffects { $0.resume(at: now.monotonic) } + awaitListener(at: now)
    }

    package mutating func take(_ input: Input, at now: Moment) -> [Effect] {
        switch input {
        case .start: start()
        case .stop(let grace): stop(grace ?? settings.gracePeriod, at: now)
        case .kill(let signal): kill(signal)
        case .launched(let processID): launched(processID, at: now)
        case .launchFailed(let message): launchFailed(message, at: now)
        case .ended(let exitCode, let oomKilled): ended(exitCode, oomKilled, at: now)
        case .suspended: suspended()
        case .ranOutOfMemory: ranOutOfMemory()
        case .paused: pause()
        case .unpaused: unpause(at: now)
        case .probed(let run, let result, let witnessed, let began):
            probed(run, result, witnessed, began: began, at: now)
        case .sampled(let sample): sampled(sample, at: now)
        case .lookedForListener(let run, let found): lookedForListener(run, found, at: now)
        case .fired(let timer): fired(timer, at: now)
        }
    }
}

// MARK: Starting and ending

extension ContainerController {
    /// By hand: the count of restarts and the wish to stop are forgotten. Nothing happens to what runs.
    private mutating func start() -> [Effect] {
        guard !status.isRunning, !isLaunching else { return [] }
        // Not a restart any more: should it fail, it is the one who asked that hears of it.
        if status.state == .restarting { status.state = .exited }
        status.manuallyStopped = false
        status.restartCount = 0
        backoff = RestartBackoff(settings.restart)
        return clear([.restart]) + launch()
    }

    private mutating func launch() -> [Effect] {
        isLaunching = true
        return [.launch]
    }

    private mutating func launched(_ processID: Int32, at now: Moment) -> [Effect] {
        isLaunching = false
        run += 1
        startedAt = now.monotonic
        status.state = .running
        status.processID = processID
        status.started = now.wall
        status.exitCode = 0
        status.oomKilled = false
        status.error = ""
        status.probes = []
        status.health = settings.health == nil ? .none : .starting
        isProbing = false
        monitor = settings.health.map { HealthMonitor($0, started: now.monotonic) }
        var effects = [Effect.publish(.started)] + probeEffects { $0.begin() } + awaitListener(at: now)
        // The wish came while the process was being made.
        if status.manuallyStopped { effects += stop(settings.gracePeriod, at: now) }
        return effects
    }

    /// A start by hand that fails leaves the container as it was (Docker: `created`). A restart that fails is one
    /// more end.
    private mutating func launchFailed(_ message: String, at now: Moment) -> [Effect] {
        guard isLaunching else { return [] }
        isLaunching = false
        status.error = message
        guard status.state == .restarting else { return [.publish(.error)] }
        startedAt = now.monotonic
        return end(127, oomKilled: false, at: now)
    }

    private mutating func ended(_ exitCode: Int32, _ oomKilled: Bool, at now: Moment) -> [Effect] {
        guard status.isRunning else { return [] }
        return end(exitCode, oomKilled: oomKilled, at: now)
    }

    private mutating func suspended() -> [Effect] {
        guard !status.isRunning, !isLaunching else { return [] }
        status.manuallyStopped = false
        return [.publish(nil)]
    }

    private mutating func ranOutOfMemory() -> [Effect] {
        guard status.isRunning else { return [] }
        status.oomKilled = true
        return [.publish(.oom)]
    }

    private mutating func end(_ exitCode: Int32, oomKilled: Bool, at now: Moment) -> [Effect] {
        var effects = clear([.probe, .listener, .sample, .stop])
        // Unless the word of it came at once, it is said now.
        if oomKilled && !status.oomKilled { effects += ranOutOfMemory() }
        stopping = nil
        monitor = nil
        run += 1
        status.processID = nil
        status.exitCode = exitCode
        status.finished = now.wall
        let decision = backoff.ended(
            exitCode: exitCode, ranFor: now.monotonic - startedAt, stoppedByUser: status.manuallyStopped)
        switch decision {
        case .stayDown:
            status.state = .exited
            effects.append(.publish(status.manuallyStopped ? .stopped : .exited))
        case .restart(let wait):
            status.state = .restarting
            status.restartCount = backoff.restartCount
            effects += [.publish(.restarting), set(.restart, at: now.monotonic + wait)]
        }
        return effects
    }
}

// MARK: Stopping

extension ContainerController {
    private mutating func stop(_ grace: Duration, at now: Moment) -> [Effect] {
        status.manuallyStopped = true
        if status.state == .restarting && !isLaunching {
            status.state = .exited
            return clear([.restart]) + [.publish(.stopped)]
        }
        // A second stop (`--timeout 0` after a patient one) takes over; the signal is sent again, as Docker does.
        guard status.isRunning else { return [] }
        var sequence = StopSequence(
            signal: settings.stopSignal, grace: grace, started: startedAt,
            isFirstOfItsNamespace: settings.isFirstOfItsNamespace)
        let effects = clear([.stop, .sample]) + perform(sequence.begin(at: now.monotonic))
        stopping = sequence
        // A frozen process hears nothing.
        return [.publish(.stopping)] + effects + (status.state == .paused ? [.thaw] : [])
    }

    /// Any signal may be sent; those that mean an end count as a stop by hand.
    private mutating func kill(_ signal: Int32) -> [Effect] {
        if signal == StopSequence.sigkill || signal == settings.stopSignal {
            status.manuallyStopped = true
            if status.state == .restarting && !isLaunching {
                status.state = .exited
                return clear([.restart]) + [.publish(.stopped)]
            }
        }
        guard status.isRunning else { return [] }
        return signal == StopSequence.sigkill ? [.publish(.killing), .kill] : [.publish(nil), .signal(signal)]
    }

    private mutating func sampled(_ sample: SignalSample, at now: Moment) -> [Effect] {
        guard var sequence = stopping else { return [] }
        let effects = perform(sequence.sampled(sample, at: now.monotonic))
        stopping = sequence
        return effects
    }

    private mutating func perform(_ steps: [StopSequence.Effect]) -> [Effect] {
        steps.map { step in
            switch step {
            case .send(let signal): .signal(signal)
            case .sample(let time): set(.sample, at: time)
            case .wake(let time): set(.stop, at: time)
            case .kill: .kill
            case .giveUp: giveUp()
            }
        }
    }

    private mutating func giveUp() -> Effect {
        status.error = "the container did not end after SIGKILL: its process hangs in the kernel"
        return .publish(.error)
    }
}

// MARK: Pausing, probing, timers

extension ContainerController {
    private mutating func pause() -> [Effect] {
        guard status.state == .running else { return [] }
        status.state = .paused
        monitor?.stop()
        return clear([.probe, .listener]) + [.publish(.paused)]
    }

    private mutating func unpause(at now: Moment) -> [Effect] {
        guard status.state == .paused else { return [] }
        status.state = .running
        return [.publish(.unpaused)] + probeEffects { $0.resume(at: now.monotonic) } + awaitListener(at: now)
    }

    private mutating func probed(
        _ run: Int, _ result: ProbeResult, _ witnessed: Bool, began: Duration, at now: Moment
    ) -> [Effect] {
        guard run == self.run else { return [] }
        isProbing = false
        return probeEffects(result) {
            $0.probeFinished(
                exitCode: result.exitCode, witnessed: witnessed, began: began, ended: now.monotonic)
        }
    }

    /// A server is ready soon after it begins to listen: then is the time to probe, not when a timer says so.
    private mutating func awaitListener(at now: Moment) -> [Effect] {
        guard settings.awaitsListener, monitor != nil, status.health == .starting else { return [] }
        let isNew = now.monotonic - startedAt < ContainerController.patienceAfter
        let wait = isNew ? ContainerController.listenerLook : ContainerController.patientListenerLook
        return [set(.listener, at: now.monotonic + wait)]
    }

    private mutating func lookedForListener(_ run: Int, _ found: Bool, at now: Moment) -> [Effect] {
        guard run == self.run, status.state == .running else { return [] }
        guard found else { return awaitListener(at: now) }
        let isProbing = isProbing
        return probeEffects { $0.listenerAppeared(at: now.monotonic, whileProbing: isProbing) }
    }

    private mutating func probeEffects(
        _ result: ProbeResult? = nil, _ ask: (inout HealthMonitor) -> [HealthMonitor.Effect]
    ) -> [Effect] {
        guard var monitor else { return [] }
        let answers = ask(&monitor)
        self.monitor = monitor
        var effects: [Effect] = []
        for answer in answers {
            switch answer {
            case .runProbe(let time, _): effects.append(set(.probe, at: time))
            case .recordProbe:
                if let result { status.probes = (status.probes + [result]).suffix(ContainerController.probesKept) }
            case .statusChanged(let health):
                status.health = health
                effects += clear([.listener])
                effects.append(.publish(health == .healthy ? .healthy : .unhealthy))
            }
        }
        if answers.contains(.recordProbe), !effects.contains(where: \.isPublication) { effects.append(.publish(nil)) }
        return effects
    }

    private mutating func fired(_ timer: Timer, at now: Moment) -> [Effect] {
        guard timers.remove(timer) != nil else { return [] }
        switch timer {
        case .restart: return launch()
        case .sample: return [.takeSample]
        case .probe:
            // One that was under way when the container was paused: its end asks for the next.
            if isProbing { return [] }
            isProbing = settings.health != nil
            return settings.health.map { [.probe(run: run, timeout: $0.timeout)] } ?? []
        case .listener: return [.lookForListener(run: run)]
        case .stop:
            guard var sequence = stopping else { return [] }
            let effects = perform(sequence.timeReached(now.monotonic))
            stopping = sequence
            return effects
        }
    }

    private mutating func set(_ timer: Timer, at time: Duration) -> Effect {
        timers.insert(timer)
        return .setTimer(timer, at: time)
    }

    private mutating func clear(_ candidates: [Timer]) -> [Effect] {
        candidates.compactMap { timers.remove($0).map { .clearTimer($0) } }
    }
}

extension ContainerController.Effect {
    var isPublication: Bool { if case .publish = self { true } else { false } }
}
