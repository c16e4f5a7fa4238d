// This process's environment and working directory.
import CLinux

package enum EnvironmentVariables {
    package static let all: [String: String] = {
        var result: [String: String] = [:]
        var pointer = clinux_environ()
        while let entry = pointer?.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            pointer = pointer?.successor()
        }
        return result
    }()

    /// Nil where it is unset or empty.
    package static func value(_ name: String) -> String? { all[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// As it is now; what reads `all` afterwards sees no later change.
    package static func unread(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Before anything has read `all`.
    package static func set(_ name: String, _ value: String) { setenv(name, value, 1) }

    package static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
