// What `down` and the verbs on existing containers plan. Texts are in Fixtures/plans/.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Plans of down and of the other verbs")
struct TeardownPlanTests {
    static let stack: Stack = {
        var stack = Stack.demo(
            .named("db") {
                $0.probe(); $0.mount("data", at: "/data"); $0.mount(nil, at: "/cache")
            },
            .named("web") {
                $0.depend(on: "db", .healthy); $0.replicas = 2
            })
        stack.addVolume("data")
        return stack
    }()

    static func down(
        _ old: Stack, _ new: Stack?, _ world: (inout FakeWorld) -> Void = { _ in },
        _ change: (inout DownOptions) -> Void = { _ in }
    ) throws -> (FakeWorld, Plan) {
        var options = DownOptions()
        change(&options)
        var running = try FakeWorld.running(old)
        world(&running)
        return (running, try reconciler.down("demo", new, running.state, options))
    }

    static func change(
        _ verb: ChangeOptions.Verb, _ world: (inout FakeWorld) -> Void = { _ in }, stack: Stack? = Self.stack,
        _ change: (inout ChangeOptions) -> Void = { _ in }
    ) throws -> (FakeWorld, Plan) {
        var options = ChangeOptions(verb)
        change(&options)
        var running = try FakeWorld.running(Self.stack)
        world(&running)
        return (running, try reconciler.change("demo", stack, running.state, options))
    }

    static let stopped: @Sendable (inout FakeWorld) -> Void = { world in
        for index in world.state.containers.indices { world.exit(at: index, code: 0) }
    }

    /// A one-off container of web, running.
    static let oneOff: @Sendable (inout FakeWorld) -> Void = { world in
        guard let service = stack.services["web"],
            let plan = try? reconciler.run(service, in: stack, world.state, RunOptions(slug: "0123456789ab"))
        else { return }
        _ = world.execute(plan)
    }

    @Test("down")
    func teardown() throws {
        let larger = Stack.demo(.named("db"), .named("old"))
        var external = Self.stack
        external.volumes["data"]?.isExternal = true
        external.networks["default"]?.isExternal = true
        try PlanCase.check(
            [
                PlanCase("everything, dependants first") { try Self.down(Self.stack, Self.stack) },
                PlanCase("with volumes") {
                    try Self.down(Self.stack, Self.stack, { _ in }) { $0.removeVolumes = true }
                },
                PlanCase("without a file") { try Self.down(Self.stack, nil, { _ in }) { $0.removeVolumes = true } },
                PlanCase("one service") { try Self.down(Self.stack, Self.stack, { _ in }) { $0.services = ["web"] } },
                PlanCase("one service with volumes") {
                    try Self.down(Self.stack, Self.stack, { _ in }) {
                        $0.services = ["db"]; $0.removeVolumes = true
                    }
                },
                PlanCase("what already stopped") { try Self.down(Self.stack, Self.stack, Self.stopped) },
                PlanCase("orphans stay, and their network") { try Self.down(larger, .demo(.named("db"))) },
                PlanCase("orphans go when asked") {
                    try Self.down(larger, .demo(.named("db")), { _ in }) { $0.removeOrphans = true }
                },
                PlanCase("one-off containers go too") { try Self.down(Self.stack, Self.stack, Self.oneOff) },
                PlanCase("external things stay") {
                    try Self.down(
                        Self.stack, external,
                        { world in
                            world.state.networks["demo_default"]?.stack = nil
                            world.state.volumes["demo_data"]?.stack = nil
                        }
                    ) { $0.removeVolumes = true }
                },
                PlanCase("nothing is there") { try Self.down(Stack.demo(), Stack.demo()) },
                PlanCase("with a grace period") {
                    try Self.down(Self.stack, Self.stack, { _ in }) { $0.stopTimeout = .seconds(0) }
                },
                PlanCase("a service that does not exist") {
                    try Self.down(Self.stack, Self.stack, { _ in }) { $0.services = ["nope"] }
                },
            ], in: "down.txt")
    }

    @Test("start, stop, restart, kill, pause, unpause, rm")
    func verbs() throws {
        let bound = UpPlanTests.edited(Self.stack, "web") { $0.depend(on: "db", .healthy, restart: true) }
        try PlanCase.check(
            [
                PlanCase("stop") { try Self.change(.stop) },
                PlanCase("stop one") {
                    try Self.change(.stop, { _ in }) {
                        $0.services = ["db"]; $0.stopTimeout = .seconds(1)
                    }
                },
                PlanCase("stop what is stopped") { try Self.change(.stop, Self.stopped) },
                PlanCase("stop leaves one-offs alone") {
                    try Self.change(.stop, Self.oneOff) { $0.services = ["web"] }
                },
                PlanCase("start") { try Self.change(.start, Self.stopped) },
                PlanCase("start and wait") {
                    try Self.change(.start, Self.stopped) {
                        $0.wait = true; $0.waitTimeout = .seconds(60)
                    }
                },
                PlanCase("start one, with what it needs") {
                    try Self.change(.start, Self.stopped) { $0.services = ["web"] }
                },
                PlanCase("start what runs") { try Self.change(.start) },
                PlanCase("start what was never created") {
                    try Self.change(.start, { $0.state.containers.removeAll { $0.record.slot.service == "web" } })
                },
                PlanCase("restart") { try Self.change(.restart) },
                PlanCase("restart one") { try Self.change(.restart, { _ in }) { $0.services = ["db"] } },
                PlanCase("restart one and the dependants that ask for it") {
                    try Self.change(.restart, { _ in }, stack: bound) { $0.services = ["db"] }
                },
                PlanCase("restart one alone") {
                    try Self.change(.restart, { _ in }, stack: bound) {
                        $0.services = ["db"]; $0.includeDependencies = false
                    }
                },
                PlanCase("restart what is stopped") {
                    try Self.change(.restart, Self.stopped) { $0.services = ["db"] }
                },
                PlanCase("kill, one-offs too") { try Self.change(.kill, Self.oneOff) { $0.signal = "SIGHUP" } },
                PlanCase("kill nothing") { try Self.change(.kill, Self.stopped) },
                PlanCase("pause") { try Self.change(.pause, { _ in }) { $0.services = ["web"] } },
                PlanCase("unpause") {
                    try Self.change(.unpause, { $0.with("demo-web-1") { $0.state = .paused } }) {
                        $0.services = ["web"]
                    }
                },
                PlanCase("rm takes the stopped ones") {
                    try Self.change(.remove, { $0.with("demo-web-2") { $0.state = .exited } })
                },
                PlanCase("rm --stop -v") {
                    try Self.change(.remove, { _ in }) {
                        $0.stopFirst = true; $0.removeAnonymousVolumes = true
                    }
                },
                PlanCase("rm without a file") { try Self.change(.remove, Self.stopped, stack: nil) },
                PlanCase("rm of what runs") { try Self.change(.remove) },
                PlanCase("a service that does not exist") {
                    try Self.change(.stop, { _ in }) { $0.services = ["nope"] }
                },
            ], in: "verbs.txt")
    }
}
