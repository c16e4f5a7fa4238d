// Mutual exclusion around short, synchronous work that reads and then writes the state.
import Synchronization

final class StoreLock: Sendable {
    private let mutex = Mutex(())

    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        try mutex.withLock { _ in
            // The value leaves the lock by copy; nothing of the state is borrowed.
            let result = Box(try body())
            return result
        }.value
    }

    /// Guarded by `mutex` until it is returned, owned by one caller after.
    private struct Box<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }
}
