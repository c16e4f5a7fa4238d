// Mutual exclusion around a short write.
import Synchronization

final class SerialLock: Sendable {
    private let mutex = Mutex(())
    func locked(_ body: () -> Void) { mutex.withLock { _ in body() } }
}
