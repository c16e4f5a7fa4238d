// Health: Docker's machine, early looks, witnesses. A small host runs probes at the times that the machine asks for.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Health monitor")
struct HealthMonitorTests {
    /// Runs a monitor against a service that is ready from some time on.
    struct Host {
        var monitor: HealthMonitor
        var probes: [Duration] = []
        var changes: [(Duration, ContainerStatus.Health)] = []
        var records = 0
        var probeTakes = Duration.milliseconds(10)

        init(_ change: (inout HealthSettings) -> Void = { _ in }) {
            var settings = HealthSettings()
            change(&settings)
            monitor = HealthMonitor(settings, started: .zero)
        }

        mutating func run(
            until end: Duration, exit: (Duration) -> Int32, witnessed: (Duration) -> Bool = { _ in true }
        ) {
            var effects = monitor.begin()
            while let time = take(effects, at: probes.last ?? .zero), time < end {
                probes.append(time)
                let ended = time + probeTakes
                effects = monitor.probeFinished(
                    exitCode: exit(time), witnessed: witnessed(ended), began: time, ended: ended)
                _ = take(effects.filter { if case .runProbe = $0 { false } else { true } }, at: ended, keep: true)
                effects = effects.filter { if case .runProbe = $0 { true } else { false } }
            }
        }

        private mutating func take(_ effects: [HealthMonitor.Effect], at now: Duration, keep: Bool = false) -> Duration?
        {
            var next: Duration?
            for effect in effects {
                switch effect {
                case .runProbe(let time, let timeout):
                    next = time
                    #expect(timeout == monitor.settings.timeout)
                case .statusChanged(let health): changes.append((now, health))
                case .recordProbe: records += 1
                }
            }
            return next
        }
    }

    @Test("a service that is ready after half a second is healthy long before Docker's first probe")
    func eager() {
        var host = Host()
        host.run(until: .seconds(5), exit: { $0 >= .milliseconds(500) ? 0 : 1 })
        #expect(host.changes.map(\.1) == [.healthy])
        #expect((host.changes.first?.0 ?? .seconds(99)) < .seconds(1))
        // Looks at 50 ms, then further and further apart; those that failed leave no trace.
        #expect(host.probes.first == .milliseconds(50))
        #expect(host.records == 1)
        let gaps = zip(host.probes.dropFirst(), host.probes).map { $0 - $1 }
        #expect(zip(gaps.dropFirst(), gaps).allSatisfy { $0 >= $1 })
    }

    @Test(
        "in the first ten seconds no success is believed without a witness, not even of Docker's own probe; then it is")
    func witness() {
        var host = Host { $0.interval = .seconds(3) }
        host.run(until: .seconds(20), exit: { _ in 0 }, witnessed: { _ in false })
        #expect(host.changes.map(\.1) == [.healthy])
        // Docker's probes are due every three seconds: the fourth is the first after the tenth second.
        let at = host.changes.first?.0 ?? .zero
        #expect(at >= .seconds(12) && at < .milliseconds(12_200), "\(at)")

        var witnessed = Host { $0.interval = .seconds(3) }
        witnessed.run(until: .seconds(10), exit: { _ in 0 }, witnessed: { $0 > .seconds(1) })
        let healthyAt = witnessed.changes.first?.0 ?? .zero
        #expect(healthyAt > .seconds(1) && healthyAt < .seconds(3))
    }

    @Test("looks never come closer than 50 ms nor further than a second")
    func pace() {
        var host = Host()
        host.run(until: .seconds(25), exit: { _ in 1 })
        let gaps = zip(host.probes.dropFirst(), host.probes).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 >= .milliseconds(50) && $0 <= .milliseconds(1010) })
        #expect(host.changes.isEmpty && host.monitor.failingStreak == 0)
    }

    @Test("a slow probe is looked for less often: at most half the time")
    func expensive() {
        var host = Host()
        host.probeTakes = .seconds(2)
        host.run(until: .seconds(29), exit: { _ in 1 })
        let gaps = zip(host.probes.dropFirst(), host.probes).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 >= .seconds(4) })
    }

    @Test("unhealthy comes when Docker would say so, not earlier")
    func unhealthy() {
        var host = Host {
            $0.interval = .seconds(2); $0.retries = 3
        }
        host.run(until: .seconds(20), exit: { _ in 1 })
        #expect(host.changes.map(\.1) == [.unhealthy])
        // Docker: due 2 s after the start, then 2 s after the end of each; a look in flight may shift it by its length.
        let at = host.changes.first?.0 ?? .zero
        #expect(at >= .milliseconds(6030) && at <= .milliseconds(6100))
        #expect(host.monitor.failingStreak >= 3)
    }

    @Test("failures in the start period do not count, and probes come at the start interval")
    func startPeriod() {
        var host = Host {
            $0.interval = .seconds(10)
            $0.startPeriod = .seconds(20)
            $0.startInterval = .seconds(5)
            $0.retries = 1
        }
        host.run(until: .seconds(19), exit: { _ in 1 })
        #expect(host.changes.isEmpty && host.monitor.failingStreak == 0)
        #expect(host.records == 3)

        var late = Host {
            $0.interval = .seconds(10); $0.startPeriod = .seconds(20); $0.retries = 1
        }
        late.run(until: .seconds(60), exit: { _ in 1 })
        let at = late.changes.first?.0 ?? .zero
        #expect(at >= .seconds(20) && at < .seconds(31), "\(at)")
    }

    @Test("a success at any time is healthy and ends the streak; then only the interval counts")
    func recovery() {
        var host = Host {
            $0.interval = .seconds(2); $0.retries = 2
        }
        host.run(until: .seconds(30), exit: { $0 < .seconds(7) || ($0 > .seconds(15) && $0 < .seconds(22)) ? 1 : 0 })
        #expect(host.changes.map(\.1) == [.unhealthy, .healthy, .unhealthy, .healthy])
        let healthyProbes = host.probes.filter { $0 > .seconds(9) }
        let gaps = zip(healthyProbes.dropFirst(), healthyProbes).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 == .milliseconds(2010) })
    }

    @Test("a timeout is a failure like any other")
    func timeout() {
        var monitor = HealthMonitor(
            {
                var s = HealthSettings(); s.retries = 1; s.interval = .seconds(1); return s
            }(), started: .zero)
        _ = monitor.begin()
        let effects = monitor.probeFinished(exitCode: -1, witnessed: true, began: .seconds(1), ended: .seconds(31))
        #expect(effects.contains(.statusChanged(.unhealthy)))
    }

    @Test("what arrives after a stop is ignored; a resume begins Docker's timer anew")
    func pausing() {
        var monitor = HealthMonitor(HealthSettings(), started: .zero, health: .healthy)
        monitor.stop()
        #expect(monitor.probeFinished(exitCode: 1, witnessed: true, began: .seconds(40), ended: .seconds(41)).isEmpty)
        #expect(monitor.resume(at: .seconds(100)) == [.runProbe(at: .seconds(130), timeout: .seconds(30))])
        #expect(monitor.health == .healthy)
    }

    @Test("zero and missing settings are Docker's defaults")
    func defaults() {
        var healthcheck = Healthcheck()
        #expect(HealthSettings(healthcheck) == HealthSettings())
        healthcheck.interval = .zero
        healthcheck.retries = 0
        #expect(HealthSettings(healthcheck) == HealthSettings())
        healthcheck.interval = .microseconds(1)
        #expect(HealthSettings(healthcheck).interval == .milliseconds(1))
    }

    @Test("never unhealthy before Docker, never healthy without cause: random services")
    func property() {
        for seed in 1...300 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let interval = Duration.milliseconds(Int.random(in: 100...5000, using: &random))
            let retries = Int.random(in: 1...4, using: &random)
            let ready = Duration.milliseconds(Int.random(in: 0...20_000, using: &random))
            var host = Host {
                $0.interval = interval; $0.retries = retries
            }
            host.run(until: .seconds(40), exit: { $0 >= ready ? 0 : 1 })
            for (at, health) in host.changes {
                if health == .unhealthy { #expect(at >= interval * retries, "seed \(seed)") }
                if health == .healthy { #expect(at >= ready, "seed \(seed)") }
            }
            #expect(host.monitor.health == .healthy, "seed \(seed)")
        }
    }
}
