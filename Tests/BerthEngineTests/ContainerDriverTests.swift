// The shell around one container's machine: who waits for a start waits for that start.
import BerthModel
import BerthPlan
import BerthRuntime
import Logging
import Synchronization
import Testing

@testable import BerthEngine

/// Hands that launch when they are told to.
final class SlowHands: ContainerHands {
    private let gate: AsyncStream<Int32>
    let launched: AsyncStream<Int32>.Continuation
    private let attempts = Mutex(0)
    var launches: Int { attempts.withLock { $0 } }

    init() { (gate, launched) = AsyncStream<Int32>.makeStream() }

    func launch(_ record: ContainerRecord, held: Bool) async throws -> Int32 {
        attempts.withLock { $0 += 1 }
        for await processID in gate { return processID }
        throw BerthError(.internal, "launching", cause: "the test is over")
    }
    func signal(_ id: ContainerID, _ number: Int32) throws {}
    func kill(_ id: ContainerID) {}
    func setPaused(_ id: ContainerID, _ paused: Bool) throws {}
    func sample(_ id: ContainerID) -> SignalSample? { nil }
    func probe(_ record: ContainerRecord, timeout: Duration) async -> (ProbeResult, witnessed: Bool) {
        (ProbeResult(start: .never, end: .never, exitCode: 0, output: ""), true)
    }
    func hasListener(_ record: ContainerRecord) -> Bool { false }
    func release(_ record: ContainerRecord) async {}
    func store(_ id: ContainerID, _ status: ContainerStatus) {}
    func publish(_ event: Event) async {}
}

@Suite("Container driver")
struct ContainerDriverTests {
    @Test("starting what has run before waits for the new run", .timeLimit(.minutes(1)))
    func startAgain() async throws {
        let hands = SlowHands()
        var status = ContainerStatus(state: .exited)
        status.started = Timestamp(nanosecondsSinceEpoch: 1)
        status.finished = Timestamp(nanosecondsSinceEpoch: 2)
        let driver = ContainerDriver(
            ContainerRow(record: StateStoreTests.record("a"), status: status), hands: hands, clock: EngineClock(),
            logger: Logger(label: "test"))
        let returned = Mutex(false)
        async let start: Void = {
            try await driver.start()
            returned.withLock { $0 = true }
        }()
        while hands.launches == 0 { await Task.yield() }
        // The machine had every chance to return early by now.
        for _ in 0..<100 { await Task.yield() }
        #expect(!returned.withLock { $0 })
        hands.launched.yield(4711)
        try await start
        #expect(await driver.status.isRunning)
    }
}
