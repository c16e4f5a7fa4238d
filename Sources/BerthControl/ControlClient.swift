// The client end: the agent's methods over its socket, one connection a request.
import BerthModel
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix

/// The agent as seen through a unix socket.
package final class ControlClient: AgentService {
    private let socket: String
    private let group: any EventLoopGroup
    private let presence: (any Sendable)?
    /// An agent that was about to leave takes a moment to change its mind.
    private static let connectAttemptsMax = 100

    /// - Parameter presence: an open connection that keeps the agent from leaving; held as long as this client.
    package init(socket: String, presence: (any Sendable)? = nil) {
        self.socket = socket
        self.presence = presence
        group = MultiThreadedEventLoopGroup.singleton
    }

    // MARK: AgentService

    package func version() async throws -> AgentVersion { try await one(.version, Nothing()) }
    package func up(_ request: UpRequest) -> ProgressStream { stream(.up, request) }
    package func down(_ request: DownRequest) -> ProgressStream { stream(.down, request) }
    package func change(_ request: ChangeRequest) -> ProgressStream { stream(.change, request) }
    package func stacks(all: Bool) async throws -> [StackSummary] {
        try await one(.stacks, StackRequest(stack: nil, all: all))
    }
    package func resume() async throws -> ResumeReport { try await one(.resume, Nothing()) }
    package func suspend() async throws {
        let _: Nothing = try await one(.suspend, Nothing())
    }
    package func containers(_ filter: ContainerFilter) async throws -> [ContainerDocument] {
        try await one(.containers, filter)
    }
    package func run(_ request: RunRequest) -> ProgressStream { stream(.run, request) }
    package func exec(_ request: ExecRequest) async throws -> ShimTicket { try await one(.exec, request) }
    package func attach(container: ContainerID) async throws -> ShimTicket {
        try await one(.attach, ContainerRequest(container: container))
    }
    package func wait(container: ContainerID) async throws -> ContainerStatus {
        try await one(.wait, ContainerRequest(container: container))
    }
    package func top(container: ContainerID) async throws -> ProcessTable {
        try await one(.top, ContainerRequest(container: container))
    }
    package func events(stack: String?) -> AsyncThrowingStream<Event, any Error> {
        stream(.events, StackRequest(stack: stack))
    }
    package func pull(_ request: PullRequestDocument) -> ProgressStream { stream(.pull, request) }
    package func copyIn(_ request: CopyRequest) async throws {
        let _: Nothing = try await one(.copyIn, request)
    }
    package func push(_ request: PullRequestDocument) -> ProgressStream { stream(.push, request) }
    package func resolve(_ request: ResolveRequest) async throws -> [String: Digest] {
        try await one(.resolve, request)
    }
    package func checkLogin(_ request: ResolveRequest) async throws {
        let _: Nothing = try await one(.checkLogin, request)
    }
    package func build(_ request: BuildRequest) -> ProgressStream { stream(.build, request) }
    package func pruneBuilds(all: Bool) async throws -> PruneResult {
        try await one(.pruneBuilds, StackRequest(stack: nil, all: all))
    }
    package func importImage(_ request: ImageImportRequest) -> ProgressStream { stream(.importImage, request) }
    package func loadImages(_ request: ImageLoadRequest) -> ProgressStream { stream(.loadImages, request) }
    package func commit(_ request: CommitRequest) -> ProgressStream { stream(.commit, request) }
    package func exportContainer(_ request: ContainerExportRequest) -> ProgressStream {
        stream(.exportContainer, request)
    }
    package func saveImages(_ request: ImageSaveRequest) -> ProgressStream { stream(.saveImages, request) }
    package func images() async throws -> [ImageDocument] { try await one(.images, Nothing()) }
    package func inspectImage(_ reference: String) async throws -> ImageDocument {
        try await one(.inspectImage, NameRequest(name: reference))
    }
    package func tagImage(source: String, target: String) async throws {
        let _: Nothing = try await one(.tagImage, NameRequest(name: source, target: target))
    }
    package func removeImage(_ reference: String, force: Bool) async throws -> [String] {
        try await one(.removeImage, NameRequest(name: reference, force: force))
    }
    package func pruneImages(_ filter: PruneFilter) async throws -> PruneResult {
        try await one(.pruneImages, filter)
    }
    package func diskReport() async throws -> DiskReport { try await one(.diskReport, Nothing()) }
    package func checkStore(repairs: Bool) async throws -> [StoreProblem] {
        try await one(.checkStore, StackRequest(stack: nil, all: repairs))
    }
    package func networks(stack: String?) async throws -> [NetworkRecord] {
        try await one(.networks, StackRequest(stack: stack))
    }
    package func volumes(stack: String?) async throws -> [VolumeRecord] {
        try await one(.volumes, StackRequest(stack: stack))
    }
    package func sharedNames() async throws -> [SharedName] { try await one(.sharedNames, Nothing()) }
    package func packShared(_ reference: String) async throws -> Digest {
        try await one(.packShared, NameRequest(name: reference))
    }
    package func takeShared(_ upload: SharedUpload) async throws {
        let _: Nothing = try await one(.takeShared, upload)
    }
    package func removeShared(_ reference: String) async throws {
        let _: Nothing = try await one(.removeShared, NameRequest(name: reference))
    }
    package func root(container: ContainerID) -> AsyncThrowingStream<String, any Error> {
        stream(.root, ContainerRequest(container: container))
    }
    package func usage(_ containers: [ContainerID]) async throws -> [ContainerUsage] {
        try await one(.usage, containers)
    }
    package func changeNetworks(_ request: ResourceRequest<NetworkDefinition>) async throws -> PruneResult {
        try await one(.changeNetworks, request)
    }
    package func changeVolumes(_ request: ResourceRequest<VolumeDefinition>) async throws -> PruneResult {
        try await one(.changeVolumes, request)
    }
    package func adoptVolume(_ request: AdoptRequest) async throws -> VolumeAdoption {
        try await one(.adoptVolume, request)
    }

    // MARK: Transport

    private func one<Answer: Codable & Sendable>(_ route: Route, _ request: some Codable & Sendable) async throws
        -> Answer
    {
        for try await item in stream(route, request) as AsyncThrowingStream<Answer, any Error> { return item }
        throw ControlClient.lost
    }

    /// The agent went away in the middle of an answer; the caller may ask a new one again.
    package static let lost = BerthError(
        .unavailable, "talking to the agent", cause: "it went away before it had answered",
        hint: "run the command again")

    private func stream<Item: Codable & Sendable>(
        _ route: Route, _ request: some Codable & Sendable
    ) -> AsyncThrowingStream<Item, any Error> {
        let (stream, continuation) = AsyncThrowingStream<Item, any Error>.makeStream()
        let task = Task {
            do {
                try await exchange(route, try JSONEncoder().encode(request)) { line in
                    switch try JSONDecoder().decode(AnswerLine<Item>.self, from: line) {
                    case .item(let item): continuation.yield(item)
                    case .failed(let error): throw error
                    case .ended: break
                    }
                }
                continuation.finish()
            } catch let error as BerthError {
                continuation.finish(throwing: error)
            } catch is CancellationError {
                continuation.finish()
            } catch {
                continuation.finish(throwing: BerthError(.unavailable, "talking to the agent", cause: "\(error)"))
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func exchange(_ route: Route, _ body: Data, _ receive: (Data) throws -> Void) async throws {
        let channel = try await connect()
        try await exchange(channel, route, body, receive)
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws -> Connection {
        var attempts = 0
        while true {
            do { return try await connectOnce() } catch let error as IOError
                where presence != nil && attempts < ControlClient.connectAttemptsMax
            {
                guard error.errnoCode == 2 || error.errnoCode == 111 else { throw error }
                attempts += 1
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    private func connectOnce() async throws -> Connection {
        try await ClientBootstrap(group: group).connect(unixDomainSocketPath: socket) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
    }

    private func exchange(_ channel: Connection, _ route: Route, _ body: Data, _ receive: (Data) throws -> Void)
        async throws
    {
        try await channel.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: route.path)
            head.headers.add(name: "Host", value: "berth")
            head.headers.add(name: "Content-Length", value: "\(body.count)")
            // In one go: an agent that has the whole body answers, and may have closed before
            // a separate end is written.
            try await outbound.write(contentsOf: [
                .head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil),
            ])
            var pending = ByteBuffer()
            var isComplete = false
            for try await part in inbound {
                switch part {
                case .head: break
                case .body(var bytes):
                    pending.writeBuffer(&bytes)
                    while let newline = pending.readableBytesView.firstIndex(of: 0x0A) {
                        let length = newline - pending.readerIndex
                        guard let line = pending.readBytes(length: length) else { break }
                        pending.moveReaderIndex(forwardBy: 1)
                        try receive(Data(line))
                        pending.discardReadBytes()
                    }
                case .end:
                    isComplete = true
                }
                if isComplete { break }
            }
            if !isComplete { throw ControlClient.lost }
        }
    }
}
