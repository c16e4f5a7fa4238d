// A raw thread for work that changes the thread itself (its namespaces, its working directory). It is joined, and so
// never returns to a pool.
import CLinux

package enum JoinedThread {
    private final class Work<Result> {
        let body: () throws(SystemError) -> Result
        var result: Swift.Result<Result, SystemError>?
        init(_ body: @escaping () throws(SystemError) -> Result) { self.body = body }
        func run() {
            do throws(SystemError) { result = .success(try body()) } catch { result = .failure(error) }
        }
    }

    private final class Call {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    package static func run<Result>(_ body: @escaping () throws(SystemError) -> Result) throws(SystemError) -> Result {
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
}
