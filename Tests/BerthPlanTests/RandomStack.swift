// Random stacks, small enough to read and odd enough to matter.
import BerthModel
import BerthPlan
import BerthTesting

enum RandomStack {
    static let names = ["a", "b", "c", "d", "e", "f"]

    static var stranger: Stack {
        var stack = Stack(name: "other", workingDirectory: "/srv/other")
        stack.services["a"] = Service.named("a") { $0.mount("data", at: "/data") }
        stack.networks["default"] = NetworkDefinition(key: "default", name: "other_default")
        return stack
    }

    static func make(_ random: inout SeededGenerator) -> Stack {
        var stack = Stack(name: "demo", workingDirectory: "/srv/demo")
        stack.networks["default"] = NetworkDefinition(key: "default", name: "demo_default")
        stack.networks["back"] = NetworkDefinition(key: "back", name: "demo_back")
        stack.addVolume("data")
        stack.addVolume("more")
        stack.secrets["key"] = MaterialDefinition(key: "key", name: "demo_key", source: .file("/key"))
        stack.secrets["key"]?.digest = FakeWorld.digest("key")
        let count = Int.random(in: 1...names.count, using: &random)
        for index in 0..<count { stack.services[names[index]] = service(index, &random) }
        return stack
    }

    static func service(_ index: Int, _ random: inout SeededGenerator) -> Service {
        var service = Service(name: names[index])
        service.image = random.pick(["app:1", "app:2"])
        service.replicas = index == 0 ? 1 : random.pick([0, 1, 1, 1, 2, 3])
        if random.oneIn(3) { service.probe() }
        if random.oneIn(2) { service.update = policy(&random) }
        for key in random.subset(["data", "more"]) { service.mount(key, at: "/\(key)") }
        if random.oneIn(3) { service.mount(nil, at: "/cache") }
        if random.oneIn(4) { service.secrets = [MaterialReference(source: "key", target: "/run/secrets/key")] }
        for name in random.subset(Array(names[0..<index])) {
            let condition = random.pick([Dependency.Condition.started, .healthy, .completedSuccessfully])
            service.depend(on: name, condition, required: !random.oneIn(4), restart: random.oneIn(3))
        }
        if index > 0, random.oneIn(5) {
            // Owners that may have no replica cannot share anything.
            service.networkMode = .service(names[0])
            if random.oneIn(2) { service.volumesFrom = [VolumesFrom(source: .service(names[0]), readOnly: false)] }
            return service
        }
        service.networks["default"] = NetworkAttachment()
        if random.oneIn(3) { service.networks["back"] = NetworkAttachment() }
        return service
    }

    static func policy(_ random: inout SeededGenerator) -> UpdatePolicy {
        var policy = UpdatePolicy()
        policy.parallelism = random.pick([0, 1, 2])
        policy.order = random.pick([.stopFirst, .startFirst])
        policy.failureAction = random.pick([.pause, .continue, .rollback])
        policy.monitor = random.pick([.zero, .seconds(1)])
        policy.delay = random.pick([.zero, .seconds(1)])
        return policy
    }

    /// Another version of the same file.
    static func mutate(_ stack: inout Stack, _ random: inout SeededGenerator) {
        for name in stack.services.keys.sorted() where random.oneIn(2) {
            stack.edit(name) { service in
                switch Int.random(in: 0..<6, using: &random) {
                case 0: service.environment["N"] = String(random.next() % 100)
                case 1: service.replicas = name == names[0] ? 2 : random.pick([0, 1, 2, 3])
                case 2: service.image = random.pick(["app:1", "app:2"])
                case 3: service.command = ["x"]
                case 4 where service.networkMode == nil:
                    service.networks["back"] = service.networks["back"] == nil ? NetworkAttachment() : nil
                default: service.mounts = []
                }
            }
        }
        if random.oneIn(4) { stack.secrets["key"]?.digest = FakeWorld.digest("key \(random.next())") }
        if random.oneIn(4) { stack.networks["back"]?.isInternal.toggle() }
        if random.oneIn(4), let last = stack.services.keys.max(), stack.services.count > 1 {
            stack.services[last] = nil
        }
    }

    static func options(for stack: Stack, _ random: inout SeededGenerator) -> UpOptions {
        var options = UpOptions()
        if random.oneIn(3) { options.services = random.subset(stack.services.keys.sorted()) }
        options.includeDependencies = !random.oneIn(5)
        options.start = !random.oneIn(6)
        options.recreate = random.pick([.diverged, .diverged, .diverged, .force, .never])
        options.alwaysRecreateDependencies = options.recreate != .never && random.oneIn(5)
        options.renewAnonymousVolumes = options.recreate != .never && random.oneIn(5)
        options.removeOrphans = random.oneIn(3)
        options.wait = random.oneIn(4)
        if random.oneIn(5), let name = stack.services.keys.sorted().first { options.scale[name] = 2 }
        return options
    }
}
