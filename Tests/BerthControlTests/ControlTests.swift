// Both ends of the control API over a real socket, with a fake agent behind it.
import BerthLinux
import BerthModel
import Foundation
import Testing

@testable import BerthControl

/// An agent that answers from its script.
struct FakeAgent: AgentService {
    func resume() async throws -> ResumeReport { ResumeReport() }
    func suspend() async throws {}
    func version() async throws -> AgentVersion { AgentVersion(version: "9", protocolNumber: 1, processID: 42) }
    func up(_ request: UpRequest) -> ProgressStream {
        ProgressStream { continuation in
            for number in 0..<500 { continuation.yield(.warning("line \(number) of \(request.stack.name)")) }
            continuation.yield(.result(RequestResult()))
            continuation.finish()
        }
    }
    func down(_ request: DownRequest) -> ProgressStream {
        ProgressStream { continuation in
            continuation.yield(.warning("before"))
            continuation.finish(
                throwing: BerthError(.conflict, "removing it", cause: "in use", hint: "stop it", exitCode: 7))
        }
    }
    func change(_ request: ChangeRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func stacks(all: Bool) async throws -> [StackSummary] {
        [StackSummary(name: all ? "all" : "some", status: "running(1)", configFiles: "")]
    }
    func containers(_ filter: ContainerFilter) async throws -> [ContainerDocument] { [] }
    func run(_ request: RunRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func exec(_ request: ExecRequest) async throws -> ShimTicket {
        throw BerthError(.notFound, "looking", cause: "no such container")
    }
    func attach(container: ContainerID) async throws -> ShimTicket { throw BerthError(.notFound, "looking") }
    func wait(container: ContainerID) async throws -> ContainerStatus { ContainerStatus(state: .exited) }
    func top(container: ContainerID) async throws -> ProcessTable { ProcessTable(titles: [], rows: []) }
    func events(stack: String?) -> AsyncThrowingStream<Event, any Error> { AsyncThrowingStream { $0.finish() } }
    func root(container: ContainerID) -> AsyncThrowingStream<String, any Error> {
        AsyncThrowingStream { $0.finish() }
    }
    func sharedNames() async throws -> [SharedName] { [] }
    func packShared(_ reference: String) async throws -> Digest { throw BerthError(.notFound, "packing \(reference)") }
    func takeShared(_ upload: SharedUpload) async throws {}
    func removeShared(_ reference: String) async throws {}
    func usage(_ containers: [ContainerID]) async throws -> [ContainerUsage] { [] }
    func changeNetworks(_ request: ResourceRequest<NetworkDefinition>) async throws -> PruneResult {
        PruneResult(lines: [], freedBytes: 0)
    }
    func changeVolumes(_ request: ResourceRequest<VolumeDefinition>) async throws -> PruneResult {
        PruneResult(lines: [], freedBytes: 0)
    }
    func adoptVolume(_ request: AdoptRequest) async throws -> VolumeAdoption { VolumeAdoption(.absent) }
    func copyIn(_ request: CopyRequest) async throws {}
    func pruneImages(_ filter: PruneFilter) async throws -> PruneResult { PruneResult(lines: [], freedBytes: 0) }
    func diskReport() async throws -> DiskReport { DiskReport(lines: []) }
    func checkStore(repairs: Bool) async throws -> [StoreProblem] { [] }
    func build(_ request: BuildRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func pruneBuilds(all: Bool) async throws -> PruneResult { PruneResult(lines: [], freedBytes: 0) }
    func push(_ request: PullRequestDocument) -> ProgressStream { ProgressStream { $0.finish() } }
    func resolve(_ request: ResolveRequest) async throws -> [String: Digest] { [:] }
    func checkLogin(_ request: ResolveRequest) async throws {}
    func pull(_ request: PullRequestDocument) -> ProgressStream { ProgressStream { $0.finish() } }
    func importImage(_ request: ImageImportRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func loadImages(_ request: ImageLoadRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func saveImages(_ request: ImageSaveRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func commit(_ request: CommitRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func exportContainer(_ request: ContainerExportRequest) -> ProgressStream { ProgressStream { $0.finish() } }
    func images() async throws -> [ImageDocument] { [] }
    func inspectImage(_ reference: String) async throws -> ImageDocument {
        throw BerthError(.notFound, "looking for \(reference)")
    }
    func tagImage(source: String, target: String) async throws {}
    func removeImage(_ reference: String, force: Bool) async throws -> [String] { ["Untagged: \(reference) \(force)"] }
    func networks(stack: String?) async throws -> [NetworkRecord] { [] }
    func volumes(stack: String?) async throws -> [VolumeRecord] { [] }
}

@Suite("Control API", .serialized)
struct ControlTests {
    func withClient(_ body: (ControlClient) async throws -> Void) async throws {
        let path = "/tmp/berth-control-\(UUID().uuidString.prefix(8)).sock"
        let server = ControlServer(service: FakeAgent(), idle: {})
        try await server.start(listening: PacketSocket.listen(path, stream: true).release())
        do { try await body(ControlClient(socket: path)) } catch {
            await server.stop()
            try? Directory.remove(path)
            throw error
        }
        await server.stop()
        try? Directory.remove(path)
    }

    @Test("values come back as they were given")
    func values() async throws {
        try await withClient { client in
            let version = try await client.version()
            #expect(version == AgentVersion(version: "9", protocolNumber: 1, processID: 42))
            let stacks = try await client.stacks(all: true)
            #expect(stacks.map(\.name) == ["all"])
            let lines = try await client.removeImage("x", force: true)
            #expect(lines == ["Untagged: x true"])
        }
    }

    @Test("a thousand quick requests all get their answer")
    func quickRequests() async throws {
        try await withClient { client in
            for _ in 0..<1000 {
                let version = try await client.version()
                #expect(version.processID == 42)
            }
        }
    }

    @Test("a stream keeps its order and ends with its result")
    func streams() async throws {
        try await withClient { client in
            let stack = Stack(name: "demo", workingDirectory: "/")
            let caller = CallerContext(workingDirectory: "/", home: nil, userID: 0, groupID: 0)
            var lines: [String] = []
            var results = 0
            for try await item in client.up(UpRequest(stack: stack, materials: ["d": [1, 2]], caller: caller)) {
                if case .warning(let text) = item { lines.append(text) }
                if case .result = item { results += 1 }
            }
            #expect(lines == (0..<500).map { "line \($0) of demo" } && results == 1)
        }
    }

    @Test("an error arrives whole, after what came before it")
    func errors() async throws {
        try await withClient { client in
            var seen: [ProgressItem] = []
            do {
                for try await item in client.down(DownRequest(stackName: "demo")) { seen.append(item) }
                Issue.record("no error arrived")
            } catch let error as BerthError {
                #expect(error == BerthError(.conflict, "removing it", cause: "in use", hint: "stop it", exitCode: 7))
            }
            #expect(seen == [.warning("before")])
            await #expect(throws: BerthError.self) { _ = try await client.inspectImage("x") }
        }
    }

    @Test("nobody there is an error with words")
    func absent() async {
        await #expect(throws: BerthError.self) {
            _ = try await ControlClient(socket: "/tmp/berth-nobody.sock").version()
        }
    }
}
