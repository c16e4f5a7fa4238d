// The thin shell around one container's state machine: performs its effects, reports back, keeps whoever waits
// informed.
import BerthLinux
import BerthModel
import BerthPlan
import BerthRuntime
import Logging

/// What a driver does to the world. The engine gives the real one; tests a fake.
package protocol ContainerHands: Sendable {
    func launch(_ record: ContainerRecord, held: Bool) async throws -> Int32
    func signal(_ id: ContainerID, _ number: Int32) throws
    func kill(_ id: ContainerID)
    func setPaused(_ id: ContainerID, _ paused: Bool) throws
    func sample(_ id: ContainerID) -> SignalSample?
    func probe(_ record: ContainerRecord, timeout: Duration) async -> (ProbeResult, witnessed: Bool)
    /// Whether something in the container listens for TCP connections from outside it.
    func hasListener(_ record: ContainerRecord) -> Bool
    /// The container has ended: what it held of the host goes.
    func release(_ record: ContainerRecord) async
    func store(_ id: ContainerID, _ status: ContainerStatus)
    func publish(_ event: Event) async
}

package actor ContainerDriver {
    package private(set) var record: ContainerRecord
    private var controller: ContainerController
    private let hands: any ContainerHands
    private let clock: EngineClock
    private let logger: Logger
    private var timers: [ContainerController.Timer: Task<Void, Never>] = [:]
    private var observers: [Int: AsyncStream<ContainerStatus>.Continuation] = [:]
    private var nextObserver = 0
    private var launchError: BerthError?
    private var holdNextLaunch = false
    package private(set) var wasSuspended = false

    package init(_ row: ContainerRow, hands: any ContainerHands, clock: EngineClock, logger: Logger) {
        record = row.record
        controller = ContainerController(ContainerDriver.settings(row.record), status: row.status)
        self.hands = hands
        self.clock = clock
        self.logger = logger
    }

    package var status: ContainerStatus { controller.status }
    package var lastLaunchError: BerthError? { launchError }
    package func rename(to name: String) { record.name = name }
    /// What its name and its part in its slot are from now on.
    func setPlace(name: String, isStandby: Bool) {
        record.name = name
        record.isStandby = isStandby
    }

    /// Policies and signals of the service, with the image's where the service says nothing.
    static func settings(_ record: ContainerRecord) -> ContainerController.Settings {
        let service = record.service
        let signal = service.stopSignal ?? record.imageExecution.StopSignal ?? ""
        return ContainerController.Settings(
            restart: record.slot.oneOff == nil ? service.restart : .no,
            health: healthcheck(record).map { HealthSettings($0) },
            stopSignal: Signal.number(signal) ?? Signal.terminate,
            gracePeriod: service.stopGracePeriod ?? .seconds(10),
            isFirstOfItsNamespace: !service.initProcess && service.pidMode == nil,
            awaitsListener: !record.servedPorts.isEmpty)
    }

    /// The service's check over the image's; nil where there is none or it is turned off.
    static func healthcheck(_ record: ContainerRecord) -> Healthcheck? {
        var check = record.service.healthcheck ?? Healthcheck()
        if check.test == nil, let image = record.imageExecution.Healthcheck {
            switch image.Test?.first {
            case "CMD": check.test = .command(Array(image.Test?.dropFirst() ?? []))
            case "CMD-SHELL": check.test = .shell(image.Test?.dropFirst().first ?? "")
            default: return nil
            }
            check.interval = check.interval ?? image.Interval.map { .nanoseconds($0) }
            check.timeout = check.timeout ?? image.Timeout.map { .nanoseconds($0) }
            check.retries = check.retries ?? image.Retries
            check.startPeriod = check.startPeriod ?? image.StartPeriod.map { .nanoseconds($0) }
            check.startInterval = check.startInterval ?? image.StartInterval.map { .nanoseconds($0) }
        }
        switch check.test {
        case .command, .shell: return check
        default: return nil
        }
    }

    package var hasHealthcheck: Bool { controller.settings.health != nil }

    private var now: Moment {
        Moment(monotonic: clock.monotonic, wall: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
    }

    // MARK: Wishes

    /// Starts, and returns when the program runs; throws why it does not.
    package func start(held: Bool = false) async throws {
        if controller.status.isRunning { return }
        launchError = nil
        holdNextLaunch = held
        let previousStart = controller.status.started
        for await status in observe(after: { self.take(.start) }) {
            if status.isRunning { return }
            if let launchError { throw launchError }
            // It ran and ended before anybody looked: it was started all the same. An earlier run is no such thing.
            if status.state == .exited && status.started != previousStart { return }
        }
    }

    /// Returns when it has ended.
    package func stop(grace: Duration?) async {
        await end { self.take(.stop(grace: grace)) }
    }

    package func kill(signal: Int32) async {
        take(.kill(signal: signal))
        if signal == Signal.kill { await end {} }
    }

    private func end(_ wish: () -> Void) async {
        guard controller.status.isRunning || controller.status.state == .restarting else { return }
        for await status in observe(after: wish) where !status.isRunning && status.state != .restarting { return }
    }

    package func setPaused(_ paused: Bool) throws {
        try hands.setPaused(record.id, paused)
        take(paused ? .paused : .unpaused)
    }

    /// Returns the final status once it does not run.
    package func waitForEnd() async -> ContainerStatus {
        for await status in observe(after: {}) where !status.isRunning && status.state != .restarting { return status }
        return controller.status
    }

    // MARK: Reports

    package func ended(_ status: ExitStatus) async {
        await hands.release(record)
        take(.ended(exitCode: status.code, oomKilled: status.oomKilled))
    }

    /// It was stopped for a shutdown, not by hand: it is to come back.
    package func suspended() {
        wasSuspended = true
        take(.suspended)
    }

    package func ranOutOfMemory() { take(.ranOutOfMemory) }

    package func adopt() { perform(controller.adopt(at: now)) }

    /// A restart policy that applies when an agent starts.
    package func resume() { take(.start) }

    /// Status now, and each change, until nobody listens.
    package func observe() -> AsyncStream<ContainerStatus> { observe(after: {}) }

    private func observe(after wish: () -> Void) -> AsyncStream<ContainerStatus> {
        let (stream, continuation) = AsyncStream<ContainerStatus>.makeStream()
        let number = nextObserver
        nextObserver += 1
        observers[number] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.dropObserver(number) }
        }
        wish()
        continuation.yield(controller.status)
        return stream
    }

    private func dropObserver(_ number: Int) { observers[number] = nil }

    private func take(_ input: ContainerController.Input) { perform(controller.take(input, at: now)) }

    // MARK: Effects

    private func perform(_ effects: [ContainerController.Effect]) {
        for effect in effects { perform(effect) }
    }

    private func perform(_ effect: ContainerController.Effect) {
        let id = record.id
        switch effect {
        case .launch: launch()
        case .signal(let number): attempt("signal") { try hands.signal(id, number) }
        case .kill: hands.kill(id)
        case .thaw: attempt("thaw") { try hands.setPaused(id, false) }
        case .takeSample: if let sample = hands.sample(id) { take(.sampled(sample)) }
        case .probe(let run, let timeout):
            Task {
                let began = clock.monotonic
                let (result, witnessed) = await hands.probe(record, timeout: timeout)
                take(.probed(run: run, result, witnessed: witnessed, began: began))
            }
        case .lookForListener(let run): take(.lookedForListener(run: run, found: hands.hasListener(record)))
        case .setTimer(let timer, let time):
            timers[timer]?.cancel()
            timers[timer] = Task { [clock] in
                do { try await clock.sleep(until: time) } catch { return }
                self.take(.fired(timer))
            }
        case .clearTimer(let timer):
            timers[timer]?.cancel()
            timers[timer] = nil
        case .publish(let event): publish(event)
        }
    }

    private func launch() {
        let held = holdNextLaunch
        holdNextLaunch = false
        Task {
            do {
                let processID = try await hands.launch(record, held: held)
                take(.launched(processID: processID))
            } catch {
                await hands.release(record)
                launchError =
                    error as? BerthError
                    ?? BerthError(.internal, "starting container \(record.name)", cause: "\(error)")
                take(.launchFailed(launchError?.description ?? ""))
            }
        }
    }

    private func publish(_ event: Event.Status?) {
        hands.store(record.id, controller.status)
        for observer in observers.values { observer.yield(controller.status) }
        guard let event else { return }
        let status = controller.status
        let report = Event(
            time: now.wall, kind: .container, name: record.name, status: event, stack: record.stack,
            service: record.slot.service,
            containerID: record.id,
            exitCode: [.died, .exited, .stopped, .restarting].contains(event) ? status.exitCode : nil,
            image: record.imageReference)
        Task { await hands.publish(report) }
    }

    private func attempt(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch {
            logger.debug(
                "effect failed", metadata: ["container": "\(record.name)", "effect": "\(what)", "error": "\(error)"])
        }
    }

    package func retire() {
        for timer in timers.values { timer.cancel() }
        for observer in observers.values { observer.finish() }
    }
}
