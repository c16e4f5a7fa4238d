// Small stacks in few words, golden sections, and the reconciler that the tests share.
import BerthModel
import BerthPlan
import BerthTesting
import Foundation
import Testing

let reconciler = Reconciler(version: "1", hash: FakeWorld.hash)

extension Stack {
    /// A stack of services on one default network.
    static func demo(_ services: Service...) -> Stack {
        var stack = Stack(name: "demo", workingDirectory: "/srv/demo")
        stack.files = ["/srv/demo/compose.yaml"]
        for service in services { stack.services[service.name] = service }
        stack.networks["default"] = NetworkDefinition(key: "default", name: "demo_default")
        return stack
    }

    mutating func edit(_ service: String, _ change: (inout Service) -> Void) {
        if var edited = services[service] {
            change(&edited)
            services[service] = edited
        }
    }

    mutating func addVolume(_ key: String, external: Bool = false) {
        volumes[key] = VolumeDefinition(key: key, name: external ? key : "demo_\(key)")
        volumes[key]?.isExternal = external
    }
}

extension Service {
    static func named(_ name: String, _ change: (inout Service) -> Void = { _ in }) -> Service {
        var service = Service(name: name)
        service.image = "app:1"
        service.networks["default"] = NetworkAttachment()
        change(&service)
        return service
    }

    mutating func depend(
        on name: String, _ condition: Dependency.Condition = .started, required: Bool = true, restart: Bool = false
    ) {
        dependsOn[name] = Dependency(condition: condition, required: required, restart: restart)
    }

    mutating func probe() {
        healthcheck = Healthcheck()
        healthcheck?.test = .shell("true")
    }

    mutating func mount(_ key: String?, at target: String) {
        mounts.append(MountDefinition(kind: .volume(key: key, noCopy: false, subpath: nil), target: target))
    }
}

extension FakeWorld {
    static func withImages() -> FakeWorld {
        var world = FakeWorld()
        world.addImage("app:1")
        return world
    }

    /// A world in which the stack is up.
    static func running(_ stack: Stack, _ options: UpOptions = UpOptions()) throws -> FakeWorld {
        var world = withImages()
        let summary = world.execute(try reconciler.up(stack, world.state, options))
        #expect(summary.isSuccess, "\(summary)")
        return world
    }

    mutating func with(_ name: String, _ change: (inout ContainerStatus) -> Void) {
        for index in state.containers.indices where state.containers[index].record.name == name {
            change(&state.containers[index].status)
        }
    }

    func container(_ name: String) -> ObservedContainer? { state.containers.first { $0.record.name == name } }

    /// Container ids are random in life; in goldens they are named by who had them.
    func text(_ plan: Plan) -> String {
        var text = plan.description
        for container in state.containers {
            text = text.replacingOccurrences(of: container.record.id.short, with: "<\(container.record.name)>")
        }
        return text
    }
}

/// A case of a golden file.
struct PlanCase {
    let name: String
    let make: () throws -> String

    /// The plan of a stack on a world, or the error that refuses it.
    init(_ name: String, _ make: @escaping () throws -> (FakeWorld, Plan)) {
        self.name = name
        self.make = {
            do {
                let (world, plan) = try make()
                return world.text(plan)
            } catch let error as BerthError {
                return "error \(error.code.rawValue): \(error)" + (error.hint.map { "\nhint: \($0)" } ?? "")
            }
        }
    }

    static func check(_ cases: [PlanCase], in file: String) throws {
        let golden = GoldenFile("Fixtures/plans/\(file)")
        for difference in try golden.differences(from: cases.map { ($0.name, try $0.make()) }) {
            Issue.record("\(difference)")
        }
    }
}
