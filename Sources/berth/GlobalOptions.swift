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

    private static let flags: [String: WritableKeyPath<GlobalOptions, Bool> & Sendable] = [
        "--dry-run": \.dryRun, "--all-resources": \.allResources, "--compatibility": \.compatibility,
    ]
    private static let lists: [String: WritableKeyPath<GlobalOptions, [String]> & Sendable] = [
        "-f": \.files, "--file": \.files, "--profile": \.profile, "--env-file": \.envFile,
    ]
    private static let texts: [String: WritableKeyPath<GlobalOptions, String?> & Sendable] = [
        "-p": \.projectName, "--project-name": \.projectName, "--project-directory": \.projectDirectory,
        "--workdir": \.projectDirectory, "--progress": \.progress, "--data-dir": \.dataDir, "--run-dir": \.runDir,
    ]

    /// Everything up to the first word that is no option of ours; `--dry-run` is taken behind the subcommand too.
    static func split(_ arguments: [String]) throws -> (GlobalOptions, [String]) {
        var options = GlobalOptions()
        var rest = arguments[...]
        while let word = rest.first {
            if let flag = flags[word] {
                options[keyPath: flag] = true
                rest = rest.dropFirst()
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard lists[parts[0]] != nil || texts[parts[0]] != nil || ["--ansi", "--parallel"].contains(parts[0]) else {
                break
            }
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

    private mutating func take(_ name: String, _ value: String) throws {
        if let list = GlobalOptions.lists[name] {
            self[keyPath: list].append(value)
        } else if let text = GlobalOptions.texts[name] {
            self[keyPath: text] = value
        } else if name == "--ansi" {
            guard ["auto", "always", "never"].contains(value) else {
                throw ValidationError("The value '\(value)' is invalid for '--ansi': auto, always or never")
            }
            ansi = value
        } else {
            guard let number = Int(value) else {
                throw ValidationError("The value '\(value)' is invalid for '--parallel': a number")
            }
            parallel = number
        }
    }

    var dataRoot: String { dataDir ?? EnvironmentVariables.value("BERTH_DATA_DIR") ?? "/var/lib/berth" }
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
