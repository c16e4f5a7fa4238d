// The error every room above BerthLinux throws: what we were doing, why it failed, what the user can do.

/// A failure that a person or a script will see.
///
/// `message` says what berth was doing, in lower case, without a full stop, with the name or path in it. `cause` says
/// why;
/// `hint` says what the user can do. Exit codes and retries are tables over `code`, never over text.
package struct BerthError: Error, Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Codable, Sendable, CaseIterable {
        case invalid, notFound, alreadyExists, conflict, unsupported, denied, unavailable, timedOut, cancelled, corrupt
        case exhausted, `internal`
    }

    package var code: Code
    package var message: String
    /// The object: `service web`, `image app:1`, `port 0.0.0.0:8080/tcp`.
    package var subject: String?
    package var cause: String?
    package var hint: String?
    /// The exit code to use where it is not the table's own (a container's code, docker's 126 and 127).
    package var exitCode: Int32?

    package init(
        _ code: Code, _ message: String, subject: String? = nil, cause: String? = nil, hint: String? = nil,
        exitCode: Int32? = nil
    ) {
        self.code = code
        self.message = message
        self.subject = subject
        self.cause = cause
        self.hint = hint
        self.exitCode = exitCode
    }

    /// One line without the hint: "message: cause".
    package var description: String {
        guard let cause, !cause.isEmpty else { return message }
        return "\(message): \(cause)"
    }
}

/// Everything that went wrong during a teardown, which never stops at the first failure.
package struct ErrorList: Error, Sendable, CustomStringConvertible {
    package private(set) var errors: [BerthError] = []
    package init() {}

    package var isEmpty: Bool { errors.isEmpty }

    package mutating func append(_ error: BerthError) { errors.append(error) }

    /// Throws the list as one error unless it is empty.
    package func throwIfAny(_ code: BerthError.Code = .internal) throws {
        guard let first = errors.first else { return }
        if errors.count == 1 { throw first }
        throw BerthError(code, errors.map(\.description).joined(separator: "; "))
    }

    package var description: String { errors.map(\.description).joined(separator: "\n") }
}
