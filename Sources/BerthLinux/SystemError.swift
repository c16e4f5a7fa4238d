// The one error type of the kernel edge: which call failed, how, and on what.
import CLinux

/// A failed system call. Thrown with typed throws by everything in BerthLinux that talks to the kernel.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call as in its manual page: `openat2`, `mount_setattr`.
    package var call: String
    /// The value of `errno` after the call.
    package var errno: Int32
    /// The path, name or descriptor that the call was about; empty where there is none.
    package var subject: String

    package init(call: String, errno: Int32, subject: String = "") {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// A tree that nests deeper than anything of use.
    package static let tooDeep = SystemError(call: "copying a tree", errno: ENAMETOOLONG)

    /// The kernel's words for the errno: "no such file or directory", lower case.
    package var reason: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let text = strerror_r(errno, &buffer, buffer.count).map { String(cString: $0) } ?? "error \(errno)"
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    package var description: String {
        subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

extension SystemError {
    /// For paths that should be directories and cannot be.
    package static func notADirectory(_ subject: String) -> SystemError {
        SystemError(call: "open", errno: ENOTDIR, subject: subject)
    }

    package static func tooManyLinks(_ subject: String) -> SystemError {
        SystemError(call: "open", errno: ELOOP, subject: subject)
    }
}
