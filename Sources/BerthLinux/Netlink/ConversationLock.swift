// One conversation at a time on a socket. The toolchain's own Mutex would bring in a second view of the C library.
import CLinux

/// The last sequence number of a socket; having it is having the socket.
/// Its number is locked by the mutex beside it.
final class ConversationLock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var sequence: UInt32 = 0

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout UInt32) throws(SystemError) -> Result) throws(SystemError) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&sequence)
    }
}
