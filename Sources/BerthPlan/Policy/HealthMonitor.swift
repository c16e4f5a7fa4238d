// The health of one container: Docker's state machine, with early looks while it is starting.
package import BerthModel

/// `healthcheck` with Docker's defaults filled in.
package struct HealthSettings: Sendable, Equatable {
    package var interval = Duration.seconds(30)
    package var timeout = Duration.seconds(30)
    package var startPeriod = Duration.zero
    package var startInterval = Duration.seconds(5)
    package var retries = 3
    package init() {}

    /// Zero means "not given", as in Docker's documents.
    package init(_ healthcheck: Healthcheck) {
        self.init()
        func take(_ given: Duration?, _ field: WritableKeyPath<HealthSettings, Duration>) {
            if let given, given > .zero { self[keyPath: field] = max(given, .milliseconds(1)) }
        }
        take(healthcheck.interval, \.interval)
        take(healthcheck.timeout, \.timeout)
        take(healthcheck.startPeriod, \.startPeriod)
        take(healthcheck.startInterval, \.startInterval)
        if let given = healthcheck.retries, given > 0 { retries = given }
    }
}

/// Decides when to probe and what a result means. Times are readings of a clock that never jumps.
///
/// Docker's probes come at fixed times: an interval after the start, then an interval after the end of each. Only
/// these count failures. While the container is starting, further probes look earlier and more often. A success in the
/// first seconds is believed only with a witness (the kernel sees a listener), because some images answer probes from
/// a temporary server.
package struct HealthMonitor: Sendable, Equatable {
    package typealias Health = ContainerStatus.Health

    package enum Effect: Sendable, Equatable {
        /// Start a probe at that time (at once if it has passed). Replaces an earlier request that has not begun.
        case runProbe(at: Duration, timeout: Duration)
        case statusChanged(Health)
        /// The result belongs into the container's probe log. Early looks that failed do not: Docker would not have
        /// had them.
        case recordProbe
    }

    package static let firstLook = Duration.milliseconds(50)
    package static let longestLook = Duration.seconds(1)
    /// From then on a success of Docker's own probe needs no witness: some containers expose ports that nothing in them
    /// serves, and Docker calls those healthy too (docs/decisions/0006).
    package static let witnessPatience = Duration.seconds(10)

    package let settings: HealthSettings
    package private(set) var health: Health
    package private(set) var failingStreak: Int
    private let started: Duration
    private var isStopped = false
    /// When Docker's next probe is due.
    private var due: Duration
    /// The wait before the next early look.
    private var look = HealthMonitor.firstLook

    /// A container that started at `started`. `health` and `failingStreak` continue what an earlier agent saw.
    package init(_ settings: HealthSettings, started: Duration, health: Health = .starting, failingStreak: Int = 0) {
        self.settings = settings
        self.started = started
        self.health = health
        self.failingStreak = failingStreak
        due = started
        due = started + interval(at: started)
    }

    /// The first request of a fresh container.
    package mutating func begin() -> [Effect] { [next(after: started, lastProbe: .zero)] }

    /// After a pause, or for a container that an earlier agent started: Docker's timer begins anew.
    package mutating func resume(at now: Duration) -> [Effect] {
        isStopped = false
        due = now + interval(at: now)
        look = HealthMonitor.firstLook
        return [next(after: now, lastProbe: .zero)]
    }

    /// Paused or ended: a result that still arrives is ignored.
    package mutating func stop() { isStopped = true }

    /// A probe ended. `exitCode` is -1 where it timed out or could not start. `witnessed`: where the container has
    /// TCP ports to listen on, something listens; true as well where it has none.
    package mutating func probeFinished(
        exitCode: Int32, witnessed: Bool, began: Duration, ended: Duration
    ) -> [Effect] {
        guard !isStopped else { return [] }
        let isDockers = began >= due
        var effects: [Effect] = []
        if exitCode == 0 {
            let isBelieved = isDockers && began - started >= HealthMonitor.witnessPatience
            if isBelieved || health != .starting || witnessed {
                effects = [.recordProbe] + settle(.healthy)
                failingStreak = 0
            }
        } else if isDockers {
            effects = [.recordProbe]
            let isExcused = health == .starting && began - started < settings.startPeriod
            if !isExcused {
                failingStreak += 1
                if failingStreak >= settings.retries { effects += settle(.unhealthy) }
            }
        }
        if isDockers || health != .starting { due = ended + interval(at: ended) }
        effects.append(next(after: ended, lastProbe: ended - began))
        return effects
    }

    /// Something in the container has begun to listen: a starting service is likely ready now. While a probe runs, its
    /// end decides; the looks after it are early ones again.
    package mutating func listenerAppeared(at now: Duration, whileProbing: Bool) -> [Effect] {
        guard !isStopped, health == .starting else { return [] }
        look = HealthMonitor.firstLook
        return whileProbing ? [] : [.runProbe(at: now, timeout: settings.timeout)]
    }

    private mutating func settle(_ new: Health) -> [Effect] {
        guard health != new else { return [] }
        health = new
        return [.statusChanged(new)]
    }

    /// Docker's interval: shorter during the start period, while nothing is known.
    private func interval(at now: Duration) -> Duration {
        now - started < settings.startPeriod && health == .starting ? settings.startInterval : settings.interval
    }

    /// The next probe: Docker's, or while starting an early look. A probe that takes long is repeated less often, so
    /// that looking never costs more than half of one processor.
    private mutating func next(after now: Duration, lastProbe: Duration) -> Effect {
        var time = max(due, now)
        if health == .starting {
            time = min(time, now + max(look, lastProbe))
            look = min(look * 3 / 2, HealthMonitor.longestLook)
        }
        return .runProbe(at: time, timeout: settings.timeout)
    }
}
