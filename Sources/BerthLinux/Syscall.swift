// The rule every system call follows: retry EINTR, capture errno at once, trap on errors that only our own bugs cause.
import CLinux

/// The errno of the last failed call of this thread.
package var lastErrno: Int32 { clinux_errno() }

/// Calls until it is not interrupted and returns its non-negative result.
///
/// EBADF and EFAULT trap: they say that we passed a closed descriptor or a bad pointer, which no caller can handle.
@inline(__always)
@discardableResult
package func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ name: StaticString, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = clinux_errno()
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(name): bad descriptor or pointer of our own")
        throw SystemError(call: name.description, errno: code, subject: subject())
    }
}
