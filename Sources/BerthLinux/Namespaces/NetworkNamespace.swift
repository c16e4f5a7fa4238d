// Network namespaces as descriptors: made and entered on a thread of their own, so that no pool thread ever changes.
import CLinux

package enum NetworkNamespace {
    /// A new, empty network namespace.
    package static func create() throws(SystemError) -> SharedDescriptor {
        try create { () throws(SystemError) in }.namespace
    }

    /// A new network namespace, and what a body makes inside it on the same thread.
    package static func create<Result>(
        _ body: @escaping () throws(SystemError) -> Result
    ) throws(SystemError) -> (namespace: SharedDescriptor, result: Result) {
        try onThread { () throws(SystemError) -> (namespace: SharedDescriptor, result: Result) in
            try systemCall("unshare", "CLONE_NEWNET") { unshare(Int32(CLONE_NEWNET)) }
            let namespace = SharedDescriptor(try Directory.open("/proc/thread-self/ns/net"))
            return (namespace, try body())
        }
    }

    /// This process's own.
    package static func own() throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try Directory.open("/proc/self/ns/net"))
    }

    /// Runs a body inside a namespace. Sockets that it makes stay in there.
    package static func inside<Result>(
        _ namespace: SharedDescriptor, _ body: @escaping () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try onThread { () throws(SystemError) -> Result in
            try systemCall("setns") { setns(namespace.number, Int32(CLONE_NEWNET)) }
            return try body()
        }
    }

    private final class Work<Result> {
        let body: () throws(SystemError) -> Result
        var result: Swift.Result<Result, SystemError>?
        init(_ body: @escaping () throws(SystemError) -> Result) { self.body = body }
        func run() {
            do throws(SystemError) { result = .success(try body()) } catch { result = .failure(error) }
        }
    }

    /// On a raw thread that is joined: it never returns to a pool with another namespace.
    private static func onThread<Result>(_ body: @escaping () throws(SystemError) -> Result) throws(SystemError)
        -> Result
    {
        let work = Work(body)
        // A closure without generic context is what a C thread can take.
        let call = Unmanaged.passRetained(Call { work.run() })
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Call>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, call.toOpaque())
        if code != 0 {
            call.release()
            throw SystemError(call: "pthread_create", errno: code)
        }
        pthread_join(thread, nil)
        guard let result = work.result else { throw SystemError(call: "pthread_join", errno: EINVAL) }
        return try result.get()
    }

    private final class Call {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
