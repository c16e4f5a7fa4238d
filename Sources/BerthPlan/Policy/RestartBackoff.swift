// When a container that ended is started again, and how long to wait before: Docker's rules.
package import BerthModel

/// The restart policy of one container between two starts by hand.
///
/// The wait doubles from 100 ms to a minute and falls back after a run of ten seconds; the count of restarts only
/// falls back when somebody starts the container, for which a new value is made.
package struct RestartBackoff: Sendable, Equatable {
    package enum Decision: Sendable, Equatable {
        case restart(after: Duration)
        case stayDown
    }

    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(60)
    package static let resetAfter = Duration.seconds(10)

    package let policy: RestartPolicy
    package private(set) var restartCount: Int
    private var wait: Duration?

    /// `restartCount` and `wait` continue what an earlier agent began.
    package init(_ policy: RestartPolicy, restartCount: Int = 0) {
        self.policy = policy
        self.restartCount = restartCount
    }

    /// `stoppedByUser`: stop or kill was asked for since the last start by hand. It holds for every policy: `always`
    /// differs from `unless-stopped` only when an agent starts (`startsWithAgent`).
    package mutating func ended(exitCode: Int32, ranFor: Duration, stoppedByUser: Bool) -> Decision {
        if ranFor >= RestartBackoff.resetAfter { wait = nil }
        guard !stoppedByUser, wantsRestart(exitCode) else { return .stayDown }
        let next = wait.map { min($0 * 2, RestartBackoff.longest) } ?? RestartBackoff.first
        wait = next
        restartCount += 1
        return .restart(after: next)
    }

    private func wantsRestart(_ exitCode: Int32) -> Bool {
        switch policy {
        case .no: false
        case .always, .unlessStopped: true
        case .onFailure(let maximum):
            exitCode != 0 && (maximum.map { $0 <= 0 || restartCount < $0 } ?? true)
        }
    }

    /// Whether a container that is down is started when the agent starts (after a reboot, say).
    package static func startsWithAgent(
        _ policy: RestartPolicy, exitCode: Int32, wasRunning: Bool, stoppedByUser: Bool
    ) -> Bool {
        switch policy {
        case .no: false
        case .always: true
        case .unlessStopped: !stoppedByUser
        case .onFailure: wasRunning && !stoppedByUser && exitCode != 0
        }
    }
}
