// Bringing the agent back: the shim that gets the lock starts it and passes the lock on; the others wait to be adopted.
import BerthLinux
import CLinux

/// The state of waiting for an agent that died unannounced.
struct Revival {
    var attempts = 0
    /// Monotonic nanoseconds before which nothing is tried.
    var notBefore: Int64 = 0
}

extension Monitor {
    /// The number at which a revived agent finds its lock.
    private static let lockDescriptorNumber: Int32 = 3
    private static let attemptsMax = 200

    /// Called when the agent's connection dropped without goodbye, and again (by the timer) until somebody adopts us.
    func reviveAgent() {
        guard !start.agent.isEmpty, !agentSaidGoodbye else { return }
        var state = revival ?? Revival()
        let now = monotonicNanoseconds()
        revival = state
        if now < state.notBefore { return }
        state.attempts += 1
        // 0, 0.2, 0.4, … up to 2 s: an agent that cannot start must not eat the machine.
        state.notBefore = now + Int64(min(state.attempts, 10)) * 200_000_000
        revival = state
        if state.attempts > Monitor.attemptsMax { return endRevival() }
        guard let attempt = try? FileLock.tryTake(start.agentLock) else { return }
        spawnAgent(attempt)
    }

    private func spawnAgent(_ lock: consuming FileLock) {
        guard let null = try? Directory.open("/dev/null", flags: O_RDWR), let program = start.agent.first else {
            return
        }
        let arguments = start.agent + ["--lock-fd", "\(Monitor.lockDescriptorNumber)"]
        // Ignored: a failed spawn is tried again by the timer, as long as nobody adopts us.
        _ = try? Process.spawn(
            program, arguments, environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            descriptors: [null.number, null.number, null.number, lock.descriptor.number], newSession: true)
    }

    func endRevival() { revival = nil }
}
