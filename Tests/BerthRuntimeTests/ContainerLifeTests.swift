// Real containers through the real shim, on a busybox root: what is inside, how they end, that nothing is left.
import BerthLinux
import BerthModel
import Foundation
import Testing

@testable import BerthRuntime

/// A busybox root, state directories and a runtime of their own, gone with the value.
final class RuntimeWorld {
    let directory: String
    let layout: StateLayout
    let runtime: ContainerRuntime

    init() throws {
        directory = "/tmp/berth-runtime-\(UUID().uuidString.prefix(8).lowercased())"
        for name in [
            "root/bin", "root/etc", "root/tmp", "root/proc", "root/sys", "root/dev", "upper", "work", "data", "run",
        ] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(directory)/root/bin/busybox")
        for applet in [
            "sh", "sleep", "cat", "echo", "id", "true", "grep", "ls", "head", "tail", "kill", "test", "touch", "ps",
        ] {
            symlink("busybox", "\(directory)/root/bin/\(applet)")
        }
        try "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/home:/bin/sh\n".write(
            toFile: "\(directory)/root/etc/passwd", atomically: false, encoding: .utf8)
        try "root:x:0:\nguest:x:1000:\nextra:x:2000:guest\n".write(
            toFile: "\(directory)/root/etc/group", atomically: false, encoding: .utf8)
        let world = String(UUID().uuidString.prefix(8)).lowercased()
        layout = StateLayout(dataRoot: "\(directory)/data", runRoot: "\(directory)/run", world: world)
        runtime = try ContainerRuntime(layout: layout, shim: RuntimeWorld.shim, agentCommand: [])
    }

    /// Beside the test bundle, where the build puts all programs.
    static let shim = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/berth-shim").path

    func record(_ command: [String], _ change: (inout Service) -> Void = { _ in }) -> ContainerRecord {
        var service = Service(name: "web")
        service.command = command
        change(&service)
        return ContainerRecord(
            id: ContainerID(randomBytes: randomBytes(32)), name: "t-web-1", stack: "t",
            slot: ReplicaSlot(service: "web", number: 1), service: service,
            imageID: Digest(bytes: [UInt8](repeating: 0, count: 32)),
            imageReference: "busybox", imageExecution: ImageConfig.Execution(), layers: [], configHash: "", labels: [:],
            mounts: [],
            endpoints: [], ports: [], created: Timestamp(nanosecondsSinceEpoch: 1))
    }

    func start(_ record: ContainerRecord) async throws {
        let root = try DetachedMount.overlay(
            lowers: ["\(directory)/root"], upper: "\(directory)/upper", work: "\(directory)/work")
        try await runtime.start(StartRequest(record: record, root: SharedDescriptor(root), network: .host))
    }

    /// Runs to the end; its status and its log's lines.
    func run(_ record: ContainerRecord) async throws -> (BerthLinux.ExitStatus, String) {
        try await start(record)
        let status = await end(of: record)
        runtime.cleanup(record.id)
        let log = (try? String(contentsOfFile: layout.logFile(record.id), encoding: .utf8)) ?? ""
        return (status, log)
    }

    func end(of record: ContainerRecord) async -> BerthLinux.ExitStatus {
        for await event in runtime.events {
            if case .exited(record.id, let status) = event { return status }
        }
        return BerthLinux.ExitStatus(code: -1, oomKilled: false, startedNanoseconds: 0, finishedNanoseconds: 0)
    }

    deinit {
        runtime.cgroups.removeParent()
        try? Directory.remove(directory)
    }
}

@Suite("Containers of the runtime", .serialized)
struct ContainerLifeTests {
    @Test("a program runs, writes its log and its code is recorded", arguments: [0, 3, 137])
    func exitCode(code: Int32) async throws {
        let world = try RuntimeWorld()
        let script = code == 137 ? "kill -9 $$" : "echo out; echo err >&2; exit \(code)"
        let (status, log) = try await world.run(world.record(["sh", "-c", script]) { $0.initProcess = code == 137 })
        #expect(status.code == code)
        if code != 137 {
            #expect(log.contains("{\"log\":\"out\\n\",\"stream\":\"stdout\""), "\(log)")
            #expect(log.contains("\"log\":\"err\\n\",\"stream\":\"stderr\""), "\(log)")
        }
    }

    @Test("what a default container sees: capabilities, filter, masks, devices, descriptors")
    func defaults() async throws {
        let world = try RuntimeWorld()
        let script = """
            grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|Seccomp|NoNewPrivs)' /proc/self/status
            echo pid $$; ls -l /dev/null; ls /proc/self/fd | head -4; ls /dev; head -c1 /proc/kcore | grep -c . ; echo x > /proc/sys/kernel/hostname
            """
        let (_, log) = try await world.run(world.record(["sh", "-c", script]))
        for expected in [
            "CapInh:\\t0000000000000000", "CapPrm:\\t00000000a80425fb", "CapBnd:\\t00000000a80425fb",
            "CapAmb:\\t0000000000000000",
            "Seccomp:\\t2", "pid 1", "urandom", "Read-only file system", "crw-rw-rw-",
        ] { #expect(log.contains(expected), "\(expected) is missing: \(log)") }
    }

    @Test("a missing program is not found, one that is no program denied")
    func cannotExecute() async throws {
        let world = try RuntimeWorld()
        for (program, code) in [("no-such-program", BerthError.Code.notFound), ("/etc/passwd", .denied)] {
            do {
                try await world.start(world.record([program]))
                Issue.record("\(program) started")
            } catch let error as BerthError {
                #expect(error.code == code, "\(error)")
            }
        }
        #expect(world.runtime.cgroups.list().isEmpty)
    }

    @Test("a probe sees the container and its output comes back")
    func probe() async throws {
        let world = try RuntimeWorld()
        let record = world.record(["sleep", "1000"]) { $0.initProcess = true }
        try await world.start(record)
        let outcome = await world.runtime.probe(
            record, ExecSpec(command: ["sh", "-c", "id -u; echo seen; exit 5"]), timeout: .seconds(10))
        #expect(outcome == ProbeOutcome(exitCode: 5, output: "0\nseen\n"))
        let slow = await world.runtime.probe(record, ExecSpec(command: ["sleep", "1000"]), timeout: .milliseconds(50))
        #expect(slow.exitCode == -1 && slow.output.hasPrefix("Health check exceeded timeout"))
        try world.runtime.signal(record.id, Signal.terminate)
        #expect(await world.end(of: record).code == 143)
        world.runtime.cleanup(record.id)
        #expect(world.runtime.cgroups.list().isEmpty)
    }
}
