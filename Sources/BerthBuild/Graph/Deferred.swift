// Results that several wait for: the one place of this room where work is begun that nobody awaits at once.

/// Work that has begun; whoever needs its result waits for it.
struct Deferred<Value: Sendable>: Sendable {
    private let task: Task<Value, any Error>

    init(_ body: @escaping @Sendable () async throws -> Value) { task = Task { try await body() } }

    var value: Value { get async throws { try await task.value } }
}
