// What a request tells while it runs.
import BerthModel

package enum EngineProgress: Sendable {
    case event(Event)
    case warning(String)
    case plan(PlanDocument)
    case build(BuildProgress)
}

package typealias ProgressReport = @Sendable (EngineProgress) -> Void

/// Events for whoever listens: requests, `berth events`. Each listener has its own bounded queue.
package actor EventBus {
    private var listeners: [Int: AsyncStream<Event>.Continuation] = [:]
    private var next = 0

    package init() {}

    package func publish(_ event: Event) { for listener in listeners.values { listener.yield(event) } }

    package func listen() -> AsyncStream<Event> {
        let (stream, continuation) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(4096))
        let number = next
        next += 1
        listeners[number] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.drop(number) }
        }
        return stream
    }

    private func drop(_ number: Int) { listeners[number] = nil }
}

/// The two clocks, read together.
package struct EngineClock: Sendable {
    private let origin = ContinuousClock.now
    package init() {}
    package var monotonic: Duration { ContinuousClock.now - origin }
    package func sleep(until time: Duration) async throws {
        try await Task.sleep(until: origin + time, clock: .continuous)
    }
}
