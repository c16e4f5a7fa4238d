// What `up` plans: creation, order, recreation, scale, orphans, networks, volumes. Texts are in Fixtures/plans/.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Plans of up")
struct UpPlanTests {
    static func fresh(_ stack: Stack, _ change: (inout UpOptions) -> Void = { _ in }) throws -> (FakeWorld, Plan) {
        var options = UpOptions()
        change(&options)
        let world = FakeWorld.withImages()
        return (world, try reconciler.up(stack, world.state, options))
    }

    /// Up with one stack, then the plan of another (or the same).
    static func then(
        _ old: Stack, _ new: Stack, _ world: (inout FakeWorld) -> Void = { _ in },
        _ change: (inout UpOptions) -> Void = { _ in }
    ) throws -> (FakeWorld, Plan) {
        var options = UpOptions()
        change(&options)
        var running = try FakeWorld.running(old)
        world(&running)
        return (running, try reconciler.up(new, running.state, options))
    }

    static func edited(_ stack: Stack, _ service: String, _ change: (inout Service) -> Void) -> Stack {
        var stack = stack
        stack.edit(service, change)
        return stack
    }

    static let web = Stack.demo(.named("web"))
    static let pair = Stack.demo(
        .named("db") { $0.probe() }, .named("web") { $0.depend(on: "db", .healthy) })

    @Test("creation and order")
    func creation() throws {
        var volumes = Stack.demo(.named("db") { $0.mount("data", at: "/data") })
        volumes.addVolume("data")
        volumes.addVolume("unused")
        let migration = Stack.demo(
            .named("db") { $0.probe() }, .named("migrate") { $0.depend(on: "db", .healthy) },
            .named("web") {
                $0.depend(on: "migrate", .completedSuccessfully); $0.depend(on: "db")
            })
        try PlanCase.check(
            [
                PlanCase("one service") { try Self.fresh(Self.web) },
                PlanCase("three replicas") { try Self.fresh(Self.edited(Self.web, "web") { $0.replicas = 3 }) },
                PlanCase("container_name") {
                    try Self.fresh(Self.edited(Self.web, "web") { $0.containerName = "box" })
                },
                PlanCase("no replicas") { try Self.fresh(Self.edited(Self.web, "web") { $0.replicas = 0 }) },
                PlanCase("only the volumes that are used") { try Self.fresh(volumes) },
                PlanCase("a healthy dependency") { try Self.fresh(Self.pair) },
                PlanCase("a migration between database and web") { try Self.fresh(migration) },
                PlanCase("a started dependency that may fail") {
                    try Self.fresh(.demo(.named("a"), .named("b") { $0.depend(on: "a", required: false) }))
                },
                PlanCase("a healthy dependency that may fail") {
                    try Self.fresh(
                        .demo(.named("a") { $0.probe() }, .named("b") { $0.depend(on: "a", .healthy, required: false) })
                    )
                },
                PlanCase("a dependency without replicas is not waited for") {
                    try Self.fresh(Self.edited(Self.pair, "db") { $0.replicas = 0 })
                },
                PlanCase("one service of two, with what it needs") {
                    try Self.fresh(Self.pair) { $0.services = ["web"] }
                },
                PlanCase("one service of two, alone") {
                    try Self.fresh(Self.pair) {
                        $0.services = ["web"]; $0.includeDependencies = false
                    }
                },
                PlanCase("the dependency only") { try Self.fresh(Self.pair) { $0.services = ["db"] } },
                PlanCase("create without start") { try Self.fresh(migration) { $0.start = false } },
                PlanCase("wait") {
                    try Self.fresh(migration) {
                        $0.wait = true; $0.waitTimeout = .milliseconds(1500)
                    }
                },
                PlanCase("a shared network namespace") {
                    try Self.fresh(
                        .demo(
                            .named("vpn"),
                            .named("app") {
                                $0.networks = [:]; $0.networkMode = .service("vpn")
                            }))
                },
                PlanCase("volumes_from and links imply order") {
                    try Self.fresh(
                        .demo(
                            .named("z"), .named("y") { $0.links = [Link(service: "z", alias: "zed")] },
                            .named("x") { $0.volumesFrom = [VolumesFrom(source: .service("y"), readOnly: true)] }))
                },
            ], in: "creation.txt")
    }

    @Test("what changes a running stack, and what does not")
    func convergence() throws {
        let two = Self.edited(Self.web, "web") { $0.replicas = 2 }
        var material = Self.edited(Self.web, "web") {
            $0.secrets = [MaterialReference(source: "key", target: "/run/secrets/key")]
        }
        material.secrets["key"] = MaterialDefinition(key: "key", name: "demo_key", source: .file("/srv/demo/key"))
        material.secrets["key"]?.digest = FakeWorld.digest("old key")
        var newMaterial = material
        newMaterial.secrets["key"]?.digest = FakeWorld.digest("new key")
        try PlanCase.check(
            [
                PlanCase("nothing changed") { try Self.then(Self.pair, Self.pair) },
                PlanCase("what compose does not count") {
                    try Self.then(
                        Self.web,
                        Self.edited(Self.web, "web") { service in
                            service.build = BuildDefinition(context: "/srv")
                            service.profiles = ["p"]
                            service.pullPolicy = "always"
                        })
                },
                PlanCase("environment and user") {
                    try Self.then(
                        Self.edited(Self.web, "web") { $0.environment = ["A": "1", "B": "2", "C": "3"] },
                        Self.edited(Self.web, "web") {
                            $0.environment = ["A": "1", "B": "x", "D": nil]; $0.user = "app"
                        })
                },
                PlanCase("limits, probe and restart") {
                    try Self.then(
                        Self.web,
                        Self.edited(Self.web, "web") {
                            $0.resources.memoryLimitBytes = 1 << 20
                            $0.healthcheck = Healthcheck()
                            $0.healthcheck?.interval = .seconds(1)
                            $0.restart = .onFailure(maximumRetries: 3)
                        })
                },
                PlanCase("a new image under the same name") {
                    try Self.then(Self.web, Self.web) { $0.addImage("app:1", version: 2) }
                },
                PlanCase("an image that left the store") {
                    try Self.then(Self.web, Self.web) { $0.state.images = [:] }
                },
                PlanCase("the content of a secret") { try Self.then(material, newMaterial) },
                PlanCase("an update two at a time, watched, with a pause between") {
                    var update = UpdatePolicy()
                    update.parallelism = 2
                    update.monitor = .seconds(3)
                    update.delay = .milliseconds(500)
                    let five = Self.edited(Self.web, "web") {
                        $0.replicas = 5; $0.update = update
                    }
                    return try Self.then(five, Self.edited(five, "web") { $0.command = ["x"] })
                },
                PlanCase("an update that goes on") {
                    var update = UpdatePolicy()
                    update.failureAction = .continue
                    let rolled = Self.edited(two, "web") { $0.update = update }
                    return try Self.then(rolled, Self.edited(rolled, "web") { $0.command = ["x"] })
                },
                PlanCase("an update that starts first, two at a time, with a pause between") {
                    var update = UpdatePolicy()
                    update.parallelism = 2
                    update.order = .startFirst
                    update.delay = .seconds(1)
                    let three = Self.edited(Self.web, "web") {
                        $0.replicas = 3; $0.update = update
                    }
                    return try Self.then(three, Self.edited(three, "web") { $0.command = ["x"] })
                },
                PlanCase("an update that can be undone keeps the old ones to its end") {
                    var update = UpdatePolicy()
                    update.failureAction = .rollback
                    let rolled = Self.edited(two, "web") { $0.update = update }
                    return try Self.then(rolled, Self.edited(rolled, "web") { $0.command = ["x"] })
                },
                PlanCase("a dependency changes under a dependant") {
                    try Self.then(Self.pair, Self.edited(Self.pair, "db") { $0.command = ["x"] })
                },
                PlanCase("both change") {
                    try Self.then(
                        Self.pair,
                        Self.edited(Self.edited(Self.pair, "db") { $0.command = ["x"] }, "web") { $0.command = ["y"] })
                },
                PlanCase("a dependant that restarts with its dependency") {
                    let stack = Self.edited(Self.pair, "web") { $0.depend(on: "db", .healthy, restart: true) }
                    return try Self.then(stack, Self.edited(stack, "db") { $0.command = ["x"] })
                },
                PlanCase("the owner of a shared namespace changes") {
                    let stack = Stack.demo(
                        .named("vpn"),
                        .named("app") {
                            $0.networks = [:]; $0.networkMode = .service("vpn")
                        })
                    return try Self.then(stack, Self.edited(stack, "vpn") { $0.command = ["x"] })
                },
                PlanCase("force") {
                    try Self.then(Self.web, Self.web) {
                        $0.services = []; $0.recreate = .force
                    }
                },
                PlanCase("force leaves dependencies alone") {
                    try Self.then(Self.pair, Self.pair) {
                        $0.services = ["web"]; $0.recreate = .force
                    }
                },
                PlanCase("force with dependencies") {
                    try Self.then(Self.pair, Self.pair) {
                        $0.services = ["web"]
                        $0.recreate = .force
                        $0.alwaysRecreateDependencies = true
                    }
                },
                PlanCase("never") {
                    try Self.then(Self.web, Self.edited(Self.web, "web") { $0.command = ["x"] }) {
                        $0.recreate = .never
                    }
                },
                PlanCase("the grace period of the command line") {
                    try Self.then(Self.web, Self.web) {
                        $0.recreate = .force; $0.stopTimeout = .seconds(3)
                    }
                },
                PlanCase("recreated without start") {
                    try Self.then(Self.web, Self.edited(Self.web, "web") { $0.command = ["x"] }) { $0.start = false }
                },
                PlanCase("an exited container") {
                    try Self.then(
                        two, two,
                        {
                            $0.with("demo-web-2") {
                                $0.state = .exited; $0.exitCode = 3
                            }
                        })
                },
                PlanCase("a container that waits for its restart") {
                    try Self.then(two, two, { $0.with("demo-web-2") { $0.state = .restarting } })
                },
                PlanCase("paused, dead and never started") {
                    try Self.then(
                        Self.edited(Self.web, "web") { $0.replicas = 3 },
                        Self.edited(Self.web, "web") { $0.replicas = 3 },
                        {
                            $0.with("demo-web-1") { $0.state = .paused }
                            $0.with("demo-web-2") { $0.state = .dead }
                            $0.with("demo-web-3") { $0.state = .created }
                        })
                },
                PlanCase("a dependant of what is healthy already") {
                    try Self.then(Self.pair, Self.pair, { $0.with("demo-web-1") { $0.state = .exited } })
                },
            ], in: "convergence.txt")
    }
}

extension UpPlanTests {
    /// As `then`, with options only.
    static func then(_ old: Stack, _ new: Stack, _ change: (inout UpOptions) -> Void) throws -> (FakeWorld, Plan) {
        try then(old, new, { _ in }, change)
    }

    static func then(_ old: Stack, _ new: Stack, _ world: (inout FakeWorld) -> Void) throws -> (FakeWorld, Plan) {
        try then(old, new, world, { _ in })
    }
}
