// Mutual exclusion around a short write.
import Synchronization

package final class SerialLock: Sendable {
    private let mutex = Mutex(())
    package init() {}
    package func locked(_ body: () -> Void) { mutex.withLock { _ in body() } }
}
