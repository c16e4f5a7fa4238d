// A foreground `up`: logs of all containers together, until they end or the user stops them.
import BerthControl
import BerthLinux
import BerthLog
import BerthModel
import Synchronization

final class ForegroundSession: Sendable {
    struct Policy: Sendable {
        var abortOnExit = false
        var abortOnFailure = false
        var exitCodeFrom: String?
        /// Services whose logs are shown.
        var shown: Set<String>
        /// Called when the stack is up.
        var afterUp: @Sendable () -> Void = {}
    }

    private let client: ControlClient
    private let request: UpRequest
    private let progress: ProgressView
    private let style: LogStyle
    private let policy: Policy
    private let poller: Poller
    private let signals: SignalWatch

    init(client: ControlClient, request: UpRequest, progress: ProgressView, style: LogStyle, policy: Policy) throws {
        self.client = client
        self.request = request
        self.progress = progress
        self.style = style
        self.policy = policy
        poller = try Poller()
        signals = try SignalWatch([SignalWatch.interrupt, SignalWatch.terminate])
    }

    private enum Happening: Sendable {
        /// The stack is up, or why it is not.
        case up((any Error)?)
        case stopped
        case ended(ContainerDocument, ContainerStatus)
        case interrupted(count: Int)
    }

    func run() async throws -> Int32 {
        let before = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        let (happenings, continuation) = AsyncStream<Happening>.makeStream()
        let count = Mutex(0)
        poller.add(signals.number) { [signals] in
            for _ in signals.take() {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                continuation.yield(.interrupted(count: number))
            }
        }
        let starting = Task {
            do {
                try await progress.follow(client.up(request))
                continuation.yield(.up(nil))
            } catch { continuation.yield(.up(error)) }
        }
        var iterator = happenings.makeAsyncIterator()
        if try await isInterrupted(starting, &iterator) {
            return try await stopStarted(&iterator, continuation)
        }
        policy.afterUp()
        var filter = ContainerFilter(stack: request.stack.name)
        filter.includeOneOff = false
        let documents = try await client.containers(filter).filter {
            policy.shown.contains($0.record.slot.service) || policy.exitCodeFrom == $0.record.slot.service
        }
        let printer = LogPrinter(documents.map { LogPrinter.shortName($0.record) }, style)
        let followers = follow(documents, since: before, printer, continuation)
        defer { for task in followers { task.cancel() } }
        return try await watch(&iterator, documents)
    }

    /// Waits until the stack is up. True: the user would not wait for it.
    private func isInterrupted(
        _ starting: Task<Void, Never>, _ happenings: inout AsyncStream<Happening>.Iterator
    ) async throws -> Bool {
        while let happening = await happenings.next() {
            switch happening {
            case .up(let error?): throw error
            case .up(nil): return false
            case .interrupted:
                // The request ends with its client.
                starting.cancel()
                await starting.value
                return true
            default: continue
            }
        }
        return false
    }

    /// Nobody follows the containers yet: what has been started is stopped, that is all.
    private func stopStarted(
        _ happenings: inout AsyncStream<Happening>.Iterator, _ continuation: AsyncStream<Happening>.Continuation
    ) async throws -> Int32 {
        Console.shared.error("Gracefully stopping... (press Ctrl+C again to force)")
        Task {
            try? await stop(.stop)
            continuation.yield(.stopped)
        }
        while let happening = await happenings.next() {
            switch happening {
            case .interrupted: try? await stop(.kill)
            case .stopped: return 130
            default: continue
            }
        }
        return 130
    }

    private func follow(
        _ documents: [ContainerDocument], since: Timestamp, _ printer: LogPrinter,
        _ continuation: AsyncStream<Happening>.Continuation
    ) -> [Task<Void, Never>] {
        documents.map { document in
            Task {
                var selection = LogSelection()
                // What earlier runs have written was shown then.
                selection.since = "\(since)"
                let name = LogPrinter.shortName(document.record)
                guard let follower = try? LogFollower(document.logFile, selection, poller: poller) else { return }
                let waiter = Task {
                    let status = try? await client.wait(container: document.record.id)
                    follower.finish()
                    return status
                }
                for await line in follower.lines { printer.show(name, line) }
                let status = await waiter.value ?? document.status
                printer.ended(name, code: status.exitCode)
                continuation.yield(.ended(document, status))
            }
        }
    }

    private func watch(
        _ happenings: inout AsyncStream<Happening>.Iterator, _ documents: [ContainerDocument]
    ) async throws -> Int32 {
        var left = Set(documents.map(\.record.id))
        var code: Int32 = 0
        var stopping = false
        if left.isEmpty { return 0 }
        while let happening = await happenings.next() {
            switch happening {
            case .ended(let document, let status):
                left.remove(document.record.id)
                if let from = policy.exitCodeFrom {
                    if document.record.slot.service == from { code = status.exitCode }
                } else if policy.abortOnExit || policy.abortOnFailure {
                    if code == 0 { code = status.exitCode }
                }
                let aborts = policy.abortOnExit || policy.abortOnFailure && status.exitCode != 0
                if aborts && !stopping {
                    stopping = true
                    Console.shared.error("Aborting on container exit...")
                    try await stop(.stop)
                }
                if left.isEmpty {
                    return stopping && policy.exitCodeFrom == nil && !policy.abortOnExit && !policy.abortOnFailure
                        ? 130 : code
                }
            case .interrupted(let count):
                if count == 1 {
                    stopping = true
                    Console.shared.error("Gracefully stopping... (press Ctrl+C again to force)")
                    Task { try? await stop(.stop) }
                } else if count == 2 {
                    Task { try? await stop(.kill) }
                }
            case .up, .stopped: break
            }
        }
        return code
    }

    private func stop(_ verb: ChangeRequest.Verb) async throws {
        var change = ChangeRequest(verb: verb, stackName: request.stack.name)
        change.stack = request.stack
        change.stopTimeoutSeconds = request.stopTimeoutSeconds
        try await progress.follow(client.change(change))
    }
}
