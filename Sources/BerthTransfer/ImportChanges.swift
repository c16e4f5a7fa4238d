// Dockerfile-style changes of an import: `CMD ["sh"]`, `ENV A=b`, `EXPOSE 80/tcp`.
import BerthModel
import FoundationEssentials

package enum ImportChanges {
    package static func apply(_ changes: [String]) throws -> ImageConfig.Execution {
        var execution = ImageConfig.Execution()
        for change in changes { try apply(change, to: &execution) }
        return execution
    }

    private static func apply(_ change: String, to execution: inout ImageConfig.Execution) throws {
        let parts = change.split(separator: " ", maxSplits: 1).map(String.init)
        let value = parts.count == 2 ? parts[1].trimmingSpaces : ""
        guard let instruction = parts.first, !value.isEmpty else { throw failure(change, "expected INSTRUCTION value") }
        switch instruction.uppercased() {
        case "CMD": execution.Cmd = command(value)
        case "ENTRYPOINT": execution.Entrypoint = command(value)
        case "WORKDIR": execution.WorkingDir = value
        case "USER": execution.User = value
        case "STOPSIGNAL":
            guard Signal.number(value) != nil else { throw failure(change, "\(value) is no signal") }
            execution.StopSignal = value
        case "ENV":
            guard let equals = value.firstIndex(where: { $0 == "=" || $0 == " " }) else {
                throw failure(change, "expected KEY=VALUE")
            }
            execution.Env =
                (execution.Env ?? []) + [
                    "\(value[..<equals])=\(unquoted(String(value[value.index(after: equals)...])))"
                ]
        case "LABEL":
            guard let equals = value.firstIndex(of: "=") else { throw failure(change, "expected KEY=VALUE") }
            execution.Labels = (execution.Labels ?? [:]).merging(
                [unquoted(String(value[..<equals])): unquoted(String(value[value.index(after: equals)...]))]) { $1 }
        case "EXPOSE":
            for port in value.split(separator: " ") {
                let text = port.contains("/") ? String(port) : "\(port)/tcp"
                guard UInt16(text.split(separator: "/")[0]) != nil else { throw failure(change, "\(port) is no port") }
                execution.ExposedPorts = (execution.ExposedPorts ?? [:]).merging([text: .init()]) { $1 }
            }
        case "VOLUME":
            let paths = list(value) ?? value.split(separator: " ").map(String.init)
            for path in paths { execution.Volumes = (execution.Volumes ?? [:]).merging([path: .init()]) { $1 } }
        case "HEALTHCHECK":
            var check = ImageConfig.Execution.Healthcheck()
            let words = value.split(separator: " ", maxSplits: 1).map(String.init)
            if words[0].uppercased() == "NONE" {
                check.Test = ["NONE"]
            } else if words[0].uppercased() == "CMD", words.count == 2 {
                check.Test = list(words[1]).map { ["CMD"] + $0 } ?? ["CMD-SHELL", words[1]]
            } else {
                throw failure(change, "expected NONE or CMD")
            }
            execution.Healthcheck = check
        default:
            throw failure(change, "unknown instruction \(instruction)")
        }
    }

    private static func command(_ value: String) -> [String] { list(value) ?? ["/bin/sh", "-c", value] }

    private static func list(_ value: String) -> [String]? {
        guard value.hasPrefix("[") else { return nil }
        return try? JSONDecoder().decode([String].self, from: Data(value.utf8))
    }

    private static func unquoted(_ text: String) -> String {
        text.count >= 2 && text.first == text.last && (text.first == "\"" || text.first == "'")
            ? String(text.dropFirst().dropLast()) : text
    }

    private static func failure(_ change: String, _ cause: String) -> BerthError {
        BerthError(
            .invalid, "reading the change \"\(change)\"", subject: change, cause: cause,
            hint: "known: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR")
    }
}

extension String {
    var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
