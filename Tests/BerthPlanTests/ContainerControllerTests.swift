// The life of a container: scenes played to the controller, and random lives that must keep their rules.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Container controller")
struct ContainerControllerTests {
    typealias Controller = ContainerController

    static let epoch = Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000)

    static func moment(_ milliseconds: Int) -> Moment {
        Moment(monotonic: .milliseconds(milliseconds), wall: epoch.advanced(by: .milliseconds(milliseconds)))
    }

    /// Plays inputs at times in milliseconds; returns the effects of the last one.
    static func play(_ controller: inout Controller, _ inputs: (Int, Controller.Input)...) -> [Controller.Effect] {
        var last: [Controller.Effect] = []
        for (at, input) in inputs { last = controller.take(input, at: moment(at)) }
        return last
    }

    static func running(_ settings: Controller.Settings = .init()) -> Controller {
        var controller = Controller(settings)
        _ = play(&controller, (0, .start), (0, .launched(processID: 42)))
        return controller
    }

    @Test("start, run, end")
    func life() {
        var controller = Controller(.init())
        #expect(Self.play(&controller, (0, .start)) == [.launch])
        #expect(Self.play(&controller, (1, .start)) == [])
        #expect(Self.play(&controller, (5, .launched(processID: 42))) == [.publish(.started)])
        #expect(controller.status.state == .running && controller.status.processID == 42)
        #expect(Self.play(&controller, (9, .start)) == [])
        #expect(Self.play(&controller, (900, .ended(exitCode: 3, oomKilled: false))) == [.publish(.exited)])
        #expect(controller.status.state == .exited && controller.status.exitCode == 3 && !controller.status.oomKilled)
        #expect(controller.status.finished == Self.moment(900).wall && controller.status.processID == nil)
        #expect(Self.play(&controller, (901, .ended(exitCode: 9, oomKilled: false))) == [])
    }

    @Test("stopped for a shutdown is not stopped by hand")
    func suspended() {
        var controller = Self.running(.init(restart: .unlessStopped))
        _ = Self.play(&controller, (0, .stop(grace: nil)), (5, .ended(exitCode: 0, oomKilled: false)))
        #expect(controller.status.state == .exited && controller.status.manuallyStopped)
        #expect(Self.play(&controller, (6, .suspended)) == [.publish(nil)])
        #expect(controller.status.state == .exited && !controller.status.manuallyStopped)
        var busy = Self.running()
        #expect(Self.play(&busy, (6, .suspended)) == [], "what did not stop is what it was")
    }

    @Test("a kill for lack of memory is told once: at once, or with the end; the next run knows nothing of it")
    func outOfMemory() {
        var told = Self.running()
        #expect(Self.play(&told, (5, .ranOutOfMemory)) == [.publish(.oom)])
        #expect(told.status.state == .running && told.status.oomKilled)
        #expect(Self.play(&told, (9, .ended(exitCode: 0, oomKilled: true))) == [.publish(.exited)])
        #expect(Self.play(&told, (10, .ranOutOfMemory)) == [], "the word of it came late")
        var untold = Self.running()
        #expect(
            Self.play(&untold, (9, .ended(exitCode: 137, oomKilled: true))) == [.publish(.oom), .publish(.exited)])
        #expect(untold.status.oomKilled)
        _ = Self.play(&untold, (10, .start), (11, .launched(processID: 43)))
        #expect(!untold.status.oomKilled)
    }

    @Test("a start that fails leaves the container created, with its reason")
    func failedStart() {
        var controller = Controller(.init(restart: .always))
        #expect(Self.play(&controller, (0, .start), (1, .launchFailed("no such command"))) == [.publish(.error)])
        #expect(controller.status.state == .created && controller.status.exitCode == 0)
        #expect(controller.status.error == "no such command")
        #expect(Self.play(&controller, (2, .start)) == [.launch])
        _ = Self.play(&controller, (3, .launched(processID: 1)))
        #expect(controller.status.error == "")
    }

    @Test("restarts wait, count, and start again")
    func restarts() {
        var controller = Self.running(.init(restart: .onFailure(maximumRetries: 2)))
        #expect(
            Self.play(&controller, (1000, .ended(exitCode: 1, oomKilled: false)))
                == [.publish(.restarting), .setTimer(.restart, at: .milliseconds(1100))])
        #expect(controller.status.state == .restarting && controller.status.restartCount == 1)
        #expect(Self.play(&controller, (1100, .fired(.restart))) == [.launch])
        // A restart that cannot even launch is one more end.
        #expect(
            Self.play(&controller, (1101, .launchFailed("gone")))
                == [.publish(.restarting), .setTimer(.restart, at: .milliseconds(1301))])
        #expect(controller.status.exitCode == 127)
        _ = Self.play(&controller, (1301, .fired(.restart)), (1302, .launched(processID: 2)))
        #expect(Self.play(&controller, (1400, .ended(exitCode: 1, oomKilled: false))) == [.publish(.exited)])
        _ = Self.play(&controller, (2000, .start))
        #expect(controller.status.restartCount == 0)
    }

    @Test("a stop signals, waits, kills; and no policy brings it back")
    func stop() {
        var controller = Self.running(.init(restart: .always, isFirstOfItsNamespace: false))
        #expect(
            Self.play(&controller, (2000, .stop(grace: nil)))
                == [.publish(.stopping), .signal(15), .setTimer(.stop, at: .seconds(12))])
        #expect(
            Self.play(&controller, (12_000, .fired(.stop))) == [.kill, .setTimer(.stop, at: .seconds(22))])
        #expect(
            Self.play(&controller, (12_010, .ended(exitCode: 137, oomKilled: false)))
                == [.clearTimer(.stop), .publish(.stopped)])
        #expect(controller.status.state == .exited && controller.status.manuallyStopped)
        #expect(Self.play(&controller, (13_000, .start)) == [.launch])
        #expect(!controller.status.manuallyStopped)
    }

    @Test("a deaf container is killed after two samples")
    func honesty() {
        let deaf = SignalSample(caught: 0, blocked: 0, waitsForSignals: false)
        var controller = Self.running()
        #expect(Self.play(&controller, (2000, .stop(grace: nil))).last == .setTimer(.sample, at: .seconds(2)))
        #expect(Self.play(&controller, (2000, .fired(.sample))) == [.takeSample])
        #expect(Self.play(&controller, (2001, .sampled(deaf))) == [.setTimer(.sample, at: .milliseconds(2051))])
        #expect(
            Self.play(&controller, (2051, .fired(.sample)), (2052, .sampled(deaf)))
                == [.kill, .setTimer(.stop, at: .milliseconds(12_052))])
    }

    @Test("a stop between two runs cancels the restart; one during a launch waits for it")
    func stopBetween() {
        var controller = Self.running(.init(restart: .always))
        _ = Self.play(&controller, (1000, .ended(exitCode: 1, oomKilled: false)))
        #expect(
            Self.play(&controller, (1010, .stop(grace: nil))) == [.clearTimer(.restart), .publish(.stopped)])
        #expect(controller.status.state == .exited)
        #expect(Self.play(&controller, (1100, .fired(.restart))) == [])

        var launching = Controller(.init())
        #expect(Self.play(&launching, (0, .start), (1, .stop(grace: nil))) == [])
        let effects = Self.play(&launching, (5, .launched(processID: 1)))
        #expect(effects.contains(.signal(15)))
    }

    @Test("a second stop is more urgent than the first")
    func urgency() {
        var controller = Self.running(.init(isFirstOfItsNamespace: false))
        _ = Self.play(&controller, (2000, .stop(grace: .seconds(100))))
        let effects = Self.play(&controller, (3000, .stop(grace: .zero)))
        #expect(
            effects == [.clearTimer(.stop), .publish(.stopping), .signal(15), .setTimer(.stop, at: .seconds(3))]
                || effects == [.publish(.stopping), .clearTimer(.stop), .signal(15), .setTimer(.stop, at: .seconds(3))])
        #expect(Self.play(&controller, (3000, .fired(.stop))).first == .kill)
    }

    @Test("a paused container is thawed to hear the signal")
    func paused() {
        var controller = Self.running(.init(isFirstOfItsNamespace: false))
        _ = Self.play(&controller, (100, .paused))
        #expect(controller.status.state == .paused)
        #expect(Self.play(&controller, (2000, .stop(grace: nil))).last == .thaw)
        #expect(Self.play(&controller, (2001, .unpaused)) == [.publish(.unpaused)])
    }

    @Test("kill is a stop by hand; a signal for other purposes is not")
    func kill() {
        var controller = Self.running(.init(restart: .always))
        #expect(Self.play(&controller, (10, .kill(signal: 1))) == [.publish(nil), .signal(1)])
        #expect(!controller.status.manuallyStopped)
        #expect(Self.play(&controller, (20, .kill(signal: 9))) == [.publish(.killing), .kill])
        _ = Self.play(&controller, (30, .ended(exitCode: 137, oomKilled: false)))
        #expect(controller.status.state == .exited)
    }

    @Test("what does not end after SIGKILL is reported")
    func hang() {
        var controller = Self.running(.init(isFirstOfItsNamespace: false))
        _ = Self.play(&controller, (2000, .stop(grace: .zero)), (2000, .fired(.stop)))
        #expect(Self.play(&controller, (12_000, .fired(.stop))) == [.publish(.error)])
        #expect(controller.status.error.contains("SIGKILL"))
    }

    @Test("health: probed, recorded, told; an earlier run's results are ignored")
    func health() throws {
        var controller = Controller(.init(restart: .always, health: HealthSettings()))
        _ = Self.play(&controller, (0, .start))
        #expect(
            Self.play(&controller, (0, .launched(processID: 1)))
                == [.publish(.started), .setTimer(.probe, at: .milliseconds(50))])
        #expect(controller.status.health == .starting)
        let probe = Self.play(&controller, (50, .fired(.probe)))
        guard case .probe(let run, _)? = probe.first else { return #expect(Bool(false), "no probe: \(probe)") }
        let result = ProbeResult(start: Self.epoch, end: Self.epoch, exitCode: 0, output: "ok")
        let effects = Self.play(
            &controller, (60, .probed(run: run, result, witnessed: true, began: .milliseconds(50))))
        #expect(effects.contains(.publish(.healthy)))
        #expect(controller.status.health == .healthy && controller.status.probes == [result])

        let end = Self.play(&controller, (70, .ended(exitCode: 0, oomKilled: false)))
        #expect(end.contains(.clearTimer(.probe)))
        #expect(Self.play(&controller, (80, .probed(run: run, result, witnessed: true, began: .zero))) == [])
        _ = Self.play(&controller, (170, .fired(.restart)), (171, .launched(processID: 2)))
        #expect(controller.status.health == .starting && controller.status.probes.isEmpty)
        #expect(Self.play(&controller, (180, .probed(run: run, result, witnessed: true, began: .zero))) == [])
        #expect(controller.status.health == .starting)
    }

    @Test("a server that begins to listen is probed at once, not when the next look is due")
    func listener() throws {
        var controller = Controller(.init(health: HealthSettings(), awaitsListener: true))
        _ = Self.play(&controller, (0, .start))
        let launched = Self.play(&controller, (0, .launched(processID: 1)))
        #expect(launched.contains(.setTimer(.listener, at: .milliseconds(20))))
        let look = Self.play(&controller, (20, .fired(.listener)))
        guard case .lookForListener(let run)? = look.first else { return #expect(Bool(false), "no look: \(look)") }
        #expect(
            Self.play(&controller, (20, .lookedForListener(run: run, found: false)))
                == [.setTimer(.listener, at: .milliseconds(40))])
        // The early looks have become rare by now.
        let failed = ProbeResult(start: Self.epoch, end: Self.epoch, exitCode: 1, output: "")
        _ = Self.play(
            &controller, (50, .fired(.probe)),
            (60, .probed(run: run, failed, witnessed: false, began: .milliseconds(50))))
        #expect(
            Self.play(&controller, (70, .fired(.listener)), (70, .lookedForListener(run: run, found: true)))
                == [.setTimer(.probe, at: .milliseconds(70))])
        // While a probe runs, no second one is begun.
        var busy = controller
        _ = Self.play(&busy, (70, .fired(.probe)))
        #expect(Self.play(&busy, (71, .lookedForListener(run: run, found: true))) == [])
        _ = Self.play(&controller, (80, .ended(exitCode: 1, oomKilled: false)))
        #expect(Self.play(&controller, (81, .lookedForListener(run: run, found: true))) == [])
    }

    @Test("an agent that comes back goes on where the last one was")
    func adoption() {
        var status = ContainerStatus(state: .running, health: .healthy)
        status.started = Self.epoch
        status.restartCount = 2
        let settings = Controller.Settings(restart: .onFailure(maximumRetries: 2), health: HealthSettings())
        var controller = Controller(settings, status: status)
        #expect(controller.adopt(at: Self.moment(60_000)) == [.setTimer(.probe, at: .seconds(90))])
        #expect(controller.status.health == .healthy)
        let effects = Self.play(&controller, (61_000, .ended(exitCode: 1, oomKilled: false)))
        #expect(effects == [.clearTimer(.probe), .publish(.exited)])

        var ended = Controller(settings, status: ContainerStatus(state: .exited))
        #expect(ended.adopt(at: Self.moment(0)) == [])
    }

    /// A driver that obeys, with accidents: whatever happens, the rules hold.
    @Test("random lives keep the rules")
    func property() {
        for seed in 1...300 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            var controller = Controller(
                .init(
                    restart: random.pick([.no, .always, .unlessStopped, .onFailure(maximumRetries: 2)]),
                    health: random.oneIn(2) ? HealthSettings() : nil, isFirstOfItsNamespace: random.oneIn(2),
                    awaitsListener: random.oneIn(2)))
            var life = Life()
            for step in 0..<120 {
                life.now += Int.random(in: 0...2000, using: &random)
                guard let input = life.next(&random) else { continue }
                let effects = controller.take(input, at: Self.moment(life.now))
                life.obey(effects, input, seed: seed, step: step)
                #expect(controller.status.isRunning == life.isRunning, "seed \(seed), step \(step): \(input)")
                #expect(
                    (controller.status.state == .restarting) == (life.waitsForRestart), "seed \(seed), step \(step)")
                #expect(controller.status.probes.count <= 5)
            }
        }
    }

    struct Life {
        var now = 0
        var isRunning = false
        var isPaused = false
        var isLaunching = false
        var timers: [Controller.Timer: Duration] = [:]
        var probeRun: Int?
        var samples = false
        var listenerRun: Int?
        var isRestarting = false
        var waitsForRestart: Bool { isRestarting }

        mutating func next(_ random: inout SeededGenerator) -> Controller.Input? {
            var choices: [Controller.Input] = [.start, .stop(grace: nil), .kill(signal: 9), .kill(signal: 1)]
            if isLaunching { choices += [.launched(processID: 7), .launched(processID: 7), .launchFailed("x")] }
            if isRunning {
                choices += [
                    .ended(exitCode: random.pick([0, 1]), oomKilled: random.oneIn(4)), isPaused ? .unpaused : .paused,
                ]
                choices.append(.ranOutOfMemory)
            }
            if samples {
                choices.append(.sampled(SignalSample(caught: 0, blocked: 0, waitsForSignals: random.oneIn(2))))
            }
            if let run = listenerRun { choices.append(.lookedForListener(run: run, found: random.oneIn(3))) }
            if let run = probeRun {
                let result = ProbeResult(start: .never, end: .never, exitCode: random.pick([0, 1]), output: "")
                choices.append(.probed(run: run, result, witnessed: random.oneIn(2), began: .milliseconds(now)))
            }
            for timer in Controller.Timer.allCases where timers[timer].map({ $0 <= .milliseconds(now) }) ?? false {
                choices += [.fired(timer), .fired(timer)]
            }
            return random.pick(choices)
        }

        mutating func obey(_ effects: [Controller.Effect], _ input: Controller.Input, seed: UInt64, step: Int) {
            switch input {
            case .launched: (isLaunching, isRunning, isPaused, isRestarting) = (false, true, false, false)
            case .launchFailed: isLaunching = false
            case .ended: (isRunning, isPaused) = (false, false)
            case .paused: isPaused = true
            case .unpaused: isPaused = false
            case .fired(let timer): timers[timer] = nil
            case .sampled: samples = false
            case .probed: probeRun = nil
            case .lookedForListener: listenerRun = nil
            case .start, .stop, .kill, .ranOutOfMemory, .suspended: break
            }
            for effect in effects {
                switch effect {
                case .launch:
                    #expect(!isRunning && !isLaunching, "seed \(seed), step \(step): launched twice")
                    isLaunching = true
                    if input == .start { isRestarting = false }
                case .setTimer(let timer, let at): timers[timer] = at
                case .clearTimer(let timer): timers[timer] = nil
                case .probe(let run, _):
                    #expect(probeRun != run, "seed \(seed), step \(step): two probes at a time")
                    probeRun = run
                case .lookForListener(let run): listenerRun = run
                case .takeSample: samples = true
                case .signal, .kill: #expect(isRunning, "seed \(seed), step \(step): a signal to nobody")
                case .publish(.restarting): isRestarting = true
                case .publish(.exited), .publish(.stopped): isRestarting = false
                case .publish, .thaw: break
                }
            }
        }
    }
}
