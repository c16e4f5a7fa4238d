// Dockerfile-style changes of an import: `CMD ["sh"]`, `ENV A=b`, `EXPOSE 80/tcp`.
import BerthModel
import FoundationEssentials

package enum ImportChanges {
    package static func apply(
        _ changes: [String], to given: ImageConfig.Execution = ImageConfig.Execution()
    ) throws -> ImageConfig.Execution {
        var execution = given
        for change in changes { try apply(change, to: &execution) }
        return execution
    }

    private static func apply(_ change: String, to execution: inout ImageConfig.Execution) throws {
        let parts = change.trimmingSpaces.split(separator: " ", maxSplits: 1).map(String.init)
        let value = parts.count == 2 ? parts[1].trimmingSpaces : ""
        guard let instruction = parts.first, !value.isEmpty else { throw failure(change, "expected INSTRUCTION value") }
        switch instruction.uppercased() {
        case "CMD": execution.Cmd = command(value)
        case "ENTRYPOINT": execution.Entrypoint = command(value)
        case "WORKDIR": execution.WorkingDir = directory(value, below: execution.WorkingDir ?? "/")
        case "USER": execution.User = value
        case "STOPSIGNAL":
            guard Signal.number(value) != nil else { throw failure(change, "\(value) is no signal") }
            execution.StopSignal = value
        case "ENV":
            for (key, text) in try pairs(value, change) {
                var kept = (execution.Env ?? []).filter { !$0.hasPrefix("\(key)=") }
                kept.append("\(key)=\(text)")
                execution.Env = kept
            }
        case "LABEL":
            for (key, text) in try pairs(value, change) {
                execution.Labels = (execution.Labels ?? [:]).merging([key: text]) { $1 }
            }
        case "EXPOSE":
            for text in value.split(whereSeparator: \.isWhitespace) {
                for port in try ports(String(text), change) {
                    execution.ExposedPorts = (execution.ExposedPorts ?? [:]).merging([port: .init()]) { $1 }
                }
            }
        case "VOLUME":
            for path in list(value) ?? words(value) {
                guard !path.isEmpty else { throw failure(change, "a volume has a path") }
                execution.Volumes = (execution.Volumes ?? [:]).merging([path: .init()]) { $1 }
            }
        case "HEALTHCHECK": execution.Healthcheck = try healthcheck(value, change)
        case "ONBUILD": return  // For who builds upon it; nothing here does.
        default: throw failure(change, "unknown instruction \(instruction)")
        }
    }

    private static func directory(_ path: String, below current: String) -> String {
        if path.hasPrefix("/") { return path }
        return current.hasSuffix("/") ? current + path : "\(current)/\(path)"
    }

    /// A list in JSON, or a line for the shell.
    private static func command(_ value: String) -> [String] { list(value) ?? ["/bin/sh", "-c", value] }

    private static func list(_ value: String) -> [String]? {
        guard value.hasPrefix("[") else { return nil }
        return try? JSONDecoder().decode([String].self, from: Data(value.utf8))
    }

    /// `A=b C="d e"`, or the old `A b c` of one variable.
    private static func pairs(_ value: String, _ change: String) throws -> [(String, String)] {
        let words = words(value)
        guard let first = words.first else { throw failure(change, "expected KEY=VALUE") }
        if !first.contains("=") {
            guard words.count > 1 else { throw failure(change, "expected KEY=VALUE") }
            return [(first, String(value.dropFirst(first.count)).trimmingSpaces)]
        }
        return try words.map { word in
            guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
                throw failure(change, "\"\(word)\" is no KEY=VALUE")
            }
            return (String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
    }

    /// Words as a Dockerfile has them: quotes group, a backslash takes the next character as it is.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isInWord = false
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" && quote != "'" {
                isEscaped = true
                isInWord = true
            } else if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                isInWord = true
            } else if character.isWhitespace {
                if isInWord { words.append(word) }
                word = ""
                isInWord = false
            } else {
                word.append(character)
                isInWord = true
            }
        }
        return isInWord ? words + [word] : words
    }

    /// `80`, `80/udp`, `8000-8002/tcp`.
    private static func ports(_ text: String, _ change: String) throws -> [String] {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        let ends = (halves.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        let transport = halves.count == 2 ? halves[1] : "tcp"
        guard halves.count <= 2, ["tcp", "udp", "sctp"].contains(transport), (1...2).contains(ends.count),
            let first = ends[0], let last = ends[ends.count - 1], first > 0, first <= last
        else { throw failure(change, "\(text) is no port") }
        return (first...last).map { "\($0)/\(transport)" }
    }

    private static func healthcheck(_ value: String, _ change: String) throws -> ImageConfig.Execution.Healthcheck {
        var check = ImageConfig.Execution.Healthcheck()
        var rest = value
        while rest.hasPrefix("--") {
            let option = String(rest.prefix { !$0.isWhitespace })
            rest = String(rest.dropFirst(option.count)).trimmingSpaces
            let halves = option.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
            guard halves.count == 2 else { throw failure(change, "expected \(option)=VALUE") }
            if halves[0] == "retries" {
                guard let retries = Int(halves[1]), retries >= 0 else {
                    throw failure(change, "\(option) is no number")
                }
                check.Retries = retries
                continue
            }
            guard let duration = nanoseconds(halves[1]) else { throw failure(change, "\(option) is no duration") }
            switch halves[0] {
            case "interval": check.Interval = duration
            case "timeout": check.Timeout = duration
            case "start-period": check.StartPeriod = duration
            case "start-interval": check.StartInterval = duration
            default: throw failure(change, "unknown option \(option)")
            }
        }
        let words = rest.split(separator: " ", maxSplits: 1).map(String.init)
        if words.first?.uppercased() == "NONE" && words.count == 1 {
            check.Test = ["NONE"]
        } else if words.first?.uppercased() == "CMD", words.count == 2 {
            let line = words[1].trimmingSpaces
            check.Test = list(line).map { ["CMD"] + $0 } ?? ["CMD-SHELL", line]
        } else {
            throw failure(change, "expected NONE or CMD")
        }
        return check
    }

    /// Go's durations: `1m30s`, `500ms`, `1.5h`.
    static func nanoseconds(_ text: String) -> Int64? {
        let units: [(String, Double)] = [
            ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
        ]
        var rest = Substring(text)
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest = rest.dropFirst(name.count)
            guard let value = Double(digits), let unit = units.first(where: { $0.0 == name }) else { return nil }
            total += value * unit.1
        }
        return total < 9e18 ? Int64(total) : nil
    }

    private static func failure(_ change: String, _ cause: String) -> BerthError {
        BerthError(
            .invalid, "reading the change \"\(change)\"", subject: change, cause: cause,
            hint: "known: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR")
    }
}

extension String {
    var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
