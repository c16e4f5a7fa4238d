// Options that stand before the subcommand.
import ArgumentParser
import BerthLinux
import BerthModel
import Synchronization

/// The values; read by hand, because every command pays for the reading.
struct GlobalOptions: Sendable {
    var files: [String] = []
    var projectName: String?
    var profile: [String] = []
    var envFile: [String] = []
    var projectDirectory: String?
    var ansi = "auto"
    var progress: String?
    var dryRun = false
    var allResources = false
    var compatibility = false
    var parallel: Int?
    var dataDir: String?
    var runDir: String?

    private static let shared = Mutex(GlobalOptions())
    static var current: GlobalOptions {
        get { shared.withLock { $0 } }
        set { shared.withLock { $0 = newValue } }
    }

    /// Everything up to the first word that is no option of ours; `--dry-run` is taken behind the subcommand too.
    static func split(_ arguments: [String]) throws -> (GlobalOptions, [String]) {
        var options = GlobalOptions()
        var rest = arguments[...]
        while let word = rest.first {
            if options.take(flag: word) {
                rest = rest.dropFirst()
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard takesValue(parts[0]) else { break }
            rest = rest.dropFirst()
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw ValidationError("Missing value for '\(word)'")
            }
            try options.take(parts[0], value)
        }
        var remaining = Array(rest)
        // Behind `exec` and `run` the words belong to the program inside.
        if let command = remaining.first, command != "exec", command != "run",
            let index = remaining.firstIndex(of: "--dry-run")
        {
            remaining.remove(at: index)
            options.dryRun = true
        }
        return (options, remaining)
    }

    private mutating func take(flag word: String) -> Bool {
        switch word {
        case "--dry-run": dryRun = true
        case "--all-resources": allResources = true
        case "--compatibility": compatibility = true
        default: return false
        }
        return true
    }

    private static func takesValue(_ name: String) -> Bool {
        switch name {
        case "-f", "--file", "--profile", "--env-file", "-p", "--project-name", "--project-directory", "--workdir",
            "--progress", "--data-dir", "--run-dir", "--ansi", "--parallel":
            true
        default: false
        }
    }

    private mutating func take(_ name: String, _ value: String) throws {
        switch name {
        case "-f", "--file": files.append(value)
        case "--profile": profile.append(value)
        case "--env-file": envFile.append(value)
        case "-p", "--project-name": projectName = value
        case "--project-directory", "--workdir": projectDirectory = value
        case "--progress": progress = value
        case "--data-dir": dataDir = value
        case "--run-dir": runDir = value
        case "--ansi":
            guard ["auto", "always", "never"].contains(value) else {
                throw ValidationError("The value '\(value)' is invalid for '--ansi': auto, always or never")
            }
            ansi = value
        default:
            guard let number = Int(value) else {
                throw ValidationError("The value '\(value)' is invalid for '\(name)': a number")
            }
            parallel = number
        }
    }

    static let defaultDataRoot = "/var/lib/berth"
    var dataRoot: String {
        dataDir ?? EnvironmentVariables.value("BERTH_DATA_DIR") ?? GlobalOptions.defaultDataRoot
    }
    var runRoot: String { runDir ?? EnvironmentVariables.value("BERTH_RUN_DIR") ?? "/run/berth" }
}

/// The same for `--help`.
struct GlobalOptionsHelp: ParsableArguments {
    @Option(name: [.customShort("f"), .customLong("file")], help: "Stack file; repeatable, later files override")
    var files: [String] = []
    @Option(name: [.customShort("p"), .customLong("project-name")], help: "Stack name")
    var projectName: String?
    @Option(help: "Profile to activate; repeatable") var profile: [String] = []
    @Option(help: "File with variables for the stack file; repeatable") var envFile: [String] = []
    @Option(help: "Directory that relative paths start from") var projectDirectory: String?
    @Option(help: "Colours: auto, always or never") var ansi = "auto"
    @Option(help: "Progress: auto, tty, plain, json or quiet") var progress: String?
    @Flag(help: "Print the plan and do nothing") var dryRun = false
    @Flag(help: "Keep networks and volumes that no service uses") var allResources = false
    @Option(help: "Where state is kept (default /var/lib/berth)") var dataDir: String?
    @Option(help: "Where sockets are kept (default /run/berth)") var runDir: String?
}
