// What `up` plans at the edges: scale, orphans, names, networks that change, volumes, crashes, refusals, and one-offs.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Plans of up at the edges")
struct UpEdgePlanTests {
    typealias Up = UpPlanTests

    @Test("scale and orphans")
    func scale() throws {
        let three = Up.edited(Up.web, "web") { $0.replicas = 3 }
        let mixed: (inout FakeWorld) -> Void = { world in
            // The second replica is older than the file.
            for index in world.state.containers.indices where world.state.containers[index].record.slot.number == 2 {
                world.state.containers[index].record.service.command = ["old"]
                world.state.containers[index].record.configHash = "b1:old"
            }
        }
        let pair = Stack.demo(.named("old"), .named("web"))
        try PlanCase.check(
            [
                PlanCase("up by two") { try Up.then(Up.web, Up.web) { $0.scale = ["web": 3] } },
                PlanCase("down by one") { try Up.then(three, Up.edited(three, "web") { $0.replicas = 2 }) },
                PlanCase("down to nothing") { try Up.then(three, three) { $0.scale = ["web": 0] } },
                PlanCase("obsolete replicas go first") {
                    try Up.then(three, Up.edited(three, "web") { $0.replicas = 2 }, mixed)
                },
                PlanCase("numbers go on after the highest") {
                    try Up.then(three, three, { $0.state.containers.removeAll { $0.record.slot.number == 1 } })
                },
                PlanCase("the same name from another directory is said") {
                    var elsewhere = Up.web
                    elsewhere.workingDirectory = "/home/other/demo"
                    return try Up.then(Up.web, elsewhere)
                },
                PlanCase("orphans are reported") { try Up.then(pair, Up.web) },
                PlanCase("orphans are ignored") { try Up.then(pair, Up.web) { $0.ignoreOrphans = true } },
                PlanCase("orphans are removed") { try Up.then(pair, Up.web) { $0.removeOrphans = true } },
                PlanCase("an orphan's name is wanted") {
                    try Up.then(
                        Up.edited(pair, "old") { $0.containerName = "box" },
                        Up.edited(Up.web, "web") { $0.containerName = "box" },
                        { _ in }, { $0.removeOrphans = true })
                },
                PlanCase("a service whose profile is off is no orphan") {
                    var off = Up.web
                    off.inactiveServices["old"] = pair.services["old"]
                    return try Up.then(pair, off)
                },
            ], in: "scale.txt")
    }

    @Test("networks and volumes that change")
    func resources() throws {
        var closed = Up.pair
        closed.networks["default"]?.isInternal = true
        var renamed = Up.web
        renamed.networks["default"]?.name = "elsewhere"
        var external = Up.web
        external.networks["default"]?.isExternal = true
        let volume: (String) -> Stack = { key in
            var stack = Up.edited(Up.web, "web") { $0.mount(key, at: "/data") }
            stack.addVolume(key)
            return stack
        }
        let anonymous = Up.edited(Up.web, "web") { $0.mount(nil, at: "/cache") }
        try PlanCase.check(
            [
                PlanCase("a network becomes internal") { try Up.then(Up.pair, closed) },
                PlanCase("a network changes under a service that is not asked for") {
                    try Up.then(Up.pair, closed) { $0.services = ["db"] }
                },
                PlanCase("a network has another name") { try Up.then(Up.web, renamed) },
                PlanCase("a network was removed behind our back") {
                    try Up.then(Up.web, Up.web, { $0.state.networks = [:] })
                },
                PlanCase("an external network exists") {
                    try Up.then(Up.web, external, { $0.state.networks["demo_default"]?.stack = nil })
                },
                PlanCase("an external network is missing") { try Up.fresh(external) },
                PlanCase("another stack's network") {
                    try Up.then(Up.web, Up.web, { $0.state.networks["demo_default"]?.stack = "x" })
                },
                PlanCase("another volume for the same path") { try Up.then(volume("one"), volume("two")) },
                PlanCase("a volume with other options") {
                    var tuned = volume("one")
                    tuned.volumes["one"]?.driverOptions = ["type": "tmpfs"]
                    return try Up.then(volume("one"), tuned)
                },
                PlanCase("an external volume is missing") {
                    var stack = volume("one")
                    stack.volumes["one"]?.isExternal = true
                    return try Up.fresh(stack)
                },
                PlanCase("anonymous volumes are renewed") {
                    try Up.then(anonymous, anonymous) { $0.renewAnonymousVolumes = true }
                },
            ], in: "resources.txt")
    }

    /// What a crash between two steps of a recreation leaves: the next `up` carries on.
    @Test("an interrupted recreation is finished")
    func interruption() throws {
        let changed = Up.edited(Up.web, "web") { $0.command = ["x"] }
        func interrupted(after count: Int) throws -> (FakeWorld, Plan) {
            var world = try FakeWorld.running(Up.web)
            let plan = try reconciler.up(changed, world.state)
            var run = PlanRun(plan)
            for _ in 0..<count {
                for operation in run.start() {
                    run.finish(operation.id, .success(container: try world.apply(operation, in: run)))
                }
            }
            return (world, try reconciler.up(changed, world.state))
        }
        try PlanCase.check(
            [
                PlanCase("before the first step") { try interrupted(after: 0) },
                PlanCase("after create") { try interrupted(after: 1) },
                PlanCase("after stop") { try interrupted(after: 2) },
                PlanCase("after remove") { try interrupted(after: 3) },
                PlanCase("after rename") { try interrupted(after: 4) },
                PlanCase("after start") { try interrupted(after: 5) },
                PlanCase("and the file changed back meanwhile") {
                    let (world, _) = try interrupted(after: 1)
                    return (world, try reconciler.up(Up.web, world.state))
                },
            ], in: "interruption.txt")
    }

    @Test("what is refused before anything is touched")
    func refusals() throws {
        try PlanCase.check(
            [
                PlanCase("a service that does not exist") { try Up.fresh(Up.web) { $0.services = ["nope"] } },
                PlanCase("a dependency that does not exist") {
                    try Up.fresh(.demo(.named("web") { $0.depend(on: "db") }))
                },
                PlanCase("an optional dependency that does not exist") {
                    try Up.fresh(.demo(.named("web") { $0.depend(on: "db", .healthy, required: false) }))
                },
                PlanCase("a cycle") {
                    try Up.fresh(
                        .demo(
                            .named("a") { $0.depend(on: "b") }, .named("b") { $0.depend(on: "c") },
                            .named("c") { $0.depend(on: "b") }))
                },
                PlanCase("an image that is not there") {
                    try Up.fresh(Up.edited(Up.web, "web") { $0.image = "gone:1" })
                },
                PlanCase("replicas with one name") {
                    try Up.fresh(
                        Up.edited(Up.web, "web") {
                            $0.containerName = "box"; $0.replicas = 2
                        })
                },
                PlanCase("a name that another stack has") {
                    try Up.then(
                        Up.web, Up.edited(Up.web, "web") { $0.containerName = "box" },
                        { world in
                            var other = world.state.containers[0]
                            other.record.id = ContainerID(randomBytes: Array(repeating: 7, count: 32))
                            other.record.name = "box"
                            other.record.stack = "other"
                            world.state.containers.append(other)
                        })
                },
                PlanCase("two services with one name") {
                    try Up.fresh(
                        .demo(.named("a") { $0.containerName = "box" }, .named("b") { $0.containerName = "box" }))
                },
                PlanCase("a namespace of nobody") {
                    try Up.fresh(
                        .demo(
                            .named("vpn"),
                            .named("app") {
                                $0.networks = [:]; $0.networkMode = .service("vpn")
                            })
                    ) {
                        $0.services = ["app"]; $0.includeDependencies = false
                    }
                },
                PlanCase("names that swap are no conflict") {
                    let stack = Stack.demo(
                        .named("a") { $0.containerName = "red" }, .named("b") { $0.containerName = "blue" })
                    let swapped = Stack.demo(
                        .named("a") { $0.containerName = "blue" }, .named("b") { $0.containerName = "red" })
                    return try Up.then(stack, swapped)
                },
            ], in: "refusals.txt")
    }

    @Test("one-off containers")
    func oneOffs() throws {
        func run(
            _ stack: Stack, _ world: FakeWorld, _ change: (inout RunOptions) -> Void = { _ in }
        ) throws -> (FakeWorld, Plan) {
            var options = RunOptions(slug: "0123456789ab")
            change(&options)
            let service = try #require(stack.services["web"])
            return (world, try reconciler.run(service, in: stack, world.state, options))
        }
        try PlanCase.check(
            [
                PlanCase("in an empty world") { try run(Up.pair, .withImages()) },
                PlanCase("beside a running stack") { try run(Up.pair, try .running(Up.pair)) },
                PlanCase("alone and named") {
                    try run(Up.pair, .withImages()) {
                        $0.includeDependencies = false; $0.name = "tool"
                    }
                },
                PlanCase("a name that is taken") { try run(Up.pair, try .running(Up.pair)) { $0.name = "demo-web-1" } },
                PlanCase("an ended one-off is an orphan to up") {
                    var (world, plan) = try run(Up.web, try .running(Up.web))
                    _ = world.execute(plan)
                    world.with("demo-web-run-0123456789ab") { $0.state = .exited }
                    return (world, try reconciler.up(Up.web, world.state))
                },
            ], in: "run.txt")
    }
}
