// Layers of one image on their way to disk, several at once. A layer seldom needs those below it, and then waits.
import BerthModel
import Dispatch
import FoundationEssentials
import Synchronization

/// The layers' places, base first. They are begun in order, so the lowest that runs never waits.
final class UnpackedLayers: Sendable {
    private struct State {
        var results: [Result<String, any Error>?]
    }

    private let state: Mutex<State>
    private let ended: [DispatchGroup]
    private static let atOnce = max(1, min(4, ProcessInfo.processInfo.activeProcessorCount))
    private let turns = DispatchSemaphore(value: UnpackedLayers.atOnce)

    init(count: Int) {
        state = Mutex(State(results: Array(repeating: nil, count: count)))
        ended = (0..<count).map { _ in DispatchGroup() }
        for group in ended { group.enter() }
    }

    func set(_ index: Int, _ result: Result<String, any Error>) {
        state.withLock { $0.results[index] = result }
        ended[index].leave()
    }

    /// Begins a layer in a thread of its own, as soon as there is one.
    func run(_ index: Int, _ body: @escaping @Sendable () throws -> String) {
        turns.wait()
        DispatchQueue.global().async { [self] in
            let result = Result { try body() }
            set(index, result)
            turns.signal()
        }
    }

    /// The places of the layers below, the nearest first, once they are all there.
    func below(_ index: Int) throws -> [String] { try (0..<index).reversed().map(place) }

    private func place(_ index: Int) throws -> String {
        ended[index].wait()
        guard let result = state.withLock({ $0.results[index] }) else {
            throw BerthError(.internal, "unpacking a layer", cause: "it was never begun")
        }
        return try result.get()
    }

    /// Waits for all. The error of the lowest that failed is thrown.
    func awaitAll() throws { for index in ended.indices { _ = try place(index) } }

    /// What was not begun never will be; returns when nothing runs.
    func abandon(_ error: any Error) {
        // What was begun holds a turn until it has ended.
        for _ in 0..<UnpackedLayers.atOnce { turns.wait() }
        for _ in 0..<UnpackedLayers.atOnce { turns.signal() }
        for index in ended.indices where state.withLock({ $0.results[index] == nil }) { set(index, .failure(error)) }
    }
}
