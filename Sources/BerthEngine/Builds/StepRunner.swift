// One command of a build: a container like a service's, over the step's layers, with a network of its own.
import BerthLinux
import BerthLog
import BerthModel
import BerthRuntime
import BerthStore

struct StepRunner {
    let build: BuildRun
    let step: RunStep
    /// The end of what it wrote goes into the error of a step that fails.
    private static let keptLinesMax = 20

    init(_ build: BuildRun, _ step: RunStep) {
        self.build = build
        self.step = step
    }

    private var parts: EngineParts { build.parts }

    /// The exit code, and the last lines that it wrote.
    func run() async throws -> (exitCode: Int32, output: [String]) {
        guard let target = build.targets[step.target] else {
            throw BerthError(.internal, "running a build step", cause: "there is no target \(step.target)")
        }
        try StepPaths(build).check(step, target)
        var held: [(id: String, name: String, sharing: String)] = []
        for mount in step.mounts {
            guard case .cache(let id, let sharing, _, _, _) = mount.source else { continue }
            let directory = ContentHash.digest(of: Array(id.utf8)).hex
            held.append((directory, await parts.cacheMounts.take(directory, sharing: sharing), sharing))
        }
        let result: Result<(Int32, [String]), any Error>
        do { result = .success(try await run(target, caches: held.map(\.name))) } catch { result = .failure(error) }
        for (id, name, sharing) in held { await parts.cacheMounts.release(id, name: name, sharing: sharing) }
        return try result.get()
    }

    private func run(_ target: BuildTarget, caches: [String]) async throws -> (Int32, [String]) {
        var record = StepRecord.make(step, target)
        for (name, id) in step.secretNames {
            guard let content = target.secrets[id].flatMap({ build.secrets["\($0)"] }) else { continue }
            record.service.environment[name] = String(decoding: content, as: UTF8.self)
        }
        let id = record.id
        guard build.begin(id) else { throw BerthError(.cancelled, "building", cause: "the build was cancelled") }
        defer { build.end(id) }
        var network: NetworkRecord?
        if step.network == "default" {
            let (joined, address) = try await parts.buildNetwork.join(parts)
            network = joined
            record.endpoints = [StepRecord.endpoint(joined, address)]
        }
        parts.steps.began(id)
        let result: Result<(Int32, [String]), any Error>
        do { result = .success(try await launch(record, network, target, caches)) } catch { result = .failure(error) }
        parts.steps.forget(id)
        parts.runtime.cleanup(id)
        await parts.network.dropSandbox(id)
        if let endpoint = record.endpoints.first { await parts.buildNetwork.leave(endpoint.address, parts) }
        // Ignored: a directory that stays is removed by the next start of the agent.
        try? Directory.remove(parts.layout.logDirectory(id))
        return try result.get()
    }

    private func launch(
        _ record: ContainerRecord, _ network: NetworkRecord?, _ target: BuildTarget, _ caches: [String]
    ) async throws -> (Int32, [String]) {
        let mounts = StepMounts(build, step, target, caches)
        let root = try mounts.root(placesFor: record)
        var request: StartRequest
        if step.network == "host" {
            request = StartRequest(record: record, root: root, network: .host)
        } else {
            let sandbox = try await parts.network.makeSandbox(record, networks: network.map { [$0] } ?? [])
            request = StartRequest(record: record, root: root, network: .namespace(sandbox.namespace))
            request.keepsakes = sandbox.keepsakes
        }
        request.leavesRootAlone = true
        request.hosts = parts.network.hostsFile(
            record, hostname: record.service.hostname ?? "", networks: network.map { [$0] } ?? [])
        request.resolv = parts.network.resolvFile(record)
        request.trees = try mounts.trees()
        request.files = try mounts.files()
        let output = try parts.runtime.output(of: record.id)
        try await parts.runtime.start(request)
        async let lines = forward(output)
        let code = await parts.steps.end(of: record.id)
        output.finish()
        return (code, await lines)
    }

    private func forward(_ output: LogFollower) async -> [String] {
        var last: [String] = []
        for await line in output.lines {
            build.report(.build(BuildProgress(step: step.step, name: step.name, status: .output, text: line.text)))
            last.append(line.text)
            if last.count > StepRunner.keptLinesMax { last.removeFirst() }
        }
        return last
    }
}

/// A step as a container.
enum StepRecord {
    /// Docker's name of the place in which commands of a build run.
    static let hostname = "buildkitsandbox"

    static func make(_ step: RunStep, _ target: BuildTarget) -> ContainerRecord {
        let id = ContainerID(randomBytes: randomBytes(32))
        var service = Service(name: target.name)
        service.entrypoint = step.arguments
        service.command = []
        service.user = step.user.isEmpty ? "0" : step.user
        service.workingDirectory = step.workingDirectory
        service.hostname = hostname
        // What a service has and a build has not, so that a layer does not depend on it.
        service.environment["HOSTNAME"] = .some(nil)
        service.extraHosts = target.extraHosts
        service.shmSizeBytes = target.shmSizeBytes
        service.ulimits = target.ulimits
        service.privileged = step.isPrivileged
        if step.network == "host" { service.networkMode = .host }
        if step.network == "none" { service.networkMode = NetworkMode.none }
        var execution = ImageConfig.Execution()
        execution.Env = step.environment
        var mounts: [ContainerMount] = []
        for mount in step.mounts {
            if case .tmpfs(let sizeBytes) = mount.source {
                mounts.append(
                    ContainerMount(
                        source: .tmpfs(sizeBytes: sizeBytes, mode: nil, options: ["exec"]), target: mount.target,
                        readOnly: false))
            }
        }
        return ContainerRecord(
            id: id, name: "build of \(target.name)", stack: "",
            slot: ReplicaSlot(service: target.name, number: 1), service: service,
            imageID: ContentHash.digest(of: []), imageReference: "", imageExecution: execution, layers: [],
            configHash: "", labels: [:], mounts: mounts, endpoints: [], ports: [],
            created: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
    }

    static func endpoint(_ network: NetworkRecord, _ address: IPv4Address) -> Endpoint {
        Endpoint(
            network: network.name, interface: "eth0", address: address, prefixLength: network.subnet.length,
            gateway: network.gateway,
            macAddress: "02:42:" + address.bytes.map { Hex.encode([$0]) }.joined(separator: ":"), names: [])
    }
}
