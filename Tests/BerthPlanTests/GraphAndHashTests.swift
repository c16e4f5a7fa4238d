// Dependency graphs, and the hash that says whether a container is stale.
import BerthModel
import BerthPlan
import BerthTesting
import Testing

@Suite("Dependency graph")
struct DependencyGraphTests {
    static func graph(_ edges: [String: [String]]) -> DependencyGraph {
        DependencyGraph(
            tolerating: edges.mapValues { Dictionary(uniqueKeysWithValues: $0.map { ($0, Dependency()) }) })
    }

    @Test("dependencies come first, names decide the rest")
    func order() {
        #expect(
            Self.graph(["web": ["db", "cache"], "db": [], "cache": [], "a": ["web"]]).order == [
                "cache", "db", "web", "a",
            ])
    }

    @Test("closures in both directions")
    func closures() {
        let graph = Self.graph(["web": ["db"], "db": ["disk"], "disk": [], "other": []])
        #expect(graph.withDependencies(["web"]) == ["web", "db", "disk"])
        #expect(graph.withDependants(["disk"]) == ["web", "db", "disk"])
        #expect(graph.withDependencies(["nope"]) == [])
        #expect(graph.dependants(of: "db") == ["web"])
    }

    @Test("a cycle is named with its path, wherever it hangs")
    func cycles() {
        func cycle(_ edges: [String: [String]]) -> [String]? {
            DependencyGraph.cycle(
                in: edges.mapValues { Dictionary(uniqueKeysWithValues: $0.map { ($0, Dependency()) }) })
        }
        #expect(cycle(["a": ["b"], "b": ["c"], "c": []]) == nil)
        #expect(cycle(["a": ["a"]]) == ["a", "a"])
        #expect(cycle(["a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]]) == ["b", "c", "d", "b"])
        #expect(cycle(["a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []]) == nil)
    }

    @Test("teardown takes a cycle and a dangling edge as they are")
    func tolerance() {
        let graph = Self.graph(["a": ["b"], "b": ["a"], "c": ["gone"]])
        #expect(graph.order.sorted() == ["a", "b", "c"])
        #expect(graph.dependencies(of: "c") == [])
    }

    @Test("a deep chain does not exhaust the stack")
    func depth() {
        var edges: [String: [String: Dependency]] = ["s0": [:]]
        for index in 1..<3000 { edges["s\(index)"] = ["s\(index - 1)": Dependency()] }
        #expect(DependencyGraph.cycle(in: edges) == nil)
    }

    @Test("namespaces, volumes_from and links imply dependencies; what is written wins")
    func implied() {
        let service = Service.named("app") {
            $0.networkMode = .service("vpn")
            $0.pidMode = "service:main"
            $0.ipcMode = "host"
            $0.volumesFrom = [VolumesFrom(source: .service("files"), readOnly: true)]
            $0.links = [Link(service: "db", alias: "database")]
            $0.depend(on: "vpn", .healthy)
        }
        #expect(service.allDependencies.keys.sorted() == ["db", "files", "main", "vpn"])
        #expect(service.allDependencies["vpn"]?.condition == .healthy)
        #expect(service.allDependencies["main"]?.restart == true)
        #expect(service.allDependencies["files"]?.restart == false)
    }
}

@Suite("Config hash")
struct ConfigHashTests {
    static func hash(_ service: Service, image: String = "1", materials: [String: Digest] = [:]) throws -> String {
        try ConfigHash.hash(service, imageID: FakeWorld.digest(image), materials: materials, with: FakeWorld.hash)
    }

    @Test("it has a version, and the same service has the same hash")
    func stable() throws {
        let service = Service.named("web") { $0.environment = ["A": "1", "B": nil] }
        let hash = try Self.hash(service)
        #expect(hash.hasPrefix("b1:") && hash.utf8.count == 67)
        #expect(try Self.hash(service) == hash)
    }

    @Test("what makes a new container, and what does not")
    func relevance() throws {
        let service = Service.named("web")
        let hash = try Self.hash(service)
        let relevant: [(inout Service) -> Void] = [
            { $0.environment["A"] = "1" }, { $0.command = [] }, { $0.image = "other" },
            { $0.stopGracePeriod = .seconds(3) },
            { $0.networks["more"] = NetworkAttachment() }, { $0.mount(nil, at: "/x") }, { $0.restart = .always },
            { $0.labels["x"] = "" }, { $0.resources.processLimit = 3 }, { $0.probe() }, { $0.privileged = true },
        ]
        for change in relevant {
            var changed = service
            change(&changed)
            #expect(try Self.hash(changed) != hash)
        }
        let irrelevant: [(inout Service) -> Void] = [
            { $0.build = BuildDefinition(context: "/x") }, { $0.pullPolicy = "always" }, { $0.replicas = 7 },
            { $0.depend(on: "x") }, { $0.profiles = ["x"] }, { $0.update = UpdatePolicy() },
            { $0.watch = [WatchRule(path: "/srv", action: .restart)] },
        ]
        for change in irrelevant {
            var changed = service
            change(&changed)
            #expect(try Self.hash(changed) == hash)
            #expect(try ServiceDifference.fields(service, changed) == [])
        }
        #expect(try Self.hash(service, image: "2") != hash)
        #expect(try Self.hash(service, materials: ["secret:a": FakeWorld.digest("a")]) != hash)
    }

    @Test("a field with its default says nothing, so new fields of the model recreate nothing")
    func defaults() throws {
        #expect(try ConfigHash.fingerprint(Service(name: "x")).keys.sorted() == ["name"])
    }

    @Test("a record with a hash of another scheme is compared field by field")
    func otherScheme() throws {
        var world = try FakeWorld.running(UpPlanTests.web)
        world.state.containers[0].record.configHash = "b0:something"
        #expect(try reconciler.up(UpPlanTests.web, world.state).isEmpty)
        let changed = UpPlanTests.edited(UpPlanTests.web, "web") { $0.user = "x" }
        #expect(try reconciler.up(changed, world.state).operations.first?.cause == "config changed: user")
    }

    @Test("differences are named as the file names them")
    func names() throws {
        let old = Service.named("web")
        var new = old
        new.workingDirectory = "/srv"
        new.standardInputOpen = true
        new.capabilitiesAdded = ["SYS_ADMIN"]
        new.resources.memoryLimitBytes = 5
        new.sysctls = ["net.core.somaxconn": "1"]
        new.healthcheck = Healthcheck()
        new.healthcheck?.startPeriod = .seconds(1)
        #expect(
            try ServiceDifference.fields(old, new) == [
                "cap_add", "healthcheck.start_period", "mem_limit", "stdin_open", "sysctls.net.core.somaxconn",
                "working_dir",
            ])
    }
}
