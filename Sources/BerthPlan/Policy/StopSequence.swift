// Stopping one container: signal, grace, kill; and the cases in which waiting is provably pointless.

/// What `/proc/<pid>/status` and its wait channel say of a container's main process.
package struct SignalSample: Sendable, Equatable {
    /// `SigCgt` and `SigBlk`: bit n-1 is signal n.
    package var caught: UInt64
    package var blocked: UInt64
    /// The leader is in `rt_sigtimedwait`: an init that takes signals as messages.
    package var waitsForSignals: Bool

    package init(caught: UInt64, blocked: UInt64, waitsForSignals: Bool) {
        self.caught = caught
        self.blocked = blocked
        self.waitsForSignals = waitsForSignals
    }

    /// The signal can have an effect on this process if it is the first of its PID namespace.
    func canReceive(_ signal: Int32) -> Bool {
        guard (1...64).contains(signal) else { return true }
        let bit = UInt64(1) << UInt64(signal - 1)
        return caught & bit != 0 || blocked & bit != 0 || waitsForSignals
    }
}

/// Whether the grace period of a stop can be cut short.
///
/// The kernel drops a signal for the first process of a PID namespace that has no handler for it. Such a process ends
/// ten seconds later by SIGKILL anyway; the outcome of killing it now is the same. A process that is still starting
/// may install its handler in a moment, so it must have run for a second, and two samples must agree.
package enum StopJudge {
    package static let minimumAge = Duration.seconds(1)
    package static let sampleInterval = Duration.milliseconds(50)

    package static func isPointless(
        signal: Int32, isFirstOfItsNamespace: Bool, ranFor: Duration, samples: [SignalSample]
    ) -> Bool {
        isFirstOfItsNamespace && ranFor >= minimumAge && samples.count >= 2
            && samples.allSatisfy { !$0.canReceive(signal) }
    }
}

/// The course of one stop. Times are readings of a clock that never jumps.
package struct StopSequence: Sendable, Equatable {
    package enum Effect: Sendable, Equatable {
        case send(signal: Int32)
        /// Take a `SignalSample` at that time.
        case sample(at: Duration)
        /// Call `timeReached` at that time.
        case wake(at: Duration)
        case kill
        /// The container survived SIGKILL (it hangs in the kernel): give up waiting, and say so.
        case giveUp
    }

    package static let sigkill: Int32 = 9
    /// How long a kill may take before the stop is reported as stuck.
    package static let killPatience = Duration.seconds(10)

    private enum Phase { case idle, grace, killed, ended }

    package let signal: Int32
    /// Nil: for ever (`stop_grace_period: -1s`).
    package let grace: Duration?
    private let isFirstOfItsNamespace: Bool
    private let started: Duration
    private var phase = Phase.idle
    private var deadline: Duration?
    private var samples: [SignalSample] = []

    /// A negative grace waits for ever; zero kills at once after the signal, as Docker does.
    package init(signal: Int32, grace: Duration, started: Duration, isFirstOfItsNamespace: Bool) {
        self.signal = signal
        self.grace = grace < .zero ? nil : grace
        self.started = started
        self.isFirstOfItsNamespace = isFirstOfItsNamespace
    }

    package mutating func begin(at now: Duration) -> [Effect] {
        guard phase == .idle else { return [] }
        if signal == StopSequence.sigkill { return kill(at: now) }
        phase = .grace
        var effects: [Effect] = [.send(signal: signal)]
        if let grace {
            deadline = now + grace
            effects.append(.wake(at: now + grace))
        }
        // A container that is stopped right after its start gets its samples when it is old enough.
        if isFirstOfItsNamespace, grace.map({ $0 > StopJudge.sampleInterval }) ?? false {
            effects.append(.sample(at: max(now, started + StopJudge.minimumAge)))
        }
        return effects
    }

    package mutating func sampled(_ sample: SignalSample, at now: Duration) -> [Effect] {
        guard phase == .grace else { return [] }
        // Whoever can receive the signal has received it: there is nothing to look for any more.
        if sample.canReceive(signal) { return [] }
        samples.append(sample)
        let isPointless = StopJudge.isPointless(
            signal: signal, isFirstOfItsNamespace: isFirstOfItsNamespace, ranFor: now - started, samples: samples)
        return isPointless ? kill(at: now) : [.sample(at: now + StopJudge.sampleInterval)]
    }

    package mutating func timeReached(_ now: Duration) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        switch phase {
        case .grace: return kill(at: now)
        case .killed:
            phase = .ended
            return [.giveUp]
        case .idle, .ended: return []
        }
    }

    package mutating func exited() { phase = .ended }

    private mutating func kill(at now: Duration) -> [Effect] {
        phase = .killed
        deadline = now + StopSequence.killPatience
        return [.kill, .wake(at: now + StopSequence.killPatience)]
    }
}
