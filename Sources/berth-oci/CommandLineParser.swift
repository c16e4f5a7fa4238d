// The grammar of runc's command line: global flags, a command, its flags, its arguments.
import BerthModel

/// Flags and arguments, sorted; a flag's values are in the order they came in.
struct ParsedLine {
    var global: [String: [String]] = [:]
    var command = ""
    var flags: [String: [String]] = [:]
    var arguments: [String] = []

    func value(_ name: String) -> String? { flags[name]?.last }
    func has(_ name: String) -> Bool { flags[name].map { $0.last != "false" } ?? false }
    func list(_ name: String) -> [String] { flags[name] ?? [] }
}

enum CommandLineParser {
    private enum Kind { case flag, value }
    private typealias Table = [String: Kind]

    private static let globals: Table = [
        "root": .value, "log": .value, "log-format": .value, "debug": .flag, "systemd-cgroup": .flag,
        "rootless": .value, "criu": .value, "help": .flag, "version": .flag,
    ]
    private static let creating: Table = [
        "bundle": .value, "console-socket": .value, "pid-file": .value, "pidfd-socket": .value, "no-pivot": .flag,
        "no-new-keyring": .flag, "preserve-fds": .value,
    ]
    private static let commands: [String: Table] = [
        "create": creating,
        "run": creating.merging(["detach": .flag, "keep": .flag, "no-subreaper": .flag]) { a, _ in a },
        "start": [:], "state": [:], "pause": [:], "resume": [:], "features": [:],
        "kill": ["all": .flag], "delete": ["force": .flag],
        "exec": [
            "console-socket": .value, "pidfd-socket": .value, "cwd": .value, "env": .value, "tty": .flag,
            "user": .value, "additional-gids": .value, "process": .value, "detach": .flag, "pid-file": .value,
            "process-label": .value, "apparmor": .value, "no-new-privs": .flag, "cap": .value, "preserve-fds": .value,
            "cgroup": .value, "ignore-paused": .flag, "no-subreaper": .flag,
        ],
        "ps": ["format": .value], "list": ["format": .value, "quiet": .flag],
        "events": ["stats": .flag, "interval": .value], "spec": ["bundle": .value, "rootless": .flag],
        "update": [
            "resources": .value, "blkio-weight": .value, "cpu-period": .value, "cpu-quota": .value,
            "cpu-burst": .value, "cpu-share": .value, "cpu-rt-period": .value, "cpu-rt-runtime": .value,
            "cpuset-cpus": .value, "cpuset-mems": .value, "memory": .value, "memory-reservation": .value,
            "memory-swap": .value, "kernel-memory": .value, "kernel-memory-tcp": .value, "pids-limit": .value,
            "cpu-idle": .value,
        ],
    ]
    private static let short: [String: [String: String]] = [
        "create": ["b": "bundle"], "run": ["b": "bundle", "d": "detach"], "kill": ["a": "all"],
        "delete": ["f": "force"], "ps": ["f": "format"], "list": ["f": "format", "q": "quiet"],
        "spec": ["b": "bundle"], "update": ["r": "resources"],
        "exec": [
            "e": "env", "t": "tty", "u": "user", "g": "additional-gids", "p": "process", "d": "detach", "c": "cap",
        ],
        "": ["v": "version", "h": "help"],
    ]

    static func parse(_ words: [String]) throws -> ParsedLine {
        var line = ParsedLine()
        var rest = words[...]
        try take(&rest, globals, "", into: &line.global)
        line.command = rest.popFirst() ?? "help"
        if line.global["version"] != nil { line.command = "version" }
        guard let table = commands[line.command] else {
            if ["help", "version"].contains(line.command) { return line }
            throw BerthError(.invalid, "No help topic for '\(line.command)'", exitCode: 3)
        }
        // Arguments may stand before flags, as podman and users write them; not after exec's command has begun.
        while !rest.isEmpty {
            try take(&rest, table, line.command, into: &line.flags)
            guard let word = rest.popFirst() else { break }
            line.arguments.append(word)
            if line.command == "exec" || line.command == "ps" || word == "--" {
                line.arguments += rest
                break
            }
        }
        return line
    }

    private static func take(
        _ rest: inout ArraySlice<String>, _ table: Table, _ command: String, into flags: inout [String: [String]]
    ) throws {
        while let word = rest.first, word.hasPrefix("-"), word != "-" {
            rest.removeFirst()
            if word == "--" { return }
            var name = String(word.drop { $0 == "-" })
            var given: String?
            if let equals = name.firstIndex(of: "=") {
                given = String(name[name.index(after: equals)...])
                name = String(name[..<equals])
            }
            name = short[command]?[name] ?? name
            guard let kind = table[name] else {
                throw BerthError(.invalid, "flag provided but not defined: -\(name)")
            }
            if kind == .value && given == nil {
                guard let next = rest.popFirst() else {
                    throw BerthError(.invalid, "flag needs an argument: -\(name)")
                }
                given = next
            }
            flags[name, default: []].append(given ?? "true")
        }
    }
}
