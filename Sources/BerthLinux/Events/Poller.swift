// One thread that waits for many descriptors: for programs with concurrency, whose pool must never block.
import CLinux

/// Calls back, on its own thread, when a descriptor can be read. Level-triggered: a callback reads, or unregisters.
package final class Poller: Sendable {
    private let epoll: SharedDescriptor
    private let state = Registrations()

    package init() throws(SystemError) {
        epoll = SharedDescriptor(
            Descriptor(owning: try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }))
        let context = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Poller>.fromOpaque(context).takeUnretainedValue().loop()
                return nil
            }, context)
        if code != 0 { throw SystemError(call: "pthread_create", errno: code) }
        pthread_detach(thread)
    }

    /// The descriptor must stay open until `remove`.
    package func add(_ number: Int32, _ callback: @escaping @Sendable () -> Void) {
        let token = state.insert(callback)
        state.remember(number, token)
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = token
        epoll_ctl(epoll.number, EPOLL_CTL_ADD, number, &event)
    }

    package func remove(_ number: Int32) {
        epoll_ctl(epoll.number, EPOLL_CTL_DEL, number, nil)
        state.forget(number)
    }

    private func loop() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(epoll.number, &events, Int32(events.count), -1)
            if count < 0 { continue }
            for index in 0..<Int(count) { state.callback(events[index].data.u64)?() }
        }
    }
}

/// Callbacks by token, so that a reused descriptor number never reaches a stale callback. Locked by `mutex`.
private final class Registrations: @unchecked Sendable {
    private var mutex = pthread_mutex_t()
    private var callbacks: [UInt64: @Sendable () -> Void] = [:]
    private var tokens: [Int32: UInt64] = [:]
    private var next: UInt64 = 1

    init() { pthread_mutex_init(&mutex, nil) }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        return body()
    }

    func insert(_ callback: @escaping @Sendable () -> Void) -> UInt64 {
        locked {
            defer { next += 1 }
            callbacks[next] = callback
            return next
        }
    }

    func remember(_ number: Int32, _ token: UInt64) { locked { tokens[number] = token } }

    func forget(_ number: Int32) {
        locked {
            if let token = tokens.removeValue(forKey: number) { callbacks[token] = nil }
        }
    }

    func callback(_ token: UInt64) -> (@Sendable () -> Void)? { locked { callbacks[token] } }
}
