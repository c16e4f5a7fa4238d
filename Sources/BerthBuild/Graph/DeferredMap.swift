// Work by key: begun by who asks first, shared by all who ask.
import Synchronization

final class DeferredMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let begun = Mutex<[Key: Deferred<Value>]>([:])

    func value(_ key: Key, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await begin(key, body).value
    }

    @discardableResult
    func begin(_ key: Key, _ body: @escaping @Sendable () async throws -> Value) -> Deferred<Value> {
        begun.withLock { begun in
            if let found = begun[key] { return found }
            let made = Deferred(body)
            begun[key] = made
            return made
        }
    }
}
